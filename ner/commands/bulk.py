"""`ner tag --engine`: its progress and its summary."""

import sys
from collections.abc import Sequence
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from ner.commands.options import say
from ner.errors import ConfigError, counted

if TYPE_CHECKING:
    from ner.serving.bulk.job import Job, Options

_LINE_EVERY = 30.0  # seconds, where no terminal shows the progress


def tag_in_bulk(
    model: str,
    files: Sequence[str],
    out: Path | None,
    options: "Options",
    *,
    engine: str,
    workers: int | None,
    resume: bool,
) -> None:
    """Tags files and folders into a folder of shards, as `ner.serving.bulk.tag_files`, and tells how far it is.

    Args:
        model: as the user named it.
        files: the input.
        out: the folder.
        options: how to tag.
        engine: `local` or `ray`.
        workers: how many; None: as many as there are processors.
        resume: go on with an interrupted job.

    Raises:
        ConfigError: no folder or no file is named.
        NerError: as `tag_files`.
    """
    if out is None:
        raise ConfigError("--engine: expected --out FOLDER beside it, found none")
    if not files or "-" in files:
        raise ConfigError(f"--engine {engine}: expected files or folders, found {'stdin' if files else 'none'}")
    from ner.serving.bulk.job import tag_files

    shown = _Shown()
    manifest = tag_files(model, files, out, options, engine=engine, workers=workers, resume=resume, tell=shown.tell)
    shown.end()
    for kind, count in _losses(manifest["shards"]).items():
        say(f"{count:,} {kind}")
    if manifest["errors"]:
        first = next(error for shard in manifest["shards"] for error in shard["first_errors"])
        say(f"{manifest['errors']:,} documents have an error in place of entities, the first: {first}")
    told = f"{counted(manifest['documents'], 'document')}, {counted(manifest['entities'], 'entity')}"
    print(f"{out}: {told} in {counted(len(manifest['shards']), 'shard')}", file=sys.stderr)


def _losses(shards: "list[dict[str, list[tuple[str, int]]]]") -> dict[str, int]:
    losses: dict[str, int] = {}
    for shard in shards:
        for kind, count in shard["losses"]:
            losses[kind] = losses.get(kind, 0) + count
    return losses


class _Shown:
    """The progress on stderr: one line that is written over on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self._live = sys.stderr.isatty()
        self._last = float("-inf")

    def tell(self, job: "Job") -> None:
        """Shows how far a job is."""
        now = monotonic()
        if not self._live and now - self._last < _LINE_EVERY and job.done < job.shards:
            return
        self._last = now
        ends, opens = ("", "\r\x1b[K") if self._live else ("\n", "")
        print(f"{opens}{progress_line(job)}", end=ends, file=sys.stderr, flush=True)

    def end(self) -> None:
        """Leaves the line."""
        if self._live:
            print(file=sys.stderr)


def progress_line(job: "Job") -> str:
    """How far a job is, in a line."""
    line = f"{job.done:,} of {counted(job.shards, 'shard')}, {counted(job.documents, 'document')}"
    if job.errors:
        line += f", {job.errors:,} with an error"
    if job.failed:
        line += f", {len(job.failed):,} shards failed"
    if job.waiting:
        line += f"; {job.waiting}"
    left = job.seconds_left
    return line if left is None or job.done == job.shards else f"{line}, {time_left(left)} left"


def time_left(seconds: float) -> str:
    """A time as somebody who waits wants to know it.

    >>> time_left(40), time_left(300), time_left(9000)
    ('40 s', '5 min', '2 h 30 min')
    """
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
