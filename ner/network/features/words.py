"""Words as vectors."""

from typing import Self

from torch import Tensor

from ner.features.feature import Feature
from ner.features.words import Words
from ner.network.inputs import Inputs
from ner.network.tables import WordEmbedding
from ner.network.twin import Twin


class WordTwin(WordEmbedding, Twin):
    """A row of a table for each word; what training can't meet is in a second table, which never changes."""

    of_words = True

    @classmethod
    def of(cls, feature: Feature) -> Self:
        """As `Twin.of`."""
        assert isinstance(feature, Words)
        words = feature.vocabulary
        return cls(words.num_trained, len(words.extra), feature.dim, frozen=feature.frozen)

    def forward(self, inputs: Inputs) -> Tensor:
        """As `Twin.forward`."""
        return self.look_up(inputs.arrays["words"])

    def encode_words(self, words: dict[str, Tensor]) -> Tensor:
        """As `Twin.encode_words`."""
        return self.look_up(words["words"])


TWIN = WordTwin
