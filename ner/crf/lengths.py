"""Rows of unequal length in one padded batch: what reads each within its own length."""

import torch
from torch import Tensor


def reversal(lengths: Tensor, num_steps: int) -> Tensor:
    """For each row the order (B, T) that reverses its first `length` places and leaves the others alone.

    >>> reversal(torch.tensor([3, 1]), 3)
    tensor([[2, 1, 0],
            [0, 1, 2]])
    """
    steps = torch.arange(num_steps, device=lengths.device)
    mirrored = lengths.unsqueeze(1) - 1 - steps
    return torch.where(mirrored >= 0, mirrored, steps)
