"""Redacted files: what `ner tag --format redacted` writes, the map that undoes it, and how it is undone.

Lines stay lines and texts texts, byte for byte but for the names; documents of other formats become JSON lines with
`id` and `text`, since what else they hold may have the names too. The map is JSON lines: first what it is, then for
each document in which something was replaced its number, its id and the replacements. It is as secret as the text.
"""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ner.errors import ConfigError, DataError, describe
from ner.formats.format import Losses
from ner.formats.json_text import parse_json, write_json
from ner.text.document import Document
from ner.text.encoding import decode, decode_lines
from ner.text.redaction import Redaction, Replacement, restore
from ner.text.sentence import Entity
from ner.whole_files import staged_file, staged_folder

Kind = Literal["lines", "text", "folder", "documents"]
KINDS: tuple[Kind, ...] = ("lines", "text", "folder", "documents")
Redact = Callable[[str, Iterable[Entity]], Redaction]
LINE_END = "line end"  # in a document's meta: what ends the line that it was
_VERSION = 1
_KEY = "ner redaction map"
_MARK = b"\xef\xbb\xbf"  # a byte-order mark in UTF-8
_MODE = 0o600  # its owner alone


@dataclass(slots=True)
class Redacted:
    """What was done so far: documents, and replaced names by label."""

    documents: int = 0
    labels: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        told = ", ".join(f"{count:,} {label}" for label, count in sorted(self.labels.items()))
        return f"{self.labels.total():,} names replaced{f' ({told})' if told else ''}, texts: {self.documents:,}"


def lines_of(lines: Iterable[str]) -> Iterator[Document]:
    """A document for each line, which keeps the line's end."""
    for line in lines:
        text = line.removesuffix("\n").removesuffix("\r")
        yield Document(text, meta={LINE_END: line[len(text) :]})


def of_text(text: str) -> Iterator[Document]:
    """The document of a text that stands on a command line, which ends in a line end when it is written."""
    yield Document(text, meta={LINE_END: "\n"})


def redacted_pieces(
    documents: Iterable[Document], kind: Kind, redact: Redact, *, map_path: Path | None, done: Redacted, losses: Losses
) -> Iterator[str]:
    """The redacted documents as pieces of a file.

    Args:
        documents: with the entities to replace; lines as `lines_of` makes them.
        kind: what they were, but `folder`.
        redact: replaces entities.
        map_path: where the map goes; it is there, whole, once the last piece is taken.
        done: counts.
        losses: is told what isn't written.

    Raises:
        ConfigError: the map can't be written there.
    """
    for document, redaction in redacted_documents(documents, kind, redact, map_path=map_path, done=done):
        if kind != "documents":
            yield redaction.text + document.meta.get(LINE_END, "")
            continue
        if document.meta:
            losses.add("documents with more than a text: the rest, which may hold names, is left out", document.name)
        value = {} if document.id is None else {"id": document.id}
        yield write_json({**value, "text": redaction.text}, document.name) + "\n"


def redacted_documents(
    documents: Iterable[Document], kind: Kind, redact: Redact, *, map_path: Path | None, done: Redacted
) -> Iterator[tuple[Document, Redaction]]:
    """Each document with its redaction; arguments and errors are those of `redacted_pieces`."""
    with _map_file(map_path, kind) as note:
        for document in documents:
            redaction = redact(document.text, document.entities)
            note(done.documents, document.id, redaction)
            done.documents += 1
            done.labels.update(each.label for each in redaction.replacements)
            yield document, redaction


def write_folder(target: Path, texts: Iterable[tuple[str, str]]) -> None:
    """Write a folder of `.txt` files, which appears whole or not at all.

    Args:
        target: a folder that isn't there yet, or is empty.
        texts: the name of each, with slashes where it is in a folder below, without `.txt`; and the text.

    Raises:
        ConfigError: something stands there.
        DataError: it can't be written.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        found = "one that isn't empty" if target.is_dir() else "a file"
        raise ConfigError(f"{target}: expected a new folder, or an empty one, found {found}; choose another")
    try:
        with staged_folder(target) as stage:
            for name, text in texts:
                place = stage / f"{name}.txt"
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(text.encode("utf-8"))
    except OSError as error:
        raise DataError(f"{target}: expected a place to write to: {error.strerror}") from None


@contextmanager
def _map_file(path: Path | None, kind: Kind) -> Iterator[Callable[[int, str | None, Redaction], None]]:
    """What takes notes for the map; where there is to be none, it takes none."""
    if path is None:
        yield lambda number, name, redaction: None
        return
    try:
        with staged_file(path) as stage:
            # Nobody else may read it, not even while it is written.
            descriptor = os.open(stage, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
            with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as stream:
                stream.write(json.dumps({_KEY: _VERSION, "of": kind}) + "\n")

                def note(number: int, name: str | None, redaction: Redaction) -> None:
                    if redaction.replacements:
                        replaced = [each.as_list() for each in redaction.replacements]
                        stream.write(json.dumps({"document": number, "id": name, "replaced": replaced}) + "\n")

                yield note
    except OSError as error:
        raise ConfigError(f"--map {path}: expected a place for a file: {error.strerror}") from None


def restored_pieces(source: Path, map_path: Path) -> Iterator[str]:
    """The text of a redacted file as it was, in pieces.

    Raises:
        DataError: the map, or the file that it is for, isn't as it should be.
    """
    kind, notes = read_map(map_path)
    waiting = next(notes, None)
    try:
        with source.open("rb") as stream:
            mark = byte_order_mark(stream.read(len(_MARK)))
            stream.seek(len(mark.encode()))
            yield mark
            number = -1
            texts = [stream.read().decode("utf-8")] if kind == "text" else decode_lines(stream, "utf-8", str(source))
            for number, text in enumerate(texts):
                name = str(source) if kind == "text" else f"{source}:{number + 1}"
                if waiting is None or waiting.document != number:
                    yield text
                elif kind == "documents":
                    yield _restored_record(text, waiting, name)
                    waiting = next(notes, None)
                else:
                    yield _restored(text, waiting, name)
                    waiting = next(notes, None)
    except OSError as error:
        raise DataError(f"{source}: expected a readable file: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DataError(
            f"{source}: expected UTF-8, as ner tag --format redacted writes it, found other bytes"
        ) from None
    if waiting is not None:
        raise DataError(
            f"{source}: expected at least {waiting.document + 1} texts, as {map_path} says, found {number + 1}; "
            "the map is of another file"
        )


def restored_folder(source: Path, map_path: Path) -> Iterator[tuple[str, str]]:
    """The name and the text of each redacted file of a folder, as they were.

    Raises:
        DataError: the map, or the folder that it is for, isn't as it should be.
    """
    notes = {str(note.name): note for note in read_map(map_path)[1]}
    for file in sorted(source.rglob("*.txt")):
        name = file.relative_to(source).as_posix().removesuffix(".txt")
        text = decode(file.read_bytes(), "utf-8", str(file))
        mark = byte_order_mark(file.read_bytes())
        yield name, mark + (_restored(text, notes.pop(name), str(file)) if name in notes else text)
    for name in notes:
        raise DataError(f"{source}: expected {name}.txt, as {map_path} says, found none; the map is of another folder")


def byte_order_mark(content: bytes) -> str:
    """The byte-order mark with which bytes in UTF-8 begin, or nothing: readers skip it."""
    return _MARK.decode() if content.startswith(_MARK) else ""


def _restored(text: str, note: "_Note", name: str) -> str:
    try:
        return restore(text, note.replaced)
    except DataError as error:
        raise DataError(f"{name}: {str(error).removeprefix('restore: ')}") from None


def _restored_record(line: str, note: "_Note", name: str) -> str:
    record = parse_json(line.rstrip("\r\n"), name)
    if not isinstance(record, dict) or not isinstance(record.get("text"), str):
        raise DataError(f'{name}: expected an object with a "text", as ner tag --format redacted writes it')
    return write_json({**record, "text": _restored(record["text"], note, name)}, name) + "\n"


@dataclass(frozen=True, slots=True)
class _Note:
    """A line of a map: the number of a document, its name, and what was replaced in it."""

    document: int
    name: str | None
    replaced: tuple[Replacement, ...]


def read_map(path: Path) -> "tuple[Kind, Iterator[_Note]]":
    """What the map is of, and its notes as they are needed.

    Raises:
        DataError: it is no map, at once or at the line that is damaged.
    """
    lines = _lines(path)
    first = next(lines, "")
    try:
        head = json.loads(first)
        version, kind = head[_KEY], head["of"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DataError(f"{path}:1: expected a map that ner tag --map wrote, found {first[:40]!r}") from None
    if version != _VERSION or kind not in KINDS:
        raise DataError(f"{path}:1: expected a map of version {_VERSION}, found {version!r}; update bilstm-crf-ner")
    return kind, _notes(lines, path)


def _notes(lines: Iterator[str], path: Path) -> Iterator[_Note]:
    for number, line in enumerate(lines, start=2):
        note = parse_json(line, f"{path}:{number}")
        try:
            replaced = tuple(Replacement(int(s), str(p), str(label), str(o)) for s, p, label, o in note["replaced"])
            yield _Note(int(note["document"]), note["id"], replaced)
        except (KeyError, TypeError, ValueError) as error:
            raise DataError(f"{path}:{number}: expected a document and its replacements: {describe(error)}") from None


def _lines(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8", newline="\n") as stream:
            yield from stream
    except OSError as error:
        raise DataError(f"{path}: expected a map that can be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise DataError(f"{path}: expected a map that can be read: it isn't UTF-8") from None
