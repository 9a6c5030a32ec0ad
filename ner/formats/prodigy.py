"""Prodigy's JSON lines, written for `db-in` or as tasks; `jsonl` reads them back."""

from collections.abc import Iterable, Iterator
from typing import Any

from ner.data_settings import DataConfig
from ner.formats.format import Format, Losses
from ner.formats.jsonl import write_record
from ner.formats.mentions import fields_of, joined
from ner.text.document import Document
from ner.text.sentence import Entity


def write(documents: Iterable[Document], data: DataConfig, losses: Losses) -> Iterator[str]:
    """A line for each document: `text` and `spans`, with their probabilities as `score`; no token numbers."""
    for document in documents:
        pairs = zip(document.entities, fields_of(document, losses), strict=True)
        spans = [joined(_as_span(entity), more.items(), document.name, losses) for entity, more in pairs]
        yield write_record({"text": document.text, "spans": spans}, document, data, losses)


def _as_span(entity: Entity) -> dict[str, Any]:
    span: dict[str, Any] = {"start": entity.start, "end": entity.end, "label": entity.label}
    return span if entity.score is None else span | {"score": entity.score}


FORMAT = Format(about="JSON lines as Prodigy imports them; jsonl reads them", write=write)
