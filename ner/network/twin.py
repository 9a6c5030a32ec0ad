"""What the torch twin of a feature is: a module that makes vectors, or scores, of the feature's numbers."""

from abc import ABC, abstractmethod
from importlib import import_module
from typing import ClassVar, Self, cast

from torch import Tensor, nn

from ner.features.feature import Feature, feature_type
from ner.network.inputs import Inputs
from ner.network.tables import WordEmbedding


class Twin(nn.Module, ABC):
    """Vectors of tokens (B, T, D), D the `output_dim`, from a feature's arrays.

    A twin of the word alone (`of_words`) makes them of the S distinct words first (`encode_words`), which can be kept
    for when a word comes again; the features of such twins stand first in the table.
    """

    output_dim: int
    of_words: ClassVar[bool] = False

    @classmethod
    @abstractmethod
    def of(cls, feature: Feature) -> Self:
        """A fresh twin of a feature, random weights from torch's generator."""

    @abstractmethod
    def forward(self, inputs: Inputs) -> Tensor:
        """Vectors of the tokens of a batch (B, T, D)."""

    def encode_words(self, words: dict[str, Tensor]) -> Tensor:
        """Vectors of S distinct words (S, D), from what features say of them (S, …)."""
        raise TypeError(f"{type(self).__name__} knows no words apart from their sentence")

    def tables(self) -> list[nn.Embedding]:
        """The trained tables of which a batch reads few rows."""
        return []


class ScoringTwin(nn.Module, ABC):
    """Scores of every tag (B, T, K), added to those that the encoder gives, from a feature's arrays."""

    @classmethod
    @abstractmethod
    def scoring(cls, feature: Feature, num_tags: int) -> Self:
        """A fresh twin of a feature, random weights from torch's generator."""

    @abstractmethod
    def forward(self, inputs: Inputs, words: WordEmbedding) -> Tensor | None:
        """Scores (B, T, K); None where a batch has nothing to say. `words` is the table of the words' vectors."""


def twin_type(name: str) -> type[Twin] | type[ScoringTwin]:
    """The class of the twin of a row of the table."""
    module = import_module(f"ner.network.features.{feature_type(name).twin or name}")
    return cast(type[Twin] | type[ScoringTwin], module.TWIN)
