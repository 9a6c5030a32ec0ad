"""Memory of bulk workers over their life: `python robustness/bulk_memory.py MODEL TEXT [--megabytes 100]`.

TEXT has a sentence a line and is written over and over until there is enough; in each copy the words are spelled anew,
one in twenty of them, so that what is kept of words can't stay small. Local workers tag all of it, shard by shard, and
the resident memory of each and of their driver is read each second. What was written is then held against the text:
each line has its document, in order. Last a single `ner tag` reads the first `--single` megabytes of the same text, for
its peak. Printed are the memory by the shards that were done, and the peaks; `--picture` draws the curve, and `--place`
is a folder for text and results where the usual one for temporary files is too small.
"""

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bulk import ROOT, workers_of

from ner.inspection.canvas import drawing, new_figure, save_figure

STEPS = 12  # lines of the table
NEW_WORDS = 20  # one word in so many is spelled anew


def write_text(source: Path, target: Path, size: int) -> None:
    """Copies of a text, up to so many bytes."""
    text = source.read_text(encoding="utf-8")
    words = text.replace("\n", "\n\0").replace(" ", " \0").split("\0")
    written = 0
    with target.open("wb") as stream:
        while written < size:
            copy = list(words)
            for place in random.sample(range(len(copy)), len(copy) // NEW_WORDS):
                word = words[place]
                bare = word.rstrip(" \n")
                copy[place] = f"{bare}{int(1e6 * random.random())}{word[len(bare) :]}"
            content = "".join(copy).encode()
            if written + len(content) > size:
                content = content[: content.index(b"\n", size - written - 1) + 1]
            written += stream.write(content)


def memory_of(process: int, name: str) -> float:
    """Megabytes that `VmRSS` (now) or `VmHWM` (its largest) tells of a process."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError(f"no {name}")  # it ended


@dataclass
class Curve:
    """What was read each second: seconds, shards done, megabytes of the driver and of the largest worker."""

    points: list[tuple[float, int, float, float]] = field(default_factory=list)
    peak: float = 0.0  # of any worker, as the system tells it

    def watch(self, process: subprocess.Popen[bytes], out: Path) -> None:
        begin = time.monotonic()
        while process.poll() is None:
            time.sleep(1)
            try:
                driver, workers = memory_of(process.pid, "VmRSS"), workers_of(process.pid, "local")
                sizes = [memory_of(worker, "VmRSS") for worker in workers]
                self.peak = max(self.peak, *(memory_of(worker, "VmHWM") for worker in workers), 0.0)
            except OSError:  # one of them ended
                continue
            done = len(list(out.glob("part-*")))
            self.points.append((time.monotonic() - begin, done, driver, max(sizes, default=0.0)))

    def table(self, shards: int) -> Iterator[str]:
        yield "| shards done | worker, largest until then, MB | driver, MB |\n|---|---|---|"
        for step in range(1, STEPS + 1):
            until = [point for point in self.points if point[1] <= shards * step / STEPS]
            if until:
                worker, driver = max(point[3] for point in until), max(point[2] for point in until)
                yield f"| {shards * step // STEPS} | {worker:.0f} | {driver:.0f} |"

    def draw(self, path: Path) -> None:
        minutes = [point[0] / 60 for point in self.points]
        with drawing():
            figure = new_figure(8.3, 3.2)
            axes = figure.subplots()
            axes.plot(minutes, [point[3] for point in self.points], color="#1c7ed6", label="largest worker")
            axes.plot(minutes, [point[2] for point in self.points], color="#adb5bd", label="driver")
            axes.set(xlabel="minutes", ylabel="resident memory, MB")
            axes.set_ylim(bottom=0)
            axes.grid(visible=True, alpha=0.3)
            axes.legend(fontsize=9, loc="lower right")
            save_figure(figure, path)


def texts_of(out: Path) -> Iterator[str]:
    """The texts of all shards, in their order."""
    for shard in sorted(out.glob("part-*")):
        if shard.suffix == ".parquet":
            import pyarrow.parquet

            yield from pyarrow.parquet.read_table(shard, columns=["text"]).column("text").to_pylist()
        else:
            with shard.open(encoding="utf-8") as lines:
                yield from (json.loads(line)["text"] for line in lines)


def check_all_there(text: Path, out: Path) -> int:
    """How many documents were written: one for each line, with its text, in order; else an AssertionError."""
    told, documents = hashlib.sha256(), 0
    for each in texts_of(out):
        told.update(each.encode() + b"\n")
        documents += 1
    with text.open("rb") as stream:
        assert hashlib.file_digest(stream, "sha256").digest() == told.digest(), "other texts than those of the input"
    return documents


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("text", type=Path)
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--single", type=float, default=10, help="megabytes that the single tagger reads")
    parser.add_argument("--shard-size", type=int, default=1_000_000)
    parser.add_argument("--format", choices=("jsonl", "parquet"), default="jsonl")
    parser.add_argument("--runtime", default="auto")
    parser.add_argument("--place", type=Path, help="a folder for text and results; they are deleted in the end")
    parser.add_argument("--picture", type=Path)
    options = parser.parse_args()
    random.seed(1)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory(dir=options.place) as folder:
        text, out = Path(folder) / "text.txt", Path(folder) / "out"
        write_text(options.text, text, int(1e6 * options.megabytes))
        print(f"{text.stat().st_size:,} bytes written", flush=True)
        common = [sys.executable, "-m", "ner", "tag", options.model, "--runtime", options.runtime, "--threads", "1"]
        bulk = ["--engine", "local", "--workers", str(options.workers), "--format", options.format]
        bulk += ["--shard-size", str(options.shard_size), "--out", str(out)]
        begin, curve = time.monotonic(), Curve()
        process = subprocess.Popen([*common, str(text), *bulk], env=environment)
        curve.watch(process, out)
        assert process.returncode == 0, process.returncode
        seconds, shards = time.monotonic() - begin, len(list(out.glob("part-*")))
        print(f"{options.megabytes:g} MB in {shards} shards, {options.workers} workers, {seconds:.0f} s")
        print("\n".join(curve.table(shards)))
        if options.picture:
            curve.draw(options.picture)
        print(f"{check_all_there(text, out):,} documents, those of the input, in order", flush=True)
        few = Path(folder) / "few.txt"
        with text.open("rb") as stream:
            few.write_bytes(stream.read(int(1e6 * options.single)).rpartition(b"\n")[0] + b"\n")
        alone = [*common, str(few), "--format", "jsonl", "--out", str(Path(folder) / "single.jsonl")]
        process = subprocess.Popen(alone, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0, status
        single = usage.ru_maxrss * 1024 / 1e6
        print(f"peaks: worker {curve.peak:.0f} MB, single tagger {single:.0f} MB")
        print(f"ratio {curve.peak / single:.2f}")


if __name__ == "__main__":
    main()
