"""Both directions of a layer at once, each on a thread of its own, on the way back too.

Threads within an operation meet at its end, some ten thousand times a second, and spin while they wait: where other
programs want the cores, each then waits for the other, and a step takes a hundred times as long. Directions meet once.
Each is computed as it would be alone, on two threads to the last digit what one thread gives.
"""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor

from ner.network.cell import Cell
from ner.threads import other_thread

Result = TypeVar("Result")


def read_at_once(
    cells: Sequence[Cell], inputs: Sequence[Tensor], precision: Callable[[], AbstractContextManager[object]]
) -> tuple[Tensor, Tensor]:
    """Hidden states (B, T, H) of two cells, each of its inputs (B, T, D).

    Args:
        cells: without cell states to hand up.
        inputs: of each.
        precision: entered in the thread of each, since autocast is a thread's own.
    """
    parameters = [parameter for cell in cells for parameter in cell.parameters()]
    return _AtOnce.apply(cells, precision, *inputs, *parameters)  # type: ignore[no-any-return, no-untyped-call]


class _AtOnce(torch.autograd.Function):
    """Two graphs, each made and walked back by its own thread; to the rest they are one operation."""

    @staticmethod
    def forward(
        ctx: Any, cells: Sequence[Cell], precision: Callable[[], AbstractContextManager[object]], *tensors: Tensor
    ) -> tuple[Tensor, Tensor]:
        def read(cell: Cell, inputs: Tensor) -> tuple[Tensor, Tensor]:
            inputs = inputs.detach().requires_grad_()
            with torch.enable_grad(), precision():
                return inputs, cell(inputs)[0]

        ctx.cells = cells
        ctx.graphs = _both(*(partial(read, cell, own) for cell, own in zip(cells, tensors[:2], strict=True)))
        return ctx.graphs[0][1].detach(), ctx.graphs[1][1].detach()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        def walk_back(cell: Cell, graph: tuple[Tensor, Tensor], gradient: Tensor) -> tuple[Tensor, ...]:
            inputs, states = graph
            return torch.autograd.grad(states, (inputs, *cell.parameters()), gradient)

        works = zip(ctx.cells, ctx.graphs, gradients, strict=True)
        first, second = _both(*(partial(walk_back, *work) for work in works))
        ctx.graphs = None
        return None, None, first[0], second[0], *first[1:], *second[1:]


def _both(first: Callable[[], Result], second: Callable[[], Result]) -> tuple[Result, Result]:
    other = other_thread().submit(second)
    try:
        own = first()
    finally:
        other.exception()  # whatever happens here, nothing goes on over there
    return own, other.result()
