"""Soft targets in a file: for each sentence how probable each tag is at each token, and how often each transition is.

`ner merge` writes them beside the merged labels, and training learns from them in place of one tag a token. A sentence
is known by its words, so that a part of the file's sentences may be trained on, in any order.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ner.errors import DataError
from ner.storage.tensor_files import DamagedError, read_header, read_tensors, write_tensors
from ner.text.sentence import Sentence

_FORMAT = 1

Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class SoftTargets:
    """What is expected of S sentences of N tokens, flat, over K tags and P transitions."""

    tags: tuple[str, ...]  # BIOES (K)
    digests: Array  # of the words of each sentence (S,)
    lengths: Array  # tokens of each (S,)
    marginals: Array  # float32 (N, K)
    transitions: Array  # expected count of each in each sentence, float32 (S, P)
    pairs: Array  # which transitions they are: indices into the flat (K, K), from row to column (P,)


def digests_of(sentences: Iterable[Sentence]) -> Array:
    """A number for each sentence that tells its words from others (S,)."""
    found = (
        hashlib.blake2b("\0".join(sentence.spelled).encode("utf-8", "surrogatepass"), digest_size=8).digest()
        for sentence in sentences
    )
    return np.array([int.from_bytes(each, "little", signed=True) for each in found], dtype=np.int64)


def write_soft_targets(path: Path, targets: SoftTargets) -> None:
    """Writes them as a safetensors file."""
    tensors = {name: getattr(targets, name) for name in ("digests", "lengths", "marginals", "transitions", "pairs")}
    write_tensors(path, tensors, {"soft_targets": _FORMAT, "tags": list(targets.tags)})


def read_soft_targets(path: Path) -> SoftTargets:
    """The targets of a file.

    Raises:
        DataError: there is none, or it isn't one that `ner merge` wrote.
    """
    wanted = f"{path}: expected the soft targets that `ner merge` writes"
    if not path.is_file():
        raise DataError(f"{wanted}, found no such file")
    try:
        header = read_header(path)
        if header.about.get("soft_targets") != _FORMAT:
            raise DataError(f"{wanted}, found another file")
        tensors = read_tensors(path, header)
    except DamagedError as error:
        raise DataError(f"{wanted}: {error}") from None
    return SoftTargets(tags=tuple(header.about["tags"]), **tensors)


def rows_of(targets: SoftTargets, sentences: Sequence[Sentence], path: str) -> Array:
    """Which sentence of the targets each of these is (S,); one that comes again takes the next of its words.

    Raises:
        DataError: one isn't among them.
    """
    waiting: dict[int, list[int]] = {}
    for row, digest in enumerate(targets.digests.tolist()):
        waiting.setdefault(digest, []).append(row)
    found = []
    for sentence, digest in zip(sentences, digests_of(sentences).tolist(), strict=True):
        rows = waiting.get(digest)
        if not rows:
            raise DataError(
                f"{sentence.source or 'training set'}: expected a sentence that {path} has targets for, found "
                f"{' '.join(sentence.spelled[:5])!r}; train on the file that `ner merge` wrote beside it"
            )
        found.append(rows.pop(0) if len(rows) > 1 else rows[0])
    return np.array(found, dtype=np.int64)
