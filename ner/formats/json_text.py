"""JSON in files: values from a line each or from one array, and back; nothing that Python reads and JSON doesn't have.

Python's own reader takes `NaN`, keeps the last of two equal keys, makes infinity of `1e999`, and fails in words of its
own where nesting or digits are beyond it. Here each is an error with its place.
"""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ner.errors import DataError
from ner.formats.rows import short
from ner.text.encoding import read_lines, read_text

_skip_blanks = re.compile(r"[ \t\r\n]*").match
_A_LINE = "a JSON object a line"


class _RefusedError(ValueError):
    """What Python would read."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _RefusedError(f"the key {twice!r} stands twice in an object")
    return value


def _constant(name: str) -> None:
    raise _RefusedError(f"{name} is no number of JSON")


def _number(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise _RefusedError(f"{short(text)} is beyond the numbers of Python")
    return value


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_number)
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False).encode


def parse_json(text: str, source: str, *, wanted: str = "JSON") -> Any:
    """The value that a text is.

    Args:
        text: all of it.
        source: `file:line`, which opens messages.
        wanted: what messages expect.

    Raises:
        DataError: it isn't JSON, or more than Python reads.

    >>> parse_json('{"a": [1, null]}', "here")
    {'a': [1, None]}
    """
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{source}: expected {wanted}: {_reason(error)}") from None


def read_records(path: Path, encoding: str) -> Iterator[tuple[Any, str]]:
    """The records of a file and `file:line` of each: a value a line, as they are needed, or the items of one array.

    A file is an array where its first line opens one, unless that is a record itself: spaCy's `[text, {…}]`.

    Raises:
        DataError: the file can't be read, or isn't JSON; names the line.
    """
    is_first = True
    for number, line in enumerate(read_lines(path, encoding), start=1):
        if line.isspace():
            continue
        source = f"{path}:{number}"
        if is_first and line.lstrip().startswith("[") and not is_pair(_try(line)):
            yield from _items(read_text(path, encoding), str(path))
            return
        is_first = False
        yield parse_json(line.rstrip("\r\n"), source, wanted=_A_LINE), source


def first_record(head: str) -> Any:
    """The first record of what may be the beginning of a file; None where it isn't whole, or no JSON."""
    head = head.lstrip(" \t\r\n")
    line = _try(head.partition("\n")[0])
    if isinstance(line, dict) or is_pair(line) or not head.startswith("["):
        return line
    found = _skip_blanks(head, 1)
    try:
        return _DECODER.raw_decode(head, found.end() if found else 1)[0]
    except (ValueError, RecursionError):
        return None


def is_pair(value: Any) -> bool:
    """Whether a value is a record of spaCy 2: a text, and an object of what is said of it."""
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], dict)


def write_json(value: Any, name: str) -> str:
    """A value as JSON in one line; `name` opens messages.

    Raises:
        DataError: something in it has no JSON.
    """
    try:
        return _encode(value)
    except TypeError as error:
        raise DataError(f"{name}: expected fields that are JSON: {error}") from None
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else "a number that isn't finite"
        raise DataError(f"{name}: expected fields that are JSON, found {reason}") from None


def told(value: Any) -> str:
    """A value as a message quotes it, its end left out where it is long."""
    return short(json.dumps(value, ensure_ascii=False))


def number_in(name: str | None) -> int | None:
    """The number that a document's name is, for tools whose names are numbers; None where it is none.

    >>> number_in("12"), number_in("012"), number_in("a")
    (12, None, None)
    """
    return int(name) if name and re.fullmatch("0|[1-9][0-9]{0,17}", name) else None


def _items(text: str, path: str) -> Iterator[tuple[Any, str]]:
    """The items of an array that is a whole file."""
    end = _blank_end(text, _blank_end(text, 0) + 1)
    line, counted = 1, 0
    goes_on = not text.startswith("]", end)
    while goes_on:
        line, counted = line + text.count("\n", counted, end), end
        try:
            value, end = _DECODER.raw_decode(text, end)
        except json.JSONDecodeError as error:
            raise DataError(f"{path}:{error.lineno}: expected a JSON array of records: {_reason(error)}") from None
        except (ValueError, RecursionError) as error:
            raise DataError(f"{path}:{line}: expected a JSON array of records: {_reason(error)}") from None
        yield value, f"{path}:{line}"
        end = _blank_end(text, end)
        goes_on = text.startswith(",", end)
        if not goes_on and not text.startswith("]", end):
            line += text.count("\n", counted, end)
            found = repr(text[end : end + 20]) if text[end:] else "the file's end"
            raise DataError(f"{path}:{line}: expected a comma or the end of the JSON array, found {found}")
        if goes_on:
            end = _blank_end(text, end + 1)
    rest = _blank_end(text, end + 1)
    if text[rest:]:
        line += text.count("\n", counted, rest)
        raise DataError(f"{path}:{line}: expected the file's end behind the JSON array, found {text[rest:][:20]!r}")


def _blank_end(text: str, start: int) -> int:
    found = _skip_blanks(text, start)
    return found.end() if found else start


def _try(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    if isinstance(error, _RefusedError):
        return str(error)
    return "it is nested too deeply" if isinstance(error, RecursionError) else "a whole number has too many digits"
