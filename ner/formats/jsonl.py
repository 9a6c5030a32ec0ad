"""JSON lines: a record a line, a text with its entities in any of the usual layouts; written as `ner tag` does."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from ner.data_settings import DataConfig
from ner.formats.format import Format, Losses, Sample
from ner.formats.json_records import read_records
from ner.formats.json_text import first_record, is_pair, write_json
from ner.formats.label_studio import is_min, is_task
from ner.formats.mentions import FIELDS, fields_of, joined
from ner.formats.records import claims_of, document_of
from ner.text.document import Document
from ner.text.sentence import Entity

SETTINGS = ("encoding", "tokens_feature", "tags_feature", "scheme", "tag_pattern", "label")
# A first line that is longer than what a format is told from.
_opens_record = re.compile(r'\s*(?:\[\s*)?\{\s*"(?:text|tokens)"\s*:').match


def read(path: Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """A document for each record: a line that isn't blank, or an item of the array that is the file.

    Keys other than the text's, the entities' and `id` are kept as meta.
    """
    for record, source in read_records(path, data.encoding):
        document = document_of(record, source, data, losses)
        if document is not None:
            yield document


def write(documents: Iterable[Document], data: DataConfig, losses: Losses) -> Iterator[str]:
    """A line for each document: `text`, `entities`, and `id` and meta where there are any."""
    for document in documents:
        if FIELDS in document.meta:
            pairs = zip(document.entities, fields_of(document, losses), strict=True)
            entities = [joined(_as_dict(entity), more.items(), document.name, losses) for entity, more in pairs]
        else:
            entities = [_as_dict(entity) for entity in document.entities]
        yield write_record({"text": document.text, "entities": entities}, document, data, losses)


def write_record(
    own: dict[str, Any], document: Document, data: DataConfig, losses: Losses, *, name: str | int | None = None
) -> str:
    """The line of a document: its name, what a layout has of it, and its further fields.

    Args:
        own: text and entities, as the layout has them.
        document: gives name and meta.
        data: as for reading.
        losses: is told what can't be kept.
        name: in place of the document's own.
    """
    name = document.id if name is None else name
    value: dict[str, Any] = own if name is None else {"id": name, **own}
    if document.meta:
        kept = [(key, held) for key, held in document.meta.items() if key != FIELDS]
        value = joined(value, kept, document.name, losses)
        # Fields that a reader would take for entities, in another layout than these are in.
        for key in claims_of(value, data):
            if key not in own:
                losses.add("fields that look like entities in another layout: left out", f"{document.name}: {key}")
                del value[key]
    return write_json(value, document.name) + "\n"


def _as_dict(entity: Entity) -> dict[str, Any]:
    value = {"label": entity.label, "text": entity.text, "start": entity.start, "end": entity.end}
    more: dict[str, Any] = {} if entity.score is None else {"score": entity.score}
    return value | more | ({"review": True} if entity.review else {})


def recognizes(sample: Sample) -> bool:
    """Whether its first record is a text with entities, or words with tags."""
    record = first_record(sample.head)
    if record is None:
        return not sample.is_whole and "\n" not in sample.head and bool(_opens_record(sample.head))
    if is_pair(record):
        return "entities" in record[1]
    if not isinstance(record, dict) or is_task(record) or is_min(record):
        return False
    return isinstance(record.get("text"), str) or bool(claims_of(record, DataConfig()))


FORMAT = Format(
    about="JSON lines or an array: texts with entities as ner tag, doccano, Prodigy, spaCy 2 and CLUENER write them, "
    "or words with tags",
    suffixes=(".jsonl",),
    settings=SETTINGS,
    recognizes=recognizes,
    read=read,
    write=write,
)
