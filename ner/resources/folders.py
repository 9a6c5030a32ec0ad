"""Folders that appear whole or not at all.

The one place that knows how: everything is written into a hidden folder beside the target, which takes the
target's place in one rename. A run that is stopped half-way leaves at most a hidden folder, never half a
result under the right name.
"""

import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def staged_folder(target: Path) -> Iterator[Path]:
    """An empty folder that becomes `target` when the block ends well, and vanishes when it doesn't.

    A target that is there already is replaced as a whole.

    >>> import tempfile
    >>> parent = Path(tempfile.mkdtemp())
    >>> with staged_folder(parent / "result") as folder:
    ...     _ = (folder / "a.txt").write_text("whole")
    >>> [path.name for path in parent.iterdir()]
    ['result']
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    stage = hidden_beside(target)
    stage.mkdir()
    old = hidden_beside(target)
    try:
        yield stage
        if target.exists():
            target.rename(old)
        stage.rename(target)
    finally:
        if old.exists() and not target.exists():
            old.rename(target)
        shutil.rmtree(old, ignore_errors=True)
        shutil.rmtree(stage, ignore_errors=True)


def hidden_beside(target: Path) -> Path:
    """A path beside `target` that nothing uses yet: on the same disk, so that a rename is one step."""
    return target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}")
