"""Entries of a vocabulary file, which may be anybody's: each is checked before it is believed."""

from collections import Counter
from typing import Any


def texts(values: dict[str, Any], name: str, *, distinct: bool = True) -> tuple[str, ...]:
    """A list of texts.

    Raises:
        ValueError: it is none, or a text stands in it twice where each should be `distinct`.
    """
    entries = values.get(name)
    if not isinstance(entries, list):
        raise ValueError(f"expected {name} to be a list of texts, found {type(entries).__name__}")
    if others := set(map(type, entries)) - {str}:
        raise ValueError(f"expected {name} to be a list of texts, found {others.pop().__name__} in it")
    if distinct:
        check_distinct(name, entries)
    return tuple(entries)


def check_distinct(name: str, entries: list[str] | tuple[str, ...]) -> None:
    """Raise ValueError where an entry stands there twice."""
    if len(set(entries)) < len(entries):
        twice = next(entry for entry, count in Counter(entries).items() if count > 1)
        raise ValueError(f"expected {name} without repetition, found {twice!r} twice")


def table(values: dict[str, Any], name: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        ValueError: it is none.
    """
    value = values.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"expected {name} to be a JSON object, found {type(value).__name__}")
    return value


def flag(values: dict[str, Any], name: str) -> bool:
    """True or false.

    Raises:
        ValueError: it is neither.
    """
    value = values.get(name)
    if not isinstance(value, bool):
        raise ValueError(f"expected {name} to be true or false, found {value!r}")
    return value
