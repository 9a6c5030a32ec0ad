"""The column MISC of CoNLL-U: `key=value|key=value`, `_` where there is nothing.

Blanks are escaped as UDPipe does it: https://ufal.mff.cuni.cz/udpipe/1/users-manual, "Preserving original spacing".
"""

import re

_ESCAPES = {r"\s": " ", r"\t": "\t", r"\r": "\r", r"\n": "\n", r"\p": "|", r"\\": "\\"}
_unescape = re.compile(r"\\[strnp\\]").sub
_ESCAPED = {value: key for key, value in _ESCAPES.items()}
_escape = re.compile(r"[ \t\r\n|\\]").sub


def value_of(cell: str, key: str) -> str | None:
    """The value of a key of MISC, all of it behind the first `=`; None where the key isn't there.

    >>> value_of("SpaceAfter=No|NE=B-a=b", "NE"), value_of("_", "NE")
    ('B-a=b', None)
    """
    for part in cell.split("|"):
        name, equals, value = part.partition("=")
        if equals and name == key:
            return value
    return None


def with_value(cell: str, key: str, value: str | None) -> str:
    """MISC with this value of a key, in its place or behind all others; None: without the key.

    >>> with_value("_", "NE", "O"), with_value("NE=O|Gloss=a", "NE", None), with_value("NE=O", "NE", None)
    ('NE=O', 'Gloss=a', '_')
    """
    parts = [] if cell == "_" else cell.split("|")
    places = [place for place, part in enumerate(parts) if part.startswith(f"{key}=")]
    if value is None:
        parts = [part for place, part in enumerate(parts) if place not in places]
    elif places:
        parts[places[0]] = f"{key}={value}"
    else:
        parts.append(f"{key}={value}")
    return "|".join(parts) or "_"


def escaped(blanks: str) -> str:
    r"""Blanks as `SpacesAfter` of UDPipe has them.

    >>> escaped(" \n|")
    '\\s\\n\\p'
    """
    return _escape(lambda found: _ESCAPED[found[0]], blanks)


def unescaped_value(cell: str, key: str) -> str | None:
    r"""The value of a key of MISC, with blanks for what stands for them; None where the key isn't there.

    >>> unescaped_value('SpacesAfter=\\s\\n', "SpacesAfter")
    ' \n'
    """
    value = value_of(cell, key)
    return None if value is None else _unescape(lambda found: _ESCAPES[found[0]], value)
