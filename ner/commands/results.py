"""Files and folders that a command is asked to write: looked at before the work, written after it."""

import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from itertools import combinations, product
from pathlib import Path

from ner.errors import ConfigError
from ner.whole_files import is_device, staged_file


def check_places(
    *,
    files: dict[str, Path | None],
    folders: dict[str, Path | None] | None = None,
    sources: Iterable[str | Path | None] = (),
) -> None:
    """Make sure that the results of a command can be written, before its work is done in vain; nothing is left there.

    Args:
        files: the path of each option that names a file; None where it isn't given.
        folders: the same of options that name a folder.
        sources: what is read for them, whose place none may take; None where it isn't given.

    Raises:
        ConfigError: a file stands where a folder belongs, a folder where a file does, nothing can be written there, or
            two would be written to one place.
    """
    given = [(option, path) for option, path in {**files, **(folders or {})}.items() if path]
    for (option, place), (other, another) in combinations(given, 2):
        if place.resolve() == another.resolve() and not is_device(place):
            raise ConfigError(f"{other} {another}: expected another place than that of {option}, found the same")
    for (option, place), source in product(given, sources):
        if source:
            check_is_another(option, place, source)
    for option, path in files.items():
        if path and path.is_dir():
            raise ConfigError(f"{option} {path}: expected a place for a file, found a folder; name a file in it")
        if path:
            _check_folder(option, path, path.parent)
    for option, path in (folders or {}).items():
        if path:
            _check_folder(option, path, path)


def check_is_another(option: str, path: Path | None, source: str | Path) -> None:
    """Raise ConfigError where a result would take the place of what is read for it.

    Args:
        option: what names the result.
        path: where it goes; None: to stdout.
        source: a file or folder; `-` is stdin.
    """
    if path and path.exists() and Path(source).exists() and path.samefile(source) and not is_device(path):
        raise ConfigError(
            f"{option} {path}: expected another place than that of the input, found the same; choose another"
        )


def write_text(path: Path, text: str) -> None:
    """Writes a result file, which appears whole or not at all.

    Raises:
        ConfigError: it can't be written there.
    """
    try:
        with staged_file(path) as stage:
            # Half a surrogate pair, which a word may hold, has no UTF-8.
            stage.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise ConfigError(f"{path}: expected a place for a file: {error.strerror}") from None
    print(f"written: {path}", file=sys.stderr)


def _check_folder(option: str, path: Path, folder: Path) -> None:
    file = next((each for each in (folder, *folder.parents) if each.exists() and not each.is_dir()), None)
    if file:
        raise ConfigError(f"{option} {path}: expected a folder at {file}, found a file; choose another path")
    missing = [each for each in (folder, *folder.parents) if not each.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        is_writable = os.access(path if path.exists() else folder, os.W_OK)
    except OSError as error:
        raise ConfigError(f"{option} {path}: expected a folder that can be made: {error.strerror}") from None
    finally:
        for each in missing:  # or it stays, empty, where the work fails
            with suppress(OSError):
                each.rmdir()
    if not is_writable:
        raise ConfigError(
            f"{option} {path}: expected a place to write to, found one without the right to; choose another"
        )
