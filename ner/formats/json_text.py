"""JSON as text: values from it and back; nothing that Python reads and JSON doesn't have.

Python's own reader takes `NaN`, keeps the last of two equal keys, makes infinity of `1e999`, and fails in words of its
own where nesting or digits are beyond it. Here each is an error with its place.
"""

import json
import math
import re
from typing import Any

from ner.errors import DataError
from ner.formats.rows import short

_skip_blanks = re.compile(r"[ \t\r\n]*").match


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


DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant, parse_float=_number)
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
        return DECODER.decode(text)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{source}: expected {wanted}: {reason_of(error)}") from None


def first_record(head: str) -> Any:
    """The first record of what may be the beginning of a file; None where it isn't whole, or no JSON."""
    head = head.lstrip(" \t\r\n")
    line = parsed_or_none(head.partition("\n")[0])
    if isinstance(line, dict) or is_pair(line) or not head.startswith("["):
        return line
    found = _skip_blanks(head, 1)
    try:
        return DECODER.raw_decode(head, found.end() if found else 1)[0]
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


def blank_end(text: str, start: int) -> int:
    """Where the blanks end that begin at a place of a text."""
    found = _skip_blanks(text, start)
    return found.end() if found else start


def parsed_or_none(text: str) -> Any:
    """The value that a text is; None where it is none."""
    try:
        return DECODER.decode(text)
    except (ValueError, RecursionError):
        return None


def reason_of(error: Exception) -> str:
    """Why JSON wasn't read, in the words of a message."""
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    if isinstance(error, _RefusedError):
        return str(error)
    return "it is nested too deeply" if isinstance(error, RecursionError) else "a whole number has too many digits"
