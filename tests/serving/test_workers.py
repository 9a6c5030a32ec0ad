"""Several processes at one address: they answer, they end together, and none is lost unseen."""

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.request

import pytest

from ner.errors import ConfigError, ModelError, NerError
from ner.serving import workers
from ner.serving.server import open_socket
from ner.serving.workers import Service, serve_by_workers

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="a socket is handed to a process of POSIX"),
    pytest.mark.slow,  # each worker imports what it serves with
]


@pytest.fixture
def served(small_model):
    """What `ner serve --workers 2` is, its address, and its workers' process ids."""
    for module in ("fastapi", "prometheus_client", "uvicorn"):
        pytest.importorskip(module, reason="the extra serve isn't installed")
    command = [sys.executable, "-m", "ner", "serve", str(small_model), "--port", "0", "--workers", "2"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        line = process.stderr.readline()
        try:
            url, number = re.fullmatch(
                r"serving .* at (http://\S+) by (\d) processes \(the page, and /openapi\.json\); Ctrl-C stops\n", line
            ).groups()
            assert number == "2"
            yield process, url, children_of(process.pid)
        finally:
            process.kill()


def children_of(pid):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=True).stdout
    return [int(one) for one in found.split()]


def is_there(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def wait_until_gone(pids):
    deadline = time.monotonic() + 60
    while any(map(is_there, pids)):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_they_answer_at_one_address_and_end_well_when_their_watcher_is_told_to(served):
    process, url, pids = served
    assert len(pids) == 2
    body = json.dumps({"text": "Angela Merkel visited Paris."}).encode()
    answers = set()
    for _ in range(8):
        with urllib.request.urlopen(f"{url}/v1/entities", body, timeout=60) as answer:
            answers.add(answer.read())
    assert len(answers) == 1
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert process.stderr.read() == ""
    wait_until_gone(pids)


def test_a_worker_that_ends_unasked_ends_all_with_an_error(served):
    process, _, (first, second) = served
    os.kill(first, signal.SIGKILL)
    assert process.wait(60) == 1
    assert process.stderr.read() == (
        "error: ner serve: expected 2 workers to serve, found that one ended (SIGKILL); the others were stopped; start "
        "the service again\n"
    )
    wait_until_gone([second])


def test_workers_do_not_outlive_their_watcher(served):
    process, _, pids = served
    process.kill()
    process.wait(60)
    wait_until_gone(pids)


def test_a_model_that_cannot_be_loaded_is_told_once_and_a_worker_that_never_serves_is_an_error(tmp_path, monkeypatch):
    service = Service(models={"none": str(tmp_path)}, device="cpu", runtime="auto", threads=1)
    with open_socket("127.0.0.1", 0) as listening:
        with pytest.raises(ModelError) as error:
            serve_by_workers(service, 2, listening, on_start=pytest.fail)
        assert str(tmp_path) in str(error.value)
        monkeypatch.setattr(workers, "_MODULE", "no_such_module")
        with pytest.raises(NerError) as error:
            serve_by_workers(service, 2, listening, on_start=pytest.fail)
        assert str(error.value) == (
            "ner serve: expected a worker to start, found that it ended (exit code 1); what it said stands above"
        )


def test_without_posix_workers_are_refused(monkeypatch):
    service = Service(models={}, device="cpu", runtime="auto", threads=1)
    with open_socket("127.0.0.1", 0) as listening:
        monkeypatch.setattr(workers.os, "name", "nt")
        with pytest.raises(ConfigError) as error:
            serve_by_workers(service, 2, listening, on_start=pytest.fail)
        monkeypatch.undo()
    assert str(error.value) == ("--workers: expected a system with POSIX's processes, found another; leave it out")


def test_who_is_told_to_end_while_workers_load_starts_no_more(monkeypatch):
    started = []

    def wait(worker, told):
        os.kill(os.getpid(), signal.SIGTERM)

    def start(service, listening, workers):
        workers.append(
            subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        )
        started.append(workers[-1])
        return workers[-1]

    monkeypatch.setattr(workers, "_wait_until_ready", wait)
    monkeypatch.setattr(workers, "_started", start)
    service = Service(models={}, device="cpu", runtime="auto", threads=1)
    with open_socket("127.0.0.1", 0) as listening:
        serve_by_workers(service, 8, listening, on_start=pytest.fail)
    assert [worker.poll() is None for worker in started] == [False]
