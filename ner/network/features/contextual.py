"""States of a pretrained encoder as a vector: mixed, projected to the width that the settings say."""

from typing import Self

import torch
from torch import Tensor, nn

from ner.features.contextual import Contextual
from ner.features.feature import Feature
from ner.network.dropout import Dropout
from ner.network.inputs import Inputs
from ner.network.twin import Twin


class ContextualTwin(Twin):
    """A projection of the states' mix, softmax weights and a scale over the layers (Peters et al. 2018, equation 1).

    A word without any piece, whose state is zero, has a learned vector in its place.
    """

    def __init__(self, width: int, num_states: int, dim: int, *, dropout: float) -> None:
        super().__init__()
        self.output_dim = dim
        if num_states > 1:
            self.weights = nn.Parameter(torch.zeros(num_states))
            self.scale = nn.Parameter(torch.ones(1))
        self.mixes = num_states > 1
        self.dropout = Dropout(dropout)
        self.projection = nn.Linear(width, dim)
        self.missing = nn.Parameter(torch.zeros(dim))

    @classmethod
    def of(cls, feature: Feature) -> Self:
        """As `Twin.of`."""
        assert isinstance(feature, Contextual)
        return cls(feature.width, feature.num_states, feature.dim, dropout=feature.dropout)

    def shares(self) -> list[float]:
        """What part each state has in the mix."""
        return self.weights.softmax(dim=0).tolist() if self.mixes else [1.0]

    def forward(self, inputs: Inputs) -> Tensor:
        """As `Twin.forward`."""
        states = inputs.arrays["contextual.states"].to(self.projection.weight.dtype)  # (B, T, L, W)
        if self.mixes:
            shares = self.scale * self.weights.softmax(dim=0)  # (L,)
            mixed = torch.einsum("btlw,l->btw", states, shares)
        else:
            mixed = states.squeeze(2)
        vectors: Tensor = self.projection(self.dropout(mixed))  # (B, T, D)
        known = inputs.arrays["contextual.known"].unsqueeze(-1)
        return torch.where(known, vectors, self.missing)


TWIN = ContextualTwin
