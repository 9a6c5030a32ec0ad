"""Which job a folder is of, whether it is this one, and that a single driver writes to it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from ner.distribution import __version__, is_there
from ner.errors import ConfigError
from ner.serving.bulk.receipts import JOB, MANIFEST
from ner.serving.bulk.shards import Plan
from ner.serving.bulk.work import Work

_PACKAGES = {"torch": "torch", "onnx": "onnxruntime", "numpy": "numpy"}  # of a runtime


def make_identity(work: Work, plan: Plan, shard_size: int) -> dict[str, Any]:
    """What the output depends on, as `_job/job.json` has it; `content` and `named` only help to tell inputs apart.

    Args:
        work: what workers are told.
        plan: the input.
        shard_size: as it was asked for.
    """
    options = ("format", "text_column", "runtime", "device", "threads", "threshold", "min_score", "digits", "data")
    packages = [_PACKAGES[work.runtime]] + (["pyarrow"] if work.format == "parquet" else [])
    identity = {
        "model": work.digest,
        "input": plan.digest,
        "content": plan.content,
        "named": plan.shards[0].pieces[0].name,
        "shard_size": shard_size,
        "options": {name: getattr(work, name) for name in options},
        "versions": {"bilstm-crf-ner": __version__, **{name: version(name) for name in packages}},
    }
    found: dict[str, Any] = json.loads(json.dumps(identity))  # as it is when it was written and read
    return found


def check_same(out: Path, earlier: dict[str, Any] | None, identity: dict[str, Any], *, resume: bool) -> None:
    """Raise ConfigError where a folder is of another job, or of this one and nobody said to go on.

    Args:
        out: the folder.
        earlier: what it says of itself; None: it is new.
        identity: of this job.
        resume: whether somebody said to go on.
    """
    if earlier is None:
        return
    for part, called in (
        ("model", "another model"),
        ("input", "another input"),
        ("shard_size", "another --shard-size"),
        ("options", "other options"),
        ("versions", "other versions of packages"),
    ):
        old, new = earlier.get(part), identity[part]
        if old != new:
            if part == "input" and earlier.get("content") == identity["content"]:
                raise ConfigError(
                    f"{out}: expected the input under the names that its documents' ids have, such as "
                    f"{earlier['named']}, found {identity['named']}; name it so, from the same folder"
                )
            which = ""
            if isinstance(old, dict) and isinstance(new, dict):
                name = next(name for name in {**old, **new} if old.get(name) != new.get(name))
                which = f" ({name}: {old.get(name)!r}, now {new.get(name)!r})" if name != "data" else " (--set)"
            raise ConfigError(
                f"{out}: expected a folder of this job, found one of {called}{which}; choose another --out"
            )
    if not resume:
        done = (out / MANIFEST).is_file()
        raise ConfigError(
            f"{out}: expected a new folder, found one in which this job is {'done' if done else 'under way'}; "
            f"{'choose another --out' if done else '--resume goes on with it'}"
        )


@contextmanager
def locked(out: Path) -> Iterator[None]:
    """Only one driver may write to a folder.

    Raises:
        ConfigError: another is at it, or the folder can't be made.
    """
    try:
        (out / JOB).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"--out {out}: expected a folder that can be made: {error.strerror}") from None
    if not is_there("filelock"):  # the lite distribution: two drivers would write the same files twice
        yield
        return
    from filelock import FileLock, Timeout

    lock = FileLock(out / JOB / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ConfigError(f"--out {out}: another process is at this job; wait for its end") from None
    try:
        yield
    finally:
        lock.release()
