"""Entities as a table: a pandas DataFrame, a row for each."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any

from ner.errors import ConfigError, check_type, shown
from ner.text.document import Document
from ner.text.sentence import Entity

COLUMNS = {
    "document": "int64",
    "id": "string",
    "start": "int64",
    "end": "int64",
    "label": "string",
    "text": "string",
    "score": "float64",
    "sentence": "string",
}


def to_dataframe(values: Iterable[Document] | Iterable[Entity] | Iterable[Iterable[Entity]]) -> Any:
    """A pandas DataFrame with a row for each entity.

    Its columns, which are there without entities too: `document` (the place of the entity's document or text, from 0),
    `id` (the document's name, or missing), `start` and `end` (characters of its text, half-open), `label`, `text`,
    `score` (missing where there is none) and `sentence` (the text of the sentence in which the entity begins; missing
    where the document isn't cut into sentences).

    Args:
        values: documents; or the entities of each of several texts, as `Tagger.pipe` gives them; or those of one text.

    Raises:
        ConfigError: pandas isn't installed, or a value is neither a document nor entities.
    """
    try:
        import pandas as pd
    except ImportError:
        raise ConfigError("to_dataframe: expected pandas; pip install 'bilstm-crf-ner[tables]'") from None
    check_type("values", values, Iterable, "documents, or entities", "to_dataframe([DOCUMENT]) takes one")
    if isinstance(values, str):
        raise ConfigError(f"values: expected documents, or entities, found {shown(values)}; tagger.pipe finds them")
    rows = list(_rows(values))
    columns = zip(*rows, strict=True) if rows else ((),) * len(COLUMNS)
    named = zip(COLUMNS.items(), columns, strict=True)
    return pd.DataFrame({name: pd.Series(list(cells), dtype=kind) for (name, kind), cells in named})


def _rows(values: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    for position, value in enumerate(values):
        if isinstance(value, Entity):
            yield (0, None, *_cells(value), None)
        elif isinstance(value, Document):
            sentences = _Sentences(value)
            for entity in value.entities:
                yield (position, value.id, *_cells(entity), sentences.around(entity))
        else:
            found = list(value) if isinstance(value, Iterable) and not isinstance(value, str) else [value]
            for entity in found:
                check_type(f"values[{position}]", entity, Entity, "a Document, an Entity, or entities of a text")
                yield (position, None, *_cells(entity), None)


def _cells(entity: Entity) -> tuple[Any, ...]:
    score = float("nan") if entity.score is None else entity.score
    return entity.start, entity.end, entity.label, entity.text, score


class _Sentences:
    """The texts of a document's sentences, for entities in any order."""

    def __init__(self, document: Document) -> None:
        self._text = document.text
        cut = [sentence for sentence in document.sentences if sentence.spelled]
        self._starts = [sentence.starts[0] for sentence in cut]
        self._ends = [sentence.starts[-1] + len(sentence.spelled[-1]) for sentence in cut]

    def around(self, entity: Entity) -> str | None:
        """The sentence in which an entity begins; None where there is none."""
        place = bisect_right(self._starts, entity.start) - 1
        if place < 0 or entity.start >= self._ends[place]:
            return None
        return self._text[self._starts[place] : self._ends[place]]
