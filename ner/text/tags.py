"""Tags and spans: the only module that knows what `B-` means, for every scheme of the table in `ner/schemes.py`.

Whatever the scheme, spans are read as the CoNLL shared-task scorer reads them (conlleval by Tjong Kim Sang
& Buchholz, in its version that knows E- and S-), so a stray `I-` starts an entity and nothing is lost.
Inside this package tags are IOB2, inside the network BIOES, and prefix and label are joined by a hyphen
(`spelling` knows how files write them).
"""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from ner.schemes import SCHEMES, find_scheme, twin_of
from ner.text.span import Span

OUTSIDE = "O"
_FIRST, _INSIDE, _LAST, _SINGLE = "B", "I", "E", "S"
# What each letter of the table means, as the letters of BIOES: M is I, L is E, U is S.
_ROLES: dict[str, str] = {
    letter: role
    for scheme in SCHEMES.values()
    for letter, role in (
        (scheme.single, _SINGLE),
        (scheme.end, _LAST),
        (scheme.begin, _FIRST),
        (scheme.inside, _INSIDE),
    )
    if letter
}
PREFIXES = frozenset(_ROLES)


class DoubledPrefixError(ValueError):
    """Each tag of a file opens with its prefix twice, as in `B-B-PER`."""


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


def detect_scheme(sequences: Iterable[Sequence[str]]) -> str:
    """The scheme in which these tag sequences, a whole file's, are written.

    The first of the table that has all their prefixes. IOB1 and IOB2 differ in how entities open: the more
    frequent opening decides, so the odd slip of an annotator changes nothing. A file without entities counts as
    IOB2.

    Raises:
        DoubledPrefixError: each label opens with its tag's own prefix. Labels such as `E-MAIL` or `B-CELL` aren't
            refused: they stand behind other prefixes too.
        ValueError: a tag that is none, or prefixes of more than one scheme.

    >>> detect_scheme([["I-PER", "I-PER", "O"]]), detect_scheme([["S-PER", "O", "B-LOC", "M-LOC", "E-LOC"]])
    ('iob1', 'bmes')
    """
    prefixes: set[str] = set()
    single = False  # whether some label doesn't open with its tag's own prefix
    doubled = ""
    opened_by_inside = opened_by_first = 0
    for tags in sequences:
        previous = ""
        for tag in tags:
            if tag == OUTSIDE:
                previous = ""
                continue
            prefix, label = split_tag(tag)
            prefixes.add(prefix)
            if not single:
                single = not label.startswith(f"{prefix}-")
                doubled = doubled or tag
            if label != previous:
                opened_by_inside += _ROLES[prefix] == _INSIDE
                opened_by_first += _ROLES[prefix] == _FIRST
            previous = label
    if doubled and not single:
        raise DoubledPrefixError(f"expected tags with one prefix, found {doubled!r}, and all others with two as well")
    written = {name: scheme for name, scheme in SCHEMES.items() if not scheme.is_bare}
    for name, scheme in written.items():
        if not scheme.begin_only_parts and prefixes <= scheme.letters:
            return twin_of(name) or name if opened_by_inside > opened_by_first else name
    found = ", ".join(f"{prefix}-" for prefix in sorted(prefixes))
    raise ValueError(f"expected the tags of one scheme ({', '.join(written)}), found {found} together")


def check_prefix(tag: str, scheme: str) -> None:
    """Raise ValueError unless `tag` may stand in a file of this scheme (`auto`: of any)."""
    prefix, _ = split_tag(tag)
    if scheme != "auto" and prefix != OUTSIDE and prefix not in find_scheme(scheme).letters:
        raise ValueError(f"expected a tag of scheme {scheme}, found {tag!r}")


def faults_of(tags: Sequence[str], scheme: str) -> list[tuple[int, str]]:
    """Where a tag breaks its scheme, by token, and how.

    `orphan`: it goes on with an entity that isn't open. `unclosed`: its entity is open, and the next tag
    doesn't go on with it (in schemes that mark an entity's end). `redundant`: a B- that parts nothing (IOB1).

    >>> faults_of(["O", "I-PER", "B-LOC"], "iob2"), faults_of(["B-PER", "O", "M-PER", "E-PER"], "bmes")
    ([(1, 'orphan')], [(0, 'unclosed'), (2, 'orphan')])
    >>> faults_of(["I-PER", "B-PER", "O", "B-PER"], "iob1")
    [(3, 'redundant')]
    """
    row = find_scheme(scheme)
    faults: list[tuple[int, str]] = []
    opens, closes = row.begin is not None and not row.begin_only_parts, row.end is not None
    open_label = ""  # of an entity that the next tag may, or in a closing scheme must, go on with
    may_end = False  # in a closing scheme, where its first token is all of it
    for position, tag in enumerate(tags):
        prefix, label = split_tag(tag)
        role = _ROLES.get(prefix, OUTSIDE)
        goes_on = role in (_INSIDE, _LAST)
        if closes and open_label and not may_end and not (goes_on and label == open_label):
            faults.append((position - 1, "unclosed"))
        if row.begin_only_parts and role == _FIRST and label != open_label:
            faults.append((position, "redundant"))
        elif opens and goes_on and label != open_label:
            faults.append((position, "orphan"))
        open_label = "" if closes and role in (_LAST, _SINGLE) else label
        may_end = row.single is None and role == _FIRST
    if closes and open_label and not may_end:
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


def well_formed(spans: Sequence[Span], tags: Sequence[str], scheme: str) -> list[Span]:
    """Those of a sequence's spans whose tags are what the scheme demands; IOB1 and IO have no ill-formed ones.

    Args:
        spans: what `tags_to_spans` read from the tags.
        tags: the whole sequence.
        scheme: in which it is written.

    >>> well_formed([Span("PER", 0, 1), Span("LOC", 2, 4)], ["I-PER", "O", "B-LOC", "I-LOC"], "iob2")
    [Span(label='LOC', start=2, end=4)]
    """
    row = find_scheme(scheme)
    if row.begin_only_parts or not (row.begin or row.end):
        return list(spans)
    # Within a span no tag is of another label and none opens or closes one, so only its ends can be wrong.
    single = _SINGLE if row.single else _FIRST if row.begin else _LAST
    first, last = _FIRST if row.begin else _INSIDE, _LAST if row.end else _INSIDE
    kept: list[Span] = []
    for span in spans:
        roles = _role_and_label(tags[span.start])[0], _role_and_label(tags[span.end - 1])[0]
        if roles == ((single, single) if span.end - span.start == 1 else (first, last)):
            kept.append(span)
    return kept


@lru_cache(maxsize=10_000)  # a corpus has few tags and many tokens
def _role_and_label(tag: str) -> tuple[str, str]:
    prefix, label = split_tag(tag)
    return _ROLES[prefix], label


def spans_to_tags(spans: Iterable[Span], length: int, scheme: str = "iob2") -> list[str]:
    """One tag a token for spans that don't overlap.

    Args:
        spans: in any order.
        length: tokens of the sentence.
        scheme: the scheme to write. IO doesn't part entities of one label that touch.

    >>> spans_to_tags([Span("PER", 0, 2), Span("LOC", 3, 4)], 5, "bioes")
    ['B-PER', 'E-PER', 'O', 'S-LOC', 'O']
    """
    row = find_scheme(scheme)
    inside, begin, end = row.inside, row.begin or row.inside, row.end or row.inside
    single = row.single or row.begin or end
    tags = [OUTSIDE] * length
    previous = ("", 0)  # label and end of the span before
    for label, start, stop in sorted(((span.label, span.start, span.end) for span in spans), key=lambda s: s[1]):
        parts = not row.begin_only_parts or previous == (label, start)
        if stop - start == 1:
            tags[start] = f"{single if parts else inside}-{label}"
        else:
            first = begin if parts else inside
            tags[start:stop] = [f"{first}-{label}", *[f"{inside}-{label}"] * (stop - start - 2), f"{end}-{label}"]
        previous = (label, stop)
    return tags


def convert_tags(tags: Sequence[str], scheme: str) -> list[str]:
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


def legal_transitions(tags: Sequence[str]) -> tuple[list[bool], list[list[bool]], list[bool]]:
    """Which BIOES tags may start a sentence, follow one another (from row to column), and end it.

    >>> legal_transitions(["O", "B-X", "E-X"])
    ([True, True, False], [[True, True, False], [False, False, True], [True, True, False]], [True, False, True])
    """
    parts = [split_tag(tag) for tag in tags]
    # An entity is open behind B- and I-; I- and E- go on with one of their own label.
    opens = [prefix in (_FIRST, _INSIDE) for prefix, _ in parts]
    goes_on = [prefix in (_INSIDE, _LAST) for prefix, _ in parts]
    transitions = [
        [goes_on[b] and parts[a][1] == parts[b][1] if opens[a] else not goes_on[b] for b in range(len(tags))]
        for a in range(len(tags))
    ]
    return [not on for on in goes_on], transitions, [not open_ for open_ in opens]
