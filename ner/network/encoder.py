"""The encoder: stacked recurrent layers with dropout before, between and behind them.

From the second layer on, a layer's input can be led past it: added (residual, He et al. 2016) or mixed in by a
gate (highway, Srivastava et al. 2015).
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ner.network.dropout import Dropout
from ner.network.global_context import GlobalContext
from ner.network.layer import RecurrentLayer


class Replace(nn.Module):
    """No connection past a layer: its states alone go on."""

    def forward(self, inputs: Tensor, states: Tensor) -> Tensor:
        """The states."""
        return states


class Residual(nn.Module):
    """A layer's input is added to its states."""

    def forward(self, inputs: Tensor, states: Tensor) -> Tensor:
        """Their sum (B, T, H)."""
        return inputs + states


class Highway(nn.Module):
    """A gate, computed from a layer's input, says how much of its states goes on and how much of its input."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gate = nn.Linear(dim, dim)
        # At first most of the input is carried past (section 2.2 of the paper: -1 to -3).
        nn.init.constant_(self.gate.bias, -1.0)

    def forward(self, inputs: Tensor, states: Tensor) -> Tensor:
        """Their mixture (B, T, H)."""
        return torch.lerp(inputs, states, self.gate(inputs).sigmoid())


CONNECTIONS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda dim: Replace(),
    "residual": lambda dim: Residual(),
    "highway": Highway,
}


class Encoder(nn.Module):
    """States that know their neighbours: a stack of recurrent layers."""

    def __init__(
        self,
        layers: Sequence[RecurrentLayer],
        *,
        dropout: Dropout,
        connection: str = "none",
        context: GlobalContext | None = None,
    ) -> None:
        """Layers fit each other's sizes; the first one's input has room for the context behind the token."""
        super().__init__()
        self.layers = nn.ModuleList(layers)
        self.dropout = dropout
        self.context = context
        # The first layer's input is of another width than its states, so nothing leads past it.
        self.connections = nn.ModuleList(
            CONNECTIONS[connection if index else "none"](layer.output_dim) for index, layer in enumerate(layers)
        )
        self.output_dim = layers[-1].output_dim

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """States (B, T, H) of inputs (B, T, D), rows of these lengths (B,), right-padded."""
        states, cell_states = self.entering(inputs, lengths), None
        for layer, connection in zip(self.layers, self.connections, strict=True):
            own, cell_states = layer(states, lengths, cell_states)
            states = self.dropout(connection(states, own))
        return states

    def trace(self, inputs: Tensor, lengths: Tensor) -> list[dict[str, dict[str, Tensor]]]:
        """What happens inside each layer, by direction and name; see `Cell.trace`."""
        traces = []
        states, cell_states = self.entering(inputs, lengths), None
        for layer, connection in zip(self.layers, self.connections, strict=True):
            assert isinstance(layer, RecurrentLayer)  # a ModuleList tells no more than Module
            traces.append(layer.trace(states, lengths, cell_states))
            own, cell_states = layer(states, lengths, cell_states)
            states = self.dropout(connection(states, own))
        return traces

    def entering(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """What the first layer reads (B, T, D): inputs after dropout, the context behind them."""
        tokens: Tensor = self.dropout(inputs)
        if self.context is None:
            return tokens
        summary = self.dropout(self.context(tokens, lengths).unsqueeze(1))  # (B, 1, S)
        return torch.cat((tokens, summary.expand(-1, tokens.shape[1], -1)), dim=-1)
