"""Capitalisation as a vector."""

from typing import Self

from torch import Tensor

from ner.features.casing import NUM_CASINGS, Casing
from ner.features.feature import Feature
from ner.network.inputs import Inputs
from ner.network.tables import make_embedding
from ner.network.twin import Twin


class CasingTwin(Twin):
    """A row of a table for each id."""

    def __init__(self, num_rows: int, dim: int) -> None:
        super().__init__()
        self.table = make_embedding(num_rows, dim)
        self.output_dim = dim

    @classmethod
    def of(cls, feature: Feature) -> Self:
        """As `Twin.of`."""
        assert isinstance(feature, Casing)
        return cls(NUM_CASINGS, feature.dim)

    def forward(self, inputs: Inputs) -> Tensor:
        """As `Twin.forward`."""
        vectors: Tensor = self.table(inputs.arrays["casing"])
        return vectors


TWIN = CasingTwin
