"""A word with its right neighbour as a vector."""

from typing import Self

from torch import Tensor, nn

from ner.features.bigrams import Bigrams
from ner.features.feature import Feature
from ner.network.inputs import Inputs
from ner.network.tables import make_embedding
from ner.network.twin import Twin


class BigramTwin(Twin):
    """A row of a table for each id."""

    def __init__(self, num_rows: int, dim: int) -> None:
        super().__init__()
        self.table = make_embedding(num_rows, dim)
        self.output_dim = dim

    @classmethod
    def of(cls, feature: Feature) -> Self:
        """As `Twin.of`."""
        assert isinstance(feature, Bigrams)
        return cls(feature.num_bigrams, feature.dim)

    def forward(self, inputs: Inputs) -> Tensor:
        """As `Twin.forward`."""
        vectors: Tensor = self.table(inputs.arrays["bigrams"])
        return vectors

    def tables(self) -> list[nn.Embedding]:
        """As `Twin.tables`."""
        return [self.table]


TWIN = BigramTwin
