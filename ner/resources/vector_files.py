"""Word vectors from files, in whatever format they were published.

GloVe text, word2vec text and binary, fastText `.vec`, each gzip-ed or not, and our compact folders; told
apart by what is in them, not by their names. A file is converted once into the compact form in the cache
folder; the second reading is a memory map. This module alone knows the published formats.
"""

import codecs
import gzip
import hashlib
import itertools
import math
import re
import zlib
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any, Protocol, cast

import numpy as np

from ner.errors import VectorsError
from ner.resources.compact import Vectors, read_compact, write_compact
from ner.resources.download import cache_home

__all__ = ["Vectors", "parse_vectors", "read_vectors", "write_compact"]

_HEADER = re.compile(rb"\s*(\d+)\s+(\d+)\s*")  # word2vec and fastText begin with `words width`
_SAMPLE = 4096  # bytes that tell text from binary: float32 numbers are not printable UTF-8 for that long
_CHUNK = 1 << 20
_FORMATS = "GloVe or word2vec text, word2vec binary, a fastText .vec, any of these gzip-ed, or a compact folder"


def read_vectors(path: Path) -> Vectors:
    """The vectors of a file or a compact folder, memory-mapped.

    A file is converted once into the cache folder, under a lock; the conversion belongs to the file as it
    is now (path, size, time of change).

    Args:
        path: a compact folder, or a file in one of the published formats. Of a repeated word the first
            vector counts.

    Raises:
        VectorsError: no such file, an unknown format, or damage: `path:line: …` where there are lines.
    """
    if path.is_dir():
        return read_compact(path)
    if not path.is_file():
        raise VectorsError(f"{path}: no such file; expected {_FORMATS}")
    from filelock import FileLock  # tagging needs no locks

    status = path.stat()
    identity = f"{path.resolve()}|{status.st_size}|{status.st_mtime_ns}"
    key = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:16]
    converted = cache_home() / "vectors" / "files" / f"{path.name}-{key}"
    try:
        converted.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{converted}.lock"):
            if not converted.exists():
                with path.open("rb") as stream:
                    vectors = parse_vectors(stream, str(path))
                write_compact(vectors, converted, source={"file": path.name, "bytes": status.st_size})
    except OSError as error:
        raise VectorsError(
            f"{path}: can't be converted in {converted.parent}: {error.strerror or error}; "
            "set NER_HOME to a folder that can be written"
        ) from None
    return read_compact(converted)


class Peekable(Protocol):
    """What an open file, a gzip file and a member of a zip archive can all do."""

    def read(self, size: int, /) -> bytes: ...
    def readline(self, size: int, /) -> bytes: ...
    def peek(self, size: int, /) -> bytes: ...
    def __iter__(self) -> Iterator[bytes]: ...


def parse_vectors(stream: Peekable, where: str) -> Vectors:
    r"""The vectors of an open file as float32 in memory; `where` opens every error message.

    >>> import io
    >>> tiny = io.BufferedReader(io.BytesIO(b"the 0.5 1\n. . . 2 -1\n"))
    >>> vectors = parse_vectors(tiny, "tiny.txt")
    >>> vectors.words, vectors.matrix.tolist()
    (['the', '. . .'], [[0.5, 1.0], [2.0, -1.0]])
    """
    try:
        if stream.peek(2)[:2] == b"\x1f\x8b":
            stream = gzip.GzipFile(fileobj=cast(IO[bytes], stream))
        return _parse(stream, where)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise VectorsError(f"{where}: damaged gzip file ({error}); get it again") from None


def _parse(lines: Peekable, where: str) -> Vectors:
    first = lines.readline(_CHUNK)
    if not first.strip():
        raise VectorsError(f"{where}: empty; expected {_FORMATS}")
    if first.startswith(b"PK\x03\x04"):
        raise VectorsError(f"{where}: a zip archive; unpack it and name the file inside")
    header = _HEADER.fullmatch(first)
    if header is None:
        return _parse_text(itertools.chain([first], lines), where, start=1, dim=_width(first, where), count=None)
    count, dim = int(header[1]), int(header[2])
    if count == 0 or dim == 0:
        raise VectorsError(f"{where}:1: expected the number of words and their width, found {count} and {dim}")
    if _is_text(lines.peek(_SAMPLE)[:_SAMPLE]):
        return _parse_text(lines, where, start=2, dim=dim, count=count)
    return _parse_binary(lines, where, dim=dim, count=count)


def _parse_text(lines: Iterable[bytes], where: str, *, start: int, dim: int, count: int | None) -> Vectors:
    words: dict[str, None] = {}  # a set that keeps the order
    numbers = array("f")
    rows = 0
    for line_number, line in enumerate(lines, start):
        # From the right: glove.840B has words with spaces, such as ". . .".
        parts = line.rsplit(None, dim)
        if not parts:
            continue
        if len(parts) != dim + 1 or (b" " in parts[0] and _is_decimal(parts[0].split()[-1])):
            raise VectorsError(
                f"{where}:{line_number}: expected a word and {dim} numbers, "
                f"found {len(line.split())} columns: {_excerpt(line)}"
            )
        rows += 1
        word = _decode(parts[0])
        if word in words:
            continue
        try:
            values = list(map(float, parts[1:]))
        except ValueError:
            values = [math.nan]
        if not math.isfinite(sum(values)):
            wrong = next(part for part in parts[1:] if not _is_finite(part))
            raise VectorsError(f"{where}:{line_number}: expected {dim} numbers after {word!r}, found {_excerpt(wrong)}")
        words[word] = None
        numbers.extend(values)
    if count is not None and rows != count:
        raise VectorsError(f"{where}:1: expected {count} words, found {rows} lines; the file is cut short or damaged")
    return _vectors(where, words, np.frombuffer(numbers, dtype=np.float32), dim)


def _parse_binary(stream: Peekable, where: str, *, dim: int, count: int) -> Vectors:
    words: dict[str, None] = {}
    numbers = bytearray()
    width = 4 * dim  # float32, little-endian, as word2vec's own program writes on every usual machine
    buffer, at = b"", 0
    for row in range(count):
        while (space := buffer.find(b" ", at)) < 0 or len(buffer) < space + 1 + width:
            more = stream.read(_CHUNK)
            if not more:
                raise VectorsError(f"{where}: expected {count} words, found {row} whole ones; the file is cut short")
            buffer, at = buffer[at:] + more, 0
        # word2vec ends each vector with a line break, others don't.
        word = _decode(buffer[at:space].lstrip(b"\n"))
        at = space + 1 + width
        if word not in words:
            words[word] = None
            numbers += buffer[space + 1 : at]
    return _vectors(where, words, np.frombuffer(numbers, dtype="<f4"), dim)


def _vectors(where: str, words: dict[str, None], numbers: np.ndarray[Any, Any], dim: int) -> Vectors:
    return Vectors(Path(where).name, list(words), numbers.reshape(-1, dim), len(words))


def _width(first: bytes, where: str) -> int:
    """How many numbers follow the word on the first line of a file without a header."""
    width = len(list(itertools.takewhile(_is_finite, reversed(first.split()[1:]))))
    if not width:
        raise VectorsError(f"{where}:1: expected a word and its numbers, found {_excerpt(first)}; expected {_FORMATS}")
    return width


def _is_text(sample: bytes) -> bool:
    try:
        text = codecs.getincrementaldecoder("utf-8")().decode(sample)  # the last character may be cut
    except UnicodeDecodeError:
        return False
    return not any(character < " " and character not in "\t\r\n" for character in text)


def _is_finite(part: bytes) -> bool:
    try:
        return math.isfinite(float(part))
    except ValueError:
        return False


def _is_decimal(part: bytes) -> bool:
    """Whether a vector's number was taken for the end of a word: a line that is too wide."""
    return b"." in part and _is_finite(part)


def _decode(word: bytes) -> str:
    # Published sets hold words cut inside a character; losing all for one of them would help nobody.
    return word.decode("utf-8", "replace")


def _excerpt(text: bytes) -> str:
    shown = _decode(text.strip())
    return repr(shown if len(shown) <= 40 else shown[:40] + "…")
