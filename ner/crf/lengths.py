"""Rows of unequal length in one padded batch: which of it is theirs, and what reads each within its own length."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def reversal(lengths: Array, num_steps: int) -> Array:
    """For each row the order (B, T) that reverses its first `length` indices and leaves the others alone.

    >>> reversal(np.array([3, 1]), 3)
    array([[2, 1, 0],
           [0, 1, 2]])
    """
    steps = np.arange(num_steps)
    mirrored = lengths[:, None] - 1 - steps
    return np.where(mirrored >= 0, mirrored, steps)


def real_tokens(lengths: Array, num_steps: int) -> Array:
    """The mask (B, T) of rows of these lengths: True at real tokens.

    >>> real_tokens(np.array([3, 1]), 3)
    array([[ True,  True,  True],
           [ True, False, False]])
    """
    return np.arange(num_steps) < lengths[:, None]
