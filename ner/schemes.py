"""Tag schemes as data: the only place that says which letters a scheme has. A new scheme is one more row here.

A scheme writes labelled spans as one tag a token. Ramshaw & Marcus (1995) began with IOB1; BILOU is by Ratinov &
Roth (2009). This module stands below the settings, so that `data.scheme` takes what the table holds.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scheme:
    """The prefix letters of one scheme, and what else tells it apart.

    A letter means the same in every row, since spans are read whatever the scheme; a test holds that.

    Args:
        begin: prefix of an entity's first token; None: `inside`.
        inside: prefix of any other token of an entity.
        end: prefix of its last token; None: `inside`.
        single: prefix of an entity of one token; None: `begin`, or `end` where there is no `begin`.
        begin_only_parts: `begin` stands only where an entity touches the one before and both have one label.
        pattern: how files write prefix and label, unless `data.tag_pattern` says otherwise.
    """

    begin: str | None
    inside: str
    end: str | None
    single: str | None
    begin_only_parts: bool = False
    pattern: str = "{prefix}-{label}"

    @property
    def letters(self) -> frozenset[str]:
        """All its prefixes."""
        return frozenset(letter for letter in (self.begin, self.inside, self.end, self.single) if letter)

    @property
    def is_bare(self) -> bool:
        """Whether files write labels without a prefix."""
        return "{prefix}" not in self.pattern


# Where the letters of a file fit several rows, detection takes the first of them; it takes no bare one.
SCHEMES: dict[str, Scheme] = {
    "io": Scheme(None, "I", None, None, pattern="{label}"),
    "iob1": Scheme("B", "I", None, None, begin_only_parts=True),
    "iob2": Scheme("B", "I", None, None),
    "bioes": Scheme("B", "I", "E", "S"),
    "bilou": Scheme("B", "I", "L", "U"),
    "bmes": Scheme("B", "M", "E", "S"),
}


def find_scheme(name: str) -> Scheme:
    """The scheme of this name.

    Raises:
        ValueError: there is none.

    >>> find_scheme("bmes").inside
    'M'
    """
    if name not in SCHEMES:
        raise ValueError(f"expected one of the schemes {', '.join(SCHEMES)}, found {name!r}")
    return SCHEMES[name]


def twin_of(name: str) -> str | None:
    """The scheme that differs from this one only in where entities open with `begin`; None: there is none.

    >>> twin_of("iob1"), twin_of("iob2"), twin_of("bioes")
    ('iob2', 'iob1', None)
    """
    own = find_scheme(name)
    for other, scheme in SCHEMES.items():
        same = (scheme.begin, scheme.inside, scheme.end, scheme.single) == (own.begin, own.inside, own.end, own.single)
        if same and scheme.begin_only_parts != own.begin_only_parts:
            return other
    return None
