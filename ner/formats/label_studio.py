"""Label Studio's JSON export, full and JSON-MIN, and tasks for its import.

Offsets count code points. A task may have several annotators' annotations, cancelled ones, and predictions of models;
a document has those of one (`data.annotator`), and the others are counted. Results that are no labelled ranges, such
as choices and relations, stay in meta, and so does what else annotation and task have.
"""

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.format import Format, Losses, Sample
from ner.formats.json_records import read_records
from ner.formats.json_text import first_record, number_in, told, write_json
from ner.formats.mentions import FIELDS, Mention, entities_of_mentions, fields_of
from ner.formats.predictions import MODEL, least_score, model_of
from ner.text.document import Document
from ner.text.sentence import Entity

_ANNOTATIONS = ("annotations", "completions")  # the second before version 1.0
_VALUE = frozenset({"start", "end", "text", "labels"})
# A first task that is longer than what a format is told from.
_opens_task = re.compile(r'\s*\[\s*\{\s*"id"\s*:\s*\d+\s*,\s*"(?:annotations|completions|data)"\s*:').match
Object = dict[str, Any]


def read(path: Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """A document for each task, with one annotation's entities."""
    records = read_records(path, data.encoding)
    keys: list[str] = []  # of the text, in the tasks before
    for _, group in groupby(enumerate(records), key=lambda numbered: _task_of(*numbered)):
        rows = [record for _, record in group]
        record, source = rows[0]
        if is_task(record):
            document = _of_task(record, source, data, losses, keys)
        elif is_min(record):
            document = _of_min(rows, data, losses, keys)
        else:
            raise DataError(
                f'{source}: expected a task with "data" and "annotations", or one of JSON-MIN with "annotation_id", '
                f"found {told(record)}"
            )
        if document is not None:
            yield document


def is_task(record: Any) -> bool:
    """Whether a value is a task of the full export."""
    if not isinstance(record, dict) or not isinstance(record.get("data"), dict):
        return False
    return any(isinstance(record.get(key), list) for key in (*_ANNOTATIONS, "predictions"))


def is_min(record: Any) -> bool:
    """Whether a value is an annotation of JSON-MIN."""
    return isinstance(record, dict) and ("annotation_id" in record or any(map(_is_regions, record.values())))


def _task_of(number: int, record: tuple[Any, str]) -> Any:
    """What annotations of one task in JSON-MIN have in common and their neighbours don't."""
    value = record[0]
    return ("min", str(value["id"])) if is_min(value) and not is_task(value) and "id" in value else number


def _is_regions(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(isinstance(v, dict) and isinstance(v.get("labels"), list) and "start" in v for v in value)
    )


def _of_task(task: Object, source: str, data: DataConfig, losses: Losses, keys: list[str]) -> Document | None:
    found = [item for key in _ANNOTATIONS for item in task.get(key) or ()]
    kept = [item for item in found if not item.get("was_cancelled")]
    if len(kept) < len(found):
        losses.add("cancelled annotations: left out", source, count=len(found) - len(kept))
    predictions = list(task.get("predictions") or ())
    meta: Object = {k: v for k, v in task.items() if k not in ("id", "data", "predictions", *_ANNOTATIONS)}
    if data.annotator is not None:
        mine = [item for item in (*kept, *predictions) if data.annotator in _names_of(item)]
    else:
        mine = kept or predictions[:1]
        if predictions and not kept:
            losses.add("tasks without an annotation: the first prediction is read", source)
    left = [item for item in (*kept, *predictions) if mine and item is not mine[0]]
    if left:
        losses.add("annotations and predictions beside the one that is read: left out", source, count=len(left))
    if not mine and (found or data.annotator is not None):
        losses.add("tasks without an annotation to read: left out", source)
        return None
    if not mine:
        losses.add("tasks that nobody annotated: read without entities", source)
    chosen: Object = mine[0] if mine else {}
    results = chosen.get("result") or []
    if not isinstance(results, list) or not all(isinstance(item, dict) for item in results):
        raise DataError(f'{source}: expected objects under "result", found {told(results)}')
    regions = [item for item in results if _labels_of(item)]
    others = [item for item in results if not _labels_of(item)]
    key = _text_key(task["data"], regions, source, keys)
    text = task["data"][key]
    mentions = [mention for item in regions for mention in _mentions(item, losses, source)]
    entities, fields = entities_of_mentions(mentions, text, source)
    rest = {k: v for k, v in chosen.items() if k != "result"}
    more: Object = {
        "data": {k: v for k, v in task["data"].items() if k != key},
        "text_key": "" if key == "text" else key,
        "prediction" if any(chosen is p for p in predictions) else "annotation": rest,
        "results": others,
        FIELDS: _without_made_up(fields, entities, key),
    }
    meta |= {key: value for key, value in more.items() if value}
    if not mine:
        meta["annotation"] = None
    name = task.get("id")
    return Document(text, (), entities, None if name is None else str(name), meta, source)


def _made_up(place: int, key: str) -> Object:
    """What a result has beside its value where nothing else is known of the entity at this place of the document."""
    return {"id": f"e{place}", "from_name": "label", "to_name": key, "type": "labels"}


def _without_made_up(fields: list[Object], entities: tuple[Entity, ...], key: str) -> list[Object]:
    """Those further fields of entities that `_made_up` doesn't make again; every entity has some."""
    kept = []
    for place, extra in enumerate(fields if len(fields) == len(entities) else ()):
        made = _made_up(place, key)
        held = {name: value for name, value in extra["fields"].items() if made.get(name) != value}
        if held:
            kept.append(extra | {"fields": held})
    return kept if len(fields) == len(entities) else fields


def _of_min(rows: list[tuple[Object, str]], data: DataConfig, losses: Losses, keys: list[str]) -> Document | None:
    mine = [row for row in rows if data.annotator is None or data.annotator in _names_of(row[0])]
    if not mine:
        losses.add("tasks without an annotation to read: left out", rows[0][1])
        return None
    if len(rows) > 1:
        losses.add("annotations and predictions beside the one that is read: left out", rows[0][1], count=len(rows) - 1)
    record, source = mine[0]
    regions = [{"value": v, "to_name": ""} for value in record.values() if _is_regions(value) for v in value]
    key = _text_key({k: v for k, v in record.items() if not _is_regions(v)}, regions, source, keys)
    entities, fields = entities_of_mentions(
        [mention for item in regions for mention in _mentions(item, losses, source)], record[key], source
    )
    meta = {k: v for k, v in record.items() if k not in (key, "id") and not _is_regions(v)}
    for extra in fields:  # they know no names of regions
        extra["fields"].pop("to_name", None)
    kept = [extra for extra in fields if extra["fields"]]
    meta |= {FIELDS: kept} if kept else {}
    name = record.get("id")
    return Document(record[key], (), entities, None if name is None else str(name), meta, source)


def _names_of(item: Object) -> set[str]:
    """What `data.annotator` may call who made an annotation: a number, an address, a name, a model's version."""
    found = [item.get("completed_by"), item.get("annotator"), item.get("model_version")]
    flat = [v for value in found for v in (value.values() if isinstance(value, dict) else (value,))]
    return {str(value) for value in flat if value is not None}


def _labels_of(item: Object) -> list[Any]:
    """The labels of a result; none where it isn't a labelled range."""
    value = item.get("value")
    found = value.get("labels", value.get(str(item.get("type")))) if isinstance(value, dict) else None
    is_region = isinstance(found, list) and isinstance(value, dict) and "start" in value
    return list(found or ()) if is_region else []


def _mentions(item: Object, losses: Losses, source: str) -> Iterator[Mention]:
    value, labels = item["value"], _labels_of(item)
    if len(labels) > 1:
        losses.add("regions of several labels: an entity for each", source)
    rest = {key: kept for key, kept in item.items() if key not in ("value", "score")}
    more = {key: kept for key, kept in value.items() if key not in _VALUE and kept != labels}
    rest |= {"value": more} if more else {}
    text, score = value.get("text"), item.get("score")
    score = score if isinstance(score, (int, float)) and not isinstance(score, bool) else None
    for label in labels:
        yield Mention(
            value, value["start"], value.get("end"), label, text if isinstance(text, str) else None, score, rest
        )


def _text_key(data: Object, regions: list[Object], source: str, keys: list[str]) -> str:
    """The key of the text: what regions name, or `text`, or the only one, or the only one that the regions fit.

    Where that leaves a doubt, it is the one of the task before: `keys` holds it, and is told.

    Raises:
        DataError: there is none, or it is in doubt.
    """
    strings = [key for key, value in data.items() if isinstance(value, str)]
    named = [key for key in strings if regions and all(item.get("to_name") == key for item in regions)]
    fitting = [key for key in strings if regions and all(_fits(item["value"], data[key]) for item in regions)]
    before = [key for key in keys if key in strings]
    for found in (named, [key for key in strings if key == "text"], strings, fitting, before):
        if len(found) == 1:
            keys[:] = found
            return found[0]
    raise DataError(f'{source}: expected a text under one key, found {", ".join(strings) or "none"}; call it "text"')


def _fits(value: Object, text: str) -> bool:
    start, end = value.get("start"), value.get("end")
    return type(start) is int and type(end) is int and text[start:end] == value.get("text")


def write(documents: Iterable[Document], data: DataConfig, losses: Losses) -> Iterator[str]:
    """An array of tasks: entities as an annotation, or as a prediction where any has a probability."""
    before = "[\n"
    for document in documents:
        yield before + write_json(_as_task(document, losses), document.name)
        before = ",\n"
    yield "[]\n" if before == "[\n" else "\n]\n"


def _as_task(document: Document, losses: Losses) -> Object:
    meta, model = dict(document.meta), model_of(document)
    meta.pop(MODEL, None) if model else None
    data, key = meta.pop("data", {}), meta.pop("text_key", "text")
    data = data if isinstance(data, dict) else {"data": data}
    annotation, prediction, others = (meta.pop(name, None) for name in ("annotation", "prediction", "results"))
    meta.pop(FIELDS, None)
    fields = fields_of(document, losses)
    results = []
    for place, (entity, more) in enumerate(zip(document.entities, fields, strict=True)):
        value = {"start": entity.start, "end": entity.end, "text": entity.text, "labels": [entity.label]}
        result: Object = _made_up(place, key)
        if entity.score is not None:
            result["score"] = entity.score
        result |= {name: held for name, held in more.items() if name != "value"}
        extra = more.get("value")
        results.append(result | {"value": value | (extra if isinstance(extra, dict) else {})})
    if isinstance(others, list) and not model:
        results += others
    elif others:
        losses.add("results of an annotation that are no entities: left out of the prediction", document.name)
    number = number_in(document.id)
    task: Object = {} if document.id is None else {"id": document.id if number is None else number}
    task["data"] = {key: document.text, **data}
    is_prediction = (
        model is not None or prediction is not None or any(entity.score is not None for entity in document.entities)
    )
    own = prediction if is_prediction else annotation
    made = {**(own if isinstance(own, dict) else {}), "result": results}
    if model:
        made = _prediction(model, results, least_score(document))
    is_bare = "annotation" in document.meta and annotation is None and not results  # nobody annotated it
    task["annotations"], task["predictions"] = ([], [made]) if is_prediction else ([] if is_bare else [made], [])
    return task | {name: held for name, held in meta.items() if name not in task}


def _prediction(model: str, results: list[Object], score: float | None) -> Object:
    """What a model says of a task; tasks are ordered by the score of the whole."""
    return {"model_version": model, "result": results} | ({} if score is None else {"score": score})


def recognizes(sample: Sample) -> bool:
    """Whether its first record is a task or an annotation of JSON-MIN."""
    record = first_record(sample.head)
    if record is None:
        return not sample.is_whole and bool(_opens_task(sample.head))
    return is_task(record) or is_min(record)


FORMAT = Format(
    about="Label Studio: the JSON and JSON-MIN exports, tasks with annotations or predictions",
    settings=("encoding", "annotator"),
    recognizes=recognizes,
    read=read,
    write=write,
    names_model=True,
)
