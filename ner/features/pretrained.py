"""What the features know of a pretrained encoder: what it can be asked, and what is read together.

What runs one is given from above (`LoadEncoder`), so that nothing on this floor knows PyTorch; it is
`ner/network/transformer.py`. An encoder is loaded when the first sentence is read.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ner.distribution import is_there
from ner.errors import ConfigError, describe
from ner.features.transformer_files import TransformerFiles

Pieces = Literal["mean", "first", "last"]
States = npt.NDArray[np.float16]


class Reading(NamedTuple):
    """What is read together: the pieces of words, one list a word, of which those of `first` to `last` are kept."""

    words: tuple[tuple[int, ...], ...]
    first: int
    last: int

    @property
    def num_pieces(self) -> int:
        """Of all words together."""
        return sum(map(len, self.words))


class PretrainedEncoder(Protocol):
    """A pretrained encoder in memory; several threads may ask it at once."""

    @property
    def kind(self) -> str:
        """Of the device that it runs on, and how it computes: another may make other batches."""

    @property
    def room(self) -> int:
        """Pieces that it reads at once, without those that mark beginning and end."""

    @property
    def unknown(self) -> int | None:
        """The piece of what its vocabulary lacks, if there is one."""

    def vocabulary(self) -> list[str]:
        """All pieces that it knows, in the order of their numbers."""

    def pieces(self, words: Sequence[str]) -> list[tuple[int, ...]]:
        """The pieces of each word, which may have none; a word is cut the same wherever it stands."""

    def batches(self, readings: Sequence[Reading]) -> list[list[int]]:
        """Which readings are computed together, by their numbers; each is in one batch."""

    def read(self, readings: Sequence[Reading], *, layers: Sequence[int], mean: bool, pieces: Pieces) -> States:
        """The states of the kept words of these readings, one behind the other (N, L, W); zeros of one without pieces.

        Args:
            readings: of one batch.
            layers: whose states are kept, 0 the embeddings.
            mean: the mean of the layers in place of each (L = 1).
            pieces: which pieces of a word stand for it.
        """


LoadEncoder = Callable[[TransformerFiles, str, bool], PretrainedEncoder]
"""Gives the encoder of these files on a device of this name, and whether it computes in bfloat16 where that device is
built for it; whatever goes wrong is an exception of any kind."""


def load_pretrained(
    files: TransformerFiles, device: str, load: LoadEncoder, *, bf16: bool = False
) -> PretrainedEncoder:
    """The encoder of these files, in memory; with `bf16` it computes so where the device is built for it.

    Raises:
        ConfigError: they aren't those of an encoder.
    """
    try:
        return load(files, device, bf16)
    except Exception as error:  # the library below raises anything
        raise ConfigError(
            f"features.contextual: {files.folder} can't be loaded: {describe(error)}; expected a tokenizer and a model "
            "as save_pretrained of transformers writes them"
        ) from None


def check_installed() -> None:
    """Raise ConfigError unless what runs an encoder is installed; nothing is imported."""
    missing = [name for name in ("torch", "transformers") if not is_there(name)]
    if missing:
        raise ConfigError(
            f"features.contextual: expected {' and '.join(missing)}, which run its encoder, not installed here; "
            "pip install 'bilstm-crf-ner[contextual]'"
        )


def share_unknown(pieces: Iterable[tuple[int, ...]], counts: Iterable[int], unknown: int | None) -> float:
    """The share of unknown pieces among those of words that stand so often each; 0 where there are none.

    >>> share_unknown([(7, 3), (3,)], [1, 2], unknown=3)
    0.75
    """
    total = wrong = 0
    for each, count in zip(pieces, counts, strict=True):
        total += count * len(each)
        wrong += count * each.count(unknown) if unknown is not None else 0
    return wrong / total if total else 0.0
