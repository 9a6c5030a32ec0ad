"""The encoder in NumPy: stacked recurrent layers, what leads past them, and the summary of the sentence before them."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ner.forward.layer import Layer, layer_shapes
from ner.forward.weights import Array, Floats, Shapes, linear_shapes, named, part_of, sigmoid
from ner.settings import ModelConfig

Lengths = npt.NDArray[np.int64]


class Encoder(Protocol):
    """What makes scores of tags (T, B, K) of what a sentence's tokens are (T, B, D), rows of these lengths (B,)."""

    def __call__(self, tokens: Floats, lengths: Lengths) -> Floats:
        """The scores."""


class NumPyEncoder:
    """Every cell, every connection; two directions of a layer at once."""

    def __init__(self, config: ModelConfig, weights: Mapping[str, Array]) -> None:
        """All weights of the network."""
        own = part_of(weights, "encoder")
        self.layers = [
            Layer(
                *(part_of(own, f"layers.{index}"), config.cell, config.hidden_dim),
                bidirectional=config.bidirectional,
                periods=config.clock_periods,
            )
            for index in range(config.num_layers)
        ]
        self.connections = [connection_of(config, index, own) for index in range(config.num_layers)]
        self.projection: Floats = np.ascontiguousarray(weights["projection.weight"].T)
        self.bias: Floats = weights["projection.bias"]

    def __call__(self, tokens: Floats, lengths: Lengths) -> Floats:
        """As `Encoder`."""
        states, cell_states = tokens, None
        for layer, connection in zip(self.layers, self.connections, strict=True):
            own, cell_states = layer(states, lengths, cell_states)
            states = connection.joined(states, own)
        scores: Floats = states @ self.projection
        scores += self.bias
        return scores


class Connection:
    """What leads past a layer: nothing, its input (`residual`), or a mixture of both by a gate (`highway`)."""

    def __init__(self, kind: str, gate: Mapping[str, Array]) -> None:
        """`gate`: the weight and bias of a highway's."""
        self.kind = kind
        self.gate = gate

    def joined(self, inputs: Floats, states: Floats) -> Floats:
        """What goes on (T, B, H)."""
        if self.kind == "none":
            return states
        if self.kind == "residual":
            return inputs + states
        share = sigmoid(inputs @ self.gate["weight"].T + self.gate["bias"])
        return inputs + share * (states - inputs)


def connection_of(config: ModelConfig, index: int, weights: Mapping[str, Array]) -> Connection:
    """That of a layer; past the first nothing leads, for its input is of another width."""
    return Connection(config.connection if index else "none", part_of(weights, f"connections.{index}.gate"))


class GlobalContext:
    """What the whole sentence says, beside each of its tokens: the attended states of a layer of its own."""

    def __init__(self, config: ModelConfig, weights: Mapping[str, Array]) -> None:
        """Those below `encoder.context`."""
        self.layer = Layer(
            *(part_of(weights, "layer"), config.cell, config.context_dim),
            bidirectional=config.bidirectional,
            periods=config.clock_periods,
        )
        self.attention = part_of(weights, "attention")
        self.informativeness: Floats = weights["informativeness.weight"][0]

    def beside(self, tokens: Floats, lengths: Lengths) -> Floats:
        """Tokens (T, B, D) and the summary of their sentence behind them (T, B, D+S)."""
        states = self.layer(tokens, lengths).hidden
        steps = len(states)
        mask = (np.arange(steps)[:, None] < lengths)[..., None]  # (T, B, 1)
        mean = (states * mask).sum(0) / lengths[:, None].astype(np.float32)  # (B, S)
        both = np.concatenate((states, np.broadcast_to(mean, states.shape)), axis=-1)
        hidden = np.tanh(both @ self.attention["weight"].T + self.attention["bias"])
        scores = np.where(mask[..., 0], hidden @ self.informativeness, -np.inf)  # (T, B)
        weights = np.exp(scores - scores.max(0))
        summary = ((weights / weights.sum(0))[..., None] * states).sum(0)  # (B, S)
        return np.concatenate((tokens, np.broadcast_to(summary, (steps, *summary.shape))), axis=-1)


def encoder_shapes(config: ModelConfig, input_dim: int, num_tags: int) -> Shapes:
    """Those of all weights behind the tokens' vectors: the encoder's and the projection's."""
    sides = 2 if config.bidirectional else 1
    shapes: Shapes = {}
    if config.context == "global":
        width = sides * config.context_dim
        layer = layer_shapes(config.cell, input_dim, config.context_dim, bidirectional=config.bidirectional)
        own = named("layer", layer) | named("attention", linear_shapes(width, 2 * width))
        own |= named("informativeness", linear_shapes(1, width, bias=False))
        shapes |= named("encoder.context", own)
        input_dim += width
    width = sides * config.hidden_dim
    for index in range(config.num_layers):
        layer = layer_shapes(
            config.cell, input_dim, config.hidden_dim, bidirectional=config.bidirectional, stacked=index > 0
        )
        shapes |= named(f"encoder.layers.{index}", layer)
        if index and config.connection == "highway":
            shapes |= named(f"encoder.connections.{index}.gate", linear_shapes(width, width))
        input_dim = width
    return shapes | named("projection", linear_shapes(num_tags, width))
