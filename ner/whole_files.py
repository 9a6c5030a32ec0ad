"""Files and folders that appear whole or not at all.

The one place that knows how: everything is written under a hidden name beside the target, brought to the disk,
and takes the target's place in one rename. A process that is killed half-way, or a machine that loses power,
leaves at most something hidden, never half a result under the right name.
"""

import contextlib
import ctypes
import errno
import os
import re
import shutil
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of Linux, see renameat2(2)


@contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """An empty folder that becomes `target` when the block ends well, and vanishes when it doesn't.

    A target that is there already is replaced as a whole; of a link, what it points to.

    >>> import tempfile
    >>> parent = Path(tempfile.mkdtemp())
    >>> with staged_folder(parent / "result") as folder:
    ...     _ = (folder / "a.txt").write_text("whole")
    >>> [path.name for path in parent.iterdir()]
    ['result']
    """
    target = Path(os.path.realpath(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    stage = hidden_beside(target)
    stage.mkdir()
    old = hidden_beside(target)
    try:
        yield stage
        for path in sorted(stage.rglob("*")):
            flush(path)
        flush(stage)
        if not target.exists():
            stage.rename(target)
        elif not _exchange(stage, target):
            # Two renames, between which a kill would leave the old folder hidden and nothing in its place.
            target.rename(old)
            stage.rename(target)
        flush(target.parent)
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(stage, ignore_errors=True)


@contextmanager
def staged_file(target: Path) -> Iterator[Path]:
    """A path to write a file to, which becomes `target` when the block ends well, and vanishes when it doesn't.

    Of a link, what it points to is replaced. A device or pipe (`/dev/null`, `/dev/stdout`) is the path itself: nothing
    may take its place.
    """
    if is_device(target):
        yield target
        return
    target = Path(os.path.realpath(target))
    target.parent.mkdir(parents=True, exist_ok=True)
    stage = hidden_beside(target)
    try:
        with named_when_full(target):
            yield stage
            flush(stage)
            stage.replace(target)
            flush(target.parent)
    finally:
        with contextlib.suppress(OSError):  # it took the target's place, or was never made
            stage.unlink()


def is_device(path: Path) -> bool:
    """Whether something stands there that is neither a file nor a folder."""
    return path.exists() and not (path.is_file() or path.is_dir())


def flush(path: Path) -> None:
    """Brings a file, or the names in a folder, to the disk: after a loss of power they are there."""
    if path.is_dir() and sys.platform == "win32":
        return  # it can't open a folder, and needs no flush of one
    descriptor = os.open(path, os.O_RDWR if path.is_file() else os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def named_when_full(path: Path) -> Iterator[None]:
    """The error of a full disk has the name of this file; where it comes of a write, Python gives it none."""
    try:
        yield
    except OSError as error:
        if is_full(error) and error.filename is None:
            error.filename = str(path)
        raise


def is_full(error: OSError) -> bool:
    """Whether a disk, or what a user may have of it, is full."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def sweep(target: Path) -> None:
    """Removes what killed writers of `target` left beside it; nobody may be writing it now."""
    ours = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{8}}")
    for path in target.parent.iterdir() if target.parent.is_dir() else ():
        if ours.fullmatch(path.name):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                with contextlib.suppress(OSError):
                    path.unlink()


def hidden_beside(target: Path) -> Path:
    """A path beside `target` that nothing uses yet: on the same disk, so that a rename is one step."""
    return target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")


def _exchange(first: Path, second: Path) -> bool:
    """Whether two folders changed places in one step, which only Linux does, and not on every file system."""
    if sys.platform != "linux":
        return False
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    names = os.fsencode(first), os.fsencode(second)
    return renameat2 is not None and renameat2(_AT_FDCWD, names[0], _AT_FDCWD, names[1], _RENAME_EXCHANGE) == 0
