"""A batch of documents through a tagger; one that fails has its error, and the others their entities."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ner.errors import ConfigError, check_type, describe
from ner.inference.decoding import least_sure
from ner.serving.bulk.reading import Item
from ner.tagger import Tagger
from ner.text.document import Document
from ner.text.sentence import Entity


@dataclass(frozen=True, slots=True)
class Found:
    """A document with the entities that were found in it, or with the reason why none could be."""

    id: str
    text: str
    entities: tuple[Entity, ...] = ()
    error: str | None = None


def check_output(min_score: float, digits: int) -> None:
    """Raise ConfigError unless these are a score and a number of digits."""
    check_type("min_score", min_score, int | float, "a number from 0 to 1")
    check_type("digits", digits, int, "a whole number from 1 to 17")
    if not 0 <= min_score <= 1:
        raise ConfigError(f"min_score: expected a number from 0 to 1, found {min_score}")
    if not 1 <= digits <= 17:
        raise ConfigError(f"digits: expected a whole number from 1 to 17, found {digits}")


def tag_items(tagger: Tagger, items: Sequence[Item], *, min_score: float, digits: int) -> list[Found]:
    """What was found in each document, in their order.

    Those less sure than the model was promised to be are marked, where the tagger finds them (`calibration="review"`).

    Args:
        tagger: finds the entities.
        items: tagged together.
        min_score: entities with a lower score are left out.
        digits: significant digits of scores.
    """
    good = [item for item in items if item.error is None]
    sure = least_sure(tagger.model)
    told = iter(
        replace(each, entities=_told(each.entities, min_score=min_score, digits=digits, sure=sure))
        for each in _found(tagger, good)
    )
    return [Found(item.id, item.text, error=item.error) if item.error is not None else next(told) for item in items]


def _found(tagger: Tagger, items: list[Item]) -> list[Found]:
    try:
        return list(_tagged(tagger, items))
    except (MemoryError, OSError):
        raise
    except Exception:  # one of them fails: which one shows when each is alone
        return [_alone(tagger, item) for item in items]


def _alone(tagger: Tagger, item: Item) -> Found:
    try:
        return next(_tagged(tagger, [item]))
    except (MemoryError, OSError):
        raise
    except Exception as error:
        return Found(item.id, item.text, error=f"{item.id}: {describe(error)}")


def _tagged(tagger: Tagger, items: list[Item]) -> Iterator[Found]:
    if any(item.document for item in items):  # with sentences of their own
        documents = [item.document or Document(item.text) for item in items]
        for item, document in zip(items, tagger.tag_documents(documents, batch_size=len(items) or 1), strict=True):
            yield Found(item.id, item.text, document.entities)
        return
    texts = [item.text for item in items]
    for item, entities in zip(items, tagger.pipe(texts, batch_size=len(items) or 1), strict=True):
        yield Found(item.id, item.text, tuple(entities))


def _told(entities: Sequence[Entity], *, min_score: float, digits: int, sure: float | None) -> tuple[Entity, ...]:
    """Those of at least `min_score`, each score with so many significant digits; those below `sure` are marked."""
    return tuple(
        replace(entity, score=float(f"{score:.{digits}g}"), review=sure is not None and score < sure)
        for entity, score in ((entity, entity.score or 0) for entity in entities)
        if score >= min_score
    )
