"""The encoder on ONNX Runtime: a graph of recurrent layers and the projection, written from the weights.

Its kernels read a padded batch by its lengths, both directions at one call. Gates come in another order than PyTorch's:
i, o, f, c in an LSTM, z, r, h in a GRU.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from ner.errors import ConfigError
from ner.forward.encoder import Lengths, connection_of
from ner.forward.onnx_file import Graph
from ner.forward.weights import Array, Floats, part_of
from ner.settings import ModelConfig

# The operator of each cell that ONNX knows, and from which of our blocks of rows its own are, in its order.
OPERATORS: dict[str, tuple[str, tuple[int, ...]]] = {
    "lstm": ("LSTM", (0, 3, 1, 2)),
    "gru": ("GRU", (1, 0, 2)),
    "rnn": ("RNN", (0,)),
}


class OnnxEncoder:
    """Several threads may ask it at once, each of which computes for itself."""

    def __init__(self, config: ModelConfig, weights: Mapping[str, Array]) -> None:
        """All weights of the network.

        Raises:
            ConfigError: onnxruntime isn't installed, or knows no such cell.
        """
        if config.cell not in OPERATORS:
            raise ConfigError(
                f'model.cell: runtime "onnx" expected one of {", ".join(OPERATORS)}, found {config.cell!r}; '
                'runtime "numpy" knows all cells'
            )
        self._session = _session(_graph(config, weights))

    def __call__(self, tokens: Floats, lengths: Lengths) -> Floats:
        """As `Encoder`."""
        given = {"tokens": np.ascontiguousarray(tokens), "lengths": lengths.astype(np.int32)}
        scores: Floats = self._session.run(None, given)[0]
        return scores


def _graph(config: ModelConfig, weights: Mapping[str, Array]) -> bytes:
    encoder = part_of(weights, "encoder")
    sides = ["forward_cell", "backward_cell"][: 2 if config.bidirectional else 1]
    width = len(sides) * config.hidden_dim
    input_dim = weights[f"encoder.layers.0.{sides[0]}.fused.weight_ih_l0"].shape[1]
    graph = Graph()
    states = graph.input("tokens", "float32", ("T", "B", input_dim))
    lengths = graph.input("lengths", "int32", ("B",))
    beside = graph.constant(np.array([0, 0, width]))  # 0: as it was
    for index in range(config.num_layers):
        own = [part_of(encoder, f"layers.{index}.{side}.fused") for side in sides]
        above = _layer(graph, config, own, states, lengths)  # (T, G, B, H)
        above = graph.add("Reshape", graph.add("Transpose", above, perm=(0, 2, 1, 3)), beside)
        connection = connection_of(config, index, encoder)
        if connection.kind == "residual":
            above = graph.add("Add", states, above)
        elif connection.kind == "highway":
            weight, bias = connection.gate["weight"], connection.gate["bias"]
            share = graph.add("Sigmoid", _affine(graph, states, weight, bias))
            above = graph.add("Add", states, graph.add("Mul", share, graph.add("Sub", above, states)))
        states = above
    scores = _affine(graph, states, weights["projection.weight"], weights["projection.bias"])
    graph.output(scores, "float32", ("T", "B", len(weights["projection.bias"])))
    return graph.to_bytes()


def _layer(graph: Graph, config: ModelConfig, sides: list[dict[str, Array]], states: str, lengths: str) -> str:
    operator, order = OPERATORS[config.cell]

    def stacked(*names: str) -> str:
        each = [np.concatenate([_in_order(side[f"{name}_l0"], order) for name in names]) for side in sides]
        return graph.constant(np.stack(each).astype(np.float32))

    inputs = (states, stacked("weight_ih"), stacked("weight_hh"), stacked("bias_ih", "bias_hh"), lengths)
    # The reset gate behind the recurrent product, as PyTorch's kernels have it.
    more = {"linear_before_reset": 1} if operator == "GRU" else {}
    direction = "bidirectional" if len(sides) > 1 else "forward"
    return graph.add(operator, *inputs, hidden_size=config.hidden_dim, direction=direction, **more)


def _in_order(rows: Array, order: tuple[int, ...]) -> Array:
    blocks = np.split(rows, len(order))
    return np.concatenate([blocks[index] for index in order])


def _affine(graph: Graph, inputs: str, weight: Array, bias: Array) -> str:
    product = graph.add("MatMul", inputs, graph.constant(np.ascontiguousarray(weight.T, dtype=np.float32)))
    return graph.add("Add", product, graph.constant(bias.astype(np.float32)))


def _session(model: bytes) -> Any:
    try:
        import onnxruntime
    except ImportError:
        raise ConfigError(
            'runtime "onnx": onnxruntime isn\'t installed: pip install onnxruntime, or take another runtime'
        ) from None
    options = onnxruntime.SessionOptions()
    # A batch is one thread's work, and several batches are worked on at once: see `ner.threads`.
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Its waiting threads would slow all that runs beside them.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    # Memory that one large batch took would be kept for ever.
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3  # errors: a warning of the library is none of the user's business
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
