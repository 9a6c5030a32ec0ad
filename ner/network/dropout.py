"""Dropout (Srivastava et al. 2014), of single values or of the same units at every token, with cheap random numbers."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

_LEVELS = 2**16


class Dropout(nn.Module):
    """Dropout of single values, or (`variational`, Gal & Ghahramani 2016) of the same units at every token."""

    def __init__(self, rate: float, *, variational: bool = False) -> None:
        super().__init__()
        self.rate = rate
        self.variational = variational

    def forward(self, states: Tensor) -> Tensor:
        """The same shape (B, T, D), scaled so that the expectation stays."""
        if not self.training or self.rate == 0:
            return states
        if states.device.type != "cpu" and not self.variational:
            return nn.functional.dropout(states, self.rate)
        shape = states[:, :1].shape if self.variational else states.shape
        return states * _kept(shape, self.rate, states)


def _kept(shape: Sequence[int], rate: float, like: Tensor) -> Tensor:
    """Zeros at this rate, elsewhere what keeps the expectation at 1.

    Each value takes 16 bits, so that one draw of the CPU's generator serves four of them: five times as fast as
    `bernoulli_`, which was a tenth of a training step. The rate is rounded to 1/65,536.
    """
    count = torch.Size(shape).numel()
    draws = torch.empty((count + 3) // 4, dtype=torch.long, device=like.device).random_(-(2**63), None)
    values = draws.view(torch.int16)[:count].view(shape)  # from -32,768 to 32,767, all alike
    dropped = max(1, min(round(rate * _LEVELS), _LEVELS - 1))
    kept = torch.empty(shape, dtype=like.dtype, device=like.device)
    # Straight into numbers: by way of booleans it takes nearly twice as long.
    return torch.ge(values, dropped - _LEVELS // 2, out=kept).mul_(_LEVELS / (_LEVELS - dropped))
