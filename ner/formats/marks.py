"""Marked ranges of a text, for formats that mark characters: entities of several parts, and what stands beside them.

A *mark* is what a format knows of an entity that an `Entity` can't hold (its id, its parts, notes), as a dictionary in
a document's `meta` that repeats the entity's label, start and end: so that a mark finds its entity again although
entities were added, removed or sorted in between.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.format import Losses
from ner.text.document import Document
from ner.text.sentence import Entity

Parts = Sequence[tuple[int, int]]

_KINDS = {
    "hull": "entities of several parts: read from the first to the last",
    "first": "entities of several parts: only the first is read",
    "skip": "entities of several parts: left out",
}
# All that some reader takes for the end of a line, and the TAB that parts columns.
_ENDS = re.compile(r"[\t\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")


class Found(NamedTuple):
    """An entity as a file states it: `written` is its text there, "" where the file has none."""

    label: str
    parts: Parts
    written: str
    source: str


def entity_of_parts(found: Found, text: str, data: DataConfig, losses: Losses) -> Entity | None:
    """The entity of these parts as `data.discontinuous` says; None where it is left out.

    Parts with nothing but blanks between them, such as those of a name over a line end, are one.
    """
    parts = sorted(found.parts)
    start, end = parts[0][0], max(end for _, end in parts)
    if any(text[one[1] : other[0]].strip() for one, other in pairwise(parts)):
        losses.add(_KINDS[data.discontinuous], f"{found.source}: {found.label} {text[start:end]!r}")
        if data.discontinuous == "skip":
            return None
        if data.discontinuous == "first":
            start, end = parts[0]
    return Entity(found.label, text[start:end], start, end)


def check_places(found: Sequence[Found], text: str, path: object) -> None:
    """Raise DataError unless each entity is in the text, and its text stands at its place.

    Blanks of any kind and number are one: files write a line end within an entity as a space. The text of an entity
    of several parts is that of its parts, a space between, or all from the first to the last.

    Args:
        found: all entities of a text.
        text: that their ranges are of.
        path: what a message calls the text.
    """
    for entity in found:
        if any(not 0 <= start <= end <= len(text) for start, end in entity.parts):
            problem = f"the end of its {len(text)} characters"
        elif entity.written and not _stands_there(entity, text):
            problem = repr(_cut(text, entity.parts))
        else:
            continue
        places = ", ".join(f"{start} to {end}" for start, end in entity.parts)
        message = f"{entity.source}: expected {entity.written!r} at characters {places} of {path}, found {problem}"
        raise DataError(message + _explained(found, text))


def _explained(found: Sequence[Found], text: str) -> str:
    """What the offsets of a file count instead, where one reading gives all texts of its entities; and the way out."""
    lines = text.replace("\r\n", "\n")
    readings: list[tuple[str, str, str | bytes, int, int]] = [
        ("a CRLF as one character", "write the text with LF line ends", lines, 1, 0),
        ("no byte-order mark", "take the mark U+FEFF off the text's beginning", text.removeprefix("\ufeff"), 1, 0),
        ("bytes of UTF-8", "", text.encode("utf-8", "replace"), 1, 0),
        ("UTF-16 units", "", text.encode("utf-16-le", "replace"), 2, 0),
        ("UTF-16 units, a CRLF as one", "", lines.encode("utf-16-le", "replace"), 2, 0),
        ("bytes of UTF-8, a CRLF as one", "", lines.encode("utf-8", "replace"), 1, 0),
        ("from 1", "", text, 1, -1),
    ]
    told = [entity for entity in found if entity.written]
    for name, way_out, units, size, shift in readings:
        if told and all(_plain(_slice(units, e.parts, size, shift)) == _plain(e.written) for e in told):
            way_out = way_out or "count the text's code points (characters of a Python string), from 0"
            return f"; all offsets of the file count {name}: {way_out}"
    return "; ranges are half-open and count the text's code points, a CR and a LF one each"


def _slice(units: str | bytes, parts: Parts, size: int, shift: int) -> str:
    if isinstance(units, str):
        return _cut(units, [(max(start + shift, 0), end + shift) for start, end in parts])
    codec = "utf-8" if size == 1 else "utf-16-le"
    return " ".join(units[start * size : end * size].decode(codec, "replace") for start, end in parts)


def _stands_there(found: Found, text: str) -> bool:
    if text[found.parts[0][0] : found.parts[-1][1]] == found.written:
        return True
    whole = (min(start for start, _ in found.parts), max(end for _, end in found.parts))
    return _plain(found.written) in (_plain(_cut(text, found.parts)), _plain(_cut(text, [whole])))


def _cut(text: str, parts: Parts) -> str:
    return " ".join(text[max(start, 0) : max(end, 0)] for start, end in parts)


def _plain(text: str) -> str:
    return " ".join(text.split())


def kept_by(document: Document, name: str) -> Mapping[str, Any]:
    """What a format of this name kept of a document when it read it; nothing where it was another's."""
    kept = document.meta.get(name)
    return kept if isinstance(kept, Mapping) else {}


def mark_of(entity: Entity, **more: Any) -> dict[str, Any]:
    """A mark that finds this entity again."""
    return {"label": entity.label, "start": entity.start, "end": entity.end, **more}


def match_marks(
    entities: Iterable[Entity], marks: Sequence[Mapping[str, Any]]
) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The mark of each entity, empty where it has none, and the marks whose entity is gone.

    >>> match_marks([Entity("LOC", "Rome", 0, 4)], [{"label": "LOC", "start": 0, "end": 4, "id": "T7"}])[0][0]["id"]
    'T7'
    """
    waiting: dict[tuple[object, ...], list[Mapping[str, Any]]] = defaultdict(list)
    for mark in reversed(marks):
        waiting[mark["label"], mark["start"], mark["end"]].append(mark)
    found: list[Mapping[str, Any]] = []
    for entity in entities:
        own = waiting[entity.label, entity.start, entity.end]
        found.append(own.pop() if own else {})
    gone = {id(mark) for left in waiting.values() for mark in left}
    return found, [mark for mark in marks if id(mark) in gone]


def on_one_line(text: str) -> str:
    r"""The text with each line end and TAB as a space: it is as long, and stays on its line and in its column.

    >>> on_one_line("New\r\nYork")
    'New  York'
    """
    return _ENDS.sub(" ", text)


def tell_what_is_lost(document: Document, name: str, losses: Losses) -> None:
    """Count what of a document a format of this name can't hold: fields that others kept, and probabilities."""
    others = [str(key) for key in document.meta if key != name]
    if others:
        losses.add("documents with further fields: not kept", f"{document.name}: {', '.join(others)}")
    if any(entity.score is not None for entity in document.entities):
        losses.add("documents whose entities have probabilities: not kept", document.name)
