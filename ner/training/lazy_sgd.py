"""Stochastic gradient descent with momentum whose cost for an embedding table is that of the rows a batch uses.

With momentum every row of a table moves at every step, long after the batch that had its word: a table of
400,000 words costs more than the rest of the network. But between two uses nobody reads a row, and without a
gradient its way is known beforehand: velocity v at step s has become mⁿ v n steps later, and has moved the row by
-v · Σ rate(k) · m^(k-s) over the steps k since. So a row is brought up to date when it is read. The result is that
of plain SGD, to rounding (Carpenter 2008, "Lazy Sparse Stochastic Gradient Descent", does so for regularisation).
"""

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

# After so many steps all rows are brought up to date, so that the sums over steps stay short. One sweep of the
# table in a thousand steps costs nothing that shows.
_WINDOW = 1024


class RowwiseSGD(torch.optim.SGD):
    """SGD with momentum; embedding tables get sparse gradients, and move row by row.

    `settle` has to be called before a table is read as a whole.
    """

    def __init__(
        self, parameters: Iterable[nn.Parameter], tables: Sequence[nn.Embedding], *, lr: float, momentum: float
    ) -> None:
        apart = {id(table.weight) for table in tables}
        dense = [parameter for parameter in parameters if id(parameter) not in apart]
        super().__init__(dense, lr=lr, momentum=momentum, foreach=True)
        self.tables = [_Table(table, momentum) for table in tables]

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Transitions all weights by their gradients; `closure` is PyTorch's, and not supported."""
        super().step()
        for table in self.tables:
            table.step(self.param_groups[0]["lr"])

    def zero_grad(self, set_to_none: bool = True) -> None:
        """As PyTorch's."""
        super().zero_grad(set_to_none)
        for table in self.tables:
            table.weight.grad = None

    def settle(self) -> None:
        """Brings all rows of all tables up to date."""
        for table in self.tables:
            table.settle()

    def release(self) -> None:
        """Settles, and leaves the embeddings as it found them, with dense gradients."""
        for table in self.tables:
            table.release()


class _Table:
    """An embedding, the velocity of each row, and up to which step each row is up to date."""

    def __init__(self, embedding: nn.Embedding, momentum: float) -> None:
        self.weight = embedding.weight
        self.velocity = torch.zeros_like(self.weight)
        self.momentum = momentum
        self.steps = 0  # since all rows were up to date
        self.updated = torch.zeros(len(self.weight), dtype=torch.long)  # (V,)
        self.powers = momentum ** torch.arange(_WINDOW + 1, dtype=torch.double)
        # How far a velocity of 1 at step s has carried its row by now.
        self.reach = torch.zeros(_WINDOW + 1, dtype=torch.double)
        self.embedding = embedding
        embedding.sparse = True
        self.hook = embedding.register_forward_pre_hook(lambda module, inputs: self.catch_up(inputs[0]))

    @torch.no_grad()
    def catch_up(self, rows: Tensor) -> None:
        """Brings these rows up to date; they may repeat, in any shape."""
        if not self.steps:
            return
        rows = rows.flatten()
        rows = torch.unique(rows[self.updated[rows] < self.steps])
        behind = self.updated[rows]
        velocity = self.velocity[rows]
        self.weight.index_add_(0, rows, velocity * self.reach[behind].unsqueeze(1).to(velocity.dtype), alpha=-1)
        self.velocity[rows] = velocity * self.powers[self.steps - behind].unsqueeze(1).to(velocity.dtype)
        self.updated[rows] = self.steps

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """One step of all rows: of those with a gradient now, of the others when they are read."""
        self.steps += 1
        self.reach[: self.steps] += rate * self.powers[1 : self.steps + 1].flip(0)
        if self.weight.grad is not None:
            gradient = self.weight.grad.coalesce()
            rows = gradient.indices()[0]
            # They were read in this step's forward pass, so they are up to date as of the step before.
            velocity = self.velocity[rows].mul_(self.momentum).add_(gradient.values())
            self.velocity[rows] = velocity
            self.weight.index_add_(0, rows, velocity, alpha=-rate)
            self.updated[rows] = self.steps
        if self.steps == _WINDOW:
            self.settle()

    @torch.no_grad()
    def settle(self) -> None:
        """Brings all rows up to date."""
        dtype = self.velocity.dtype
        self.weight.addcmul_(self.velocity, self.reach[self.updated].unsqueeze(1).to(dtype), value=-1)
        self.velocity.mul_(self.powers[self.steps - self.updated].unsqueeze(1).to(dtype))
        self.steps = 0
        self.updated.zero_()
        self.reach.zero_()

    def state(self) -> dict[str, Tensor]:
        """All that the next step depends on beside the weights; rows that are behind stay behind."""
        reach = self.reach[: self.steps]
        return {"velocity": self.velocity, "updated": self.updated, "reach": reach}

    def restore(self, state: dict[str, Tensor]) -> None:
        """Takes what `state` gave."""
        self.velocity.copy_(state["velocity"])
        self.updated.copy_(state["updated"])
        self.steps = len(state["reach"])
        self.reach.zero_()
        self.reach[: self.steps] = state["reach"]

    def release(self) -> None:
        """Settles, and leaves the embedding as it was found."""
        self.settle()
        self.hook.remove()  # it holds a velocity for each row
        self.embedding.sparse = False
