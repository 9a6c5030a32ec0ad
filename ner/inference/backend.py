"""What computes a model's emissions: the seam between inference and the library that multiplies its matrices.

Everything else of tagging is shared and knows no such library: features, batches, windows, words kept, the CRF.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from ner.crf.chain import Chain
from ner.features.batches import Batch
from ner.features.feature import Arrays

Item = TypeVar("Item")
Result = TypeVar("Result")
Floats = npt.NDArray[np.float32]


class Backend(Protocol):
    """A network that reads; several threads may ask it at once."""

    @property
    def chain(self) -> Chain:
        """The CRF's own scores."""

    @property
    def of_words(self) -> frozenset[str]:
        """Features of the word alone whose vectors `encode_words` gives, so that they can be kept."""

    def encode_words(self, words: Arrays) -> Floats:
        """Vectors of S distinct words, side by side (S, E), from what features say of them (S, …)."""

    def emissions(self, batch: Batch) -> Floats:
        """Scores of every tag at every token, before the CRF (B, T, K)."""

    def batches_at_once(self) -> int:
        """How many batches share the memory, since they are worked on at once."""

    def side_by_side(self, work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
        """The results in order, of so many at once."""
