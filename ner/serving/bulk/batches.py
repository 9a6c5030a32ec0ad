"""Batches of a table through a model: what Ray Data's `map_batches` calls, and what Spark's partitions are tagged by.

Whatever comes in, a table with two more columns comes out, `entities` and `error`, in types that don't depend on what
was found: made of Python lists, a block without entities would have a list of nulls, which no folder of Parquet takes.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

from ner.errors import ConfigError, check_type
from ner.serving.bulk.parquet import called, entity_array, need_pyarrow, texts_of
from ner.serving.bulk.reading import Item, unwritable
from ner.serving.bulk.tagging import check_output, tag_items
from ner.tagger import Tagger, load
from ner.threads import settle_threads

if TYPE_CHECKING:
    import pyarrow

ENTITIES, ERROR = "entities", "error"


class TagBatches:
    """Tags the text of each batch: `dataset.map_batches(TagBatches, fn_constructor_args=["en"], …)`.

    Every actor of Ray makes one, and a process holds each model once. It is also of use by itself.
    """

    def __init__(
        self,
        model: str,
        *,
        text_column: str = "text",
        threshold: float | None = None,
        runtime: str = "auto",
        min_score: float = 0.0,
        digits: int = 4,
    ) -> None:
        """Loads the model.

        Args:
            model: a model directory, or the name of a ready-made model.
            text_column: where the text stands.
            threshold: as in `ner.load`.
            runtime: as in `ner.load`.
            min_score: entities with a lower score are left out.
            digits: significant digits of scores.

        Raises:
            ConfigError: pyarrow isn't installed, a score or a number of digits that can't be, or as `ner.load`.
            ModelError: as `ner.load`.
        """
        need_pyarrow("TagBatches")
        check_output(min_score, digits)
        self._tagger = tagger_of(model, threshold, runtime)
        self._column, self._min_score, self._digits = text_column, min_score, digits

    def __call__(self, batch: "pyarrow.Table | Mapping[str, Any]") -> "pyarrow.Table":
        """The batch with the columns `entities` and `error`, in place of those that it had.

        Args:
            batch: a table of pyarrow, or arrays of NumPy by name: Ray's batch formats `pyarrow` and `numpy`.

        Raises:
            ConfigError: a batch of another format, without the column of text, or with a column of several types.
        """
        import pyarrow

        if isinstance(batch, Mapping):
            batch = pyarrow.table({name: _array(name, column) for name, column in batch.items()})
        check_type("batch", batch, pyarrow.Table, "a pyarrow.Table or arrays by name", 'say batch_format="pyarrow"')
        check_column(self._column, batch.column_names)
        texts = texts_of(batch.column(self._column))
        entities, errors = tag_column(self._tagger, texts, min_score=self._min_score, digits=self._digits)
        kept = [place for place, name in enumerate(batch.column_names) if name not in (ENTITIES, ERROR)]
        return batch.select(kept).append_column(ENTITIES, entities).append_column(ERROR, errors)


def _array(name: str, column: Any) -> "pyarrow.Array":
    """A column of NumPy's or of Python's values in its own type, even where it is empty; None and NaN are null."""
    import numpy as np
    import pyarrow

    if isinstance(column, np.ndarray) and column.ndim > 1:
        try:
            return pyarrow.FixedShapeTensorArray.from_numpy_ndarray(np.ascontiguousarray(column))
        except (pyarrow.ArrowException, TypeError, ValueError):  # of no rows, or of what tensors don't have
            column = column.tolist()
    objects = not isinstance(column, np.ndarray) or column.dtype == object
    try:
        # Of numbers NaN stays what it is: only among objects it says that a value is missing.
        return pyarrow.array(list(column) if objects else column, from_pandas=objects)
    except pyarrow.ArrowException as error:
        raise ConfigError(f"column {name!r}: expected values of one type: {str(error).partition(chr(10))[0]}") from None


def check_column(column: str, names: Sequence[str]) -> None:
    """Raise ConfigError unless the column of text is among these, once."""
    if column not in names:
        raise ConfigError(f"text_column: expected one of {', '.join(names)}, found {column!r}")
    if names.count(column) > 1:
        raise ConfigError(f"text_column: expected one column {column!r}, found {names.count(column)}")


@cache
def tagger_of(model: str, threshold: float | None, runtime: str) -> Tagger:
    """The tagger of a model, which this process loads once, whoever asks for it and how often."""
    settle_threads()
    return load(model, runtime=runtime, threshold=threshold)


def tag_column(
    tagger: Tagger, texts: Sequence[object], *, min_score: float, digits: int
) -> "tuple[pyarrow.Array, pyarrow.Array]":
    """Entities and errors of texts, as columns; what isn't text, such as null, has an error.

    Args:
        tagger: finds the entities.
        texts: as a column has them.
        min_score: entities with a lower score are left out.
        digits: significant digits of scores.
    """
    import pyarrow

    found = tag_items(tagger, [_item(text) for text in texts], min_score=min_score, digits=digits)
    errors = pyarrow.array([each.error for each in found], pyarrow.string())
    return entity_array([each.entities for each in found]), errors


def _item(text: object) -> Item:
    if not isinstance(text, str):
        return Item("", "", error=f"expected text, found {called(text)}")
    reason = unwritable(text)
    return Item("row", text) if reason is None else Item("", "", error=reason)
