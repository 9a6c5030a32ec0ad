"""Every thread of the house: how many may compute, pools of them, what forks do to them, how they wait.

Threads within an operation meet at its end, some thousand times a second; batches meet never. On two cores an LSTM
reads 1.3 times as fast with two threads in each operation, and twice as fast with two batches at once. Hence the two
pools here: `side_by_side` for batches that are tagged, `other_thread` for the second direction of a layer that is
trained.
"""

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from threading import Barrier
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

FOR_TRAINING = 2  # one for each direction of an LSTM

# PyTorch's threads wait for each other by spinning, for milliseconds. Where another program wants a core too, the one
# that spins then holds up the one it waits for: with every core taken, tagging on two threads took a hundred times as
# long, and takes three times as long with short spins, which cost nothing where all cores are free.
_SHORT_SPINS = ("GOMP_SPINCOUNT", "1000")
# NumPy's matrix products share a pool of threads, whose lock batches that are worked on at once would wait for.
_ONE_FOR_PRODUCTS = ("OPENBLAS_NUM_THREADS", "1")
# PyTorch's kernels are made for a shape and kept, by default 1,024 of them in some 60 MB, which batches of text would
# slowly fill. A quarter reads as fast.
KERNELS = "ONEDNN_PRIMITIVE_CACHE_CAPACITY"
_FEW_KERNELS = (KERNELS, "256")


def settle_threads() -> None:
    """Set how PyTorch's threads wait, how many kernels they keep, and that a product of NumPy's is one thread's work.

    It sets `GOMP_SPINCOUNT` (unless `OMP_WAIT_POLICY` is set), `ONEDNN_PRIMITIVE_CACHE_CAPACITY` and
    `OPENBLAS_NUM_THREADS` in this process's environment, unless it says so already. PyTorch reads the first when it is
    imported and the second at its first operation, NumPy the third when it is imported; so call this before
    `import torch`; it imports none itself, and warns if that was done. The command line calls it.
    """
    missing = {name: value for name, value in _wanted() if name not in os.environ}
    if _SHORT_SPINS[0] in missing and "torch" in sys.modules:
        warnings.warn(
            "settle_threads: expected to be called before PyTorch is imported, which reads GOMP_SPINCOUNT, found it "
            "imported; call it first, or set GOMP_SPINCOUNT where the process is started",
            RuntimeWarning,
            stacklevel=2,
        )
    os.environ.update(missing)


def _wanted() -> list[tuple[str, str]]:
    always = [_FEW_KERNELS, _ONE_FOR_PRODUCTS]
    return always if "OMP_WAIT_POLICY" in os.environ else [_SHORT_SPINS, *always]


def settled_variables(threads: int) -> dict[str, str]:
    """The variables of a process to be started that computes on so many threads and imports NumPy or PyTorch first.

    They are those of `settle_threads`, with the values that this process has, and OpenMP's number.
    """
    settled = {name: os.environ.get(name, value) for name, value in _wanted()}
    return {**settled, "OMP_NUM_THREADS": str(threads)}


def child_environment(threads: int) -> dict[str, str]:
    """The environment of a process to be started that computes on so many threads.

    OpenMP reads its number before a command sets its own, and idle threads of several processes slow each other.
    """
    return {**os.environ, "OMP_NUM_THREADS": str(threads)}


def count_cores() -> int:
    """How many cores this machine has, at least one."""
    return os.cpu_count() or 1


def count_threads() -> int:
    """How many threads may compute here: PyTorch's number where it is imported.

    Where it isn't, what `use_threads` was told last, else `OMP_NUM_THREADS`, else as many as this process has cores.
    """
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "get_num_threads"):  # another thread may be importing it
        return int(torch.get_num_threads())
    return _told[0] or _threads_at_start()


def use_threads(number: int) -> None:
    """Let so many threads compute from now on, in this thread and in those to come."""
    _told[0] = number
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.set_num_threads(number)


_told = [0]  # by `use_threads`; 0: nothing


@cache
def _threads_at_start() -> int:
    """`OMP_NUM_THREADS`, else how many cores this process may use, at least one."""
    told = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    if told.isdecimal() and int(told):
        return int(told)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else count_cores()


@contextmanager
def using_threads(number: int) -> Iterator[None]:
    """Within, PyTorch uses so many threads; behind it, as many as before."""
    before = count_threads()
    use_threads(number)
    try:
        yield
    finally:
        use_threads(before)


def threads_for_training(number: int | None) -> int:
    """How many threads a training gets that was told this number.

    Told none it gets two, one for each direction of an LSTM: the weights are then those of one thread to the last bit,
    which those of more are not. It gets one where PyTorch takes one, as on a single core or by `OMP_NUM_THREADS=1`.
    """
    return number or min(count_threads(), FOR_TRAINING)


def side_by_side(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """The results in order; as many at once as PyTorch may use threads here."""
    threads = count_threads()
    if threads == 1:
        return map(work, items)
    if len(items) == 1:
        # On two threads a short sentence takes twice as long; handed to another thread, a seventh longer.
        with using_threads(1):
            return iter([work(items[0])])
    return _pool(threads, os.getpid()).map(work, items)


def at_once(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[Result]:
    """As `side_by_side`, of work that uses no threads of its own."""
    threads = count_threads()
    return map(work, items) if threads == 1 or len(items) == 1 else _plain_pool(threads, os.getpid()).map(work, items)


@contextmanager
def half_the_threads() -> Iterator[bool]:
    """Half of PyTorch's threads for each of two threads, this one and `other_thread`; False where there is but one."""
    threads = count_threads()
    if threads == 1:
        yield False
        return
    other_thread().submit(_use_here, threads // 2).result()
    with using_threads(threads // 2):
        yield True


def other_thread() -> ThreadPoolExecutor:
    """One thread beside the caller's, always the same."""
    return _other_thread(os.getpid())


# In a process forked from this one the threads of a pool don't live on: `process` is in the key, so it gets its own.
@cache
def _other_thread(process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, "ner-direction")


@cache
def _pool(threads: int, process: int) -> ThreadPoolExecutor:
    """Threads in which PyTorch uses no others."""
    pool = ThreadPoolExecutor(threads, "ner", initializer=_use_here, initargs=(1,))
    started = Barrier(threads + 1)
    try:
        for _ in range(threads):
            pool.submit(started.wait)
    except RuntimeError:  # the system gives no more threads; those that it gave would wait for ever
        started.abort()
        raise
    started.wait()
    # What a thread sets is its own, but also what threads to come will have.
    use_threads(threads)
    return pool


@cache
def _plain_pool(threads: int, process: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "ner")


def _use_here(number: int) -> None:
    # A thread takes the common setting when it first needs one: asking for it now, lest it undo the next line.
    count_threads()
    use_threads(number)


def after_fork(work: Callable[[], object]) -> None:
    """Have each process that is forked from this one begin with some work; where nothing forks, nothing is done."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=work)


@cache
def survive_forks() -> None:
    """Once: in a process forked from this one, PyTorch uses a single thread.

    The threads of its pool don't live on there, and an operation that waits for them waits for ever.
    """
    after_fork(lambda: use_threads(1))
