"""A step's gradients, summed over the processes that train together: each comes from its share of the batch.

All that is dense goes in one sum, through shared memory where the processes are on one machine. Of a table of words
the rows alone go that some process read: a bit for each row tells which, sent while gradients are still computed. A
lazy table brings a row up to date when it is read, so what one process read is brought up to date in all of them, and
all keep the same table to the last bit.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from ner.training.distributed import Group
from ner.training.lazy_sgd import RowwiseSGD
from ner.training.shared_memory import SharedSums

# Rows of tables, in numbers, for which there is room in shared memory: more than a large batch reads. What doesn't fit
# goes by sockets.
_ROOM = 300_000


class Wishes(NamedTuple):
    """What a process asks for between two steps; all do what one asks for."""

    stop: bool = False
    save: bool = False

    def as_number(self) -> int:
        """One bit for each."""
        return self.stop + 2 * self.save

    @classmethod
    def of_number(cls, number: int) -> "Wishes":
        """What `as_number` made one."""
        return cls(bool(number & 1), bool(number & 2))


class Exchange:
    """Sums the gradients of each step over a group; a group of one has nothing to sum."""

    def __init__(
        self,
        group: Group,
        optimizer: torch.optim.Optimizer,
        parameters: Sequence[nn.Parameter],
        tables: Sequence[nn.Embedding],
    ) -> None:
        """`parameters` are all that move, `tables` those embeddings among them of which a batch reads few rows."""
        self.group = group
        # A GPU sums a whole table faster than it is told which rows to leave out.
        by_row = [t for t in tables if t.weight.device.type == "cpu"] if group.size > 1 else []
        self._tables = [table.weight for table in by_row]
        apart = {id(weight) for weight in self._tables}
        self._dense = [parameter for parameter in parameters if id(parameter) not in apart]
        lazy = optimizer.tables if isinstance(optimizer, RowwiseSGD) else []
        self._lazy = [next((mine for mine in lazy if mine.weight is weight), None) for weight in self._tables]
        self._read: list[list[Tensor]] = [[] for _ in by_row]
        self._hooks = [
            table.register_forward_pre_hook(lambda module, inputs, read=read: _note(module, inputs, read))
            for table, read in zip(by_row, self._read, strict=True)
        ]
        self._shared = None
        if group.size > 1 and all(parameter.device.type == "cpu" for parameter in self._dense):
            room = min(sum(weight.numel() for weight in self._tables), _ROOM)
            self._shared = SharedSums.of(group, 1 + len(self._dense) + sum(p.numel() for p in self._dense) + room)
        self._everyone: Callable[[], list[np.ndarray[tuple[int], np.dtype[np.uint8]]]] | None = None

    def announce(self, wishes: Wishes) -> None:
        """Tells the others which rows this process read for the step; between its loss and its gradients."""
        parts = [np.array([wishes.as_number()], dtype=np.uint8)]
        for weight, read in zip(self._tables, self._read, strict=True):
            mask = np.zeros(len(weight), dtype=np.bool_)
            for rows in read:
                mask[rows.numpy()] = True
            read.clear()
            parts.append(np.packbits(mask))
        self._everyone = self.group.begin_to_gather(np.concatenate(parts))

    def add_up(self, loss: float) -> tuple[float, Wishes]:
        """Puts the sums over all processes in the place of all gradients, which are then those of the whole batch.

        Args:
            loss: this process's part of it, which its gradients are of; NaN: it has no gradients.

        Returns:
            The whole loss, and what any process asked for when it announced.
        """
        assert self._everyone is not None  # `announce` comes first
        union = np.bitwise_or.reduce(self._everyone())
        rows_of = self._rows_in(union[1:])
        present = [float(parameter.grad is not None) for parameter in self._dense]
        sizes = [1, len(present), *(p.numel() for p in self._dense)]
        sizes += [len(rows) * w.shape[1] for rows, w in zip(rows_of, self._tables, strict=True)]
        parts = [torch.tensor([loss, *present], device=self._dense[0].device)]
        parts += [_flat(parameter) for parameter in self._dense]
        parts += [_block(weight, rows).flatten() for rows, weight in zip(rows_of, self._tables, strict=True)]
        whole, anywhere, *sums = torch.split(self._sum(parts, sum(sizes)), sizes)
        for parameter, count, total in zip(self._dense, anywhere.tolist(), sums, strict=False):
            # What no process computed a gradient of isn't moved, as in a single one.
            parameter.grad = total.view_as(parameter) if count else None
        for weight, lazy, rows, total in zip(self._tables, self._lazy, rows_of, sums[len(self._dense) :], strict=True):
            block = total.view(len(rows), weight.shape[1])
            if lazy is not None:
                lazy.catch_up(rows)
                # Not checked: the rows are ascending and of this table.
                weight.grad = torch.sparse_coo_tensor(
                    rows.unsqueeze(0), block, weight.shape, is_coalesced=True, check_invariants=False
                )
            else:
                weight.grad = torch.zeros_like(weight).index_copy_(0, rows, block)
        return float(whole), Wishes.of_number(int(union[0]))

    def close(self) -> None:
        """No more reads are noted."""
        for hook in self._hooks:
            hook.remove()

    def _sum(self, parts: Sequence[Tensor], size: int) -> Tensor:
        """All parts, of so many numbers together, in a row, summed over the processes."""
        place = None if self._shared is None else self._shared.place(size)
        if self._shared is None or place is None:
            bucket = torch.cat(list(parts))
            self.group.add_up(bucket)
            return bucket
        torch.cat(list(parts), out=place)
        return self._shared.add_up(size)

    def _rows_in(self, bits: np.ndarray[tuple[int], np.dtype[np.uint8]]) -> list[Tensor]:
        """Of each table the rows that any process read, ascending."""
        found, start = [], 0
        for weight in self._tables:
            size = (len(weight) + 7) // 8
            mask = np.unpackbits(bits[start : start + size], count=len(weight))
            found.append(torch.from_numpy(np.flatnonzero(mask)))
            start += size
        return found


def _note(module: nn.Module, inputs: tuple[Tensor, ...], read: list[Tensor]) -> None:
    if module.training:
        read.append(inputs[0].flatten())


def _flat(parameter: nn.Parameter) -> Tensor:
    """A parameter's gradient as a row of numbers; zeros where it has none."""
    if parameter.grad is None:
        return torch.zeros(parameter.numel(), dtype=parameter.dtype, device=parameter.device)
    return parameter.grad.flatten()


def _block(weight: Tensor, rows: Tensor) -> Tensor:
    """The gradient of these rows of a table, ascending, among which are all that have one."""
    if weight.grad is None:
        return weight.new_zeros(len(rows), weight.shape[1])
    if not weight.grad.is_sparse:
        return weight.grad[rows]
    own = weight.grad.coalesce()
    block = weight.new_zeros(len(rows), weight.shape[1])
    block[torch.searchsorted(rows, own.indices()[0])] = own.values()
    return block
