"""Real processes that train together, forked from this one, which has spent the seconds that PyTorch's import takes."""

import multiprocessing
import os
import traceback
from collections.abc import Callable
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from torch.distributed import TCPStore

# Of one process; a test's whole work takes a second or two where nobody else computes.
_SECONDS = 240


def together(number: int, work: Callable[[int], Any]) -> list[Any]:
    """What a function of the rank returns in each of some processes; an exception it raised, where it raised one.

    None where a process ended without a word. What is returned is pickled.
    """
    import_module("torch._dynamo")  # each optimizer does, for two seconds: once for all processes
    # As torchrun's agent does, this process keeps what all of them see: one that ends takes nothing from the others.
    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    context, started = multiprocessing.get_context("fork"), []
    for rank in range(number):
        ours, theirs = context.Pipe(duplex=False)
        process = context.Process(target=_run, args=(theirs, work, rank, number, store.port), daemon=True)
        process.start()
        theirs.close()
        started.append((process, ours))
    results = []
    for _, ours in started:
        try:
            results.append(ours.recv() if ours.poll(_SECONDS) else TimeoutError(f"silent for {_SECONDS} s"))
        except EOFError:
            results.append(None)
    for process, _ in started:
        process.join(5)
        if process.is_alive():
            process.kill()
    return results


def _run(pipe: Connection, work: Callable[[int], Any], rank: int, number: int, port: int) -> None:
    names = {"RANK": rank, "WORLD_SIZE": number, "LOCAL_RANK": rank, "LOCAL_WORLD_SIZE": number, "MASTER_PORT": port}
    names |= {"TORCHELASTIC_USE_AGENT_STORE": "True", "TORCHELASTIC_RESTART_COUNT": 0}
    os.environ.update({name: str(value) for name, value in names.items()}, MASTER_ADDR="127.0.0.1")
    try:
        result = work(rank)
    except BaseException as error:  # its owner compares it
        error.add_note(traceback.format_exc())
        result = error
    pipe.send(result)
    pipe.close()
    os._exit(0)  # what pytest would do at its end is not this process's to do
