"""Records of JSON files, as they are needed: a value a line, or the items of one array, however long it is.

Exports of annotation tools are often an array in a single line; no more of it is held than its next items need.
"""

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from ner.errors import DataError
from ner.formats.json_text import DECODER, blank_end, is_pair, parse_json, parsed_or_none, reason_of
from ner.text.encoding import read_pieces

# An array of anything but strings: a line of spaCy's begins with one.
_opens_array = re.compile(r'[ \t\r\n]*\[[ \t\r\n]*[^ \t\r\n"]').match
_A_LINE = "a JSON object a line"
_HELD = 1 << 20  # characters of an array that are held at once, if no item is longer
_QUOTED = 20  # characters


def read_records(path: Path, encoding: str) -> Iterator[tuple[Any, str]]:
    """The records of a file and `file:line` of each: a value a line, as they are needed, or the items of one array.

    A file is an array where its first line opens one, unless that is a record itself: spaCy's `[text, {…}]`.

    Raises:
        DataError: the file can't be read, or isn't JSON; names the line.
    """
    pieces, number = read_pieces(path, encoding), 1
    for piece in pieces:
        if not piece.isspace():
            break
        number += piece.count("\n")
    else:
        return
    rest = chain([piece], pieces)
    if _opens_array(piece):
        yield from items_of_array(rest, str(path), first_line=number)
        return
    lines = _whole_lines(rest)
    if piece.lstrip().startswith("["):
        line = next(lines)
        if not is_pair(parsed_or_none(line)):
            yield from items_of_array(chain([line], lines), str(path), first_line=number)
            return
        lines = chain([line], lines)
    for place, line in enumerate(lines, start=number):
        if not line.isspace():
            source = f"{path}:{place}"
            yield parse_json(line.rstrip("\r\n"), source, wanted=_A_LINE), source


def _whole_lines(pieces: Iterable[str]) -> Iterator[str]:
    """The lines that pieces are parts of."""
    parts: list[str] = []
    for piece in pieces:
        if piece.endswith("\n") and not parts:
            yield piece
            continue
        parts.append(piece)
        if piece.endswith("\n"):
            yield "".join(parts)
            parts = []
    if parts:
        yield "".join(parts)


@dataclass(slots=True)
class _Unread:
    """What of a file isn't used yet: from `place` on in `text`, and what `pieces` bring; no more of it is held.

    `line` is that of `counted`, and `column` says how many characters of its line stand before the text.
    """

    pieces: Iterator[str]
    line: int
    text: str = ""
    place: int = 0
    counted: int = 0
    column: int = 0

    def grow(self) -> bool:
        """Whether there is more: then at least as much again is held, so that no text is read twice too often."""
        rest = self.text[self.place :]
        more, wanted = [], max(len(rest), _HELD)
        while wanted > 0 and (piece := next(self.pieces, "")):
            more.append(piece)
            wanted -= len(piece)
        if more:
            self.place_line()
            used = self.text[: self.place]
            self.column = len(used) - used.rindex("\n") - 1 if "\n" in used else self.column + len(used)
            self.text, self.place, self.counted = "".join([rest, *more]), 0, 0
        return bool(more)

    def place_line(self) -> int:
        """The line of `place`."""
        self.line += self.text.count("\n", self.counted, self.place)
        self.counted = self.place
        return self.line

    def character(self) -> str:
        """The next character that isn't blank, "" at the file's end; `place` is there then."""
        while True:
            self.place = blank_end(self.text, self.place)
            if self.place < len(self.text) or not self.grow():
                return self.text[self.place : self.place + 1]

    def value(self) -> Any:
        """The value that begins at `place`, which is behind it then.

        Raises:
            ValueError, RecursionError: there is none, or one that is refused.
        """
        while True:
            try:
                value, end = DECODER.raw_decode(self.text, self.place)
            except json.JSONDecodeError:
                if not self.grow():
                    raise
                continue
            if end < len(self.text) or not self.grow():  # or a number goes on
                self.place = end
                return value

    def found(self) -> str:
        """What a message quotes of what stands at `place`."""
        while len(self.text) < self.place + _QUOTED and self.grow():
            pass
        return repr(self.text[self.place : self.place + _QUOTED])


def items_of_array(pieces: Iterator[str], path: str, *, first_line: int = 1) -> Iterator[tuple[Any, str]]:
    """The items of an array that is a whole file, as they are needed, and `file:line` of each.

    Args:
        pieces: of the text.
        path: opens messages.
        first_line: on which the pieces begin.

    Raises:
        DataError: it is no array, or isn't JSON; names the line.

    >>> list(items_of_array(iter(['[{"a": 1}, {"a"', ': 2}]']), "x"))
    [({'a': 1}, 'x:1'), ({'a': 2}, 'x:1')]
    """
    unread = _Unread(pieces, first_line)
    goes_on = unread.character() == "["
    assert goes_on
    unread.place += 1
    goes_on = unread.character() != "]"
    while goes_on:
        source = f"{path}:{unread.place_line()}"
        try:
            value = unread.value()
        except json.JSONDecodeError as error:
            line, column = unread.place_line(), error.colno + (0 if "\n" in error.doc[: error.pos] else unread.column)
            line += error.doc.count("\n", unread.place, error.pos)
            raise DataError(
                f"{path}:{line}: expected a JSON array of records: {error.msg} at column {column}"
            ) from None
        except (ValueError, RecursionError) as error:
            raise DataError(f"{source}: expected a JSON array of records: {reason_of(error)}") from None
        yield value, source
        found = unread.character()
        goes_on = found == ","
        if not goes_on and found != "]":
            line, told_of = unread.place_line(), unread.found() if found else "the file's end"
            raise DataError(f"{path}:{line}: expected a comma or the end of the JSON array, found {told_of}")
        if goes_on:
            unread.place += 1
            unread.character()
    unread.place += 1
    if unread.character():
        line, told_of = unread.place_line(), unread.found()
        raise DataError(f"{path}:{line}: expected the file's end behind the JSON array, found {told_of}")
