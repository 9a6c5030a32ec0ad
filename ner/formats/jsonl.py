"""JSON lines: an object a line, a text with its entities, as `ner tag` writes it."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.format import Format, Losses, Sample
from ner.text.document import Document
from ner.text.encoding import read_lines
from ner.text.sentence import Entity


def read(path: Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """A document for each line that isn't blank; keys other than `text`, `entities` and `id` are kept as meta."""
    for number, line in enumerate(read_lines(path, data.encoding), start=1):
        if not line.strip():
            continue
        source = f"{path}:{number}"
        try:
            value = json.loads(line)
        except ValueError as error:
            raise DataError(f"{source}: expected a JSON object a line: {error}") from None
        if not isinstance(value, dict) or not isinstance(value.get("text"), str):
            raise DataError(f'{source}: expected a JSON object with a "text", found {line.strip()[:60]!r}')
        text = value["text"]
        entities = tuple(_entity(found, text, source) for found in value.get("entities", ()))
        meta = {key: kept for key, kept in value.items() if key not in ("text", "entities", "id")}
        name = value.get("id")
        yield Document(text, (), entities, None if name is None else str(name), meta, source)


def _entity(value: Any, text: str, source: str) -> Entity:
    try:
        start, end, label = int(value["start"]), int(value["end"]), str(value["label"])
    except (KeyError, TypeError, ValueError):
        raise DataError(f'{source}: expected an entity with "start", "end" and "label", found {value!r}') from None
    return Entity(label, text[start:end], start, end, value.get("score"))


def write(documents: Iterable[Document], data: DataConfig, losses: Losses) -> Iterator[str]:
    """A line for each document: `text`, `entities`, and `id` and meta where there are any."""
    for document in documents:
        value: dict[str, Any] = {} if document.id is None else {"id": document.id}
        value |= {"text": document.text, "entities": [_as_dict(entity) for entity in document.entities]}
        value |= {key: kept for key, kept in document.meta.items() if key not in value}
        yield json.dumps(value, ensure_ascii=False) + "\n"


def _as_dict(entity: Entity) -> Mapping[str, Any]:
    value = {"label": entity.label, "text": entity.text, "start": entity.start, "end": entity.end}
    return value if entity.score is None else value | {"score": entity.score}


def recognizes(sample: Sample) -> bool:
    """Whether its first line is a JSON object with a text."""
    first = next((line for line in sample.lines if line.strip()), "")
    try:
        value = json.loads(first)
    except ValueError:
        return False
    return isinstance(value, dict) and isinstance(value.get("text"), str)


FORMAT = Format(
    about="JSON lines: a text and its entities in characters",
    suffixes=(".jsonl",),
    settings=("encoding",),
    recognizes=recognizes,
    read=read,
    write=write,
)
