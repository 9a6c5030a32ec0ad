"""From a request to a job for the batcher, and from what was read to the bytes of the answer."""

import json
from bisect import bisect_left
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ner.inference.documents import labellings_of
from ner.serving.batcher import Job, Read
from ner.serving.limits import Limits, RefusalError, too_large
from ner.serving.schemas import EntitiesRequest, WordsRequest
from ner.text.alignment import entity_of
from ner.text.sentence import Entity, sentence_from_words
from ner.text.tags import spans_to_tags

if TYPE_CHECKING:
    from ner.tagger import Tagger

Taggers = Mapping[str, "Tagger"]
Object = dict[str, Any]


def job_for_entities(request: EntitiesRequest, taggers: Taggers, limits: Limits) -> Job:
    """The job of `POST /v1/entities`.

    Raises:
        RefusalError: 413 where it asks for too much, 422 where it asks for what isn't here.
    """
    documents = request.documents or ()
    texts = [request.text] if request.text is not None else request.texts or [each.text for each in documents]
    names = [each.id for each in documents]
    check_size(texts, limits)
    if request.k_best > limits.k_best:
        raise RefusalError(422, "invalid_request", f"k_best: expected at most {limits.k_best}, found {request.k_best}")
    name, tagger = find_tagger(request.model, taggers)
    labels = _known(request.labels, tagger)
    utf16 = request.offsets == "utf16"

    def finish(read: list[list[Read]]) -> bytes:
        results: list[Object] = []
        for place, (text, sentences) in enumerate(zip(texts, read, strict=True)):
            told = _utf16_offsets(text) if utf16 else _as_they_are
            result: Object = {"id": names[place]} if place < len(names) and names[place] is not None else {}
            result["entities"] = [told(entity) for entity in kept(text, sentences, request.min_score, labels)]
            if request.k_best:
                result["sentences"] = [_sentence(text, each, told) for each in sentences]
            results.append(result)
        return as_json({"model": name, "results": results})

    return Job(tagger, finish, texts, threshold=request.threshold, k=request.k_best)


def job_for_words(request: WordsRequest, taggers: Taggers, limits: Limits) -> Job:
    """The job of `POST /v1/words`: each sentence is read by itself.

    Raises:
        RefusalError: as `job_for_entities`.
    """
    check_size([" ".join(words) for words in request.sentences], limits)
    name, tagger = find_tagger(request.model, taggers)
    labels = _known(request.labels, tagger)

    def finish(read: list[list[Read]]) -> bytes:
        results = []
        for ((sentence, found, _),) in read:
            spans = [
                (span, score)
                for span, score in found
                if score >= request.min_score and (labels is None or span.label in labels)
            ]
            entities = [
                {"label": span.label, "start": span.start, "end": span.end, "score": score} for span, score in spans
            ]
            tags = spans_to_tags([span for span, _ in spans], len(sentence.spelled))
            results.append({"tags": tags, "entities": entities})
        return as_json({"model": name, "results": results})

    sentences = [sentence_from_words(words, opens_document=True) for words in request.sentences]
    return Job(tagger, finish, sentences=sentences, threshold=request.threshold)


def find_tagger(model: str | None, taggers: Taggers) -> tuple[str, "Tagger"]:
    """The tagger of a name, and the name; None: the first.

    Raises:
        RefusalError: 422, there is none of this name.
    """
    if model is None:
        return next(iter(taggers.items()))
    if model not in taggers:
        known = ", ".join(taggers)
        raise RefusalError(422, "unknown_model", f"model: expected one of {known}, found another; GET /v1/models")
    return model, taggers[model]


def check_size(texts: Sequence[str], limits: Limits) -> None:
    """Raise RefusalError, 413, where these are too many texts or too many characters for one request."""
    if len(texts) > limits.texts:
        raise too_large("texts", limits.texts, len(texts), limit="--max-texts")
    characters = sum(map(len, texts))
    if characters > limits.characters:
        raise too_large("characters", limits.characters, characters, limit="--max-characters")


def kept(
    text: str, sentences: Sequence[Read], min_score: float = 0.0, labels: Collection[str] | None = None
) -> list[Entity]:
    """The entities of a text that are sure enough and of these labels, None: of all, in order."""
    return [
        entity_of(text, sentence, span, score)
        for sentence, spans, _ in sentences
        for span, score in spans
        if score >= min_score and (labels is None or span.label in labels)
    ]


def as_json(value: Any) -> bytes:
    """A value as JSON in UTF-8, without blanks."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _known(labels: list[str] | None, tagger: "Tagger") -> frozenset[str] | None:
    if labels is None:
        return None
    if not set(labels) <= set(tagger.labels):
        known = ", ".join(tagger.labels)
        raise RefusalError(422, "unknown_label", f"labels: expected some of {known}, found another; GET /v1/models")
    return frozenset(labels)


Told = Callable[[Entity], Object]


def _as_they_are(entity: Entity) -> Object:
    return {
        "label": entity.label,
        "text": entity.text,
        "start": entity.start,
        "end": entity.end,
        "score": entity.score,
    }


def _utf16_offsets(text: str) -> Told:
    """What tells an entity with offsets in UTF-16 units, of which a character beyond the first 65,536 has two."""
    wide = [place for place, character in enumerate(text) if character > "\uffff"]

    def told(entity: Entity) -> Object:
        start = entity.start + bisect_left(wide, entity.start)
        return {**_as_they_are(entity), "start": start, "end": entity.end + bisect_left(wide, entity.end)}

    return told


def _sentence(text: str, read: Read, told: Told) -> Object:
    """A sentence with its labellings."""
    sentence = read.sentence
    end = sentence.starts[-1] + len(sentence.spelled[-1])
    place = told(Entity("", text[sentence.starts[0] : end], sentence.starts[0], end))
    labellings = []
    for labelling in labellings_of(text, sentence, read.labellings):
        entities = [{k: v for k, v in told(entity).items() if k != "score"} for entity in labelling.entities]
        labellings.append({"probability": labelling.probability, "entities": entities})
    return {"start": place["start"], "end": place["end"], "labellings": labellings}
