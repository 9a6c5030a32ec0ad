"""All that is known of a token before its sentence is read: the vectors of its features, side by side."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from ner.network.inputs import Inputs
from ner.network.tables import WordEmbedding
from ner.network.twin import Twin


class TokenEmbedding(nn.Module):
    """Vectors of tokens from the twins of their features, in the order of the table."""

    def __init__(self, twins: Mapping[str, Twin]) -> None:
        """`twins` by their features' names; those of the word alone come first."""
        super().__init__()
        self._names = tuple(twins)
        for name, twin in twins.items():
            self.add_module(name, twin)
        self.of_words = frozenset(name for name, twin in twins.items() if twin.of_words)
        self.output_dim = sum(twin.output_dim for twin in twins.values())

    def twin(self, name: str) -> Twin:
        """The twin of the feature of this name."""
        twin = getattr(self, name)
        assert isinstance(twin, Twin)
        return twin

    def word_table(self) -> WordEmbedding:
        """The table of the words' vectors, which every network has."""
        table = getattr(self, self._names[0])
        assert isinstance(table, WordEmbedding)
        return table

    def sparse_tables(self) -> list[nn.Embedding]:
        """The trained tables of which a batch reads few rows."""
        return [table for name in self._names for table in self.twin(name).tables()]

    def encode_words(self, words: dict[str, Tensor]) -> Tensor:
        """What of the vectors doesn't depend on where a word stands, side by side (S, E), for S distinct words."""
        return torch.cat([self.twin(name).encode_words(words) for name in self._names if name in self.of_words], dim=-1)

    def forward(self, inputs: Inputs) -> Tensor:
        """Vectors (B, T, D) of a batch of sentences."""
        parts, names = [], self._names
        if inputs.encodings is not None and inputs.where is not None:
            parts.append(nn.functional.embedding(inputs.where, inputs.encodings))
            names = tuple(name for name in names if name not in self.of_words)
        parts += [self.twin(name)(inputs) for name in names]
        return torch.cat(parts, dim=-1)  # (B, T, D)
