"""Files of annotated text in and out, whatever their format: `ner.read`, `ner.write`, and what `ner convert` does."""

import warnings
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from ner.collector import no_search_for_cycles
from ner.config import parse_config
from ner.data_settings import DataConfig
from ner.errors import ConfigError, DataError, check_type
from ner.formats.format import Losses
from ner.formats.table import find_format, name_for_reading, name_for_writing
from ner.text.document import Document
from ner.whole_files import staged_file, staged_folder


def read(
    path: str | Path, format: str | None = None, *, settings: Mapping[str, object] | None = None
) -> list[Document]:
    """The documents of a file or folder of annotated text.

    Args:
        path: of the file or folder.
        format: one of `ner formats`; None: told from what the file holds.
        settings: settings of `[data]` by name, such as `{"word_column": 1}`.

    Raises:
        ConfigError: no such format or setting, or the format is in doubt.
        DataError: the file is missing, or isn't as described; names the line.
    """
    check_type("path", path, str | Path, "the path of a file")
    given = dict(settings or {}) | ({} if format is None else {"format": format})
    data = parse_config({"data": given}, "read").data
    losses = Losses()
    with no_search_for_cycles():
        documents = list(read_documents(path, data, losses))
    _warn(path, losses)
    return documents


def write(
    path: str | Path,
    documents: Iterable[Document],
    format: str | None = None,
    *,
    settings: Mapping[str, object] | None = None,
) -> None:
    """Write documents to a file or folder, which appears whole or not at all.

    What the format can't hold is a warning, with how much of it there is.

    Args:
        path: of the file or folder; its own folder is made.
        documents: taken as they are needed.
        format: one of `ner formats`; None: told from the path's end.
        settings: settings of `[data]` by name, such as `{"scheme": "bioes"}`.

    Raises:
        ConfigError: no such format or setting, or the path's end tells none.
        DataError: a document that the format can't hold at all.
    """
    check_type("path", path, str | Path, "the path of a file", "write(PATH, DOCUMENTS) takes it first")
    data = parse_config({"data": dict(settings or {})}, "write").data
    losses = Losses()
    write_documents(path, documents, name_for_writing(path, format), data, losses)
    _warn(path, losses)


def read_documents(path: str | Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """The documents of a file or folder described by `[data]`, as they are needed.

    Raises:
        ConfigError: the format is in doubt.
        DataError: the file is missing, or isn't as described; names the line.
    """
    form = find_format(name_for_reading(path, data))
    assert form.read
    return form.read(Path(path), data, losses)


def write_documents(
    path: str | Path, documents: Iterable[Document], format: str, data: DataConfig, losses: Losses
) -> None:
    """Write documents to a file or folder of this format, which appears whole or not at all.

    Raises:
        ConfigError: something is in the way.
        DataError: a document that the format can't hold at all, or the path can't be written.
    """
    form, path = find_format(format), Path(path)
    if form.write:
        write_pieces(path, form.write(documents, data, losses))
        return
    assert form.save
    is_folder = any(end.endswith("/") for end in form.suffixes)
    _check_place(path, is_folder=is_folder)
    try:
        with (staged_folder if is_folder else staged_file)(path) as stage:
            form.save(stage, documents, data, losses)
    except OSError as error:
        raise DataError(f"{path}: expected a place to write to: {error.strerror}") from None


def write_pieces(path: str | Path, pieces: Iterable[str]) -> None:
    """Write a text file in UTF-8, which appears whole or not at all.

    Raises:
        ConfigError: something is in the way.
        DataError: it can't be written there, or a piece holds half a surrogate pair.
    """
    path = Path(path)
    _check_place(path, is_folder=False)
    try:
        with staged_file(path) as stage, stage.open("w", encoding="utf-8", newline="") as stream:
            for piece in pieces:
                stream.write(piece)
    except OSError as error:
        raise DataError(f"{path}: expected a place to write to: {error.strerror}") from None
    except UnicodeEncodeError as error:
        raise DataError(f"{path}: expected text that has UTF-8, found {error.object[error.start]!r}") from None


def _check_place(path: Path, *, is_folder: bool) -> None:
    if path.exists() and path.is_dir() != is_folder:
        wanted, found = ("a folder", "a file") if is_folder else ("a file", "a folder")
        raise ConfigError(f"{path}: expected a place for {wanted}, found {found}")
    if file := next((parent for parent in path.parents if parent.is_file()), None):
        raise ConfigError(f"{path}: expected a folder at {file}, found a file; choose another path")


def _warn(path: str | Path, losses: Losses) -> None:
    for line in losses.lines():
        warnings.warn(f"{path}: {line}", stacklevel=3)
