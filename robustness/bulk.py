"""Kills done to bulk tagging on purpose: `python robustness/bulk.py MODEL TEXT [--kills 20] [--engine local|ray]`.

A job tags a file of a sentence a line on two workers; at a random moment a worker is killed (-9), or the driver is, or
the disk is full (the limit on the size of a file, which a shard then meets, stands for it). The job goes on with
`--resume`, and its folder is held against that of an undisturbed run, byte for byte. Prints a line for each.
"""

import argparse
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parent.parent
KINDS = ("worker", "driver", "disk")


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def descendants(process: int) -> list[int]:
    """The processes below one, as Linux tells them."""
    found = []
    for task in Path(f"/proc/{process}/task").glob("*/children"):
        for child in task.read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def workers_of(process: int, engine: str) -> list[int]:
    mark = "ner.serving.bulk.process" if engine == "local" else "ray::_Actor"
    found = []
    for each in descendants(process):
        try:
            command = Path(f"/proc/{each}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:  # it ended
            continue
        if mark in command:
            found.append(each)
    return found


class Trial:
    """Jobs of one kind, in folders of their own."""

    def __init__(self, options: argparse.Namespace, place: Path) -> None:
        self.options, self.place = options, place
        self.log = (place / "log").open("w")

    def command(self, out: Path, *more: str) -> list[str]:
        o = self.options
        rest = ["--engine", o.engine, "--workers", "2", "--shard-size", str(o.shard_size), "--runtime", o.runtime]
        return [sys.executable, "-m", "ner", "tag", o.model, str(o.text), *rest, "--out", str(out), *more]

    def start(self, out: Path, *more: str, limit: int | None = None) -> subprocess.Popen[bytes]:
        def confine() -> None:
            if limit is not None:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        before: Callable[[], None] = confine
        return subprocess.Popen(self.command(out, *more), cwd=ROOT, stdout=self.log, stderr=self.log, preexec_fn=before)

    def disturb(self, kind: str, out: Path, moment: float, limit: int) -> str:
        """Starts a job, does this to it after so many seconds; tells what came of it."""
        if kind == "disk":
            code = self.start(out, limit=limit).wait()
            return f"a file may have {limit:,} bytes: exit {code}"
        process = self.start(out)
        while self.options.midway and process.poll() is None and not list(out.glob("part-*")):
            time.sleep(0.1)
        time.sleep(moment)
        below = workers_of(process.pid, self.options.engine)
        if process.poll() is not None:
            return "ended before the kill"
        if kind == "worker" and not below:
            process.wait()
            return "no worker was there yet"
        victim = process.pid if kind == "driver" else random.choice(below)
        os.kill(victim, signal.SIGKILL)
        code = process.wait()
        time.sleep(0.5)
        left = [each for each in below if Path(f"/proc/{each}").exists()]
        return f"killed after {moment:.1f} s: exit {code}, {len(left)} of {len(below)} workers left"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("text", type=Path)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--engine", default="local", choices=("local", "ray"))
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--shard-size", type=int, default=20_000)
    parser.add_argument("--midway", action="store_true", help="kill when the first shard is done, or soon after")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    options.text = options.text.resolve()
    random.seed(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        trial = Trial(options, place)
        begin = time.monotonic()
        whole = place / "whole"
        assert trial.start(whole).wait() == 0, (place / "log").read_text()
        seconds = time.monotonic() - begin
        wanted = files_of(whole)
        sizes = sorted(len(content) for name, content in wanted.items() if name.startswith("part-"))
        print(f"undisturbed: {len(sizes)} shards in {seconds:.1f} s", flush=True)
        kinds, same, shards_left = options.kinds.split(","), 0, 0
        for number in range(options.kills):
            kind, out = kinds[number % len(kinds)], place / f"out{number}"
            moment = random.uniform(0, 2 if options.midway else seconds)
            told = trial.disturb(kind, out, moment, random.choice(sizes[len(sizes) // 4 :]) - 1)
            done = len(list(out.glob("part-*")))
            hidden = len([path for path in out.rglob(".*") if path.is_file()])
            code = trial.start(out, "--resume").wait()
            equal = code == 0 and files_of(out) == wanted
            same += equal
            shards_left += done
            result = "the same bytes" if equal else f"OTHER BYTES (exit {code})"
            print(f"{number + 1:3} {kind:6} {told}; {done} shards done, {hidden} half; --resume: {result}", flush=True)
        print(f"{same} of {options.kills} the same bytes as the undisturbed run")
        sys.exit(same != options.kills)


if __name__ == "__main__":
    main()
