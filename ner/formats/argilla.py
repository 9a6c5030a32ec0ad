"""Argilla's records, written for `dataset.records.from_json`: entities as a suggestion for a question of spans.

The field is called `text` and the question `entities`. Argilla refuses metadata that a dataset's settings don't name,
so that what else a document has isn't written. Its reader opens the file in the encoding of its machine: ASCII is the
same in all of them.
"""

import json
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from ner.data_settings import DataConfig
from ner.formats.format import Format, Losses
from ner.formats.predictions import MODEL, model_of
from ner.text.document import Document

QUESTION = "entities"


def write(documents: Iterable[Document], data: DataConfig, losses: Losses) -> Iterator[str]:
    """An array of records: `id`, `fields`, and the entities under `suggestions` with their probabilities."""
    before = "[\n"
    for document in documents:
        yield before + json.dumps(_as_record(document, losses))
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _as_record(document: Document, losses: Losses) -> dict[str, Any]:
    if set(document.meta) - {MODEL}:
        losses.add("documents with further fields: not kept", document.name)
    entities = document.entities
    ends = sorted((entity.start, entity.end) for entity in entities)
    if any(two[0] < one[1] for one, two in pairwise(ends)):
        losses.add(
            "documents with entities in others or over them: Argilla takes them where its question allows that",
            document.name,
        )
    record: dict[str, Any] = {} if document.id is None else {"id": document.id}
    record |= {"fields": {"text": document.text}, "metadata": {}, "suggestions": {}, "responses": {}, "vectors": {}}
    if entities:
        scores = [entity.score for entity in entities]
        suggestion: dict[str, Any] = {
            "value": [{"start": entity.start, "end": entity.end, "label": entity.label} for entity in entities],
            # As many as there are spans, or none.
            "score": None if None in scores else scores,
            "type": "human" if all(score is None for score in scores) else "model",
        }
        if version := model_of(document):
            suggestion["agent"] = version
        record["suggestions"] = {QUESTION: suggestion}
    return record


FORMAT = Format(about="records with suggestions as Argilla 2 imports them", write=write, names_model=True)
