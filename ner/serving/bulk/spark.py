"""Spark: a function for `mapInArrow`, and the schema of what it makes.

Spark calls the function once for each partition and action, in Python workers that it keeps: each holds the model once,
in a table of its module, however many partitions pass through it.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ner.distribution import is_there
from ner.errors import ConfigError, check_type
from ner.inference.decoding import check_threshold
from ner.inference.runtimes import RUNTIMES
from ner.resources.models import find_model
from ner.serving.bulk.batches import ENTITIES, ERROR, check_column, tag_column, tagger_of
from ner.serving.bulk.parquet import need_pyarrow, texts_of
from ner.serving.bulk.tagging import check_output

if TYPE_CHECKING:
    from pyarrow import RecordBatch
    from pyspark.sql.types import StructType

Partition = Callable[[Iterator["RecordBatch"]], Iterator["RecordBatch"]]


def spark_tagger(
    model: str,
    *,
    text_column: str = "text",
    threshold: float | None = None,
    runtime: str = "auto",
    min_score: float = 0.0,
    digits: int = 4,
) -> Partition:
    """What `DataFrame.mapInArrow` calls: each batch of rows with the columns `entities` and `error`.

    Args:
        model: a model directory that all workers see under this path, or the name of a ready-made model.
        text_column: where the text stands.
        threshold: as in `ner.load`.
        runtime: as in `ner.load`.
        min_score: entities with a lower score are left out.
        digits: significant digits of scores.

    Raises:
        ConfigError: pyarrow isn't installed, or an option that can't be.
        ModelError: no such model here.
    """
    need_pyarrow("spark_tagger")
    check_type("text_column", text_column, str, "the name of a column")
    check_output(min_score, digits)
    if threshold is not None:
        check_threshold(threshold)
    if runtime not in (*RUNTIMES, "auto"):
        raise ConfigError(f"runtime: expected auto, {', '.join(RUNTIMES)}, found {runtime!r}")
    folder = find_model(model, warn=lambda message: None)
    if not (folder / "config.json").is_file():
        tagger_of(model, threshold, runtime)  # which tells what is wrong with it
    place = str(folder.resolve()) if "/" in model or folder.name != model else model
    return _Partitions(place, text_column, threshold, runtime, min_score, digits)


@dataclass(frozen=True, slots=True)
class _Partitions:
    """The function, as it is sent to workers: without the model."""

    model: str
    text_column: str
    threshold: float | None
    runtime: str
    min_score: float
    digits: int

    def __call__(self, batches: "Iterator[RecordBatch]") -> "Iterator[RecordBatch]":
        from pyarrow import RecordBatch

        tagger = tagger_of(self.model, self.threshold, self.runtime)
        for batch in batches:
            check_column(self.text_column, batch.schema.names)
            texts = texts_of(batch.column(batch.schema.get_field_index(self.text_column)))
            made = tag_column(tagger, texts, min_score=self.min_score, digits=self.digits)
            kept = [name for name in batch.schema.names if name not in (ENTITIES, ERROR)]
            columns = [batch.column(batch.schema.get_field_index(name)) for name in kept]
            yield RecordBatch.from_arrays([*columns, *made], names=[*kept, ENTITIES, ERROR])


def spark_schema(schema: "StructType", *, text_column: str = "text") -> "StructType":
    """The schema of what `spark_tagger` makes of rows of this one: their columns, `entities` and `error`.

    Args:
        schema: of the rows, `DataFrame.schema`.
        text_column: where the text stands.

    Raises:
        ConfigError: pyspark isn't installed, no such column, it isn't of text, or another differs from a new one in
            case alone.
    """
    if not is_there("pyspark"):
        raise ConfigError("spark_schema: expected the package `pyspark`; pip install 'bilstm-crf-ner[spark]'")
    from pyspark.sql.types import ArrayType, DoubleType, LongType, StringType, StructField, StructType

    check_column(text_column, schema.names)
    if not isinstance(schema[text_column].dataType, StringType):
        found = schema[text_column].dataType.simpleString()
        raise ConfigError(f"text_column: expected text in {text_column!r}, found {found}")
    types = {"start": LongType(), "end": LongType(), "label": StringType(), "text": StringType(), "score": DoubleType()}
    for name in schema.names:  # of names that differ in case alone Spark takes one for the other
        if name.lower() in (ENTITIES, ERROR) and name not in (ENTITIES, ERROR):
            wanted = f"no column that Spark takes for {name.lower()!r}"
            raise ConfigError(f"schema: expected {wanted}, found {name!r}; rename it")
    entity = StructType([StructField(name, kind) for name, kind in types.items()])
    kept = [field for field in schema.fields if field.name not in (ENTITIES, ERROR)]
    return StructType([*kept, StructField(ENTITIES, ArrayType(entity)), StructField(ERROR, StringType())])
