"""Parquet: where its rows are cut, how texts are read from it, and the schema in which tagged documents are written.

The schema is fixed: a shard without any entity has the same columns of the same types as one with a thousand. Left to
what the rows hold, the list of entities of such a shard is a list of nulls, and the folder can't be read as one table.
pyarrow is imported when it is needed; it comes with the extra `tables`.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ner.distribution import is_there
from ner.errors import ConfigError, DataError
from ner.text.sentence import Entity

if TYPE_CHECKING:
    import pyarrow

ID = "id"  # the column of names of documents, where there is one
_ROWS = 2048  # read at once


def need_pyarrow(what: str) -> None:
    """Raise ConfigError unless pyarrow is installed; `what` needs it."""
    if not is_there("pyarrow"):
        raise ConfigError(f"{what}: expected the package `pyarrow`; pip install 'bilstm-crf-ner[tables]'")


def cut_rows(path: Path, name: str, *, size: int, column: str) -> Iterator[tuple[int, int, int, int]]:
    """Pieces of a file as first row, row behind the last, number of the first document, bytes of text.

    A row group that holds more than `size` bytes of text is cut into equal numbers of rows.

    Raises:
        ConfigError: pyarrow isn't installed, or no such column, or it isn't of text.
        DataError: no Parquet file.
    """
    need_pyarrow(name)
    from pyarrow import ArrowException
    from pyarrow.parquet import ParquetFile

    try:
        file = ParquetFile(path)
    except ArrowException as error:
        raise DataError(f"{name}: expected a Parquet file: {str(error).partition('.')[0]}") from None
    with file:
        schema = file.schema_arrow
        if schema.names.count(column) > 1:
            raise ConfigError(f"{name}: expected one column {column!r}, found {schema.names.count(column)}")
        if column not in schema.names:
            raise ConfigError(
                f"{name}: expected the text in the column {column!r}, found the columns {', '.join(schema.names)}; "
                "--text-column names it"
            )
        if not _is_text(schema.field(column).type):
            raise ConfigError(
                f"{name}: expected text in the column {column!r}, found {schema.field(column).type}; "
                "--text-column names another"
            )
        place = next(i for i in range(len(file.schema)) if file.schema.column(i).path == column)
        begin = 0
        for index in range(file.num_row_groups):
            group = file.metadata.row_group(index)
            bytes_of_text = group.column(place).total_uncompressed_size
            step = max(1, group.num_rows * size // max(bytes_of_text, 1))
            for start in range(0, group.num_rows, step):
                rows = min(step, group.num_rows - start)
                yield begin + start, begin + start + rows, begin + start + 1, bytes_of_text * rows // group.num_rows
            begin += group.num_rows


def digest_of_footer(path: Path) -> str:
    """What tells a Parquet file's content: its size, and the SHA-256 of its footer, which says where each page is."""
    with path.open("rb") as stream:
        stream.seek(-8, 2)
        length = int.from_bytes(stream.read(4), "little")
        size = stream.seek(0, 2)
        stream.seek(-min(8 + length, size), 2)
        return f"{size} {hashlib.sha256(stream.read()).hexdigest()}"


def read_rows(path: str, *, begin: int, end: int, column: str) -> Iterator[tuple[str | None, object]]:
    """Name, None where there is none, and text of the rows from `begin` to `end`, as `texts_of` gives them."""
    import pyarrow
    from pyarrow.parquet import ParquetFile

    with ParquetFile(path) as file:
        sizes = [file.metadata.row_group(index).num_rows for index in range(file.num_row_groups)]
        starts = list(accumulate(sizes, initial=0))
        groups = [i for i in range(len(sizes)) if starts[i] < end and starts[i + 1] > begin]
        names = file.schema_arrow.names
        named = names.count(ID) == 1 and column != ID and _is_name(file.schema_arrow.field(ID).type)
        columns = [column, ID] if named else [column]
        row = starts[groups[0]] if groups else 0
        for batch in file.iter_batches(_ROWS, row_groups=groups, columns=columns):
            kept = batch.slice(max(begin - row, 0), max(0, min(end - row, len(batch)) - max(begin - row, 0)))
            texts = texts_of(kept.column(column).cast(pyarrow.string()))
            ids = texts_of(kept.column(ID)) if named else [None] * len(texts)
            for name, text in zip(ids, texts, strict=True):
                yield None if name is None or name is NOT_UTF_8 else str(name), text
            row += len(batch)


NOT_UTF_8 = object()  # what `texts_of` has in place of a text


def texts_of(column: "pyarrow.Array | pyarrow.ChunkedArray") -> list[object]:
    """The values of a column as Python has them, `NOT_UTF_8` for those that no string can be made of.

    Neither Arrow nor Parquet asks whether the bytes of a string are UTF-8; what writes them may not have, either.
    """

    def read(scalar: Any) -> object:
        try:
            return scalar.as_py()
        except UnicodeDecodeError:
            return NOT_UTF_8

    try:
        return list(column.to_pylist())
    except UnicodeDecodeError:
        return [read(scalar) for scalar in column]


def called(value: object) -> str:
    """What a message calls a value that is no text."""
    if value is NOT_UTF_8:
        return "bytes that aren't UTF-8"
    # pandas writes a missing text as the number NaN.
    missing = value is None or value != value
    return "null" if missing else type(value).__name__


def entity_type() -> "pyarrow.DataType":
    """The type of a document's entities: a list of structs, offsets in characters of a Python string."""
    import pyarrow

    fields = [
        ("start", pyarrow.int64()),
        ("end", pyarrow.int64()),
        ("label", pyarrow.string()),
        ("text", pyarrow.string()),
        ("score", pyarrow.float64()),
    ]
    return pyarrow.list_(pyarrow.struct(fields))


def entity_array(documents: Iterable[Sequence[Entity]]) -> "pyarrow.Array":
    """The entities of documents, in `entity_type` whatever they are."""
    import pyarrow

    rows = list(documents)
    flat = [entity for row in rows for entity in row]
    of_struct: Any = entity_type().value_type
    columns = [
        pyarrow.array([getattr(entity, field.name) for entity in flat], field.type)
        for field in (of_struct.field(i) for i in range(of_struct.num_fields))
    ]
    values = pyarrow.StructArray.from_arrays(columns, fields=[of_struct.field(i) for i in range(of_struct.num_fields)])
    offsets = pyarrow.array(accumulate(map(len, rows), initial=0), pyarrow.int32())
    return pyarrow.ListArray.from_arrays(offsets, values, type=entity_type())


def schema() -> "pyarrow.Schema":
    """The columns of a shard."""
    import pyarrow

    text = pyarrow.string()
    fields = [
        pyarrow.field("id", text, nullable=False),
        pyarrow.field("text", text, nullable=False),
        pyarrow.field("entities", entity_type(), nullable=False),
        pyarrow.field("error", text),
    ]
    return pyarrow.schema(fields)


def _is_text(kind: "pyarrow.DataType") -> bool:
    from pyarrow import types

    kind = kind.value_type if types.is_dictionary(kind) else kind
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _is_name(kind: "pyarrow.DataType") -> bool:
    from pyarrow import types

    return _is_text(kind) or bool(types.is_integer(kind))
