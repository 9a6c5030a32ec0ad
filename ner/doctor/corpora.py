"""What is wrong between several corpora: inventories that don't fit their files, and annotation that contradicts."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ner.corpus_settings import CorpusConfig
from ner.doctor.checkup import Checkup, examine_files
from ner.doctor.finding import Finding, by_seriousness, found_at, shown, shown_tag
from ner.doctor.repeats import occurrences
from ner.doctor.sequences import Tagged
from ner.formats.corpora import names_of
from ner.settings import DataConfig
from ner.text.partial import UNKNOWN
from ner.text.tags import OUTSIDE

# So many occurrences of the same words in each of two corpora, and so large a share of them, tell how a corpus
# annotates them; fewer may be a slip, or a word of two meanings.
_FEWEST = 3
_MOSTLY = 2 / 3


@dataclass(frozen=True, slots=True)
class _Corpus:
    """One of the corpora: what its files hold, which labels it annotates, what labels of files are called."""

    name: str
    labels: frozenset[str]
    names: dict[str, str]
    files: Sequence[Tagged]


def check_corpora(data: DataConfig) -> Checkup:
    """The checkup of `[[data.corpora]]`: of the files of each corpus, then of the corpora together.

    Nothing that is wrong with a file is an exception here: it is a finding.
    """
    counts, findings, corpora = [], [], []
    learned: set[str] = set()
    stated: dict[str, str] = {}
    for corpus, name in zip(data.corpora, names_of(data.corpora), strict=True):
        paths = [*corpus.train_files, *corpus.dev_files]
        files, own_counts, own = examine_files(paths, data.of_corpus(corpus), training=len(corpus.train_files))
        counts += own_counts
        findings += own + _examine_map(corpus, name, files) + _examine_inventory(corpus, name, files)
        found = [{_named(label, corpus.map) for label in file.labels} - {"", UNKNOWN} for file in files]
        learned |= set().union(*found[: len(corpus.train_files)])
        stated |= {label: name for label in corpus.labels or () if label not in stated}
        labels = frozenset(set().union(*found) if corpus.labels is None else corpus.labels)
        corpora.append(_Corpus(name, labels, corpus.map, files))
    for label, name in stated.items():
        if label not in learned:
            found_label = f"label that labels name and no training file has: {shown(label)}"
            findings.append(Finding("unannotated-label", name, found_label, "take it out of labels, or rename it"))
    if learned:
        findings = [_of_others(each) if each.kind == "no-labels" else each for each in findings]
    return Checkup(tuple(counts), tuple(by_seriousness([*findings, *_contradictions(corpora)])))


def _of_others(finding: Finding) -> Finding:
    """Of a file with no tag but O, where other training files have labels: it may teach what is no entity."""
    return replace(finding, kind="no-labels-here", found="no tag but O: it teaches alone what is no entity")


def _named(label: str, names: dict[str, str]) -> str:
    return names.get(label, label)


def _examine_map(corpus: CorpusConfig, name: str, files: Sequence[Tagged]) -> list[Finding]:
    there = {label for file in files for label in file.labels}
    places = [shown(label) for label in sorted(corpus.map.keys() - there)]
    remedy = f"name labels that they have: {', '.join(sorted(there)) or 'none'}"
    return found_at("unknown-in-map", name, "labels in its map that its files don't have", remedy, places=places)


def _examine_inventory(corpus: CorpusConfig, name: str, files: Sequence[Tagged]) -> list[Finding]:
    if corpus.labels is None:
        return []
    places = []
    for file in files:
        for s in file.sentences:
            for tag, word, line in zip(s.tags, s.words, s.lines, strict=True):
                label = _named(tag.partition("-")[2], corpus.map)
                if label not in ("", UNKNOWN, *corpus.labels):
                    places.append(f"{file.path}:{line}: {shown_tag(tag)} at {shown(word)}")
    remedy = 'add their labels to labels, or to map, where "" makes O of them'
    return found_at("outside-inventory", name, "tags of labels that it is said not to annotate", remedy, places=places)


def _contradictions(corpora: Sequence[_Corpus]) -> list[Finding]:
    """Words that one corpus annotates mostly in one way and another, which annotates both, mostly in another."""
    surfaces = {
        s.words[span.start : span.end]
        for corpus in corpora
        for file in corpus.files
        for s, spans in zip(file.sentences, file.spans, strict=True)
        for span in spans
    }
    usual: dict[tuple[str, ...], list[tuple[int, int, str, _Corpus, str]]] = defaultdict(list)
    for corpus in corpora:
        for words, ways in _ways(corpus, surfaces).items():
            total = sum(len(places) for places in ways.values())
            way, places = max(ways.items(), key=lambda each: len(each[1]))
            if total >= _FEWEST and len(places) >= _MOSTLY * total:
                usual[words].append((len(places), total, way, corpus, places[0]))
    found = []
    for words, told in usual.items():
        differ = [each for each in told if any(_contradict(each, other) for other in told)]
        if differ:
            counts = ", ".join(
                f"{shown_tag(way)} {count:,} of {total:,} in {corpus.name} ({place})"
                for count, total, way, corpus, place in differ
            )
            found.append((min(each[0] for each in differ), f"{shown(' '.join(words))}: {counts}"))
    places = [text for _, text in sorted(found, key=lambda each: -each[0])]
    told_of = "words that corpora annotate in contradictory ways"
    remedy = "choose one way, by map or by hand; or take the label out of a corpus' labels"
    return found_at("contradictory-corpora", f"{len(corpora)} corpora", told_of, remedy, places=places)


def _contradict(one: tuple[int, int, str, _Corpus, str], other: tuple[int, int, str, _Corpus, str]) -> bool:
    ways = {one[2], other[2]}
    return len(ways) > 1 and ways - {OUTSIDE} <= one[3].labels & other[3].labels


def _ways(corpus: _Corpus, surfaces: set[tuple[str, ...]]) -> dict[tuple[str, ...], dict[str, list[str]]]:
    """Of each of these words where they stand in a corpus, by their label, or as `O`."""
    lengths: dict[str, set[int]] = defaultdict(set)
    for words in surfaces:
        lengths[words[0]].add(len(words))
    ways: dict[tuple[str, ...], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for file in corpus.files:
        for s, spans in zip(file.sentences, file.spans, strict=True):
            labels = {(span.start, span.end): _named(span.label, corpus.names) or OUTSIDE for span in spans}
            for start, end in occurrences(s.words, surfaces, lengths):
                way = labels.get((start, end), OUTSIDE)
                if way == UNKNOWN or ((start, end) not in labels and set(s.tags[start:end]) != {OUTSIDE}):
                    continue  # unknown, or part of another entity
                ways[s.words[start:end]][way].append(f"{file.path}:{s.lines[start]}")
    return ways
