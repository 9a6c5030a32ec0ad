"""Tags and spans: the only module that knows what `B-` means.

Five ways of writing labelled spans as one tag a token:

    IOB1   I-PER I-PER O        B- only where an entity touches one of its own label (Ramshaw & Marcus 1995)
    IOB2   B-PER I-PER O        every entity opens with B-
    BIOES  B-PER E-PER O        E- closes an entity, S- is one of a single token (BILOU: L- and U-)
    BMES   B-PER E-PER O        as BIOES, with M- for I-

Whatever the scheme, spans are read as the CoNLL shared-task scorer reads them (conlleval by Tjong Kim Sang
& Buchholz, in its version that knows E- and S-), so a stray `I-` starts an entity and nothing is lost.
Inside this package tags are IOB2, inside the network BIOES.
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Literal

from ner.text.sentence import Span

Scheme = Literal["iob1", "iob2", "bioes", "bmes"]

OUTSIDE = "O"
_INSIDE, _FIRST, _LAST, _SINGLE = "I", "B", "E", "S"
# BILOU's and BMES's letters are other names for three of BIOES's roles.
_ROLES = {"B": _FIRST, "I": _INSIDE, "M": _INSIDE, "E": _LAST, "L": _LAST, "S": _SINGLE, "U": _SINGLE}
_PREFIXES: dict[str, tuple[frozenset[str], ...]] = {
    "iob1": (frozenset("BI"),),
    "iob2": (frozenset("BI"),),
    "bioes": (frozenset("BIES"), frozenset("BILU")),
    "bmes": (frozenset("BMES"),),
    "auto": (frozenset(_ROLES),),
}


def split_tag(tag: str) -> tuple[str, str]:
    """Prefix and label of a tag, split at its first hyphen.

    Raises:
        ValueError: neither `O` nor a known prefix, a hyphen and a label.

    >>> split_tag("B-location-stop"), split_tag("O")
    (('B', 'location-stop'), ('O', ''))
    """
    prefix, hyphen, label = tag.partition("-")
    if tag == OUTSIDE:
        return OUTSIDE, ""
    if prefix not in _ROLES or not hyphen or not label:
        raise ValueError(f"expected a tag such as O, B-PER or I-PER, found {tag!r}")
    return prefix, label


def plain_tag(tag: str) -> str:
    """The same tag in the letters of BIOES: what BMES and BILOU call M, L and U is I, E and S.

    Raises:
        ValueError: as `split_tag`.

    >>> plain_tag("M-PER"), plain_tag("U-PER"), plain_tag("O")
    ('I-PER', 'S-PER', 'O')
    """
    prefix, label = split_tag(tag)
    return f"{_ROLES[prefix]}-{label}" if label else OUTSIDE


def detect_scheme(sequences: Iterable[Sequence[str]]) -> Scheme:
    """The scheme in which these tag sequences, a whole file's, are written.

    IOB1 and IOB2 differ in how entities open: the more frequent opening decides, so the odd slip of an
    annotator changes nothing. A file without entities counts as IOB2.

    Raises:
        ValueError: a tag that is none, or prefixes of more than one scheme.

    >>> detect_scheme([["I-PER", "I-PER", "O"]]), detect_scheme([["S-PER", "O", "B-LOC", "M-LOC", "E-LOC"]])
    ('iob1', 'bmes')
    """
    prefixes: set[str] = set()
    opened_by_inside = opened_by_first = 0
    for tags in sequences:
        previous = ""
        for tag in tags:
            if tag == OUTSIDE:
                previous = ""
                continue
            prefix, label = split_tag(tag)
            prefixes.add(prefix)
            if label != previous:
                opened_by_inside += prefix == "I"
                opened_by_first += prefix == "B"
            previous = label
    for scheme in ("iob2", "bioes", "bmes"):
        if any(prefixes <= allowed for allowed in _PREFIXES[scheme]):
            if scheme == "iob2" and opened_by_inside > opened_by_first:
                return "iob1"
            return scheme
    found = ", ".join(f"{prefix}-" for prefix in sorted(prefixes))
    raise ValueError(f"expected the tags of one scheme (IOB1, IOB2, BIOES or BMES), found {found} together")


def check_prefix(tag: str, scheme: Scheme | Literal["auto"]) -> None:
    """Nothing, where `tag` may stand in a file of this scheme; `auto`: of any.

    Raises:
        ValueError: the tag is none, or another scheme's.
    """
    prefix, _ = split_tag(tag)
    if prefix != OUTSIDE and not any(prefix in allowed for allowed in _PREFIXES[scheme]):
        raise ValueError(f"expected a tag of scheme {scheme}, found {tag!r}")


def faults_of(tags: Sequence[str], scheme: Scheme) -> list[tuple[int, str]]:
    """Where a tag breaks its scheme, by token, and how.

    `orphan`: it goes on with an entity that isn't open. `unclosed`: its entity is open, and the next tag
    doesn't go on with it (BIOES, BMES). `redundant`: a B- that parts nothing (IOB1).

    >>> faults_of(["O", "I-PER", "B-LOC"], "iob2"), faults_of(["B-PER", "O", "M-PER", "E-PER"], "bmes")
    ([(1, 'orphan')], [(0, 'unclosed'), (2, 'orphan')])
    >>> faults_of(["I-PER", "B-PER", "O", "B-PER"], "iob1")
    [(3, 'redundant')]
    """
    faults: list[tuple[int, str]] = []
    closes = scheme in ("bioes", "bmes")
    open_label = ""  # of an entity that the next tag may, or in a closing scheme must, go on with
    for position, tag in enumerate(tags):
        prefix, label = split_tag(tag)
        role = _ROLES.get(prefix, OUTSIDE)
        goes_on = role in (_INSIDE, _LAST)
        if closes and open_label and not (goes_on and label == open_label):
            faults.append((position - 1, "unclosed"))
        if scheme == "iob1":
            if role == _FIRST and label != open_label:
                faults.append((position, "redundant"))
        elif goes_on and label != open_label:
            faults.append((position, "orphan"))
        open_label = "" if closes and role in (_LAST, _SINGLE) else label
    if closes and open_label:
        faults.append((len(tags) - 1, "unclosed"))
    return faults


def tags_to_spans(tags: Sequence[str]) -> list[Span]:
    """The labelled spans of a tag sequence in any scheme, as conlleval reads them.

    An entity starts at B- or S-, at any other tag after `O`, after the end of an entity (E-, S-), or where
    the label changes; it ends where the next one starts, at `O`, or after E- and S-.

    >>> tags_to_spans(["I-PER", "I-PER", "I-LOC"])
    [Span(label='PER', start=0, end=2), Span(label='LOC', start=2, end=3)]
    """
    spans: list[Span] = []
    start = end = 0
    open_label = ""  # an open span runs from `start` to `end` at least; no label: none is open
    for position in [n for n, tag in enumerate(tags) if tag != OUTSIDE]:
        role, label = _role_and_label(tags[position])
        if open_label and (position > end or role in (_FIRST, _SINGLE) or label != open_label):
            spans.append(Span(open_label, start, end))
            open_label = ""
        if not open_label:
            start, open_label = position, label
        end = position + 1
        if role in (_LAST, _SINGLE):
            spans.append(Span(open_label, start, end))
            open_label = ""
    if open_label:
        spans.append(Span(open_label, start, end))
    return spans


def well_formed(spans: Sequence[Span], tags: Sequence[str], scheme: Scheme) -> list[Span]:
    """Those of a sequence's spans whose tags are what the scheme demands; IOB1 has no ill-formed ones.

    Args:
        spans: what `tags_to_spans` read from the tags.
        tags: the whole sequence.
        scheme: in which it is written.

    >>> well_formed([Span("PER", 0, 1), Span("LOC", 2, 4)], ["I-PER", "O", "B-LOC", "I-LOC"], "iob2")
    [Span(label='LOC', start=2, end=4)]
    """
    if scheme == "iob1":
        return list(spans)
    # Within a span no tag is of another label and none opens or closes one, so only its ends can be wrong.
    if scheme == "iob2":
        return [span for span in spans if _role_and_label(tags[span.start])[0] == _FIRST]
    return [
        span
        for span in spans
        if (_role_and_label(tags[span.start])[0], _role_and_label(tags[span.end - 1])[0])
        == ((_SINGLE, _SINGLE) if span.end - span.start == 1 else (_FIRST, _LAST))
    ]


@lru_cache(maxsize=10_000)  # a corpus has few tags and many tokens
def _role_and_label(tag: str) -> tuple[str, str]:
    prefix, label = split_tag(tag)
    return _ROLES[prefix], label


def spans_to_tags(spans: Iterable[Span], length: int, scheme: Scheme = "iob2") -> list[str]:
    """One tag a token for spans that don't overlap.

    Args:
        spans: in any order.
        length: tokens of the sentence.
        scheme: the scheme to write.

    >>> spans_to_tags([Span("PER", 0, 2), Span("LOC", 3, 4)], 5, "bioes")
    ['B-PER', 'E-PER', 'O', 'S-LOC', 'O']
    """
    tags = [OUTSIDE] * length
    labels = [""] * (length + 1)  # one longer: the token before the first reads the last, which has no label
    for label, start, end in sorted(((span.label, span.start, span.end) for span in spans), key=lambda s: s[1]):
        inside = "M" if scheme == "bmes" else "I"
        tags[start:end] = [f"{inside}-{label}"] * (end - start)
        if scheme == "iob1":
            first = "B" if labels[start - 1] == label else "I"
        else:
            first = "B"
        tags[start] = f"{first}-{label}"
        if scheme in ("bioes", "bmes"):
            tags[end - 1] = f"E-{label}"
            if end - start == 1:
                tags[start] = f"S-{label}"
        labels[start:end] = [label] * (end - start)
    return tags


def convert_tags(tags: Sequence[str], scheme: Scheme) -> list[str]:
    """The same spans in another scheme.

    >>> convert_tags(["I-PER", "I-PER", "B-PER"], "bmes")
    ['B-PER', 'E-PER', 'S-PER']
    """
    return spans_to_tags(tags_to_spans(tags), len(tags), scheme)


def tags_of_labels(labels: Iterable[str]) -> list[str]:
    """Every BIOES tag of these labels, `O` first: what a network chooses among.

    >>> tags_of_labels(["PER"])
    ['O', 'B-PER', 'I-PER', 'E-PER', 'S-PER']
    """
    roles = (_FIRST, _INSIDE, _LAST, _SINGLE)
    return [OUTSIDE, *(f"{role}-{label}" for label in labels for role in roles)]


def legal_moves(tags: Sequence[str]) -> tuple[list[bool], list[list[bool]], list[bool]]:
    """Which BIOES tags may start a sentence, follow one another (from row to column), and end it.

    >>> legal_moves(["O", "B-X", "E-X"])
    ([True, True, False], [[True, True, False], [False, False, True], [True, True, False]], [True, False, True])
    """
    parts = [split_tag(tag) for tag in tags]
    # An entity is open behind B- and I-; I- and E- go on with one of their own label.
    opens = [prefix in (_FIRST, _INSIDE) for prefix, _ in parts]
    goes_on = [prefix in (_INSIDE, _LAST) for prefix, _ in parts]
    moves = [
        [goes_on[b] and parts[a][1] == parts[b][1] if opens[a] else not goes_on[b] for b in range(len(tags))]
        for a in range(len(tags))
    ]
    return [not on for on in goes_on], moves, [not open_ for open_ in opens]
