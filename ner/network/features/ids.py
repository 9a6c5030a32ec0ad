"""An id as a vector: capitalisation, a word with its right neighbour, and whatever else says one id of a token."""

from typing import Self

from torch import Tensor, nn

from ner.features.feature import Feature, IdFeature
from ner.network.inputs import Inputs
from ner.network.tables import make_embedding
from ner.network.twin import Twin


class IdTwin(Twin):
    """A row of a table for each id."""

    def __init__(self, name: str, num_ids: int, dim: int, *, many: bool = False) -> None:
        """`name` is the feature's; with `many` ids, a batch reads few rows of the table."""
        super().__init__()
        self.table = make_embedding(num_ids, dim)
        self.output_dim = dim
        self._name, self._many = name, many

    @classmethod
    def of(cls, feature: Feature) -> Self:
        """As `Twin.of`."""
        assert isinstance(feature, IdFeature)
        return cls(feature.name, feature.num_ids, feature.dim, many=feature.many)

    def forward(self, inputs: Inputs) -> Tensor:
        """As `Twin.forward`."""
        vectors: Tensor = self.table(inputs.arrays[self._name])
        return vectors

    def tables(self) -> list[nn.Embedding]:
        """As `Twin.tables`."""
        return [self.table] if self._many else []


TWIN = IdTwin
