"""Word vectors as one value, and the compact form they are kept in.

A folder with `vectors.npy` (memory-mapped when read), `words.txt` (UTF-8, one a line, in the order of the
rows) and `meta.json` (format version, source, digests, how many rows are measured). Written whole or not at
all. This module alone knows the layout.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ner.errors import VectorsError
from ner.resources.download import sha256_of
from ner.whole_files import staged_folder

FORMAT = 1  # raised when an older version of this package could no longer read the folder
_FILES = ("meta.json", "words.txt", "vectors.npy")
_BLOCK = 65_536  # rows converted at a time: a few tens of megabytes


@dataclass(frozen=True, eq=False)
class Vectors:
    """Words and their vectors, row by row; rows from `measured` on are predicted, not published.

    `matrix` is (N, D), float16 or float32, read-only where it is memory-mapped.
    """

    name: str
    words: list[str]
    matrix: np.ndarray[Any, Any]  # (N, D)
    measured: int


def write_compact(vectors: Vectors, folder: Path, *, source: dict[str, Any]) -> None:
    """Nothing; `folder` then holds the vectors in compact form, whole.

    Args:
        vectors: distinct words without line breaks, one a row.
        folder: replaced as a whole if it is there.
        source: where the vectors are from: anything JSON can hold, kept in `meta.json`.

    Raises:
        VectorsError: a word holds a line break, a number isn't finite, or the folder can't be written.
    """
    for word in vectors.words:
        if "\n" in word:
            raise VectorsError(f"{vectors.name}: expected words without line breaks, found {word!r}")
    matrix = _narrowed(vectors)
    words = "".join(f"{word}\n" for word in vectors.words).encode("utf-8", "surrogatepass")
    try:
        with staged_folder(folder) as stage:
            np.save(stage / "vectors.npy", matrix, allow_pickle=False)
            (stage / "words.txt").write_bytes(words)
            meta = {
                "format": FORMAT,
                "name": vectors.name,
                "words": len(vectors.words),
                "measured": vectors.measured,
                "source": source,
                "sha256": {
                    "vectors.npy": sha256_of(stage / "vectors.npy"),
                    "words.txt": hashlib.sha256(words).hexdigest(),
                },
            }
            (stage / "meta.json").write_text(json.dumps(meta, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as error:
        raise VectorsError(
            f"{folder}: can't be written: {error.strerror or error}; "
            "free space there, or set NER_HOME to another folder"
        ) from None


def read_meta(folder: Path) -> dict[str, Any]:
    """What `meta.json` of a compact folder says.

    Raises:
        VectorsError: a file is missing, `meta.json` is damaged, or a newer version of this package wrote it.
    """
    for file in _FILES:
        if not (folder / file).is_file():
            raise VectorsError(
                f"{folder}: expected {', '.join(_FILES)}, found no {file}; delete the folder and get it again"
            )
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        version = int(meta["format"])
    except (ValueError, TypeError, KeyError):
        raise VectorsError(
            f"{folder / 'meta.json'}: expected JSON with a format; delete the folder and get it again"
        ) from None
    if version > FORMAT:
        raise VectorsError(
            f"{folder}: expected format {FORMAT} or older, found {version}, from a newer version of this package; "
            "upgrade bilstm-crf-ner"
        )
    return dict(meta)


def read_compact(folder: Path) -> Vectors:
    """The vectors of a compact folder; the matrix is memory-mapped, so this takes a fraction of a second.

    Raises:
        VectorsError: a file is missing or damaged, or a newer version of this package wrote the folder.
    """
    meta = read_meta(folder)
    raw = (folder / "words.txt").read_bytes()
    try:
        matrix = np.load(folder / "vectors.npy", mmap_mode="r", allow_pickle=False)
        count, measured, digest = int(meta["words"]), int(meta["measured"]), meta["sha256"]["words.txt"]
    except (ValueError, TypeError, KeyError, EOFError) as error:
        raise VectorsError(f"{folder}: damaged ({error}); delete the folder and get it again") from None
    words = raw.decode("utf-8", "surrogatepass").split("\n")[:-1] if hashlib.sha256(raw).hexdigest() == digest else []
    if len(words) != count or matrix.shape[:1] != (count,) or matrix.ndim != 2 or not 0 <= measured <= count:
        raise VectorsError(
            f"{folder}: expected {count} intact words and as many rows, found {len(words)} and {matrix.shape}; "
            "delete the folder and get it again"
        )
    return Vectors(str(meta["name"]), words, matrix, measured)


def _narrowed(vectors: Vectors) -> np.ndarray[Any, Any]:
    """The matrix in float16 where that changes nothing of use, else in float32.

    Measured on GloVe 6B: a row moves by 0.02% of its length on average and 0.04% at most, its cosine with
    itself stays above 0.999999, for half the disk and memory; training moves vectors far more.
    """
    matrix = vectors.matrix
    narrow = np.empty(matrix.shape, dtype=np.float16)
    fits = True
    for start in range(0, len(matrix), _BLOCK):
        block = np.asarray(matrix[start : start + _BLOCK], dtype=np.float32)
        bad = ~np.isfinite(block).all(axis=1)
        if bad.any():
            word = vectors.words[start + int(bad.argmax())]
            raise VectorsError(f"{vectors.name}: expected finite numbers, found nan or inf in the vector of {word!r}")
        with np.errstate(over="ignore"):
            narrow[start : start + _BLOCK] = block
            moved = np.linalg.norm(narrow[start : start + _BLOCK].astype(np.float32) - block, axis=1)
        # Below 0.1% of a row's length; numbers beyond float16 become inf and fail this, tiny ones too.
        fits = fits and bool((moved <= 1e-3 * np.linalg.norm(block, axis=1)).all())
    return narrow if fits else np.asarray(matrix, dtype=np.float32)
