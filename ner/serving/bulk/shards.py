"""Shards: the parts that the input of a bulk job is cut into, the same ones each time.

A shard depends on the files and on the size asked for alone, never on who tags it or when: so a job that was killed
goes on with the shards that are missing. Files of lines are cut at line ends, Parquet files by rows; a file of another
format is never cut. This module alone knows where.
"""

import codecs
import hashlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ner.data_settings import DataConfig
from ner.errors import ConfigError, DataError
from ner.formats.json_text import first_record, is_pair
from ner.formats.table import find_format, looks_like, name_for_reading, take_sample
from ner.resources.download import sha256_of
from ner.serving.bulk.parquet import cut_rows, digest_of_footer
from ner.text.encoding import is_wide

LINES = "lines of text"  # each line is a document
PARQUET = "parquet"
CUT = (LINES, "jsonl", PARQUET)  # formats whose files are cut
_READ_AT_ONCE = 1 << 20  # bytes
_PARQUET_MAGIC = b"PAR1"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of one file: bytes of a file of lines, rows of a Parquet file, or all of it, with `end` 0.

    `name` is the file as the user named it, which ids and messages show; `path` is absolute; `first` is the number of
    the first document in the file, from 1: its line or its row. `size` is in bytes.
    """

    name: str
    path: str
    format: str
    begin: int = 0
    end: int = 0
    first: int = 1
    size: int = 0


@dataclass(frozen=True, slots=True)
class Shard:
    """What one worker tags at once into one file: pieces in their order."""

    number: int
    pieces: tuple[Piece, ...]

    @property
    def size(self) -> int:
        """Bytes of its input."""
        return sum(piece.size for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Plan:
    """All shards of a job in their order, and digests of the input: of names and contents, and of contents alone."""

    shards: tuple[Shard, ...]
    digest: str
    content: str

    @property
    def formats(self) -> dict[str, int]:
        """How many files there are of each format."""
        files = {piece.path: piece.format for shard in self.shards for piece in shard.pieces}
        return {name: list(files.values()).count(name) for name in sorted(set(files.values()))}


def make_plan(inputs: Iterable[str], data: DataConfig, *, size: int, text_column: str | None) -> Plan:
    """The shards of these files and folders.

    Files are read once from end to end, for their digest and their line ends; of a Parquet file, its footer alone.

    Args:
        inputs: files and folders, in this order; a folder's files by name, those of its folders and of what links
            lead to too, without those that begin with a dot or an underscore; if `format` is `text`, those in `.txt`.
        data: how files are read; `format` is one of `ner formats`, `lines of text`, or `auto`: told from each file.
        size: bytes of a shard, which is the more exact the smaller the documents.
        text_column: where the text of Parquet rows and JSON lines stands.

    Raises:
        ConfigError: a file whose format is in doubt, or a text column where the format knows none.
        DataError: no such file, one that can't be read, or no document in any.
    """
    pieces: list[Piece] = []
    digest, content = hashlib.sha256(), hashlib.sha256()
    given = list(inputs)
    for name, path in _files(given, data):
        try:
            form = _format_of(name, path, data, text_column)
            found, told = _cut(name, path, form, data, size=size, text_column=text_column)
        except OSError as error:
            raise DataError(f"{name}: expected a readable file: {error.strerror or error}") from None
        digest.update(f"{name}\0{form}\0{told}\n".encode(errors="replace"))
        content.update(f"{form}\0{told}\n".encode(errors="replace"))
        pieces += found
    if not pieces:
        raise DataError(f"{', '.join(given)}: expected documents to tag, found none")
    return Plan(tuple(_grouped(pieces, size)), digest.hexdigest(), content.hexdigest())


def _grouped(pieces: Iterable[Piece], size: int) -> Iterator[Shard]:
    """Consecutive pieces together, as long as they aren't more than a shard should be."""
    number, group, total = 0, list[Piece](), 0
    for piece in pieces:
        if group and total + piece.size > size:
            yield Shard(number, tuple(group))
            number, group, total = number + 1, [], 0
        group.append(piece)
        total += piece.size
    if group:
        yield Shard(number, tuple(group))


def _files(inputs: Iterable[str], data: DataConfig) -> Iterator[tuple[str, Path]]:
    """Each file, or folder that is read as a whole, with the name that the user gave it."""
    for name in inputs:
        path = Path(name)
        if not path.is_dir():
            yield name, _checked(name, path)
            continue
        of_folders = [] if data.format in (LINES, "text", *CUT) else looks_like(take_sample(path))
        if data.format in of_folders or (data.format == "auto" and of_folders):
            yield name, path
            continue
        files = [file for file in _below(path, name) if data.format != "text" or file.suffix.lower() == ".txt"]
        if not files:
            which = "files in .txt" if data.format == "text" else "files"
            raise DataError(f"{name}: expected a folder of {which}, found none in it")
        for file in files:
            own = f"{name.rstrip('/')}/{file.relative_to(path).as_posix()}"
            yield own, _checked(own, file)


def _below(path: Path, name: str) -> list[Path]:
    """The files of a folder and its folders, by name; a folder that is met again through a link is read once."""

    def refuse(error: OSError) -> None:
        place = f"{name.rstrip('/')}/{Path(error.filename).relative_to(path).as_posix()}"
        raise DataError(f"{place}: expected a folder that can be read: {error.strerror}; mend that, or name the files")

    found, seen = list[Path](), set[Path]()
    for folder, folders, names in os.walk(path, onerror=refuse, followlinks=True):
        place = Path(folder).resolve()
        folders[:] = [] if place in seen else sorted(each for each in folders if each[0] not in "._")
        found += [] if place in seen else [Path(folder, each) for each in names if each[0] not in "._"]
        seen.add(place)
    return sorted(found)


def _checked(name: str, path: Path) -> Path:
    """The same path, if it is a file.

    Raises:
        DataError: it isn't, and nothing that can be read twice.
    """
    if not path.exists():
        raise DataError(f"{name}: no such file or folder")
    if not path.is_file():
        raise DataError(f"{name}: expected a file or folder, found a pipe or device, which can't be read twice")
    return path


def _format_of(name: str, path: Path, data: DataConfig, text_column: str | None) -> str:
    """What a file is read as."""
    form = data.format
    if path.is_file():
        with path.open("rb") as stream:
            head = stream.read(_READ_AT_ONCE >> 4)
        if head.startswith(_PARQUET_MAGIC):
            form = PARQUET
        elif form in (LINES, "jsonl", "auto") and b"\0" in head and not is_wide(data.encoding) and not _tells(path):
            remedy = "unpack it, or name its format by --input"
            if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
                remedy = "if it is UTF-16, say --set data.encoding=utf-16"
            raise DataError(f"{name}: expected text, found a binary file; {remedy}")
    if form == "auto":
        found = looks_like(take_sample(path))
        form = (
            name_for_reading(path, data)
            if len(found) > 1
            else found[0]
            if found
            else _lines_of(name, path, text_column)
        )
    if form not in CUT and find_format(form).read is None:
        name_for_reading(path, data.model_copy(update={"format": form}))
    if text_column and form not in (PARQUET, "jsonl"):
        raise ConfigError(f"--text-column {text_column}: expected Parquet or JSON lines, found {name}, which is {form}")
    return form


def _lines_of(name: str, path: Path, text_column: str | None) -> str:
    """What a file that looks like no format is: lines of text, or records that have their text elsewhere."""
    record = first_record(take_sample(path).head)
    suffix = path.suffix.lower()
    if not isinstance(record, dict):
        if suffix == ".json":
            raise ConfigError(
                f"{name}: expected a JSON object a line, or an array of objects, found neither; write it so, "
                "or --lines tags each line as it is"
            )
        return "jsonl" if suffix in (".jsonl", ".ndjson") else LINES
    column = text_column or "text"
    if column not in record:  # tagged as a line of text, the names of its keys would count as text
        found = ", ".join(repr(key) for key in list(record)[:10]) or "none"
        raise ConfigError(
            f"{name}: expected the text under {column!r}, found the keys {found}; --text-column names it, "
            "--lines tags each line as it is"
        )
    return "jsonl"


def _tells(path: Path) -> bool:
    """Whether a binary file is of a known format."""
    return bool(looks_like(take_sample(path)))


def _cut(
    name: str, path: Path, form: str, data: DataConfig, *, size: int, text_column: str | None
) -> tuple[list[Piece], str]:
    """The pieces of a file, and what its content is told by."""
    place = str(path.resolve())
    if form == PARQUET:
        cuts = cut_rows(path, name, size=size, column=text_column or "text")
        return [Piece(name, place, form, *cut) for cut in cuts], digest_of_footer(path)
    if form in CUT and not is_wide(data.encoding) and not (form == "jsonl" and _is_array(path)):
        return _cut_lines(name, path, form, size)
    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if file.is_file()]
        told = "".join(f"{file.relative_to(path)} {sha256_of(file)}\n" for file in files)
        return [Piece(name, place, form, size=sum(file.stat().st_size for file in files))], told
    return [Piece(name, place, form, size=path.stat().st_size)], sha256_of(path)


def _is_array(path: Path) -> bool:
    """Whether a JSON file is one array, and not a record a line."""
    head = take_sample(path).head.lstrip()
    return head.startswith("[") and not is_pair(first_record(head.partition("\n")[0]))


def _cut_lines(name: str, path: Path, form: str, size: int) -> tuple[list[Piece], str]:
    """Pieces of at least `size` bytes that end where lines do, but for the last one; and the content's SHA-256."""
    place, pieces, digest = str(path.resolve()), list[Piece](), hashlib.sha256()
    begin, first = 0, 1  # of the piece that is open
    position, line = 0, 1  # of the block that was read
    with path.open("rb") as stream:
        while block := stream.read(_READ_AT_ONCE):
            digest.update(block)
            start = 0
            while (earliest := begin + size - 1 - position) < len(block):
                end = block.find(b"\n", max(earliest, start)) + 1
                if not end:
                    break
                line += block.count(b"\n", start, end)
                start = end
                pieces.append(Piece(name, place, form, begin, position + end, first, position + end - begin))
                begin, first = position + end, line
            line += block.count(b"\n", start)
            position += len(block)
    if begin < position:
        pieces.append(Piece(name, place, form, begin, position, first, position - begin))
    return pieces, digest.hexdigest()
