"""Where a run in progress keeps its state: a folder beside the model directory to come, of one process at a time.

What the state holds is `checkpoint`'s matter.
"""

import contextlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from ner.errors import ModelError
from ner.whole_files import sweep

STATE = "state.safetensors"


def state_folder(model_folder: Path) -> Path:
    """Where the state of a run lies that will end in this model directory."""
    return model_folder.with_name(model_folder.name + ".unfinished")


@contextmanager
def sole_run(model_folder: Path) -> Iterator[Path]:
    """The folder for the state of the only run that may end in this model directory while the block lasts.

    When the block ends, the folder vanishes unless it holds a state.

    Raises:
        ModelError: another process has such a run, or the folder can't be made.
    """
    folder = state_folder(model_folder)
    # The system holds the lock for the process, so that of a killed one binds nobody.
    lock = FileLock(folder / "lock", timeout=0)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise ModelError(
            f"{model_folder}: expected no other training into it, found one at work; wait, or choose another --out"
        ) from None
    except OSError as error:
        raise ModelError(f"{folder}: can't be written: {error.strerror or error}; choose another --out") from None
    try:
        sweep(model_folder)
        sweep(folder / STATE)
        yield folder
    finally:
        if not is_unfinished(folder):
            with contextlib.suppress(OSError):  # somebody keeps more than ours there
                (folder / "lock").unlink()
                folder.rmdir()
        lock.release()


def is_unfinished(folder: Path) -> bool:
    """Whether this folder of `sole_run` holds the state of a run to resume."""
    return (folder / STATE).is_file()


def remove_state(folder: Path) -> None:
    """Removes the state of a run that is finished, or begun anew."""
    (folder / STATE).unlink(missing_ok=True)
