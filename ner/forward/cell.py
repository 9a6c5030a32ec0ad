"""What a recurrent cell is in NumPy: its weights, laid out once, and how it steps through a batch of sequences.

Both directions of a layer step at once: all arrays have an axis of G directions first, 1 or 2. The rows of gates are
halved when the weights are laid out, so that a gate is `half_tanh` of its sum and one call of `tanh` serves all.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

import numpy as np

from ner.forward.weights import Array, Floats, Shapes


class Cell(ABC):
    """G cells of one kind that step from token to token, each through a sequence of its own, from a state of zeros."""

    blocks: ClassVar[tuple[str, ...]]
    """Names of the weight blocks, in the order of their rows."""
    gates: ClassVar[frozenset[str]] = frozenset()
    """Blocks whose sums go through the logistic function."""
    hands_cell_states_up: ClassVar[bool] = False

    def __init__(self, weights: Sequence[Mapping[str, Array]], hidden_dim: int, periods: Sequence[int]) -> None:
        """The weights of each direction, by their names; `periods` are a clockwork cell's."""
        self.hidden_dim = hidden_dim
        self.halves: Floats = np.repeat([0.5 if block in self.gates else 1 for block in self.blocks], hidden_dim)
        self.halves = self.halves.astype(np.float32)  # (W,)
        self.prepare(weights, periods)

    @classmethod
    def shapes(cls, input_dim: int, hidden_dim: int, *, stacked: bool) -> Shapes:
        """Those of one direction's weights."""
        rows = len(cls.blocks) * hidden_dim
        return {"weight_ih": (rows, input_dim), "weight_hh": (rows, hidden_dim), "bias": (rows,)}

    def prepare(self, weights: Sequence[Mapping[str, Array]], periods: Sequence[int]) -> None:
        """Lays the weights out: `entering` (G, D, W), `recurrent` (G, H, W), `bias` (G, 1, W)."""
        self.lay_out(weights, "weight_ih", "weight_hh")
        self.bias = self.of_rows(weights, "bias")

    def lay_out(self, weights: Sequence[Mapping[str, Array]], weight_ih: str, weight_hh: str) -> None:
        """`entering` and `recurrent`."""
        self.entering: Floats = stack(weights, weight_ih, lambda matrix: matrix.T * self.halves)
        self.recurrent: Floats = stack(weights, weight_hh, lambda matrix: matrix.T * self.halves)

    def of_rows(self, weights: Sequence[Mapping[str, Array]], name: str) -> Floats:
        """A vector of all rows (G, 1, W)."""
        return stack(weights, name, lambda vector: (vector * self.halves)[None])

    def read(self, inputs: Floats, below: Floats | None) -> tuple[Floats, Floats | None]:
        """Hidden states (G, T, B, H), and the cell states alike where the layer above wants them.

        Args:
            inputs: (G, T, B, D), or (1, T, B, D) for all.
            below: the cell states of the layer below (G, T, B, H), for a cell that reads them.
        """
        steps, rows = inputs.shape[1:3]
        drive = self.drive(inputs, below)  # (G, T, B, W)
        hidden = np.zeros((len(self.recurrent), rows, self.hidden_dim), np.float32)
        cell_state = hidden
        states = np.empty((len(hidden), steps, rows, self.hidden_dim), np.float32)
        handed = np.empty_like(states) if self.hands_cell_states_up else None
        for step in range(steps):
            hidden, cell_state = self.step(drive[:, step], hidden, cell_state)
            states[:, step] = hidden
            if handed is not None:
                handed[:, step] = cell_state
        return states, handed

    def drive(self, inputs: Floats, below: Floats | None) -> Floats:
        """What each step gets from outside (G, T, B, W), biases added."""
        groups, steps, rows, width = inputs.shape
        product: Floats = np.matmul(inputs.reshape(groups, steps * rows, width), self.entering)
        product += self.bias
        return product.reshape((len(self.entering), steps, rows, -1))

    @abstractmethod
    def step(self, drive: Floats, hidden: Floats, cell_state: Floats) -> tuple[Floats, Floats]:
        """Hidden and cell state (G, B, H) after a token; the same array twice where there is no cell state."""

    def blocks_of(self, values: Floats, count: int) -> list[Floats]:
        """So many blocks of H units each, side by side in (G, B, W)."""
        width = self.hidden_dim
        return [values[..., index * width : (index + 1) * width] for index in range(count)]


class FusedCell(Cell):
    """A cell that PyTorch has a kernel for, and so two biases: the second belongs to the recurrent product."""

    @classmethod
    def shapes(cls, input_dim: int, hidden_dim: int, *, stacked: bool) -> Shapes:
        """As `Cell.shapes`."""
        own = super().shapes(input_dim, hidden_dim, stacked=stacked)
        bias = own.pop("bias")
        own = {"weight_ih": own["weight_ih"], "weight_hh": own["weight_hh"], "bias_ih": bias, "bias_hh": bias}
        return {f"fused.{name}_l0": shape for name, shape in own.items()}

    def prepare(self, weights: Sequence[Mapping[str, Array]], periods: Sequence[int]) -> None:
        """As `Cell.prepare`, of the sum of both biases."""
        self.lay_out(weights, "fused.weight_ih_l0", "fused.weight_hh_l0")
        self.bias = self.of_rows(weights, "fused.bias_ih_l0") + self.of_rows(weights, "fused.bias_hh_l0")


def stack(weights: Sequence[Mapping[str, Array]], name: str, lay_out: Callable[[Array], Array]) -> Floats:
    """What `lay_out` makes of a weight, for all G directions (G, …)."""
    return np.ascontiguousarray(np.stack([lay_out(each[name]) for each in weights]), dtype=np.float32)
