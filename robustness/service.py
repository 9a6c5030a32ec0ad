"""A hostile client against `ner serve`: `python robustness/service.py MODEL [--seconds 60] [--schemathesis]`.

It sends slow bodies, half heads, bytes that are no HTTP and no UTF-8, deep JSON, huge numbers, odd lengths, requests
that are cut off, and asks for answers that it doesn't read, many at once; beside it a well-behaved client asks all the
time. It fails where a status is 5xx but 503, where an error has another shape, where the good client waits longer than
it may or gets anything but its answer, or where memory grows. `--schemathesis` lets that tool
(`pip install schemathesis`) make requests of the service's OpenAPI for as long.
"""

import argparse
import json
import os
import random
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

PATHS = ["/v1/entities", "/v1/words", "/predict", "/setup", "/webhook", "/analyze", "/v1/models", "/metrics", "/", "/x"]
GOOD = json.dumps({"text": "Angela Merkel visited Paris."}).encode()
LONGEST_WAIT = 60  # seconds that the good client may wait, on a machine that others use too
MOST_GROWTH = 200  # megabytes

Made = Callable[[random.Random], bytes]


def post(body: bytes, path: str = "/v1/entities", length: int | str | None = None, more: str = "") -> bytes:
    """A request."""
    length = len(body) if length is None else length
    return f"POST {path} HTTP/1.1\r\nhost: x\r\ncontent-length: {length}\r\n{more}\r\n".encode() + body


def deep(dice: random.Random) -> bytes:
    depth = dice.choice([10, 300, 100_000])
    return dice.choice(
        [b"[" * depth, b'{"a":' * depth, b'{"text":' + b"[" * depth + b"]" * depth + b"}", b'{"texts":[' + b"[" * depth]
    )


def odd_json(dice: random.Random) -> bytes:
    value = dice.choice(
        [
            "null", "[]", "{}", '""', "1e999", "-" + "9" * 5000, '{"text": null}', '{"text": ""}', '{"texts": [""]}',
            '{"text": "\\u0000"}', '{"text": "\\ud800"}', '{"text": "a", "k_best": -1}', '{"text": "a", "k_best": 50}',
            '{"text": "a", "threshold": 1e-300}', '{"text": "a", "min_score": -0.0}', '{"sentences": [[]]}',
            '{"sentences": [["a", " ", "\\n"]]}', '{"tasks": [{"data": {"text": "a"}}], "label_config": "<a"}',
            '{"tasks": [{"data": {}}]}', '{"text": ["a", "b"], "language": 3}', '{"schema": "&#0;"}',
            '{"tasks": [], "label_config": "<!DOCTYPE a [<!ENTITY b \\"c\\">]><a>&b;</a>"}',
            json.dumps({"text": "\n" * 10_000}), json.dumps({"text": "A" * 50_000}),
            json.dumps({"text": "".join(map(chr, dice.choices(range(32, 0xD7FF), k=300)))}),
            json.dumps({"texts": ["Anna left."] * 200, "k_best": 3}),
            json.dumps({"text": "Anna Smith met Bob. " * 20, "threshold": dice.random() or 0.5, "offsets": "utf16"}),
        ]
    )  # fmt: skip
    return value.encode("utf-8", "surrogatepass")


def wrong_encoding(dice: random.Random) -> bytes:
    text = '{"text": "Ångström met Łukasz in 北京."}'
    return dice.choice(
        [text.encode("utf-16"), text.encode("latin-1", "replace"), text.encode("utf-8")[:-5], text.encode("gb18030")]
    ) + dice.choice([b"", b"\xff", b"\x00"])


WHOLE: list[Made] = [
    lambda dice: post(deep(dice), dice.choice(PATHS)),
    lambda dice: post(odd_json(dice), dice.choice(PATHS)),
    lambda dice: post(wrong_encoding(dice), dice.choice(PATHS)),
    lambda dice: post(dice.randbytes(dice.randrange(2000)), dice.choice(PATHS)),
    lambda dice: post(GOOD, length=dice.choice([-1, 0, 3, "x", "9" * 30, 10**9])),
    lambda dice: post(GOOD, more=f"transfer-encoding: {dice.choice(['chunked', 'gzip', 'chunked, chunked'])}\r\n"),
    lambda dice: post(GOOD, more="x-api-key: " + "k" * dice.choice([1, 10_000, 100_000]) + "\r\n"),
    lambda dice: post(GOOD, more="content-encoding: gzip\r\nexpect: 100-continue\r\n"),
    lambda dice: post(GOOD) * dice.choice([2, 20]),
    lambda dice: (
        b"GET " + dice.choice([b"/" + b"a" * 70_000, b"/%ff%00", b"//", b"*", b"/../../etc"]) + b" HTTP/1.1\r\n\r\n"
    ),
    lambda dice: dice.randbytes(300) + b"\r\n\r\n",
    lambda dice: b"GET /health HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
    lambda dice: (
        f"{dice.choice(['PUT', 'PATCH', 'TRACE', 'OPTIONS', 'HEAD', 'A'])} / HTTP/1.1\r\nhost: x\r\n\r\n".encode()
    ),
]


class Hostile:
    """What was seen of the service."""

    def __init__(self, port: int, until: float) -> None:
        self.port, self.until = port, until
        self.statuses: Counter[int] = Counter()
        self.faults: list[str] = []
        self.good = 0
        self.longest = 0.0

    def connect(self, seconds: float = 5) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=seconds)

    def attack(self, seed: int) -> None:
        """One connection after the other, each with something bad."""
        dice = random.Random(seed)
        while time.monotonic() < self.until:
            with suppress(OSError), self.connect() as connection:
                sent = dice.choice(WHOLE)(dice)
                kind = dice.random()
                if kind < 0.1:  # cut off
                    connection.sendall(sent[: dice.randrange(len(sent))])
                    if dice.random() < 0.5:  # with a reset
                        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    continue
                connection.sendall(sent)
                self.look(connection, sent)

    def look(self, connection: socket.socket, sent: bytes) -> None:
        """Reads the first answer, and judges it."""
        answer = b""
        with suppress(OSError):
            while b"\r\n\r\n" not in answer and (piece := connection.recv(65536)):
                answer += piece
        found = re.match(rb"HTTP/1\.1 (\d{3}) ", answer)
        if not found:
            return
        status = int(found[1])
        self.statuses[status] += 1
        if status >= 500 and status != 503:
            self.faults.append(f"{status} for {sent[:300]!r}")
        head, _, body = answer.partition(b"\r\n\r\n")
        if status >= 400 and b"application/json" in head and body and b'"error"' not in body:
            self.faults.append(f"another shape: {body[:200]!r}")

    def sit(self, seed: int) -> None:
        """Connections that do nothing, heads and bodies that come a byte at a time, answers that nobody reads."""
        dice = random.Random(seed)
        while time.monotonic() < self.until:
            connections = []
            with suppress(OSError):
                for _ in range(20):
                    connections.append(self.connect())
            much = {"texts": ["Anna met Bob in Rome."] * 500, "k_best": 5}
            beginnings = [b"", b"POST /v1/ent", post(b'{"te', length=1000), post(json.dumps(much).encode())]
            for connection in connections:
                with suppress(OSError):
                    connection.sendall(dice.choice(beginnings))
            for _ in range(10):
                time.sleep(0.5)
                for connection in connections:
                    with suppress(OSError):
                        connection.sendall(b"a")
            for connection in connections:
                connection.close()

    def behave(self) -> None:
        """One request after the other, each of which must be answered."""
        import httpx

        while time.monotonic() < self.until:
            began = time.monotonic()
            try:
                answer = httpx.post(f"http://127.0.0.1:{self.port}/v1/entities", content=GOOD, timeout=LONGEST_WAIT)
            except httpx.HTTPError as error:
                self.faults.append(f"the good client: {type(error).__name__}")
                continue
            waited = time.monotonic() - began
            self.longest = max(self.longest, waited)
            if waited > LONGEST_WAIT:  # httpx counts connecting, sending and reading apart
                self.faults.append(f"the good client: waited more than {LONGEST_WAIT} s")
            if answer.status_code == 200 and answer.json()["results"]:
                self.good += 1
            elif answer.status_code != 429:
                self.faults.append(f"the good client: {answer.status_code}")
            time.sleep(0.05)


def memory_of(pid: int) -> float:
    """Megabytes that a process has now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20


def with_schemathesis(port: int, seconds: int) -> int:
    """The exit code of schemathesis against the service's OpenAPI."""
    command = ["schemathesis", "run", f"http://127.0.0.1:{port}/openapi.json", "--phases", "examples,coverage,fuzzing"]
    checks = "not_a_server_error,response_schema_conformance,content_type_conformance,status_code_conformance"
    scripts = Path(sys.executable).parent
    environment = {**os.environ, "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}"}
    options = ["--checks", checks, "--max-time", str(seconds), "--request-timeout", "60"]
    with tempfile.TemporaryDirectory() as folder:  # where it keeps what it found
        return subprocess.run([*command, *options], env=environment, cwd=folder, check=False).returncode


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("model")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--schemathesis", action="store_true")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    command = [sys.executable, "-m", "ner", "serve", options.model, "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr
        port = int(re.findall(r":(\d+) ", next(line for line in process.stderr if line.startswith("serving ")))[0])
        hostile = Hostile(port, time.monotonic() + options.seconds)
        work = [threading.Thread(target=hostile.attack, args=(options.seed + n,)) for n in range(4)]
        work += [threading.Thread(target=hostile.sit, args=(options.seed + n,)) for n in range(2)]
        work.append(threading.Thread(target=hostile.behave))
        for thread in work:
            thread.start()
        time.sleep(options.seconds / 4)
        early = memory_of(process.pid)
        for thread in work:
            thread.join()
        late = memory_of(process.pid)
        failed = with_schemathesis(port, options.seconds) if options.schemathesis else 0
        process.send_signal(signal.SIGTERM)
        code = process.wait(90)
        said = process.stderr.read()
    print(f"statuses: {dict(sorted(hostile.statuses.items()))}")
    print(f"the good client: {hostile.good} answers, the longest after {hostile.longest:.2f} s")
    print(f"memory: {early:.0f} MB after a quarter of the time, {late:.0f} MB at the end; exit code {code}")
    print(f"on stderr: {said[:2000] or 'nothing'}")
    if late - early > MOST_GROWTH:
        hostile.faults.append(f"memory grew by {late - early:.0f} MB")
    for fault, count in Counter(hostile.faults).most_common(20):
        print(f"FAULT ({count}): {fault}")
    sys.exit(bool(hostile.faults or failed or code or said))


if __name__ == "__main__":
    main()
