"""Python's search for reference cycles, kept out of the way of those who make many values that can't be in one."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

from ner.threads import after_fork

_switched_off = False


@contextmanager
def no_search_for_cycles() -> Iterator[None]:
    """What is made within holds no cycles, or stays.

    Looking over all that PyTorch keeps takes as long as reading a corpus.
    """
    global _switched_off
    was_on = gc.isenabled()
    if was_on:
        gc.disable()
        _switched_off = True
    try:
        yield
    finally:
        if was_on:
            _switched_off = False
            gc.enable()


def search_only_what_is_new() -> None:
    """Leave out of the search what is here now, for a process that is about to serve: modules, models, settings.

    The search looks at all of it again whenever a quarter as much was made since; it took a tenth of the time of a
    service that tags sentences.
    """
    gc.collect()
    gc.freeze()


def _switch_on() -> None:
    if _switched_off:
        gc.enable()


# Whoever switched it off lives on in the parent alone.
after_fork(_switch_on)
