"""One recurrent layer in NumPy, read from the left, or from both sides at once; time first, (T, B, …)."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ner.forward.cells import CELLS
from ner.forward.weights import Array, Floats, Shapes, named, part_of


class States(NamedTuple):
    """What a layer makes of its inputs, the backward direction's behind the forward's."""

    hidden: Floats  # (T, B, G·H)
    cell_states: Floats | None  # alike, where the layer above wants them


class Layer:
    """One layer of a recurrent network over right-padded sequences."""

    def __init__(
        self,
        weights: Mapping[str, Array],
        cell: str,
        hidden_dim: int,
        *,
        bidirectional: bool,
        periods: Sequence[int] = (1,),
    ) -> None:
        """`weights` by the names that `layer_shapes` gives; `periods` are a clockwork cell's."""
        self.directions = [part_of(weights, name) for name in _names(bidirectional)]
        self.cell = CELLS[cell](self.directions, hidden_dim, periods)

    def __call__(self, inputs: Floats, lengths: npt.NDArray[np.int64], below: Floats | None = None) -> States:
        """Its states.

        Args:
            inputs: (T, B, D), right-padded.
            lengths: tokens of each row (B,).
            below: the cell states that the layer below handed up (T, B, G·H).
        """
        if len(self.directions) == 1:
            hidden, handed = self.cell.read(inputs[None], None if below is None else below[None])
            return States(hidden[0], None if handed is None else handed[0])
        order = mirrored(lengths, len(inputs))
        sides = None
        if below is not None:
            forward, backward = np.split(below, 2, axis=-1)
            sides = np.stack((forward, _reorder(backward, order)))
        both = self.cell.read(np.stack((inputs, _reorder(inputs, order))), sides)
        return States(_beside(both[0], order), None if both[1] is None else _beside(both[1], order))


def layer_shapes(cell: str, input_dim: int, hidden_dim: int, *, bidirectional: bool, stacked: bool = False) -> Shapes:
    """Those of a layer's weights; `stacked`: a layer of the same cell lies below."""
    own = CELLS[cell].shapes(input_dim, hidden_dim, stacked=stacked)
    return {name: shape for side in _names(bidirectional) for name, shape in named(side, own).items()}


def mirrored(lengths: npt.NDArray[np.int64], num_steps: int) -> npt.NDArray[np.int64] | None:
    """For each row the order (T, B) that reverses its first `length` indices alone; None: all are as long as the batch.

    >>> mirrored(np.array([3, 1]), 3).T.tolist()
    [[2, 1, 0], [0, 1, 2]]
    """
    if lengths.min() == num_steps:
        return None
    steps = np.arange(num_steps)[:, None]
    order = lengths - 1 - steps
    return np.where(order >= 0, order, steps)


def _names(bidirectional: bool) -> list[str]:
    return ["forward_cell", "backward_cell"][: 2 if bidirectional else 1]


def _reorder(sequence: Floats, order: npt.NDArray[np.int64] | None) -> Floats:
    """Each row of (T, B, D) reversed within its own length."""
    return sequence[::-1] if order is None else sequence[order, np.arange(order.shape[1])]


def _beside(both: Floats, order: npt.NDArray[np.int64] | None) -> Floats:
    """Both directions of (2, T, B, H) side by side, in the order of the tokens (T, B, 2H)."""
    return np.concatenate((both[0], _reorder(both[1], order)), axis=-1)
