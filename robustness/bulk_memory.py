"""Memory of a bulk worker over its life: `python robustness/bulk_memory.py MODEL TEXT [--megabytes 100]`.

TEXT has a sentence a line and is written over and over until there is enough; in each copy the words are spelled anew,
one in twenty of them, so that what is kept of words can't stay small. One local worker tags all of it, shard by shard,
and its resident memory is read each second. Then a single `ner tag` reads the first `--single` megabytes of the same
text, for its peak. Printed are the worker's memory by the shards that were done, and both peaks.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bulk import ROOT, workers_of

STEPS = 12  # lines of the curve


def write_text(source: Path, target: Path, size: int) -> None:
    """Copies of a text, up to so many bytes."""
    lines = [line.split(" ") for line in source.read_text(encoding="utf-8").splitlines()]
    written = 0
    with target.open("w", encoding="utf-8") as stream:
        while written < size:
            for words in lines:
                spelled = [f"{word}{random.randrange(10**6)}" if random.random() < 0.05 else word for word in words]
                written += stream.write(" ".join(spelled) + "\n")
                if written >= size:
                    return


def memory_of(process: int, field: str) -> float:
    """Megabytes that `VmRSS` (now) or `VmHWM` (its largest) tells of a process."""
    for line in Path(f"/proc/{process}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError(f"no {field}")  # it ended


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("text", type=Path)
    parser.add_argument("--megabytes", type=float, default=100)
    parser.add_argument("--single", type=float, default=10, help="megabytes that the single tagger reads")
    parser.add_argument("--shard-size", type=int, default=1_000_000)
    parser.add_argument("--runtime", default="auto")
    options = parser.parse_args()
    random.seed(1)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        text, out = Path(folder) / "text.txt", Path(folder) / "out"
        write_text(options.text, text, int(1e6 * options.megabytes))
        common = [sys.executable, "-m", "ner", "tag", options.model, "--runtime", options.runtime, "--threads", "1"]
        bulk = ["--engine", "local", "--workers", "1", "--shard-size", str(options.shard_size), "--out", str(out)]
        begin, seen, peak = time.monotonic(), list[tuple[int, float]](), 0.0
        process = subprocess.Popen([*common, str(text), *bulk], env=environment, stderr=subprocess.DEVNULL)
        while process.poll() is None:
            time.sleep(1)
            for worker in workers_of(process.pid, "local"):
                try:
                    seen.append((len(list(out.glob("part-*"))), memory_of(worker, "VmRSS")))
                    peak = max(peak, memory_of(worker, "VmHWM"))
                except OSError:  # it ended
                    continue
        assert process.returncode == 0, process.returncode
        shards = len(list(out.glob("part-*")))
        print(f"{options.megabytes:g} MB in {shards} shards, one worker, {time.monotonic() - begin:.0f} s")
        print("| shards done | largest until then, MB |\n|---|---|")
        for step in range(1, STEPS + 1):
            until = [memory for done, memory in seen if done <= shards * step / STEPS]
            if until:
                print(f"| {shards * step // STEPS} | {max(until):.0f} |")
        few = Path(folder) / "few.txt"
        with text.open("rb") as stream:
            few.write_bytes(stream.read(int(1e6 * options.single)).rpartition(b"\n")[0] + b"\n")
        alone = [*common, str(few), "--format", "jsonl", "--out", str(Path(folder) / "single.jsonl")]
        process = subprocess.Popen(alone, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        assert status == 0, status
        single = usage.ru_maxrss * 1024 / 1e6
        print(f"peaks: worker {peak:.0f} MB, single tagger {single:.0f} MB")
        print(f"ratio {peak / single:.2f}")


if __name__ == "__main__":
    main()
