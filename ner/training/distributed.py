"""Processes that train one model together: who they are, and how they tell each other what they know.

`torchrun` starts them, one for each core or GPU, on one machine or several. Each holds the whole corpus and the whole
network, reads its share of every batch and moves all weights by the gradient of the whole batch, so the networks stay
the same (synchronous data parallelism). This module alone knows `torch.distributed`: gloo carries what lies in main
memory, NCCL what lies on GPUs.
"""

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import torch
import torch.distributed as dist
from torch import Tensor
from torch.distributed.distributed_c10d import PrefixStore
from torch.distributed.rendezvous import rendezvous

from ner.errors import ConfigError, NerError, ProcessError
from ner.features.feature import Numbers
from ner.inference.torch_backend import choose_device
from ner.settings import TrainingConfig

Item = TypeVar("Item", bound=np.generic)

# What torchrun tells each process that it starts, beside how many they are.
_TOLD = ("RANK", "LOCAL_RANK", "LOCAL_WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
# How long one waits for the others. An end is noticed at once, for it closes connections; this is for machines that
# vanish. The longest that one works while the others wait is a checkpoint, or the reading of a corpus from a slow disk.
PATIENCE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Group:
    """Processes that train together: `size` of them, of which this is number `rank`; a single one is 0 of 1.

    `local_rank` and `local_size` are the same of those on this machine.
    """

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    local_size: int = 1
    store: Any = field(default=None, repr=False, compare=False)  # what all of them see; None: nothing

    @property
    def first(self) -> bool:
        """Whether this is the one that writes and speaks for all."""
        return self.rank == 0

    def command(self) -> list[str]:
        """What starts this program in as many processes, as words of a command line."""
        if self.size == 1:
            return ["ner"]
        machines = ["--nnodes", str(self.size // self.local_size)] if self.size > self.local_size else []
        return ["torchrun", *machines, "--nproc-per-node", str(self.local_size), "-m", "ner"]

    def share(self, rows: Numbers) -> Numbers:
        """Those of some rows that are for this process: every `size`-th, so each gets long ones and short ones."""
        return rows if self.size == 1 else rows[self.rank :: self.size]

    def device(self, name: str) -> torch.device:
        """The device of this process: of several, each has a GPU of its own.

        Raises:
            ConfigError: no such device, or not as many as there are processes.
        """
        device = choose_device(name)
        if self.size == 1 or device.type == "cpu":
            return device
        if device.index is not None:
            raise ConfigError(
                f"device: expected auto, cpu or cuda where {self.size} processes train together, for each takes a GPU "
                f"of its own, found {name!r}; choose GPUs by CUDA_VISIBLE_DEVICES"
            )
        if torch.cuda.device_count() < self.local_size:
            raise ConfigError(
                f"device: expected a GPU for each of {self.local_size} processes, found "
                f"{torch.cuda.device_count()}; start fewer, or train with --device cpu"
            )
        if not dist.is_nccl_available():
            raise ConfigError(
                "device: expected a PyTorch with NCCL, by which GPUs exchange gradients, found one without; "
                "train in one process, or with --device cpu"
            )
        torch.cuda.set_device(self.local_rank)
        return torch.device("cuda", self.local_rank)

    def check_batches(self, config: TrainingConfig) -> None:
        """Raise ConfigError where a whole batch has fewer sentences than there are processes."""
        if config.batch_tokens is None and config.batch_size < self.size:
            raise ConfigError(
                f"training.batch_size: expected a sentence for each of {self.size} processes, found "
                f"{config.batch_size} in all; start fewer processes, or train larger batches"
            )

    def add_up(self, tensor: Tensor) -> None:
        """Puts the sum over all processes in the place of each one's tensor."""
        if self.size > 1:
            with self._together():
                dist.all_reduce(tensor)

    def take_from_first(self, tensors: Iterable[Tensor]) -> None:
        """Puts the first process's values in the place of each one's."""
        if self.size > 1:
            with self._together():
                for tensor in tensors:
                    dist.broadcast(tensor.detach(), src=0)

    def gather(self, array: npt.NDArray[Item]) -> list[npt.NDArray[Item]]:
        """Each process's array, in their order; all have one shape."""
        return self.begin_to_gather(array)()

    def begin_to_gather(self, array: npt.NDArray[Item]) -> Callable[[], list[npt.NDArray[Item]]]:
        """As `gather`, with what the call returns giving the arrays once it is asked; work may lie between the two."""
        if self.size == 1:
            return lambda: [array]
        mine = torch.from_numpy(array)
        everyone = [torch.empty_like(mine) for _ in range(self.size)]
        with self._together():
            work = dist.all_gather(everyone, mine, async_op=True)

        def finish() -> list[npt.NDArray[Item]]:
            with self._together():
                work.wait()
            return [theirs.numpy() for theirs in everyone]

        return finish

    def gather_rows(self, table: npt.NDArray[Item]) -> npt.NDArray[Item]:
        """The rows of each process's table one behind the other; tables have one width, and rows as they like."""
        if self.size == 1:
            return table
        counts = [int(count[0]) for count in self.gather(np.array([len(table)]))]
        if not any(counts):
            return table
        padded = np.zeros((max(counts), *table.shape[1:]), dtype=table.dtype)
        padded[: len(table)] = table
        found = zip(self.gather(padded), counts, strict=True)
        return np.concatenate([theirs[:count] for theirs, count in found])

    def check_alike(self, what: str) -> None:
        """Raise ProcessError where a process is to train something else than the first: `what` says all of it."""
        if self.size > 1 and (others := self.unlike_first(what.encode("utf-8", errors="surrogatepass"))):
            raise ProcessError(
                "expected every process to train on the same corpus, with the same settings and package versions, "
                f"found others in process {others}; give all the same files"
            )

    def unlike_first(self, what: bytes) -> str:
        """The processes that have something else than the first, as a list in words; empty where all are alike."""
        digests = self.gather(np.frombuffer(sha256(what).digest(), dtype=np.uint8).copy())
        return ", ".join(str(rank) for rank, digest in enumerate(digests) if bytes(digest) != bytes(digests[0]))

    def tells(self) -> bool:
        """Whether an error that ends this process is its to tell: the first that asks tells, the others are silent."""
        if self.store is None:
            return self.first
        try:
            return bool(self.store.add("told", 1) == 1)
        except RuntimeError:  # who kept the store is gone
            return True

    @contextmanager
    def _together(self) -> Iterator[None]:
        """What fails within is told as an end of the common work."""
        try:
            yield
        except RuntimeError as error:
            silent = "timed out" in str(error).lower() or "timeout" in str(error).lower()
            found = f"one silent for {PATIENCE.total_seconds() / 60:g} minutes" if silent else "one gone"
            raise ProcessError(
                f"expected {self.size} processes to train together, found {found}; "
                "go on from the last checkpoint with --resume, as many processes as before"
            ) from None


ALONE = Group()


@contextmanager
def joined() -> Iterator[Group]:
    """The processes that `torchrun` started with this one, while the block lasts; it alone, where none were.

    Raises:
        ConfigError: the environment names several processes and not where they meet, or PyTorch can't join them.
        ProcessError: they don't meet.
    """
    if _joined:
        yield _joined[0]
        return
    size = os.environ.get("WORLD_SIZE") or "1"
    if size == "1":
        yield ALONE
        return
    missing = [name for name in _TOLD if not os.environ.get(name)]
    if missing:
        raise ConfigError(
            f"WORLD_SIZE={size}: expected {', '.join(_TOLD)} beside it, as torchrun sets them, found no "
            f"{', '.join(missing)}; start the processes with torchrun, or unset WORLD_SIZE"
        )
    if not dist.is_available() or not dist.is_gloo_available():
        raise ConfigError(
            f"WORLD_SIZE={size}: expected a PyTorch with gloo, by which processes talk, found one without; "
            "train in one process"
        )
    backend = "cpu:gloo,cuda:nccl" if torch.cuda.is_available() and dist.is_nccl_available() else "gloo"
    try:
        names = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "LOCAL_WORLD_SIZE")
        rank, number, local_rank, local_size = (int(os.environ[name]) for name in names)
        found, _, _ = next(rendezvous("env://", timeout=PATIENCE))
        # PyTorch calls each group of a process by the same name, and the store still holds where the last one met:
        # who reads that waits for a process that is gone. All processes join as often, so the number is theirs too.
        # So does one that torchrun (2.13) started again: findings/torchrun-restart-same-store.sh.
        attempt = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
        store = PrefixStore(f"ner/{attempt}/{next(_meetings)}", found)
        dist.init_process_group(backend, store=store, rank=rank, world_size=number, timeout=PATIENCE)
    except (RuntimeError, ValueError) as error:
        where = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        reason = str(error).partition("\n")[0]
        raise ProcessError(f"{where}: expected {size} processes to meet there, found: {reason}") from None
    _joined.append(Group(rank, number, local_rank, local_size, store))
    try:
        yield _joined[0]
    finally:
        _joined.clear()
        dist.destroy_process_group()


_joined: list[Group] = []  # the one that `joined` made
_meetings = count()  # how often it met others


@contextmanager
def one_voice(group: Group) -> Iterator[None]:
    """Within, the first process alone prints; of what ends several of them one tells, and the others end in silence."""
    if group.size == 1:
        yield
        return
    try:
        with ExitStack() as stack:
            if not group.first:
                nowhere = stack.enter_context(Path(os.devnull).open("w", encoding="utf-8"))
                stack.enter_context(redirect_stdout(nowhere))
                stack.enter_context(redirect_stderr(nowhere))
            yield
    except NerError as error:
        if group.tells():
            raise
        sys.exit(error.exit_code)


def refuse_processes(what: str, way_out: str) -> None:
    """Raise ConfigError where `torchrun` started several processes, for something that is the work of one.

    Args:
        what: opens the message.
        way_out: ends it.
    """
    size = os.environ.get("WORLD_SIZE") or "1"
    if size != "1":
        raise ConfigError(f"{what}: expected to be started once, found {size} processes of torchrun; {way_out}")
