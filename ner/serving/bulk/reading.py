"""The documents of a piece of input, each with a name; what can't be read is a document with its error.

Lines end at LF alone, and a blank line of text is an empty document, so that the number of a line in its file names it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from ner.data_settings import DataConfig
from ner.errors import DataError, describe
from ner.formats.format import Losses
from ner.formats.json_records import read_records
from ner.formats.json_text import parse_json, told
from ner.formats.records import document_of
from ner.formats.table import find_format
from ner.serving.bulk.parquet import ID, called, read_rows
from ner.serving.bulk.shards import LINES, PARQUET, Piece
from ner.text.document import Document
from ner.text.encoding import decode


@dataclass(frozen=True, slots=True)
class Item:
    """A document to tag; `document` where it has sentences of its own, `error` where it couldn't be read."""

    id: str
    text: str
    document: Document | None = None
    error: str | None = None


def read_piece(piece: Piece, data: DataConfig, losses: Losses, *, text_column: str | None) -> Iterator[Item]:
    """The documents of a piece in their order, as they are needed.

    Args:
        piece: part of a file.
        data: how it is read.
        losses: is told what is left out.
        text_column: where the text of rows and JSON lines stands; None: under `text`.

    Raises:
        DataError: the file can't be read at all.
    """
    try:
        if piece.format == PARQUET:
            yield from _rows(piece, text_column or "text")
        elif piece.end and piece.format == LINES:
            yield from _lines(piece, data)
        elif piece.format == "jsonl":
            yield from (_records if piece.end else _whole_records)(piece, data, losses, text_column)
        else:
            yield from _documents(piece, data, losses)
    except OSError as error:
        reason = error.strerror or str(error).partition("\n")[0]  # Arrow's have no number, and many lines
        raise DataError(f"{piece.name}: expected a readable file: {reason}") from None


def unwritable(text: str) -> str | None:
    """What is wrong with a text that has no UTF-8; None where it has."""
    if text.isascii():
        return None
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return f"expected text that has UTF-8, found {text[error.start]!r}"
    return None


def _rows(piece: Piece, column: str) -> Iterator[Item]:
    number = piece.first
    for name, text in read_rows(piece.path, begin=piece.begin, end=piece.end, column=column):
        own = f"{piece.name}:{number}"
        if isinstance(text, str):
            yield Item(name or own, text)
        else:
            yield Item(name or own, "", error=f"{own}: expected text in the column {column!r}, found {called(text)}")
        number += 1


def _raw_lines(piece: Piece) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers, without a byte-order mark before the first."""
    with Path(piece.path).open("rb") as stream:
        stream.seek(piece.begin)
        left, number = piece.end - piece.begin, piece.first
        while left > 0:
            line = stream.readline()
            if not line:
                raise DataError(f"{piece.name}: expected {piece.end} bytes, found fewer; the file was changed")
            left -= len(line)
            yield number, line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            number += 1


def _decoded(line: bytes, data: DataConfig, name: str, number: int) -> str:
    try:
        return line.decode(data.encoding)
    except (LookupError, UnicodeDecodeError):
        decode(line, data.encoding, name, first_line=number)
        raise


def _lines(piece: Piece, data: DataConfig) -> Iterator[Item]:
    for number, line in _raw_lines(piece):
        name = f"{piece.name}:{number}"
        try:
            text = _decoded(line, data, piece.name, number)
        except DataError as error:
            yield Item(name, "", error=str(error))
            continue
        yield Item(name, text.removesuffix("\n").removesuffix("\r"))


def _records(piece: Piece, data: DataConfig, losses: Losses, column: str | None) -> Iterator[Item]:
    for number, line in _raw_lines(piece):
        if line.isspace():
            continue
        source = f"{piece.name}:{number}"
        try:
            record = parse_json(_decoded(line, data, piece.name, number).rstrip("\r\n"), source, wanted="a JSON object")
        except DataError as error:
            yield Item(source, "", error=str(error))
            continue
        yield from _of_record(record, source, source, data, losses, column)


def _whole_records(piece: Piece, data: DataConfig, losses: Losses, column: str | None) -> Iterator[Item]:
    """Those of an array, or of lines in an encoding that isn't cut; what is no JSON ends them."""
    number = 0
    try:
        for number, (record, place) in enumerate(read_records(Path(piece.path), data.encoding), start=1):
            source = place.replace(piece.path, piece.name)
            yield from _of_record(record, source, f"{piece.name}:{number}", data, losses, column)
    except DataError as error:
        yield _end_of_file(piece, number + 1, error)


def _of_record(
    record: object, source: str, name: str, data: DataConfig, losses: Losses, column: str | None
) -> Iterator[Item]:
    """The document of a record, or its error, if it is one; `source` opens messages, `name` is its without an id."""
    try:
        if column is not None:
            record = _with_text(record, column, source)
        document = document_of(record, source, data, losses)
    except DataError as error:
        yield Item(name, "", error=str(error))
        return
    if document is not None:
        yield _item(document, name)


def _with_text(record: object, column: str, source: str) -> dict[str, object]:
    text = record.get(column) if isinstance(record, dict) else None
    if not isinstance(record, dict) or not isinstance(text, str):
        raise DataError(f'{source}: expected a JSON object with text under "{column}", found {told(record)}')
    return {"text": text, **({ID: record[ID]} if ID in record and column != ID else {})}


def _documents(piece: Piece, data: DataConfig, losses: Losses) -> Iterator[Item]:
    """The documents of a file that is read as a whole; behind its first fault nothing can be read."""
    if piece.format == LINES:  # in an encoding that isn't cut
        text = decode(Path(piece.path).read_bytes(), data.encoding, piece.name)
        lines = text.removesuffix("\n").split("\n") if text else []
        yield from (Item(f"{piece.name}:{number}", line.removesuffix("\r")) for number, line in enumerate(lines, 1))
        return
    own = data.model_copy(update={"format": piece.format})
    read = find_format(piece.format).read
    assert read
    number = 0
    try:
        for number, document in enumerate(read(Path(piece.path), own, losses), start=1):
            name = piece.name if piece.format == "text" else f"{piece.name}:{number}"
            yield _item(replace(document, id=None) if piece.format == "text" else document, name)
    except (MemoryError, OSError):
        raise
    except Exception as error:  # another's reader raises anything
        yield _end_of_file(piece, number + 1, error)


def _end_of_file(piece: Piece, number: int, error: Exception) -> Item:
    """The document of this number, where the rest of its file can't be read."""
    reason = describe(error).replace(piece.path, piece.name)
    return Item(f"{piece.name}:{number}", "", error=f"{reason}; what follows in the file is not read")


def _item(document: Document, name: str) -> Item:
    bare = replace(document, entities=()) if document.sentences else None
    return Item(name if document.id is None else document.id, document.text, bare)


def check_readable(piece: Piece, data: DataConfig, *, text_column: str | None) -> None:
    """Raise DataError where none of the first documents of a file can be read: then it isn't what it seems.

    Fewer than three tell nothing, nor do rows of Parquet, whose column is known to be of text.

    Args:
        piece: the first of its file.
        data: how it is read.
        text_column: as in `read_piece`.
    """
    if not piece.end or piece.format == PARQUET:
        return
    errors = []
    for item in islice(read_piece(piece, data, Losses(), text_column=text_column), _LOOKED_AT):
        if item.error is None:
            return
        errors.append(item.error)
    if len(errors) >= _FEWEST:
        raise DataError(
            f"{errors[0]}; nor can another of the first {len(errors)} documents be read: --input or --text-column "
            "says how"
        )


_LOOKED_AT, _FEWEST = 100, 3
