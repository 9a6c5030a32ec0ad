"""Several processes that serve at one address, and the one that watches over them.

Each is a fresh Python (`python -m ner.serving.worker`) that loads the models itself and accepts from the one socket.
They share that, and the files of the models in memory: no queue, no limit and no count. A worker that ends unasked ends
all, so that whoever started the service, systemd for one, sees it and starts it again; workers whose watcher dies end.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import ner
from ner.errors import ConfigError, ModelError, NerError
from ner.serving.limits import Limits
from ner.threads import settled_variables

_MODULE = "ner.serving.worker"
_LOOK = 0.1  # seconds between two looks at the workers
_LONGER = 5  # seconds that a worker has, to end, beyond those that its requests have


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """What a worker has to know.

    Attributes:
        models: what `ner.load` takes, by the names that requests call them.
        device: as `ner.load` takes it.
        runtime: as `ner.load` takes it.
        threads: that compute in each worker.
        limits: of requests, for each worker.
        keys: one of which a request has to bring.
        log: what is told on stderr of each request.
        descriptor: of the socket that listens.
    """

    models: Mapping[str, str]
    device: str
    runtime: str
    threads: int
    limits: Limits = field(default_factory=Limits)
    keys: Sequence[str] = ()
    log: str = "none"
    descriptor: int = -1


def serve_by_workers(
    service: Service, number: int, listening: socket.socket, *, on_start: Callable[[], object]
) -> None:
    """Serves until the process is told to end (SIGINT, SIGTERM), as `serve` does, by so many processes.

    Args:
        service: what they do; its `descriptor` isn't looked at.
        number: how many they are.
        listening: as `open_socket` opens it.
        on_start: called once all of them answer requests.

    Raises:
        ConfigError: this system can't hand a socket to another process.
        ModelError: the first worker can't load a model; no other was started.
        NerError: a worker ended unasked; the others were stopped as they are when the service is told to end.
    """
    if os.name != "posix":
        raise ConfigError("--workers: expected a system with POSIX's processes, found another; leave it out")
    workers: list[subprocess.Popen[bytes]] = []
    with _told_to_end(workers) as told:
        try:
            for _ in range(number):
                if told:
                    break
                worker = _started(service, listening, workers)
                _wait_until_ready(worker, told)
            if not told:
                on_start()
            while not told and all(worker.poll() is None for worker in workers):
                time.sleep(_LOOK)
            lost = [] if told else [worker for worker in workers if worker.poll() is not None]
        finally:
            _end(workers, service.limits.stop_seconds + _LONGER)
    if lost:
        raise NerError(
            f"ner serve: expected {number} workers to serve, found that one ended ({_how(lost[0].returncode)}); the "
            "others were stopped; start the service again"
        )


@contextmanager
def _told_to_end(workers: Sequence["subprocess.Popen[bytes]"]) -> Iterator[list[int]]:
    """A list in which a signal to end is put, once it came and was sent on to the workers."""
    told: list[int] = []

    def note(kind: int, _: object) -> None:
        told.append(kind)
        for worker in workers:
            if worker.returncode is None:
                worker.send_signal(signal.SIGTERM)

    before = {kind: signal.signal(kind, note) for kind in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield told
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def _started(
    service: Service, listening: socket.socket, workers: list["subprocess.Popen[bytes]"]
) -> "subprocess.Popen[bytes]":
    # Where this package was imported from, installed or not; and nothing from the working folder (-P).
    path = os.pathsep.join(filter(None, [str(Path(ner.__file__).parent.parent), os.environ.get("PYTHONPATH")]))
    worker = subprocess.Popen(
        [sys.executable, "-P", "-m", _MODULE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **settled_variables(service.threads), "PYTHONPATH": path},
        pass_fds=[listening.fileno()],
    )
    workers.append(worker)
    assert worker.stdin
    told = {**asdict(service), "descriptor": listening.fileno()}
    try:
        worker.stdin.write(json.dumps(told).encode() + b"\n")  # keys too, which no command line should show
        worker.stdin.flush()
    except BrokenPipeError:
        pass  # it has ended, as is seen next
    return worker


def _wait_until_ready(worker: "subprocess.Popen[bytes]", told: Sequence[int]) -> None:
    assert worker.stdout
    line = worker.stdout.readline()
    if told:
        return
    if not line.endswith(b"\n"):
        raise NerError(
            f"ner serve: expected a worker to start, found that it ended ({_how(worker.wait())}); what it said stands "
            "above"
        )
    failed = json.loads(line)["failed"]
    if failed is not None:
        raise ModelError(failed)


def _end(workers: Sequence["subprocess.Popen[bytes]"], seconds: float) -> None:
    for worker in workers:
        if worker.poll() is None:
            worker.send_signal(signal.SIGTERM)
    until = time.monotonic() + seconds
    for worker in workers:
        try:
            worker.wait(max(until - time.monotonic(), 0))
        except subprocess.TimeoutExpired:
            worker.kill()
            worker.wait()
        for stream in (worker.stdin, worker.stdout):
            assert stream
            stream.close()


def _how(code: int) -> str:
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
