"""Prodigy's JSON lines, written for `db-in` or as tasks; `jsonl` reads them back."""

from collections.abc import Iterable, Iterator
from typing import Any

from ner.data_settings import DataConfig
from ner.formats.format import Format, Losses
from ner.formats.jsonl import write_record
from ner.formats.mentions import FIELDS, fields_of, joined
from ner.formats.predictions import least_score, model_of, without
from ner.text.document import Document
from ner.text.sentence import Entity

# What a task has once somebody answered it; with the hashes it would pass for one that is done already.
_ANSWERED = ("answer", "tokens", "_input_hash", "_task_hash", "_annotator_id", "_session_id", "_timestamp")


def write(documents: Iterable[Document], data: DataConfig, losses: Losses) -> Iterator[str]:
    """A line for each document: `text` and `spans`, with their probabilities as `score`.

    Where a model found them, it is a task to be annotated, with the tokens that the spans are made of.
    """
    for document in documents:
        if model := model_of(document):
            yield _pre_annotated(document, model, data, losses)
            continue
        pairs = zip(document.entities, fields_of(document, losses), strict=True)
        spans = [joined(_as_span(entity), more.items(), document.name, losses) for entity, more in pairs]
        yield write_record({"text": document.text, "spans": spans}, document, data, losses)


def _as_span(entity: Entity) -> dict[str, Any]:
    span: dict[str, Any] = {"start": entity.start, "end": entity.end, "label": entity.label}
    return span if entity.score is None else span | {"score": entity.score}


def _pre_annotated(document: Document, model: str, data: DataConfig, losses: Losses) -> str:
    """The task of a document: Prodigy's manual recipes take spans whose tokens they know."""
    tokens = [token for sentence in document.sentences for token in sentence.tokens]
    first = {token.start: place for place, token in enumerate(tokens)}
    last = {token.end: place for place, token in enumerate(tokens)}
    spans = [_as_span(entity) for entity in document.entities]
    own: dict[str, Any] = {"text": document.text}
    if all(entity.start in first and entity.end in last for entity in document.entities):  # or Prodigy cuts the text
        own["tokens"] = [
            {
                "text": token.text,
                "start": token.start,
                "end": token.end,
                "id": place,
                "ws": document.text[token.end : token.end + 1].isspace(),
            }
            for place, token in enumerate(tokens)
        ]
        for span in spans:
            span |= {"token_start": first[span["start"]], "token_end": last[span["end"]]}  # inclusive, as Prodigy's are
    shown = document.meta.get("meta")
    least = least_score(document)
    about = {"model": model} | ({} if least is None else {"score": least})
    own |= {"spans": spans, "meta": {**(shown if isinstance(shown, dict) else {}), **about}}
    return write_record(own, without(document, ("meta", FIELDS, *_ANSWERED)), data, losses)


FORMAT = Format(about="JSON lines as Prodigy imports them; jsonl reads them", write=write, names_model=True)
