"""Entities as files write them: a range, a label and often the text that should stand there.

Tools count differently: last characters instead of ends, from one, in bytes or in units of UTF-16. Where a mention
isn't what the text has at its place, the error names the way of counting in which all mentions of the record fit.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ner.errors import DataError
from ner.formats.format import Losses
from ner.formats.json_text import told
from ner.text.document import Document
from ner.text.sentence import Entity

# In meta: what else entities have than the package knows, as `{"start", "end", "label", "fields"}` each. By range and
# label, so that it never goes to an entity that took another's place.
FIELDS = "entity_fields"


class Mention(NamedTuple):
    """An entity as it was written: `item`; `start` and `end` half-open; `rest` is what else it has.

    `text` is what should stand there, None where the file doesn't say; `inclusive`: the file writes last characters.
    """

    item: Any
    start: Any
    end: Any
    label: Any
    text: str | None = None
    score: float | None = None
    rest: dict[str, Any] = {}  # noqa: RUF012 - never changed
    inclusive: bool = False


def entities_of_mentions(
    mentions: Iterable[Mention], text: str, source: str
) -> tuple[tuple[Entity, ...], list[dict[str, Any]]]:
    """The entities of a text, and what else their mentions have: `start`, `end`, `label` and `fields`.

    Raises:
        DataError: a range or label that is none, or a mention that isn't in the text at its place.
    """
    found = list(mentions)
    entities = []
    fields = []
    for mention in found:
        item, start, end, label, stated, score, rest, _ = mention
        if type(start) is not int or type(end) is not int:
            raise DataError(f"{source}: expected whole numbers as start and end of an entity, found {told(item)}")
        if not isinstance(label, str) or not label:
            raise DataError(f"{source}: expected the name of a label, found {told(label)} in {told(item)}")
        here = text[start:end]
        if (stated is not None and here != stated) or start < 0 or not start <= end <= len(text):
            raise DataError(_refusal(mention, found, text, source))
        entities.append(Entity(label, here, start, end, score))
        if rest:
            fields.append({"start": start, "end": end, "label": label, "fields": rest})
    return tuple(entities), fields


def fields_of(document: Document, losses: Losses) -> list[dict[str, Any]]:
    """For each entity of a document what else its file said of it; what is of none of them is counted."""
    if FIELDS not in document.meta:
        return [{}] * len(document.entities)
    waiting: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for kept in document.meta[FIELDS]:
        waiting[kept["start"], kept["end"], kept["label"]].append(kept["fields"])
    found = []
    for entity in document.entities:
        mine = waiting[entity.start, entity.end, entity.label]
        found.append(mine.pop(0) if mine else {})
    left = sum(map(len, waiting.values()))
    if left:
        losses.add("further fields of entities that are no longer there: left out", document.name, count=left)
    return found


def joined(own: dict[str, Any], more: Iterable[tuple[str, Any]], place: str, losses: Losses) -> dict[str, Any]:
    """An object with further fields behind its own; those that are called as its own are counted and left out."""
    value = dict(own)
    for key, kept in more:
        if key not in own:
            value[key] = kept
        elif kept != own[key]:
            losses.add("fields that are called as one of the format's own: left out", f"{place}: {key}")
    return value


def _refusal(mention: Mention, mentions: list[Mention], text: str, source: str) -> str:
    """Why a mention isn't in the text at its place."""
    _, start, end, label, stated, _, _, inclusive = mention
    here = text[max(start, 0) : max(end, 0)]
    expected = here if stated is None else stated
    message = (
        f"{source}: expected {label} {expected!r} at characters {start} to {end} of the text, found {here!r}; "
        "ranges are half-open and count the characters of a Python string"
    )
    known = [m for m in mentions if m.text is not None and type(m.start) is int and type(m.end) is int]
    for way, count in _countings(text, inclusive=inclusive).items():
        if known and all(count(m.start, m.end) == m.text for m in known):
            return f"{message}; every text that this record says of an entity fits where {way}"
    return message


def _countings(text: str, *, inclusive: bool) -> dict[str, Callable[[int, int], str | None]]:
    """Other ways of counting than the right one, and what stands at a range of each."""
    in_bytes = text.encode("utf-8", "surrogatepass")
    in_units = text.encode("utf-16-le", "surrogatepass")

    def cut(start: int, end: int) -> str | None:
        return text[start:end] if start >= 0 else None

    last = (
        ("ends are those of half-open ranges, not last characters: take 1 from each end", -1)
        if inclusive
        else ("ends are last characters, not ends of half-open ranges: add 1 to each end", 1)
    )
    # The likeliest first: in a text without characters beyond ASCII the second and third are the right way.
    return {
        last[0]: lambda start, end: cut(start, end + last[1]),
        "ranges count units of UTF-16": lambda a, b: in_units[2 * a : 2 * b].decode("utf-16-le", "replace"),
        "ranges count bytes of UTF-8": lambda a, b: in_bytes[a:b].decode("utf-8", "replace"),
        "counting starts at 1: take 1 from each start and end": lambda start, end: cut(start - 1, end - 1),
        "counting starts at 1 and ends are last characters: take 1 from each start": lambda a, b: cut(a - 1, b),
    }
