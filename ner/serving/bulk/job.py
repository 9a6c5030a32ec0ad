"""A bulk job: from files and a model to a folder of tagged shards, begun, gone on with, and finished."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from ner.config import override_data
from ner.errors import ConfigError, DataError, InterruptionError, check_type
from ner.formats.table import readable
from ner.inference.decoding import check_threshold
from ner.inference.runtimes import choose_runtime
from ner.resources.models import find_model
from ner.serving.bulk import local, on_ray
from ner.serving.bulk.identity import check_same, locked, make_identity
from ner.serving.bulk.parquet import need_pyarrow
from ner.serving.bulk.reading import check_readable
from ner.serving.bulk.receipts import (
    Receipt,
    finish,
    forget_identity,
    read_identity,
    read_receipts,
    sweep_parts,
    write_identity,
)
from ner.serving.bulk.shards import LINES, PARQUET, Plan, Shard, make_plan
from ner.serving.bulk.tagging import check_output
from ner.serving.bulk.work import WRITERS, Answer, Work, digest_of_model
from ner.storage.model_directory import open_model

ENGINES: dict[str, Callable[[Work, Sequence[Shard], int | None], Iterator[Answer]]] = {
    "local": local.run,
    "ray": on_ray.run,
}
SHARD_SIZE = 4_000_000  # bytes: some ten seconds of one processor, which is what a kill costs
_OF_TRAINING = ("train", "dev", "test", "unlabelled", "dataset", "dataset_config")  # of `[data]`


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How a job reads, tags and writes: all that its output depends on, beside model and input.

    `format` is `jsonl` or `parquet`; `input_format` one of `ner formats`, `lines of text`, `parquet`, or `auto`: told
    from each file; `text_column` is where the text of Parquet rows and JSON lines stands, None: `text`; `settings` are
    `data.key=value`; `shard_size` is in bytes of input; `threads` are those of each worker; the others are as in
    `ner.load` and `ner tag`.
    """

    format: str = "jsonl"
    input_format: str = "auto"
    text_column: str | None = None
    settings: tuple[str, ...] = ()
    shard_size: int = SHARD_SIZE
    min_score: float = 0.0
    digits: int = 4
    threshold: float | None = None
    runtime: str = "auto"
    device: str = "auto"
    threads: int = 1


@dataclass(slots=True)
class Job:
    """How far a job is.

    `done` are shards of this and of earlier runs, `size` the bytes of their input, `waiting` what it waits for, if not
    for its workers' answers.
    """

    shards: int
    total_size: int
    done: int = 0
    size: int = 0
    documents: int = 0
    errors: int = 0
    failed: list[Answer] = field(default_factory=list)
    waiting: str = ""
    _size_at_start: int = 0
    _start: float = field(default_factory=monotonic)

    def add(self, receipt: Receipt, size: int) -> None:
        """Count a shard that is done."""
        self.done += 1
        self.size += size
        self.documents += receipt["documents"]
        self.errors += receipt["errors"]

    def begin(self) -> None:
        """What comes from now on is this run's."""
        self._size_at_start, self._start = self.size, monotonic()

    @property
    def seconds_left(self) -> float | None:
        """Seconds to the end at the speed of this run; None before its first shard."""
        done = self.size - self._size_at_start
        return (monotonic() - self._start) * (self.total_size - self.size) / done if done else None


def tag_files(
    model: str | Path,
    inputs: "str | os.PathLike[str] | Sequence[str | os.PathLike[str]]",
    out: str | Path,
    options: Options | None = None,
    *,
    engine: str = "local",
    workers: int | None = None,
    resume: bool = False,
    tell: Callable[[Job], None] = lambda job: None,
) -> dict[str, Any]:
    """Tags files and folders into a folder of shards; returns what its `_manifest.json` holds.

    Args:
        model: a model directory, or the name of a ready-made model; every worker must see it.
        inputs: files and folders, or one of them.
        out: a new folder.
        options: what the output depends on; None: the defaults.
        engine: `local`, processes of this machine, or `ray`.
        workers: how many; None: as many as there are processors.
        resume: go on with a job that was interrupted, if there is one.
        tell: is called at the start and after each shard.

    Raises:
        ConfigError: an option is wrong, a package isn't installed, or the folder is of another job.
        DataError: the input can't be read, nothing can be written, or a shard failed.
        ModelError: no such model, or a worker can't see it.
        InterruptionError: by Ctrl-C.
    """
    options = options or Options()
    out = Path(out)
    files = [os.fspath(each) for each in ([inputs] if isinstance(inputs, str | os.PathLike) else inputs)]
    _check(options, engine, workers)
    folder = find_model(model, warn=lambda message: None).resolve()
    config = open_model(folder).config
    runtime = choose_runtime(options.runtime, options.device, config.model)
    # How files are read; which the model was trained on doesn't matter.
    data = override_data(config.data, list(options.settings)).model_copy(
        update={**dict.fromkeys(_OF_TRAINING), "corpora": (), "format": options.input_format}
    )
    for name in files:
        if out.resolve().is_relative_to(Path(name).resolve()):
            raise ConfigError(f"--out {out}: expected a folder outside of the input, found it in {name}")
    earlier = read_identity(out)
    plan = make_plan(files, data, size=options.shard_size, text_column=options.text_column)
    if options.format == "parquet" or PARQUET in plan.formats:
        need_pyarrow(f"--format {options.format}" if options.format == "parquet" else "Parquet input")
    work = Work(
        model=str(folder),
        digest=digest_of_model(folder),
        out=str(out.resolve()),
        format=options.format,
        data=data.model_dump(mode="json", exclude_defaults=True),
        text_column=options.text_column,
        runtime=runtime,
        device=options.device,
        threads=options.threads,
        threshold=options.threshold,
        min_score=options.min_score,
        digits=options.digits,
        width=max(5, len(str(len(plan.shards) - 1))),
    )
    identity = make_identity(work, plan, options.shard_size)
    check_same(out, earlier, identity, resume=resume)
    if earlier is None:
        for piece in {
            piece.path: piece for shard in reversed(plan.shards) for piece in reversed(shard.pieces)
        }.values():
            check_readable(piece, data, text_column=options.text_column)
    with locked(out):
        if earlier is None:
            write_identity(out, identity)
        sweep_parts(out)
        try:
            return _run(out, identity, plan, _Engine(work, engine, workers), tell)
        except ConfigError:  # the engine refused it before a worker began
            if earlier is None:
                forget_identity(out)
            raise


@dataclass(frozen=True, slots=True)
class _Engine:
    work: Work
    name: str
    workers: int | None

    def run(self, shards: Sequence[Shard]) -> Iterator[Answer]:
        return ENGINES[self.name](self.work, shards, self.workers)


def _run(
    out: Path, identity: dict[str, Any], plan: Plan, engine: _Engine, tell: Callable[[Job], None]
) -> dict[str, Any]:
    receipts = read_receipts(out)
    sizes = {shard.number: shard.size for shard in plan.shards}
    job = Job(len(plan.shards), sum(sizes.values()))
    for number, receipt in receipts.items():
        job.add(receipt, sizes[number])
    job.begin()
    tell(job)
    missing = [shard for shard in plan.shards if shard.number not in receipts]
    answers = engine.run(missing) if missing else iter(())
    try:
        for answer in answers:
            job.waiting = answer.get("waiting", "")
            if "failed" in answer:
                job.failed.append(answer)
                if answer["ends"]:
                    raise DataError(str(answer["failed"]))
            elif not job.waiting:
                receipts[answer["shard"]] = answer
                job.add(answer, sizes[answer["shard"]])
            tell(job)
    except KeyboardInterrupt:
        raise InterruptionError(
            f"{out}: interrupted, {len(receipts)} of {len(plan.shards)} shards are done; --resume goes on"
        ) from None
    finally:
        getattr(answers, "close", lambda: None)()  # the engine's workers end
        sweep_parts(out)
    if job.failed:
        first = min(job.failed, key=lambda answer: int(answer["shard"]))
        raise DataError(
            f"{out}: {len(job.failed)} of {len(plan.shards)} shards failed, the first of them "
            f"{engine.work.name_of(first['shard'])}: {first['failed']}; --resume tries them again"
        )
    return finish(out, identity, receipts)


def _check(options: Options, engine: str, workers: int | None) -> None:
    if engine not in ENGINES:
        raise ConfigError(f"--engine: expected one of {', '.join(ENGINES)}, found {engine!r}; Spark: docs/scale.md")
    if engine == "ray":
        on_ray.check_ray()
    if options.format not in WRITERS:
        raise ConfigError(f"--format: expected one of {', '.join(WRITERS)} with --engine, found {options.format!r}")
    if options.format == "parquet":
        need_pyarrow("--format parquet")
    known = ("auto", LINES, PARQUET, *readable())
    if options.input_format not in known:
        raise ConfigError(f"--input: expected one of {', '.join(known)}, found {options.input_format!r}")
    if workers is not None and workers < 1:
        raise ConfigError(f"--workers: expected at least 1, found {workers}")
    check_type("--shard-size", options.shard_size, int, "a whole number of bytes")
    if options.shard_size < 1:
        raise ConfigError(f"--shard-size: expected at least 1 byte, found {options.shard_size}")
    check_type("--threads", options.threads, int, "a whole number")
    if options.threads < 1:
        raise ConfigError(f"--threads: expected at least 1, found {options.threads}")
    check_output(options.min_score, options.digits)
    if options.threshold is not None:
        check_threshold(options.threshold)
