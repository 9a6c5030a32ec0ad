"""Python's search for reference cycles, kept out of the way of those who make many values that can't be in one."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_search_for_cycles() -> Iterator[None]:
    """What is made within holds no cycles; looking over all that PyTorch keeps takes as long as reading a corpus."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
