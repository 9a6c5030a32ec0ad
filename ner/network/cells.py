"""One recurrent layer, read from the left, or from both sides.

PyTorch's kernels know a batch of unequal lengths only as a packed sequence, which on a CPU is the slow way.
Here a padded batch is read: the forward direction needs no care, since padding follows the words; the
backward direction reads each row reversed within its own length, so it too meets padding last. Both are
exact: the states of a sentence are the same whatever stands beside it.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

# A new fused cell is one line here.
CELLS: dict[str, Callable[..., nn.RNNBase]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class RecurrentLayer(nn.Module):
    """One layer of a recurrent network over right-padded sequences."""

    def __init__(self, cell: str, input_dim: int, hidden_dim: int, *, bidirectional: bool) -> None:
        super().__init__()
        self.forward_cell = _make_cell(cell, input_dim, hidden_dim)
        self.backward_cell = _make_cell(cell, input_dim, hidden_dim) if bidirectional else None
        self.output_dim = hidden_dim * (2 if bidirectional else 1)

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """States (B, T, H), or (B, T, 2H) with the backward direction's behind the forward's.

        Args:
            inputs: (B, T, D), right-padded.
            lengths: tokens of each row (B,).
        """
        forward, _ = self.forward_cell(inputs)  # (B, T, H)
        if self.backward_cell is None:
            return forward  # type: ignore[no-any-return]
        order = reversal(lengths, inputs.shape[1])  # (B, T)
        backward, _ = self.backward_cell(_reorder(inputs, order))
        return torch.cat([forward, _reorder(backward, order)], dim=-1)  # (B, T, 2H)


def reversal(lengths: Tensor, num_steps: int) -> Tensor:
    """For each row the order (B, T) that reverses its first `length` places and leaves the others alone.

    >>> reversal(torch.tensor([3, 1]), 3)
    tensor([[2, 1, 0],
            [0, 1, 2]])
    """
    steps = torch.arange(num_steps, device=lengths.device)
    mirrored = lengths.unsqueeze(1) - 1 - steps
    return torch.where(mirrored >= 0, mirrored, steps)


def _reorder(sequence: Tensor, order: Tensor) -> Tensor:
    return sequence.gather(1, order.unsqueeze(-1).expand(-1, -1, sequence.shape[-1]))


def _make_cell(cell: str, input_dim: int, hidden_dim: int) -> nn.RNNBase:
    layer = CELLS[cell](input_dim, hidden_dim, batch_first=True)
    for name, weight in layer.named_parameters():
        if name.startswith("weight_hh"):
            # Orthogonal gate by gate: repeated products neither vanish nor explode (Saxe et al. 2014).
            for gate in torch.split(weight.data, hidden_dim):
                nn.init.orthogonal_(gate)
        elif name.startswith("weight_ih"):
            for gate in torch.split(weight.data, hidden_dim):
                nn.init.xavier_uniform_(gate)
        else:
            nn.init.zeros_(weight)
            if cell == "lstm" and name.startswith("bias_ih"):
                # An open forget gate at the start remembers (Jozefowicz et al. 2015); gates are i, f, g, o.
                weight.data[hidden_dim : 2 * hidden_dim].fill_(1.0)
    return layer
