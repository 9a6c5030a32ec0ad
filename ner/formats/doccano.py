"""doccano's JSON lines, written for its import; `jsonl` reads them back."""

from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Any

from ner.data_settings import DataConfig
from ner.formats.format import Format, Losses
from ner.formats.json_text import number_in
from ner.formats.jsonl import write_record
from ner.formats.mentions import fields_of, joined
from ner.formats.predictions import MODEL, model_of
from ner.text.document import Document


def write(documents: Iterable[Document], data: DataConfig, losses: Losses) -> Iterator[str]:
    """A line for each document: `text` and `label`, or `entities` where they have fields that relations point to.

    Where a model found them, their probabilities stand under `scores`, in the same order.
    """
    for document in documents:
        entities, model = document.entities, model_of(document)
        if model is None and any(entity.score is not None for entity in entities):
            losses.add("documents whose entities have probabilities: not kept", document.name)
        ends = sorted((entity.start, entity.end) for entity in entities)
        if any(two[0] < one[1] for one, two in pairwise(ends)):
            losses.add(
                "documents with entities in others or over them: doccano takes them where its project allows that",
                document.name,
            )
        fields = fields_of(document, losses)
        own: dict[str, Any] = {"text": document.text}
        if any(fields):
            own["entities"] = [
                joined(
                    {"label": e.label, "start_offset": e.start, "end_offset": e.end}, f.items(), document.name, losses
                )
                for e, f in zip(entities, fields, strict=True)
            ]
        else:
            own["label"] = [[entity.start, entity.end, entity.label] for entity in entities]
        if model is not None:
            own |= {"scores": [entity.score for entity in entities], MODEL: model}  # doccano shows them beside the text
        yield write_record(own, document, data, losses, name=number_in(document.id))


FORMAT = Format(about="JSON lines as doccano imports them; jsonl reads them", write=write, names_model=True)
