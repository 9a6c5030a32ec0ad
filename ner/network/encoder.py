"""The encoder: stacked recurrent layers with dropout before, between and behind them.

Variational dropout drops the same units at every token of a sentence (Gal & Ghahramani 2016).
"""

import torch
from torch import Tensor, nn

from ner.network.cells import RecurrentLayer


class Dropout(nn.Module):
    """Dropout of single values, or (`variational`) of the same units at every token of a sentence."""

    def __init__(self, rate: float, *, variational: bool = False) -> None:
        super().__init__()
        self.rate = rate
        self.variational = variational

    def forward(self, states: Tensor) -> Tensor:
        """The same shape (B, T, D), scaled so that the expectation stays."""
        if not self.training or self.rate == 0:
            return states
        if not self.variational:
            return nn.functional.dropout(states, self.rate)
        kept = torch.empty_like(states[:, :1]).bernoulli_(1 - self.rate)  # (B, 1, D)
        return states * kept.div_(1 - self.rate)


class Encoder(nn.Module):
    """States that know their neighbours: a stack of recurrent layers."""

    def __init__(
        self,
        cell: str,
        input_dim: int,
        *,
        hidden_dim: int,
        num_layers: int = 1,
        bidirectional: bool = True,
        dropout: Dropout,
    ) -> None:
        super().__init__()
        self.layers = nn.ModuleList()
        self.dropout = dropout
        self.output_dim = input_dim
        for _ in range(num_layers):
            layer = RecurrentLayer(cell, self.output_dim, hidden_dim, bidirectional=bidirectional)
            self.layers.append(layer)
            self.output_dim = layer.output_dim

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """States (B, T, H) of inputs (B, T, D), rows of these lengths (B,), right-padded."""
        states: Tensor = self.dropout(inputs)
        for layer in self.layers:
            states = self.dropout(layer(states, lengths))
        return states
