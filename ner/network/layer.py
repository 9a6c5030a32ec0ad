"""One recurrent layer, read from the left, or from both sides.

PyTorch's kernels know a batch of unequal lengths only as a packed sequence, which on a CPU is the slow way.
Here a padded batch is read: the forward direction needs no care, since padding follows the words; the
backward direction reads each row reversed within its own length, so it too meets padding last. Both are
exact: the states of a sentence are the same whatever stands beside it.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ner.crf.torch_forward_backward import reversal
from ner.network.at_once import read_at_once
from ner.network.cell import CellOptions, FusedCell
from ner.network.cells import CELLS, LSTM
from ner.threads import half_the_threads


class RecurrentLayer(nn.Module):
    """One layer of a recurrent network over right-padded sequences."""

    def __init__(
        self,
        cell: str,
        input_dim: int,
        hidden_dim: int,
        *,
        bidirectional: bool,
        options: CellOptions = CellOptions(),
        bf16: bool = False,
    ) -> None:
        """`bf16`: a fused cell computes in bfloat16 where the processor is built for it; the weights stay float32."""
        super().__init__()
        self.bf16 = bf16
        self.at_once = False  # in training, whether each direction has a thread of its own
        self.forward_cell = CELLS[cell](input_dim, hidden_dim, options)
        self.backward_cell = CELLS[cell](input_dim, hidden_dim, options) if bidirectional else None
        self.output_dim = hidden_dim * (2 if bidirectional else 1)

    def forward(self, inputs: Tensor, lengths: Tensor, below: Tensor | None = None) -> tuple[Tensor, Tensor | None]:
        """States (B, T, H), or (B, T, 2H) with the backward direction's behind the forward's; the cell states alike.

        There are cell states only where the cell reads those of the layer below.

        Args:
            inputs: (B, T, D), right-padded.
            lengths: tokens of each row (B,).
            below: the cell states that the layer below handed up.
        """
        # In the others' small steps the conversions would cost more than the products gain.
        half = self.bf16 and isinstance(self.forward_cell, FusedCell) and has_bf16(inputs.device)
        precision = partial(_precision, inputs.device.type, half=half)
        if self.at_once and torch.is_grad_enabled():
            states, cell_states = self._read_at_once(inputs, lengths, precision), None
        else:
            with precision():
                states, cell_states = self._read(inputs, lengths, below)
        # A sum over many tokens would lose digits in bfloat16.
        return states.to(inputs.dtype), None if cell_states is None else cell_states.to(inputs.dtype)

    def _read(self, inputs: Tensor, lengths: Tensor, below: Tensor | None) -> tuple[Tensor, Tensor | None]:
        if self.backward_cell is None:
            return self.forward_cell(inputs, below)  # type: ignore[no-any-return]
        # A single sentence has no padding.
        order = reversal(lengths, inputs.shape[1]) if len(inputs) > 1 else None  # (B, T)
        below_forward, below_backward = (None, None) if below is None else below.chunk(2, dim=-1)
        forward, cell_states = self.forward_cell(inputs, below_forward)  # (B, T, H)
        mirrored = None if below_backward is None else _reorder(below_backward, order)
        backward, mirrored_cell_states = self.backward_cell(_reorder(inputs, order), mirrored)
        states = torch.cat([forward, _reorder(backward, order)], dim=-1)  # (B, T, 2H)
        if cell_states is None:
            return states, None
        return states, torch.cat([cell_states, _reorder(mirrored_cell_states, order)], dim=-1)

    def can_part(self) -> bool:
        """Whether its directions may have a thread each."""
        # GRU and RNN share their conversions to bfloat16 with all threads; the steps of other cells are Python's.
        return isinstance(self.forward_cell, LSTM) and self.backward_cell is not None

    def _read_at_once(
        self, inputs: Tensor, lengths: Tensor, precision: Callable[[], AbstractContextManager[object]]
    ) -> Tensor:
        order = reversal(lengths, inputs.shape[1])
        cells = [cell for cell in (self.forward_cell, self.backward_cell) if cell is not None]
        forward, backward = read_at_once(cells, (inputs, _reorder(inputs, order)), precision)
        return torch.cat([forward, _reorder(backward, order)], dim=-1)

    def trace(self, inputs: Tensor, lengths: Tensor, below: Tensor | None = None) -> dict[str, dict[str, Tensor]]:
        """What happens inside, by direction and name, each (B, T, H) in the order of the tokens; see `Cell.trace`."""
        if self.backward_cell is None:
            return {"forward": self.forward_cell.trace(inputs, below)}
        order = reversal(lengths, inputs.shape[1])
        below_forward, below_backward = (None, None) if below is None else below.chunk(2, dim=-1)
        mirrored = None if below_backward is None else _reorder(below_backward, order)
        backward = self.backward_cell.trace(_reorder(inputs, order), mirrored)
        return {
            "forward": self.forward_cell.trace(inputs, below_forward),
            "backward": {name: _reorder(values, order) for name, values in backward.items()},
        }


@contextmanager
def directions_at_once(network: nn.Module) -> Iterator[None]:
    """Within, both directions of a network's layers are trained at once, where there are two threads on a CPU."""
    layers = [layer for layer in network.modules() if isinstance(layer, RecurrentLayer) and layer.can_part()]
    if not layers or next(network.parameters()).device.type != "cpu":
        yield
        return
    with half_the_threads() as halved:
        try:
            for layer in layers:
                layer.at_once = halved
            yield
        finally:
            for layer in layers:
                layer.at_once = False


def _precision(device_type: str, *, half: bool) -> AbstractContextManager[object]:
    """bfloat16 or the weights' own precision, whatever the caller's autocast is."""
    if half or torch.is_autocast_enabled(device_type):
        return torch.autocast(device_type, dtype=torch.bfloat16, enabled=half)
    return nullcontext()  # which takes a tenth of the time


def has_bf16(device: torch.device) -> bool:
    """Whether PyTorch's kernels take bfloat16 on a device; a processor may only imitate it (`ner.processor`)."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


def _reorder(sequence: Tensor, order: Tensor | None) -> Tensor:
    """Each row of a sequence (B, T, D) reversed, by its `reversal` (B, T) if it has padding."""
    return sequence.flip(1) if order is None else _Reordered.apply(sequence, order)  # type: ignore[no-untyped-call]


class _Reordered(torch.autograd.Function):
    """Rows put in an order that, taken twice, is the first one again: so goes the gradient back too.

    Whole vectors are moved, which takes half as long as `gather`, and a third of its way back.
    """

    @staticmethod
    def forward(ctx: Any, sequence: Tensor, order: Tensor) -> Tensor:
        ctx.save_for_backward(order)
        return _moved(sequence, order)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _moved(gradient, *ctx.saved_tensors), None


def _moved(sequence: Tensor, order: Tensor) -> Tensor:
    rows, steps = order.shape
    indices = (order + steps * torch.arange(rows, device=order.device).unsqueeze(1)).flatten()
    return sequence.reshape(rows * steps, sequence.shape[2]).index_select(0, indices).view(sequence.shape)
