"""A shard's file: tagged documents as JSON lines or Parquet, always with the same fields of the same types."""

import json
from collections.abc import Iterator
from pathlib import Path

from ner.serving.bulk.tagging import Found


def write_jsonl(path: Path, batches: Iterator[list[Found]]) -> None:
    """Writes an object a line: `id`, `text`, `entities`, and `error`, which is null where there was none."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        for batch in batches:
            stream.writelines(_line(found) for found in batch)


def _line(found: Found) -> str:
    entities = [entity.as_dict() for entity in found.entities]
    value = {"id": found.id, "text": found.text, "entities": entities, "error": found.error}
    return json.dumps(value, ensure_ascii=False) + "\n"


def write_parquet(path: Path, batches: Iterator[list[Found]]) -> None:
    """Writes the same as columns, a row group for each batch; a shard of no document is a file of no rows."""
    import pyarrow
    from pyarrow.parquet import ParquetWriter

    from ner.serving.bulk.parquet import entity_array, schema

    columns = schema()
    with path.open("wb") as stream, ParquetWriter(stream, columns, compression="zstd") as writer:
        for batch in batches:
            arrays = [
                pyarrow.array([found.id for found in batch], pyarrow.string()),
                pyarrow.array([found.text for found in batch], pyarrow.string()),
                entity_array(found.entities for found in batch),
                pyarrow.array([found.error for found in batch], pyarrow.string()),
            ]
            writer.write_table(pyarrow.Table.from_arrays(arrays, schema=columns))
