"""Numbers that the processes of one machine add up in memory that all of them see.

By sockets each number is copied into the system and out again, for every process that it passes. In shared memory each
process writes its numbers into a place of its own, all wait for the last, and each adds up all places, in one order, so
that all have the same sum to the last bit. There are two places for each, taken by turns: who writes its next numbers
may be ahead of one that still reads the last, but never by two sums.
"""

import os
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ner.training.distributed import Group

FOLDER = Path("/dev/shm")  # of Linux: files in main memory
_MOST = 8  # processes: each reads the numbers of all, where by sockets the work of each hardly grows with their number
_ALIGNED = 16  # numbers, or 64 bytes, the unit in which processors share memory
_NAME = 256  # bytes of a file's path


class SharedSums:
    """Sums of up to `capacity` numbers over the processes of a group that is on one machine."""

    def __init__(self, group: Group, places: Tensor) -> None:
        """`places` (2, N, capacity) are seen by all N processes."""
        self._group, self._places = group, places
        self._sum = torch.empty(places.shape[2])
        self._turn = 0
        self._waiting = torch.zeros(1)

    @classmethod
    def of(cls, group: Group, capacity: int) -> "SharedSums | None":
        """Room for so many numbers; None where the processes are too many, on several machines, or share no memory."""
        if group.size > _MOST or group.size > group.local_size:
            return None
        capacity = -(-capacity // _ALIGNED) * _ALIGNED
        size = 2 * group.size * capacity
        path = _make_file(4 * size) if group.first else None
        name = np.frombuffer(os.fsencode(path or "").ljust(_NAME, b"\0"), dtype=np.uint8).copy()
        path = os.fsdecode(group.gather(name)[0].tobytes().rstrip(b"\0"))
        places = None
        try:
            if path:
                places = torch.from_file(path, shared=True, size=size, dtype=torch.float32)
        except (OSError, RuntimeError):  # this process doesn't see the folder of the first
            places = None
        seen = all(bool(each[0]) for each in group.gather(np.array([places is not None])))
        if group.first and path:
            Path(path).unlink()  # what is mapped stays, until its last process ends, however it ends
        return cls(group, places.view(2, group.size, capacity)) if places is not None and seen else None

    def place(self, size: int) -> Tensor | None:
        """Where this process is to write so many numbers, all processes as many; None: they don't fit."""
        return self._places[self._turn, self._group.rank, :size] if size <= self._places.shape[2] else None

    def add_up(self, size: int) -> Tensor:
        """The sums (size,) of what all processes wrote into their places; they stay until it is called again."""
        self._group.add_up(self._waiting)  # none goes on before the last has written
        found, total = self._places[self._turn, :, :size], self._sum[:size]
        torch.add(found[0], found[1], out=total)
        for theirs in found[2:]:
            total.add_(theirs)
        self._turn = 1 - self._turn
        return total


def _make_file(size: int) -> str | None:
    """A new file of so many bytes in main memory, all of which are there; None where that can't be."""
    try:
        handle, path = tempfile.mkstemp(prefix="ner-", dir=FOLDER)
    except OSError:
        return None
    try:
        os.posix_fallocate(handle, 0, size)  # written beyond what there is, mapped memory ends the process
    except (AttributeError, OSError):
        Path(path).unlink()
        return None
    finally:
        os.close(handle)
    return path
