"""Bulk engines beside `ner tag` in two processes by hand: `python benchmarks/bulk.py MODEL TEXT [--rounds 3]`.

TEXT has a sentence a line. Each engine tags it on two workers; all take turns, a round after the other, and the median
ratio of throughput is printed. Start-up is told apart: it is what the same engine takes for the first 100 sentences. By
hand, each process tags half of the file, on one thread. `--json` writes what `benchmarks/scale_model.py` reads; for it,
and for the curve of memory (`--memory`), the local engine runs on one worker and on two.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ner.data_settings import DataConfig
from ner.serving.bulk.shards import make_plan

ROOT = Path(__file__).parent.parent
FEW = 100  # sentences of a job that is nearly all start-up
SPARK = """
import os, sys
os.environ["PYSPARK_PYTHON"] = sys.executable
from pyspark.sql import SparkSession
from ner.serving.bulk import spark_schema, spark_tagger
model, source, target, workers = sys.argv[1:]
spark = SparkSession.builder.master(f"local[{workers}]").config("spark.ui.enabled", "false").getOrCreate()
spark.sparkContext.setLogLevel("ERROR")
rows = spark.read.text(source).withColumnRenamed("value", "text").repartition(4 * int(workers))
rows.mapInArrow(spark_tagger(model), spark_schema(rows.schema)).write.json(target)
spark.stop()
"""


def environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH")]))
    return {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path}


def wait(*processes: subprocess.Popen[bytes]) -> None:
    for process in processes:
        if process.wait():
            raise SystemExit(f"{process.args}: exit {process.returncode}")


def start(*command: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, *command], env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


class Bench:
    def __init__(self, options: argparse.Namespace, place: Path) -> None:
        self.options, self.place, self.number = options, place, 0
        lines = options.text.read_text(encoding="utf-8").splitlines(keepends=True)[: options.sentences]
        self.words = sum(len(line.split()) for line in lines)
        self.all = self._write("all.txt", lines)
        self.few = self._write("few.txt", lines[:FEW])

    def _write(self, name: str, lines: list[str]) -> Path:
        path = self.place / name
        path.write_text("".join(lines), encoding="utf-8")
        return path

    def out(self) -> str:
        self.number += 1
        return str(self.place / f"out{self.number}")

    def by_hand(self, text: Path) -> None:
        lines = text.read_text(encoding="utf-8").splitlines(keepends=True)
        halves = [self._write(f"half{i}.txt", lines[i::2]) for i in (0, 1)]
        more = ("--threads", "1", "--format", "jsonl")
        wait(*(start("-m", "ner", "tag", self.options.model, str(h), "--out", self.out(), *more) for h in halves))

    def engine(self, name: str, workers: int = 2) -> Callable[[Path], None]:
        def run(text: Path) -> None:
            size = ("--shard-size", str(self.options.shard_size), "--workers", str(workers))
            wait(start("-m", "ner", "tag", self.options.model, str(text), "--engine", name, "--out", self.out(), *size))

        return run

    def spark(self, text: Path) -> None:
        wait(start("-c", SPARK, self.options.model, str(text), self.out(), "2"))

    def timed(self, run: Callable[[Path], None], text: Path) -> float:
        begin = time.perf_counter()
        run(text)
        return time.perf_counter() - begin


@contextmanager
def watched(curve: list[tuple[float, float]]) -> Iterator[None]:
    """The largest resident memory of a local worker in megabytes, each second."""
    ended, begin = threading.Event(), time.monotonic()

    def watch() -> None:
        while not ended.wait(1):
            sizes = [0.0]
            for place in Path("/proc").glob("[0-9]*"):
                try:
                    if b"ner.serving.bulk.process" in (place / "cmdline").read_bytes():
                        sizes.append(int((place / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / 1e6)
                except OSError:  # it ended
                    continue
            curve.append((time.monotonic() - begin, max(sizes)))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model")
    parser.add_argument("text", type=Path)
    parser.add_argument("--sentences", type=int, default=1_000_000)
    parser.add_argument("--engines", default="local,ray,spark")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shard-size", type=int, default=4_000_000)
    parser.add_argument("--json", type=Path, help="measure one and two local workers for scale_model.py")
    parser.add_argument("--memory", type=Path, help="write seconds and megabytes of the largest local worker (JSON)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, Path(folder))
        runs: dict[str, Callable[[Path], None]] = {"by hand": bench.by_hand}
        for name in filter(None, options.engines.split(",")):
            runs[name] = bench.spark if name == "spark" else bench.engine(name)
        if options.json:
            runs["one local worker"] = bench.engine("local", 1)
        starts: dict[str, list[float]] = {name: [] for name in runs}
        works: dict[str, list[float]] = {name: [] for name in runs}
        curve: list[tuple[float, float]] = []
        for number in range(options.rounds):
            for name, run in runs.items():
                starts[name].append(bench.timed(run, bench.few))
                with watched(curve if name == "local" else []):
                    whole = bench.timed(run, bench.all)
                works[name].append(max(whole - starts[name][-1], 1e-3))
                print(f"round {number + 1}: {name}: {starts[name][-1]:.1f} + {works[name][-1]:.1f} s", file=sys.stderr)
        print(f"{bench.words:,} words\n\n| engine | start-up, s | words/s | against by hand |\n|---|---|---|---|")
        for name in runs:
            ratio = statistics.median(a / b for a, b in zip(works["by hand"], works[name], strict=True))
            speed = bench.words / statistics.median(works[name])
            print(f"| {name} | {statistics.median(starts[name]):.1f} | {speed:,.0f} | {ratio:.2f} |")
        if options.memory:
            options.memory.write_text(json.dumps(curve))
        if options.json:
            begin = time.perf_counter()
            make_plan([str(bench.all)], DataConfig(), size=options.shard_size, text_column=None)
            measured = {
                "words": bench.words,
                "bytes": bench.all.stat().st_size,
                "start": statistics.median(starts["one local worker"]),
                "scan": time.perf_counter() - begin,
                "one_worker": statistics.median(works["one local worker"]),
                "two_workers": statistics.median(works["local"]),
            }
            options.json.write_text(json.dumps(measured, indent=1) + "\n")


if __name__ == "__main__":
    main()
