"""How files spell a tag: which side of the label the prefix stands on, what joins the two, or one of them alone.

Inside this package a tag is prefix, hyphen, label (`B-PER`). Files also write `B_PER` or `PER-B` (`data.tag_pattern`),
`PER` (scheme IO, read as `I-PER`) or `B`, where there is one label (`data.label`). Only this module knows; readers and
writers keep what it says of each distinct tag, of which there are few.
"""

import re
from collections.abc import Callable

from ner.schemes import find_scheme
from ner.text.partial import UNKNOWN, is_unknown
from ner.text.tags import OUTSIDE, PREFIXES, check_prefix

HYPHEN = "{prefix}-{label}"
PREFIX_ALONE = "{prefix}"  # of a corpus with one label, which its tags don't name


def tag_reader(
    scheme: str, tag_pattern: str | None = None, unknown_tag: str | None = None, *, label: str = ""
) -> Callable[[str], str]:
    """What makes a tag as this package writes it of one as a file writes it.

    Prefix and label part at the joiner nearest the prefix; labels keep theirs. What is made raises ValueError
    where a file described so can't hold the tag.

    Args:
        scheme: whose prefixes the file has; `auto`: any scheme's but a bare one's.
        tag_pattern: as the setting; None: the scheme's own.
        unknown_tag: the prefix of unknown tags in the file; None: it has none.
        label: of every entity, where the pattern has none.

    >>> tag_reader("auto", "{prefix}_{label}")("B_PER_NOM"), tag_reader("io")("location-stop")
    ('B-PER_NOM', 'I-location-stop')
    >>> tag_reader("iob2", "{label}-{prefix}", "_")("PER-_")
    '?-PER'
    >>> tag_reader("auto", "{prefix}", label="GENE")("B")
    'B-GENE'
    """
    row = find_scheme("iob2" if scheme == "auto" else scheme)
    pattern = tag_pattern or row.pattern
    bare = "{prefix}" not in pattern
    split = _splitter(HYPHEN if bare else pattern, unknown_tag, label)
    example = " or ".join(_join(pattern, prefix, "PER") for prefix in (row.begin or row.end, row.inside) if prefix)

    def read(cell: str) -> str:
        if cell == unknown_tag:
            return UNKNOWN
        parts = split(cell)
        if parts and parts[0] == unknown_tag:
            return f"{UNKNOWN}-{parts[1]}"
        if cell == OUTSIDE:
            return OUTSIDE
        if bare:
            # A label that looks like a tag is one: the file isn't of this scheme.
            if not cell or parts:
                raise ValueError(f"expected O or a label alone (scheme {scheme}), found {cell!r}")
            return f"{row.inside}-{cell}"
        if not parts:
            raise ValueError(f"expected a tag such as O, {example}, found {cell!r}")
        tag = f"{parts[0]}-{parts[1]}"
        try:
            check_prefix(tag, scheme)
        except ValueError:
            raise ValueError(f"expected a tag of scheme {scheme}, found {cell!r}") from None
        return tag

    return read


def tag_writer(scheme: str, tag_pattern: str | None = None, *, label: str = "") -> Callable[[str], str]:
    """What makes a tag as a file writes it of one as this package writes it.

    What is made raises ValueError for a tag that wouldn't be read back: label `O` has no bare spelling.

    Args:
        scheme: in which the tags are.
        tag_pattern: as the setting; None: the scheme's own.
        label: of every entity, where the pattern has none.

    >>> tag_writer("iob2", "{label}_{prefix}")("B-PER"), tag_writer("io")("I-PER"), tag_writer("io")("O")
    ('PER_B', 'PER', 'O')
    """
    pattern = tag_pattern or find_scheme(scheme).pattern
    read, read_partial = (tag_reader(scheme, tag_pattern, unknown, label=label) for unknown in (None, UNKNOWN))

    def write(tag: str) -> str:
        prefix, hyphen, own = tag.partition("-")
        cell = _join(pattern, prefix, own) if hyphen else tag
        try:
            same = (read_partial if is_unknown(tag) else read)(cell) == tag
        except ValueError:
            same = False
        if not same:
            raise ValueError(f"expected a label that can be read back from {pattern}, found {own!r}")
        return cell

    return write


def _join(pattern: str, prefix: str, label: str) -> str:
    # Not str.format: a pattern may hold any other character, and a label a brace.
    return "".join({"{prefix}": prefix, "{label}": label}.get(part, part) for part in re.split(r"(\{\w+\})", pattern))


def _splitter(pattern: str, unknown_tag: str | None, only: str) -> Callable[[str], tuple[str, str] | None]:
    """What makes prefix and label of a tag, and None of what is none; `only`: the label where the pattern has none."""
    prefixes = {*PREFIXES, unknown_tag} - {None}
    # The longest first: without a joiner, a short prefix may be the start of a longer one.
    either = "|".join(re.escape(prefix) for prefix in sorted(map(str, prefixes), key=len, reverse=True))
    groups = {"{prefix}": f"(?P<prefix>{either})", "{label}": "(?P<label>.+)"}
    parts = re.split(r"(\{\w+\})", pattern)
    has_label = "{label}" in parts
    match = re.compile("".join(groups.get(part, re.escape(part)) for part in parts), re.DOTALL).fullmatch

    def split(cell: str) -> tuple[str, str] | None:
        found = match(cell)
        return (found["prefix"], found["label"] if has_label else only) if found else None

    return split
