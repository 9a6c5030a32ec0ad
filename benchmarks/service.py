"""The load table of the HTTP service: `python benchmarks/service.py MODEL TEXTS.conll [--seconds 60] [--clients 64]`.

The service runs in a process of its own, the clients in this one, both on this machine and over the loopback: what they
take of its cores, the service lacks. Each client sends one sentence, waits for the answer and sends the next. Rates are
of answers with status 200; CPU is what the service's process took for each of them. `--seconds 5` is a short run.
"""

import argparse
import asyncio
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import ner

_HEAD = "POST /v1/entities HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n"


@dataclass
class Load:
    """What came of a load: the seconds of each accepted request, how often each status, and how long all took."""

    seconds: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    retry_after: int = 0
    lasted: float = 0.0
    processor: float = 0.0  # seconds
    of_clients: float = 0.0  # seconds of the processor, too

    @property
    def rate(self) -> float:
        """Accepted requests a second."""
        return len(self.seconds) / self.lasted

    def quantile(self, share: float) -> float:
        """Milliseconds that this share of the accepted requests took at most."""
        ordered = sorted(self.seconds)
        return 1000 * ordered[min(int(share * len(ordered)), len(ordered) - 1)]

    def __str__(self) -> str:
        statuses = ", ".join(f"{status}: {count}" for status, count in sorted(self.statuses.items()))
        p50, p99 = self.quantile(0.5), self.quantile(0.99)
        of_each = ""
        if self.processor:
            service, clients = (1000 * each / len(self.seconds) for each in (self.processor, self.of_clients))
            of_each = f", CPU {service:.2f} ms each and {clients:.2f} ms for the client"
        return f"{self.rate:.1f}/s, p50 {p50:.2f} ms, p99 {p99:.2f} ms, p99/p50 {p99 / p50:.1f}{of_each}; {statuses}"


def request_of(text: str) -> bytes:
    """A request for one text, whole."""
    body = json.dumps({"text": text}).encode()
    return _HEAD.format(len(body)).encode() + body


async def client(port: int, requests: Iterator[bytes], load: Load, until: float) -> None:
    """Sends one request after the other on one connection; after a refusal it waits a tenth of a second."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.perf_counter() < until:
        began = time.perf_counter()
        writer.write(next(requests))
        head = await reader.readuntil(b"\r\n\r\n")
        await reader.readexactly(int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]))
        status = int(head[9:12])
        load.statuses[status] += 1
        if status == 200:
            load.seconds.append(time.perf_counter() - began)
        else:
            load.retry_after += b"retry-after: " in head.lower()
            await asyncio.sleep(0.1)
    writer.close()


async def press(port: int, texts: list[str], *, clients: int, seconds: float, pid: int = 0) -> Load:
    """So many clients at once, for so long; `pid` is the service's process, whose processor time is counted."""
    load = Load()
    spent, own = processor_seconds(pid) if pid else 0.0, time.process_time()
    made = [request_of(text) for text in texts]

    def endless(first: int) -> Iterator[bytes]:
        while True:
            yield made[first % len(made)]
            first += 1

    began = time.perf_counter()
    apart = len(made) // clients or 1
    await asyncio.gather(*(client(port, endless(n * apart), load, began + seconds) for n in range(clients)))
    load.lasted = time.perf_counter() - began
    load.processor = processor_seconds(pid) - spent if pid else 0.0
    load.of_clients = time.process_time() - own
    return load


@contextmanager
def peer(name: str, options: argparse.Namespace) -> Iterator[tuple[int, int]]:
    """A peer behind FastAPI (`peer_service.py`): its port and its process id."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [options.peer_python, str(Path(__file__).parent / "peer_service.py"), name, str(port), options.texts]
    command += ["--encoder", options.encoder] if options.encoder else []
    with subprocess.Popen(command) as process:
        try:
            while process.poll() is None:
                try:
                    socket.create_connection(("127.0.0.1", port)).close()
                    break
                except OSError:
                    time.sleep(0.2)
            yield port, process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@contextmanager
def service(model: str, *options: str) -> Iterator[tuple[int, int]]:
    """A service of its own process: its port and its process id."""
    command = [sys.executable, "-m", "ner", "serve", model, "--port", "0", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        line = next(line for line in process.stderr if line.startswith("serving "))
        try:
            yield int(re.findall(r":(\d+) ", line)[0]), process.pid
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def resident(pid: int) -> float:
    """Megabytes of memory that a process has now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def processor_seconds(pid: int) -> float:
    """Seconds of processor time that a process and those that it started took up to now."""
    seconds = 0.0
    for each in (pid, *map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())):
        cells = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        seconds += (int(cells[11]) + int(cells[12])) / os.sysconf("SC_CLK_TCK")
    return seconds


def of_tag(tagger: "ner.Tagger", texts: list[str], seconds: float) -> float:
    """The median milliseconds of `tagger.tag`."""
    taken = []
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        began = time.perf_counter()
        tagger.tag(texts[len(taken) % len(texts)])
        taken.append(time.perf_counter() - began)
    return 1000 * statistics.median(taken)


def of_pipe(tagger: "ner.Tagger", texts: list[str], seconds: float) -> float:
    """Sentences a second of `tagger.pipe`."""
    done, began = 0, time.perf_counter()
    while time.perf_counter() < began + seconds:
        done += sum(1 for _ in tagger.pipe(texts))
    return done / (time.perf_counter() - began)


def big(port: int, texts: list[str]) -> None:
    """A million characters in one request and 10,000 texts in one, while another client goes on asking."""
    import httpx

    long = " ".join(texts)
    long = (long * (1_000_000 // len(long) + 1))[:1_000_000]

    async def both(body: dict[str, object]) -> tuple[httpx.Response, float, Load]:
        async with httpx.AsyncClient(timeout=600) as http:
            began = time.perf_counter()
            task = asyncio.create_task(http.post(f"http://127.0.0.1:{port}/v1/entities", json=body))
            beside = Load()
            requests = (request_of(text) for text in texts * 1000)
            while not task.done():
                await client(port, requests, beside, time.perf_counter() + 0.2)
            beside.lasted = time.perf_counter() - began
            return await task, beside.lasted, beside

    for name, body in (
        ("a million characters", {"text": long}),
        ("10,000 texts", {"texts": [texts[n % len(texts)] for n in range(10_000)]}),
        ("a character too many", {"text": long + "x"}),
    ):
        answer, seconds, beside = asyncio.run(both(body))
        found = sum(len(result["entities"]) for result in answer.json().get("results", ()))
        print(f"{name}: {answer.status_code} after {seconds:.1f} s, {found} entities; beside it {beside}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model")
    parser.add_argument("texts", help="a column file; its sentences of 20 to 30 tokens are sent")
    parser.add_argument("--seconds", type=float, default=60, help="of each load")
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--peer", action="append", default=[], help="of `peer_service.py`; may be repeated")
    parser.add_argument("--peer-python", default=sys.executable, help="of the environment that the peers are in")
    parser.add_argument("--encoder", help="the folder of the encoder that GLiNER reads with")
    parser.add_argument("--only-load", action="store_true", help="only the many clients")
    options = parser.parse_args()
    texts = [" ".join(s.words) for s in ner.read_conll(options.texts) if 20 <= len(s.tokens) <= 30][:2000]
    short = min(options.seconds, 10)
    with_runtime = ("--runtime", options.runtime, "--workers", str(options.workers))
    for name in options.peer:
        with peer(name, options) as (port, pid):
            asyncio.run(press(port, texts, clients=options.clients, seconds=2))
            load = asyncio.run(press(port, texts, clients=options.clients, seconds=short, pid=pid))
            print(f"{name} behind FastAPI, {options.clients} clients, {short:g} s: {load}", flush=True)
    if options.only_load:
        with service(options.model, *with_runtime) as (port, pid):
            asyncio.run(press(port, texts, clients=options.clients, seconds=2))
            load = asyncio.run(press(port, texts, clients=options.clients, seconds=options.seconds, pid=pid))
            print(f"{options.clients} clients, {options.seconds:g} s: {load}")
        return
    tagger = ner.load(options.model, runtime=options.runtime)
    print(f"{tagger}, {len(texts)} sentences of 20 to 30 tokens, {os.cpu_count()} cores, load {os.getloadavg()}")
    of_tag(tagger, texts, 1)
    tagged, piped = [], []
    with service(options.model, *with_runtime) as (port, _):
        asyncio.run(press(port, texts, clients=1, seconds=1))
        alone = []
        for _ in range(3):  # by turns
            tagged.append(of_tag(tagger, texts, short / 3))
            alone.append(asyncio.run(press(port, texts, clients=1, seconds=short / 3)).quantile(0.5))
            piped.append(of_pipe(tagger, texts, short / 3))
    tag, one, pipe = (statistics.median(values) for values in (tagged, alone, piped))
    print(f"one client: p50 {one:.2f} ms; tagger.tag {tag:.2f} ms; {one - tag:+.2f} ms")
    with service(options.model, *with_runtime) as (port, pid):
        asyncio.run(press(port, texts, clients=options.clients, seconds=2))
        load = asyncio.run(press(port, texts, clients=options.clients, seconds=options.seconds, pid=pid))
        print(f"{options.clients} clients, {options.seconds:g} s: {load}")
        before = resident(pid)
        over = asyncio.run(press(port, texts, clients=6 * options.clients, seconds=options.seconds, pid=pid))
        print(f"{6 * options.clients} clients, three times the queue: {over}, Retry-After on {over.retry_after}")
        print(f"memory: {before:.0f} MB before, {resident(pid):.0f} MB behind")
        big(port, texts)
        print(f"memory: {resident(pid):.0f} MB behind the big requests")
    with service(options.model, "--batch-size", "1", *with_runtime) as (port, pid):
        off = asyncio.run(press(port, texts, clients=options.clients, seconds=short, pid=pid))
        print(f"{options.clients} clients, each request by itself: {off}")
    print(
        f"pipe: {pipe:.0f} sentences/s; the service does {load.rate / pipe:.2f} of that, and "
        f"{load.rate / off.rate:.1f} times what it does with each request by itself; load behind {os.getloadavg()}"
    )


if __name__ == "__main__":
    ner.settle_threads()
    main()
