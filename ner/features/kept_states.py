"""States of pretrained encoders kept on disk, so that an encoder reads a corpus once, however often it is trained on.

A store is a folder of `NER_HOME/contextual`, named by the digest of all that its numbers depend on: the encoder's
files, which layers and pieces, the precision that is asked for, and every word of the corpus with the ends of its
sentences and documents. It is filled under another name, batch by batch in an order that depends on the corpus alone,
so that a run that is killed goes on at the batch where it was and comes to the same numbers; whole, it takes its name.
Of two processes that want the same store, one fills it and the other waits. The states are memory-mapped: an epoch
reads those of its batches.
"""

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ner.errors import ConfigError, InterruptionError
from ner.features.feature import Numbers
from ner.features.state_stores import ABOUT, STATES, lock_of, make_room, states_home
from ner.whole_files import staged_file

States = npt.NDArray[np.float16]
Known = npt.NDArray[np.bool_]

_KNOWN, _DONE = "known.npy", "done.json"
_EVERY = 5.0  # seconds between two notes of how far a store is filled
_SAY_EVERY = 30.0  # and between two messages of it


@dataclass(frozen=True, slots=True)
class Keeping:
    """How the states that are read within `keeping` are kept, and who hears of it.

    `on_progress` hears, while a store is filled, of its share and of the seconds that are left.
    """

    most_bytes: int
    on_message: Callable[[str], object] = lambda message: None
    on_progress: Callable[[float, float], object] = lambda share, seconds: None
    should_stop: Callable[[], bool] = lambda: False


class Plan(Protocol):
    """What there is to read, in batches whose order depends on the corpus alone."""

    @property
    def kind(self) -> str:
        """Of the device, and how it computes: another may make other batches."""

    @property
    def known(self) -> Known:
        """Which of N words have a piece, so that they have a state (N,)."""

    @property
    def sizes(self) -> Sequence[int]:
        """How much work each batch is."""

    def read(self, batch: int) -> Iterator[tuple[Numbers, States]]:
        """Words, by their numbers (M,), with their states (M, L, W)."""


_KEEPING: ContextVar[Keeping | None] = ContextVar("keeping", default=None)


@contextmanager
def keeping(how: Keeping) -> Iterator[None]:
    """Within, states that encoders make are kept on disk."""
    token = _KEEPING.set(how)
    try:
        yield
    finally:
        _KEEPING.reset(token)


def kept_now() -> Keeping | None:
    """How states are to be kept, where they are."""
    return _KEEPING.get()


def read_kept(
    key: str, shape: tuple[int, int, int], how: Keeping, *, about: dict[str, Any], plan: Callable[[], Plan]
) -> tuple[States, Known] | None:
    """The states of N words and which of them have any, from disk; None where they are more than may be kept.

    Args:
        key: digest of all that they depend on.
        shape: words, layers, width.
        how: they are kept.
        about: what `ner cache list` tells of them.
        plan: makes them, where they aren't there.

    Raises:
        ConfigError: they can't be written.
        InterruptionError: somebody asked to stop while they were made; what was made is kept.
    """
    folder = states_home() / key
    needed = 2 * shape[0] * shape[1] * shape[2]
    if needed > how.most_bytes:
        return None
    try:
        states_home().mkdir(parents=True, exist_ok=True)
        lock = _acquire(folder, how)
        try:
            if not (folder / ABOUT).is_file():
                make_room(needed, how.most_bytes, but=key)
                _fill(folder, shape, how, {**about, "words": shape[0]}, plan())
            os.utime(folder / ABOUT)
            return np.memmap(folder / STATES, np.float16, "r", shape=shape), np.load(
                folder / _KNOWN, allow_pickle=False
            )
        finally:
            lock.release()
    except OSError as error:
        raise ConfigError(
            f"{states_home()}: {needed / 1e6:,.0f} MB of an encoder's states can't be kept: {error.strerror or error}; "
            "free space there, set NER_HOME to another folder, or keep none: run.cache_gb = 0"
        ) from None


def read_all(plan: Plan, shape: tuple[int, int, int], how: Keeping | None) -> tuple[States, Known]:
    """The same, in memory alone."""
    states = np.zeros(shape, np.float16)
    clock = _Clock(plan.sizes, how)
    for batch in range(len(plan.sizes)):
        for words, some in plan.read(batch):
            states[words] = some
        if how is not None:
            clock.tell(batch)
            _stop_if_asked(how, "nothing of it is kept")
    return states, plan.known


class _Clock:
    """Tells how far the reading is, and how long it will take."""

    def __init__(self, sizes: Sequence[int], how: Keeping | None, first: int = 0) -> None:
        self._done = np.cumsum(sizes)
        self._how = how
        self._before = int(self._done[first - 1]) if first else 0  # by a run that was killed
        self._start = self._said = time.monotonic()

    def tell(self, batch: int) -> None:
        """That this batch is done."""
        if self._how is None:
            return
        now, done, total = time.monotonic(), int(self._done[batch]), int(self._done[-1])
        left = (now - self._start) * (total - done) / max(done - self._before, 1)
        self._how.on_progress(done / total, left)
        if now - self._said >= _SAY_EVERY:
            self._said = now
            self._how.on_message(f"features.contextual: {done / total:.0%} read by the encoder, {left:,.0f} s left")


def _fill(folder: Path, shape: tuple[int, int, int], how: Keeping, about: dict[str, Any], plan: Plan) -> None:
    part = folder.with_name(f"{folder.name}.part")
    part.mkdir(exist_ok=True)
    path, total = part / STATES, len(plan.sizes)
    state = {"batches": total, "kind": plan.kind}
    first = _done(part / _DONE, state)
    size = 2 * shape[0] * shape[1] * shape[2]
    if not path.is_file() or path.stat().st_size != size:
        first = 0
        with path.open("wb") as stream:
            # Taken beforehand: a disk that is full is an error here, and a crash where it is mapped.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(stream.fileno(), 0, size)
            else:
                stream.truncate(size)
    found = f", of which {first / total:.0%} are there" if first else ""
    how.on_message(
        f"features.contextual: {about['encoder']} reads {shape[0]:,} words{found}; "
        f"their states, {size / 1e6:,.0f} MB, are kept in {states_home()} (`ner cache list`)"
    )
    states = np.memmap(path, np.float16, "r+", shape=shape)
    clock, noted = _Clock(plan.sizes, how, first), time.monotonic()
    for batch in range(first, total):
        for words, some in plan.read(batch):
            states[words] = some
        clock.tell(batch)
        asked = how.should_stop()
        if asked or time.monotonic() - noted >= _EVERY:
            states.flush()  # what is noted as done is on the disk
            with staged_file(part / _DONE) as stage:
                stage.write_text(json.dumps({**state, "done": batch + 1}), encoding="utf-8")
            noted = time.monotonic()
        if asked:
            _stop_if_asked(how, "what it read is kept")
    states.flush()
    del states
    np.save(part / _KNOWN, plan.known, allow_pickle=False)
    (part / ABOUT).write_text(json.dumps(about), encoding="utf-8")
    (part / _DONE).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)


def _stop_if_asked(how: Keeping, kept: str) -> None:
    if how.should_stop():
        raise InterruptionError(f"stopped while the encoder read the corpus; {kept}")


def _done(path: Path, state: dict[str, Any]) -> int:
    """How many batches of a plan like this one were done."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return 0
    if not isinstance(values, dict) or {name: values.get(name) for name in state} != state:
        return 0
    done = values.get("done")
    return done if isinstance(done, int) and 0 <= done <= state["batches"] else 0


def _acquire(folder: Path, how: Keeping) -> Any:
    lock, told = lock_of(folder), False
    while True:
        try:
            lock.acquire(timeout=1 if told else 0)
            return lock
        except TimeoutError:
            if not told:
                how.on_message("features.contextual: another process keeps the states of this corpus; waiting for it")
            told = True
            _stop_if_asked(how, "another process goes on")
