"""What stands in the header and the cells of WebAnno TSV 3: layers and their columns, values, numbers, escapes.

The escapes are those of INCEpTION's own reader and writer (`Escaping.java`): one set for the text, one for values.
"""

import re
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

from ner.errors import ConfigError

NAME = "webanno"
END = ".tsv"
MARK = "#FORMAT=WebAnno TSV 3"
TEXT = "#Text="
CELL_ENDS = re.compile(r"[\t\n\r]")  # what no cell holds as it is
NAMED_ENTITY = "de.tudarmstadt.ukp.dkpro.core.api.ner.type.NamedEntity"
VALUE = "value"
NONE, WITHOUT_VALUE = "_", "*"

_LAYER = re.compile(r"#T_(SP|RL|CH)=([^|]+)(.*)").fullmatch
_STACKED = re.compile(r"(?:\\.|[^|\\]|\\$)+").findall
_NUMBERED = re.compile(r"((?:\\.|[^\\])*)\[([0-9]+)\]").fullmatch
_CONTROLS = "".join(map(chr, (*range(1, 8), *range(14, 32))))  # written as a backslash and the character itself
_NAMES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f", "b": "\b", "\\": "\\"}
_IN_TEXT = re.compile(rf"[{_CONTROLS}\t\n\r\f\b\\]")
_ESCAPED_IN_TEXT = re.compile(rf"\\(u[0-9A-Fa-f]{{4}}|[{_CONTROLS}tnrfb\\])")
_IN_VALUE = re.compile(r"->|[\\\[\]|_;\t\n*]")
_ESCAPED_IN_VALUE = re.compile(r"\\(->|[\\\[\]|_;tn*])")


class Layer(NamedTuple):
    """A layer of a file: `kind` is SP (spans), RL (relations) or CH (chains); `column` that of its first feature.

    A layer without features has one column, in which `*` says that there is an annotation.
    """

    kind: str
    name: str
    features: tuple[str, ...]
    column: int

    @property
    def width(self) -> int:
        """How many columns it has."""
        return max(len(self.features), 1)

    @property
    def plain(self) -> tuple[str, ...]:
        """The features that have a value; the others, slots, name other annotations."""
        return tuple(f for f in self.features if not f.startswith("ROLE_") and "." not in f)


def layer_of(line: str, column: int) -> Layer | None:
    """The layer that a line of the header describes, its columns from this one on; None where it describes none."""
    match = _LAYER(line)
    return Layer(match[1], match[2], tuple(filter(None, match[3].split("|"))), column) if match else None


def choose(layers: Sequence[Layer], wanted: str | None, path: object) -> tuple[Layer, str] | None:
    """The layer of spans to read, and the feature with the labels, "" where it has none; None: there is no such.

    Raises:
        ConfigError: it may be several.
    """
    spans = [layer for layer in layers if layer.kind == "SP"]
    if wanted is not None:
        name, _, feature = wanted.partition("|")
        found = [layer for layer in spans if layer.name == name and (not feature or feature in layer.plain)]
        choices = [(layer, each) for layer in found[:1] for each in ((feature,) if feature else _labels(layer))]
    else:
        likely = [layer for layer in spans if layer.name == NAMED_ENTITY or layer.name.startswith("webanno.custom.")]
        usual = [(layer, VALUE) for layer in likely if VALUE in layer.plain]
        choices = usual or [(layer, feature) for layer in likely for feature in layer.plain]
    if len(choices) > 1:
        names = [f"{layer.name}|{feature}" for layer, feature in choices]
        raise ConfigError(
            f"{path}: expected one layer of named entities, found {', '.join(names)}; "
            f'set data.layer = "{names[0]}" or another of them'
        )
    return choices[0] if choices else None


def _labels(layer: Layer) -> tuple[str, ...]:
    """The features of a layer that may hold labels."""
    return (VALUE,) if VALUE in layer.plain else layer.plain or ("",)


class Value(NamedTuple):
    """One of the values in a cell, None where the annotation has none, and the number of the annotation, if any."""

    value: str | None
    number: int | None


def values_of(cell: str) -> list[Value]:
    r"""The values of a cell, one for each annotation.

    >>> values_of(r"PER[1]|a\|b[2]|*[3]")
    [Value(value='PER', number=1), Value(value='a|b', number=2), Value(value=None, number=3)]
    """
    if cell in ("", NONE):
        return []
    found = []
    for written in _STACKED(cell):
        match = _NUMBERED(written)
        value, number = (match[1], int(match[2])) if match else (written, None)
        found.append(Value(None if value in (NONE, WITHOUT_VALUE) else unescape_value(value), number))
    return found


def escape_value(value: str) -> str:
    r"""A value as it stands in a cell.

    >>> escape_value("a_b->c")
    'a\\_b\\->c'
    """
    return _IN_VALUE.sub(lambda m: {"\t": "\\t", "\n": "\\n"}.get(m[0], "\\" + m[0]), value)


def unescape_value(value: str) -> str:
    """A value that stands so in a cell; a backslash before anything else is one."""
    return _ESCAPED_IN_VALUE.sub(lambda m: {"t": "\t", "n": "\n"}.get(m[1], m[1]), value)


def escape_text(text: str) -> str:
    r"""A text as it stands in a line `#Text=`.

    >>> escape_text("a\tb\r")
    'a\\tb\\r'
    """
    names = {character: name for name, character in _NAMES.items()}
    return _IN_TEXT.sub(lambda m: "\\" + names.get(m[0], m[0]), text)


def unescape_text(text: str) -> str:
    r"""A text that stands so in a line `#Text=`; TSV 3.1 writes `\u00E9` too, and two of them for an astral character.

    >>> unescape_text(r"a\tb\u00E9\uD83D\uDE00")
    'a\tbé😀'
    """
    found = _ESCAPED_IN_TEXT.sub(_character, text)
    return found.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace") if "\\u" in text else found


def _character(match: re.Match[str]) -> str:
    written = match[1]
    return chr(int(written[1:], 16)) if len(written) > 1 else _NAMES.get(written, written)


def units_before(text: str) -> Sequence[int]:
    """How many UTF-16 units stand before each character of a text, and how many it has: one more than characters.

    >>> list(units_before("a\U0001f600b"))
    [0, 1, 3, 4]
    """
    if text.isascii():
        return range(len(text) + 1)
    return list(accumulate((1 + (character > "\uffff") for character in text), initial=0))
