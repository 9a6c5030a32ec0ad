"""Bulk tagging on the processes of this machine.

Each worker is a fresh Python (`python -m ner.serving.bulk.process`) that reads a line of JSON for each shard and
answers with one. A thread of the driver talks to it, so that a worker that dies is missed at once: another takes its
place and its shard. A worker whose driver dies ends by itself.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import IO

import ner
from ner.errors import ModelError, describe
from ner.serving.bulk.shards import Shard
from ner.serving.bulk.work import Answer, Work, variables_of
from ner.threads import count_cores

ATTEMPTS = 3  # workers that a shard may kill before it is given up
_MODULE = "ner.serving.bulk.process"


class _LostError(Exception):
    """A worker is no more."""


class _Process:
    """A worker, from its driver's side."""

    def __init__(self, work: Work) -> None:
        # Where this package was imported from, installed or not; and nothing from the working folder (-P).
        path = os.pathsep.join(filter(None, [str(Path(ner.__file__).parent.parent), os.environ.get("PYTHONPATH")]))
        environment = {**os.environ, **variables_of(work), "PYTHONPATH": path}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", _MODULE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment
        )
        self._send(asdict(work))

    def ask(self, shard: Shard) -> Answer:
        self._send(asdict(shard))
        return self.answer()

    def answer(self) -> Answer:
        try:
            line = _pipe(self._process.stdout).readline()
        except ValueError:  # its driver is ending it in this moment
            line = b""
        if not line.endswith(b"\n"):
            raise _LostError(f"a worker ended with exit code {self._process.wait()}")
        answer: Answer = json.loads(line)
        return answer

    def _send(self, value: object) -> None:
        try:
            stream = _pipe(self._process.stdin)
            stream.write(json.dumps(value).encode() + b"\n")
            stream.flush()
        except (OSError, ValueError):
            raise _LostError(f"a worker ended with exit code {self._process.wait()}") from None

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):  # what was sent last can't be any more
                _pipe(stream).close()


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    assert stream is not None
    return stream


def run(work: Work, shards: Sequence[Shard], workers: int | None) -> Iterator[Answer]:
    """The answer for each shard, as they come; every worker has loaded the model before the first shard is given out.

    Args:
        work: what workers have to know.
        shards: to tag.
        workers: how many processes, no more than there are shards; None: as many as threads of `work.threads` fit.

    Raises:
        ModelError: a worker can't load the model.
    """
    waiting: SimpleQueue[tuple[Shard, int]] = SimpleQueue()
    for shard in shards:
        waiting.put((shard, 1))
    answers: SimpleQueue[Answer] = SimpleQueue()
    processes: list[_Process] = []
    workers = workers or max(1, count_cores() // work.threads)
    stopped = threading.Event()
    threads: list[threading.Thread] = []
    try:
        for _ in range(min(workers, len(shards))):
            processes.append(_Process(work))
        for process in processes:
            _check_ready(process)
        for place in range(len(processes)):
            arguments = work, processes, place, waiting, answers, stopped
            threads.append(threading.Thread(target=_talk, args=arguments, daemon=True))
            threads[-1].start()
        for _ in shards:
            yield answers.get()
    finally:
        stopped.set()
        for process in processes:
            process.end()
        for thread in threads:  # one may just have put a new worker in the place of another
            thread.join()
        for process in processes:
            process.end()


def _check_ready(process: _Process) -> None:
    try:
        answer = process.answer()
    except _LostError as error:
        raise ModelError(f"{error} before it had loaded the model") from None
    if "failed" in answer:
        raise ModelError(str(answer["failed"]))


def _talk(
    work: Work,
    processes: list[_Process],
    place: int,
    waiting: "SimpleQueue[tuple[Shard, int]]",
    answers: "SimpleQueue[Answer]",
    stopped: threading.Event,
) -> None:
    """Gives shards to the worker at this place, and puts another there when it dies."""
    while not stopped.is_set():
        try:
            shard, attempt = waiting.get(timeout=0.1)
        except Empty:  # a worker that dies puts its shard back: it may be here yet
            continue
        try:
            answers.put(processes[place].ask(shard))
            continue
        except _LostError as error:
            lost = str(error)
        except Exception as error:  # whatever it is, nobody may wait for this shard
            answers.put({"shard": shard.number, "failed": describe(error), "ends": True})
            return
        if stopped.is_set():
            return
        processes[place].end()
        if attempt < ATTEMPTS:
            waiting.put((shard, attempt + 1))
        else:
            answers.put({"shard": shard.number, "failed": f"{lost}, {ATTEMPTS} times", "ends": False})
        try:
            processes[place] = _Process(work)
            _check_ready(processes[place])
        except (ModelError, _LostError, OSError) as error:
            failed = f"no new worker: {error}; go on with --resume"
            answers.put({"shard": shard.number, "failed": failed, "ends": True})
            return
