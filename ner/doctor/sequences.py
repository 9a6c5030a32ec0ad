"""Tags against their scheme, and labels against their numbers."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ner.doctor.advice import advise
from ner.doctor.finding import Finding, found_at, shown, shown_tag
from ner.doctor.reading import Readable, Written
from ner.schemes import find_scheme, twin_of
from ner.settings import DataConfig
from ner.text.partial import is_partial, is_unknown, known_runs, labels_of
from ner.text.sentence import Span
from ner.text.tags import OUTSIDE, DoubledPrefixError, detect_scheme, faults_of, split_tag, tags_to_spans

# More than so many entities, and so large a share of all, that open as another scheme's do is no slip.
_SLIPS = 10
_SLIP_SHARE = 0.05
_RARE = 10  # entities; a score of fewer moves by ten points with a single one
_FAULTS = {
    "orphan": ("orphan-tag", "tags that go on with an entity that isn't open", "each is read as opening one"),
    "unclosed": (
        "unclosed-entity",
        "entities that the next tag leaves open",
        "each is read as ending there; mend the tags",
    ),
    "redundant": ("redundant-b", "B- that part nothing, where IOB1 would write I-", "nothing: they are read alike"),
}


@dataclass(frozen=True, slots=True)
class Tagged:
    """A file's sentences with their scheme (empty: none fits), the spans of each, and the entities of each label."""

    path: str
    sentences: list[Written]
    spans: list[list[Span]]
    scheme: str
    labels: dict[str, int]
    findings: list[Finding]


def examine_tags(readable: Readable, data: DataConfig, *, training: bool) -> Tagged:
    """The spans of a file as the package reads them, and what is wrong with its tags.

    Args:
        readable: what can be read of the file.
        data: describes it.
        training: whether it is the one to learn from.
    """
    path, sentences = readable.path, readable.sentences
    spans = [[] if is_partial(s.tags) else tags_to_spans(s.tags) for s in sentences]
    counts = Counter(span.label for found in spans for span in found)
    for s in sentences:
        if is_partial(s.tags):
            counts.update(span.label for run in known_runs(s.tags) for span in tags_to_spans(run))
    findings: list[Finding] = []
    scheme = None if data.scheme == "auto" else data.scheme
    try:
        scheme = scheme or detect_scheme(run for s in sentences for run in known_runs(s.tags))
    except ValueError as error:
        remedy = "set data.scheme to learn which lines are another scheme's"
        if isinstance(error, DoubledPrefixError):
            remedy = "take one of the two prefixes out; --set data.scheme=iob2 if the second is of the label"
        places = _first_prefixes(sentences, path)
        findings.append(Finding("mixed-prefixes", path, str(error), remedy, places, len(places)))
    if scheme:
        findings += _faults(sentences, path, scheme, sum(counts.values()))
    findings += _unknown(sentences, path, training=training)
    # Lines that can't be read may hold the labels, and what mends them is said there.
    whole = all(finding.kind != "unreadable-line" for finding in readable.findings)
    if training and whole and sentences and not any(labels_of(s.tags) for s in sentences):
        findings.append(Finding("no-labels", path, "no tag but O: nothing to learn", advise(path, data)))
    return Tagged(path, sentences, spans, scheme or "", dict(counts.most_common()), findings)


def compare_labels(files: Sequence[Tagged]) -> list[Finding]:
    """Labels that are rare or absent in a file, or written in two ways; the first file is the one to learn from."""
    findings: list[Finding] = []
    all_labels = sorted({label for file in files for label in file.labels})
    for file in files:
        if not file.sentences:
            continue
        rare = [f"{shown(label)}: {count}" for label, count in file.labels.items() if count < _RARE]
        found = f"labels of fewer than {_RARE} entities"
        findings += found_at("rare-label", file.path, found, "expect unsteady scores there", places=rare)
        absent = [shown(label) for label in all_labels if label not in file.labels]
        if file is files[0]:
            found = "labels of other files that are absent here, where they should be learned"
            remedy = "a model can't find them; every such entity is missed"
            findings += found_at("unlearnable-label", file.path, found, remedy, places=absent)
        else:
            found = "labels of other files that are absent here"
            findings += found_at("absent-label", file.path, found, "their scores can't be told", places=absent)
    return findings + _like_labels(files, all_labels) + _schemes(files)


def _like_labels(files: Sequence[Tagged], labels: Sequence[str]) -> list[Finding]:
    alike: dict[str, list[str]] = defaultdict(list)
    for label in labels:
        alike["".join(filter(str.isalnum, label.casefold())) or label].append(label)
    places = [" and ".join(map(shown, group)) for group in alike.values() if len(group) > 1]
    found = "labels that are written in more than one way"
    return found_at("like-labels", files[0].path, found, "write each in one way", places=places)


def _schemes(files: Sequence[Tagged]) -> list[Finding]:
    schemes = {file.path: file.scheme for file in files if file.scheme and file.labels}
    if len(set(schemes.values())) < 2:
        return []
    places = tuple(f"{path}: {scheme}" for path, scheme in schemes.items())
    remedy = "nothing: each file is read by its own scheme, unless data.scheme is set"
    return [Finding("schemes-differ", files[0].path, "the files are of different schemes", remedy, places)]


def _faults(sentences: Sequence[Written], path: str, scheme: str, entities: int) -> list[Finding]:
    places: Mapping[str, list[str]] = defaultdict(list)
    for s in sentences:
        for position, fault in faults_of_known(s.tags, scheme):
            tag, word = shown_tag(s.tags[position]), shown(s.words[position])
            places[fault].append(f"{path}:{s.lines[position]}: {tag} at {word}")
    findings: list[Finding] = []
    for fault, (kind, found, remedy) in _FAULTS.items():
        findings += found_at(kind, path, found, remedy, places=places[fault])
    row, twin = find_scheme(scheme), twin_of(scheme)
    slips = places["redundant" if row.begin_only_parts else "orphan"]
    if twin and len(slips) >= _SLIPS and len(slips) > _SLIP_SHARE * entities:
        other = f"{row.begin if row.begin_only_parts else row.inside}-, as in {twin.upper()}"
        found = f"entities, of {entities:,}, that open with {other}, the others as in {scheme.upper()}"
        findings += found_at("mixed-openings", path, found, "write the file in one scheme", places=slips)
    return findings


def faults_of_known(tags: Sequence[str], scheme: str) -> list[tuple[int, str]]:
    """As `faults_of`, where tags may be unknown: what an unknown one may put right is no fault.

    >>> faults_of_known(["?", "I-PER", "O", "I-PER"], "iob2")
    [(3, 'orphan')]
    """
    if not is_partial(tags):
        return faults_of(tags, scheme)
    faults: list[tuple[int, str]] = []
    start = 0
    for run in known_runs(tags):
        while is_unknown(tags[start]):
            start += 1
        end = start + len(run)
        for position, fault in faults_of(run, scheme):
            place = start + position
            hidden_before = place == start > 0 and fault != "unclosed"
            hidden_behind = place == end - 1 < len(tags) - 1 and fault == "unclosed"
            if not hidden_before and not hidden_behind:
                faults.append((place, fault))
        start = end
    return faults


def _first_prefixes(sentences: Sequence[Written], path: str) -> tuple[str, ...]:
    """Where each prefix is first seen."""
    first: dict[str, str] = {}
    for s in sentences:
        for tag, line in zip(s.tags, s.lines, strict=True):
            if not is_unknown(tag) and tag != OUTSIDE:
                first.setdefault(split_tag(tag)[0], f"{path}:{line}: {shown_tag(tag)}")
    return tuple(first.values())


def _unknown(sentences: Sequence[Written], path: str, *, training: bool) -> list[Finding]:
    places = [f"{path}:{line}" for s in sentences for tag, line in zip(s.tags, s.lines, strict=True) if is_unknown(tag)]
    if training:
        remedy = "nothing: training sums over what they may be"
        return found_at("unknown-tags", path, "tokens with an unknown tag", remedy, places=places)
    remedy = "only a training file may have those; tag them, or leave the file out"
    return found_at("unknown-tags-in-dev", path, "tokens with an unknown tag", remedy, places=places)
