"""The calls that a step from token to token is made of, in PyTorch, and for few sentences in NumPy.

A step of few sentences is little more than its calls, and NumPy's take a third of the time of PyTorch's.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

# Sentences whose steps NumPy takes faster than PyTorch, and tags: products of more could wake NumPy's own threads.
_FEW = 4
_FEW_TAGS = 64


class Calls(NamedTuple):
    """Each writes into `out`, its last argument."""

    add: Callable[..., Any]
    multiply: Callable[..., Any]
    divide: Callable[..., Any]
    matmul: Callable[..., Any]
    sum_last: Callable[..., Any]  # along the last dimension, which stays
    max_first: Callable[..., Any]  # along the first dimension
    argmax_last: Callable[..., Any]
    rows: Callable[..., Any]  # those of a table with these numbers


_IN_TORCH = Calls(
    add=lambda one, other, out: torch.add(one, other, out=out),
    multiply=lambda one, other, out: torch.mul(one, other, out=out),
    divide=lambda one, other, out: torch.div(one, other, out=out),
    matmul=lambda one, other, out: torch.matmul(one, other, out=out),
    sum_last=lambda values, out: torch.sum(values, dim=-1, keepdim=True, out=out),
    max_first=lambda values, out: torch.amax(values, dim=0, out=out),
    argmax_last=lambda values, out: torch.argmax(values, dim=-1, out=out),
    rows=lambda table, numbers, out: torch.index_select(table, 0, numbers, out=out),
)
_IN_NUMPY = Calls(
    add=np.add,
    multiply=np.multiply,
    divide=np.divide,
    matmul=np.matmul,
    sum_last=lambda values, out: np.add.reduce(values, -1, out=out, keepdims=True),
    max_first=lambda values, out: np.maximum.reduce(values, 0, out=out),
    argmax_last=lambda values, out: values.argmax(-1, out),
    rows=lambda table, numbers, out: table.take(numbers, 0, out, "clip"),  # other modes would copy `out`
)


def calls_for(num_rows: int, *tables: Tensor) -> tuple[Calls, list[Any]]:
    """What to step with over so many sentences, and the tables as it wants them, in the same memory.

    The first table is floating-point, the tags its last dimension.
    """
    first = tables[0]
    small = num_rows <= _FEW and first.shape[-1] <= _FEW_TAGS
    # NumPy knows no bfloat16.
    if not small or first.device.type != "cpu" or first.dtype not in (torch.float32, torch.float64):
        return _IN_TORCH, list(tables)
    return _IN_NUMPY, [table.detach().numpy() for table in tables]
