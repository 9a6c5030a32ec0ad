"""What makes vectors of tokens in NumPy, from a feature's numbers and its weights: what each kind of it has."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from ner.features.batches import Batch
from ner.features.feature import Arrays
from ner.forward.weights import Floats, Shapes, Weight


class Vectors(ABC):
    """Vectors of tokens from a feature's arrays."""

    of_words: bool = False
    """Whether they are of the word alone, so that `encode_words` makes them."""

    def __init__(self, feature: Any, weights: Mapping[str, Weight]) -> None:
        """The weights are those whose names begin with the feature's."""
        self.name = feature.name

    @classmethod
    @abstractmethod
    def shapes(cls, feature: Any) -> Shapes:
        """Those of its weights."""

    @classmethod
    @abstractmethod
    def width(cls, feature: Any) -> int:
        """How many numbers a vector has."""

    def encode_words(self, words: Arrays) -> Floats:
        """Vectors of S distinct words (S, D), from what features say of them (S, …)."""
        raise TypeError(f"{self.name}: knows no words apart from their sentence")

    def of_tokens(self, batch: Batch) -> Floats:
        """Vectors of the tokens of a batch (T, B, D); padding holds anything."""
        return self.encode_words(batch.arrays).swapaxes(0, 1)
