"""Pretrained vectors by name: the catalogue (`vectors.toml`), fetching into the cache, and opening.

Each set has several sources, tried in order, because not every network reaches every one. A set from a
source that lacks words is completed from the set its catalogue entry names (see `completion`).
"""

import difflib
import shutil
import tempfile
import tomllib
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from ner.errors import DownloadError, NerError, VectorsError
from ner.resources.compact import Vectors, read_compact, read_meta, write_compact
from ner.resources.completion import complete
from ner.resources.download import cache_home, sha256_of
from ner.resources.vector_files import read_vectors
from ner.resources.vector_sources import Source, fetch_archive, read_archive
from ner.whole_files import sweep


@dataclass(frozen=True)
class NamedVectors:
    """A set of the catalogue; `completed_by` names the set that helps when a source lacks words."""

    name: str
    description: str
    language: str
    licence: str
    sources: tuple[Source, ...]
    completed_by: str | None = None

    def with_sources(self, kind: str) -> "NamedVectors":
        """The same set with its sources of one kind (`url`, `pypi`, `npm`) alone.

        Raises:
            VectorsError: it has none of this kind.
        """
        sources = tuple(source for source in self.sources if source.kind == kind)
        if not sources:
            kinds = ", ".join(dict.fromkeys(source.kind for source in self.sources))
            raise VectorsError(f"{self.name}: expected a source of kind {kinds}, found {kind!r}")
        return replace(self, sources=sources)

    def __str__(self) -> str:
        here = "here" if vectors_folder(self.name).exists() else "-"
        return f"{self.name:<17} {here:<5} {self.description}"


def list_vectors() -> list[NamedVectors]:
    """The sets that can be fetched by name, in the catalogue's order.

    >>> [entry.name for entry in list_vectors()][:2]
    ['glove-6b-50d', 'glove-6b-100d']
    """
    text = resources.files("ner.resources").joinpath("vectors.toml").read_text(encoding="utf-8")
    return parse_catalogue(text)


def parse_catalogue(text: str) -> list[NamedVectors]:
    """The sets of a catalogue in TOML."""
    entries = []
    for name, table in tomllib.loads(text).items():
        sources = tuple(Source(**source) for source in table.pop("sources"))
        entries.append(NamedVectors(name=name, sources=sources, **table))
    return entries


def vectors_folder(name: str) -> Path:
    """Where the set of this name lies, or would lie, in compact form."""
    return cache_home() / "vectors" / name


def get_vectors(
    name: str,
    *,
    on_message: Callable[[str], None],
    on_progress: Callable[[int, int | None], None] | None = None,
    kind: str | None = None,
) -> Path:
    """The compact folder of a named set, fetched if it isn't in the cache yet, completed if that is possible.

    Args:
        name: one of `list_vectors()`.
        on_message: called with what a user wants to read: the licence, the source, what failed, how good
            predicted rows are.
        on_progress: called with bytes received and bytes in all (None where nobody says).
        kind: try only sources of this kind (`url`, `pypi`, `npm`).

    Raises:
        VectorsError: no such name, or no source of this kind.
        DownloadError: no source could be used.
    """
    from filelock import FileLock  # tagging needs no locks

    entries = list_vectors()
    entry = next((entry for entry in entries if entry.name == name), None)
    if entry is None:
        raise VectorsError(f"{name}: no such set of vectors{_close(name, entries)}; see `ner vectors list`")
    if kind is not None:
        entry = entry.with_sources(kind)
    folder = vectors_folder(name)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            if folder.exists():
                on_message(f"{name}: already in {folder}")
            else:
                on_message(f"{name}: {entry.description}. Licence: {entry.licence}.")
                sweep(folder)
                for left in folder.parent.glob(f".{name}.fetch-*"):  # by a fetch that was killed
                    shutil.rmtree(left, ignore_errors=True)
                _fetch_first(entry, folder, on_message, on_progress)
            source = read_meta(folder)["source"]
            if not source.get("incomplete") or entry.completed_by is None:
                return folder
            try:
                on_message(f"{name}: this source lacks words; they are predicted from {entry.completed_by}")
                helper = get_vectors(entry.completed_by, on_message=on_message, on_progress=on_progress)
                _complete(folder, read_compact(helper), source, on_message)
            except NerError as error:
                on_message(f"{name}: left incomplete: {error}")
    except OSError as error:
        raise DownloadError(
            f"{folder}: can't be written: {error.strerror or error}; "
            "free space there, or set NER_HOME to another folder"
        ) from None
    return folder


def open_vectors(name_or_path: str) -> Vectors:
    """The vectors of a set in the cache, or of a file or folder; memory-mapped.

    Args:
        name_or_path: a name of the catalogue (it wins over a file of that name: write `./NAME` for the
            file), or a path that `read_vectors` takes.

    Raises:
        VectorsError: a set that isn't fetched yet, neither a name nor a file, or a damaged file.
    """
    folder = vectors_folder(name_or_path)
    entries = list_vectors()
    if any(entry.name == name_or_path for entry in entries):
        if not folder.exists():
            raise VectorsError(f"{name_or_path}: not fetched yet; run: ner vectors get {name_or_path}")
        return read_compact(folder)
    path = Path(name_or_path)
    if not path.exists():
        raise VectorsError(
            f"{name_or_path}: no such file, and no name of `ner vectors list`{_close(name_or_path, entries)}"
        )
    return read_vectors(path)


def _fetch_first(
    entry: NamedVectors,
    folder: Path,
    on_message: Callable[[str], None],
    on_progress: Callable[[int, int | None], None] | None,
) -> None:
    """The first source that works, written to `folder`."""
    for source in entry.sources:
        on_message(f"{entry.name}: trying {source.address}")
        try:
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{entry.name}.fetch-") as temporary:
                archive = fetch_archive(source, Path(temporary), on_progress=on_progress)
                digest = sha256_of(archive)
                if source.sha256 is None:
                    on_message(f"{entry.name}: no published digest; found SHA-256 {digest}")
                on_message(f"{entry.name}: reading {archive.name}")
                found = read_archive(source, archive)
                vectors = Vectors(entry.name, found.words, found.matrix, found.measured)
                origin: dict[str, Any] = {
                    "address": source.address,
                    "sha256": digest,
                    "published_digest": source.sha256 is not None,
                    "licence": entry.licence,
                    "incomplete": source.incomplete,
                }
                write_compact(vectors, folder, source=origin)
        except NerError as error:
            on_message(f"failed: {error}")
            continue
        on_message(f"{entry.name}: {len(vectors.words):,} words of {vectors.matrix.shape[1]} dimensions in {folder}")
        return
    raise DownloadError(
        f"{entry.name}: none of {len(entry.sources)} sources could be used (each said why); "
        "connect to one of them, or give a file: --set model.vectors=PATH"
    )


def _complete(folder: Path, helper: Vectors, source: dict[str, Any], on_message: Callable[[str], None]) -> None:
    vectors, cosines = complete(read_compact(folder), helper)
    origin = {**source, "incomplete": False, "completed_by": helper.name, "held_out_cosine": cosines}
    write_compact(vectors, folder, source=origin)
    ranges = ", ".join(f"{cosine:.2f} for ranks {ranks}" for ranks, cosine in cosines.items() if ranks != "all")
    on_message(
        f"{vectors.name}: {len(vectors.words) - vectors.measured:,} words predicted from {helper.name} and marked "
        f"so; cosine with the truth on held-out words: {cosines['all']:.2f} ({ranges})"
    )


def _close(name: str, entries: list[NamedVectors]) -> str:
    close = difflib.get_close_matches(name, [entry.name for entry in entries], n=1)
    return f"; did you mean {close[0]}?" if close else ""
