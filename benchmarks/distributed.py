"""What training gains from more processes: `python benchmarks/distributed.py CONFIG.toml [--processes 1 2]`.

Each number of processes trains the same recipe with the same batches, `--threads` to a process, started as users
start it (`ner train`, `torchrun -m ner train`), by turns, so that noise meets all alike. Told are medians over rounds:
the tokens a second of an epoch without its dev set and the seconds of one with it, both after the first epoch, which
warms up; the processor time of the whole run, start and all, which other work on the machine hardly changes; and the
dev F1 of each seed. Run it where nothing else computes: at every step processes wait for the slowest.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import ner
from ner.threads import child_environment


@dataclass(frozen=True)
class Run:
    """One training: medians over its epochs after the first, and the best dev F1, a fraction of 1."""

    processes: int
    seed: int
    tokens_per_second: float
    epoch_seconds: float
    processor_seconds: float
    f1: float | None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", nargs="?", default="configs/conll2003.toml")
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2], help="the first is what others are held to")
    parser.add_argument("--threads", type=int, default=1, help="of each process")
    parser.add_argument("--seeds", type=int, default=1, help="rounds: each number of processes trains each seed")
    parser.add_argument("--sentences", type=int, help="of the training set, the first so many: a quick check")
    parser.add_argument("--set", dest="settings", action="append", default=[], help="as `ner train --set`")
    parser.add_argument("--log", type=Path, help="JSON lines, one a run; written anew")
    options = parser.parse_args()
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        settings = [*options.settings, f"run.threads={options.threads}"]
        if options.sentences:
            settings.append(f"data.train={first_sentences(options.config, settings, options.sentences, Path(folder))}")
        for seed in range(1, options.seeds + 1):
            for processes in options.processes:
                runs.append(train(options.config, settings, processes, options.threads, seed, Path(folder)))
                print(runs[-1], file=sys.stderr, flush=True)
    if options.log:
        lines = [json.dumps({name: getattr(run, name) for name in Run.__annotations__}) + "\n" for run in runs]
        options.log.write_text("".join(lines), encoding="utf-8")
    print("\n".join(table(runs)))


def first_sentences(config: str, settings: Sequence[str], number: int, folder: Path) -> Path:
    """A file of the first sentences of a recipe's training set."""
    path = folder / "train.conll"
    ner.write_conll(path, ner.load_corpus(ner.load_config(config, settings).data).train[:number])
    return path


def command(config: str, settings: Sequence[str], processes: int, out: Path) -> list[str]:
    """What trains a recipe in so many processes, without the checkpoints within an epoch."""
    start = [sys.executable, "-m"]
    if processes > 1:
        start += ["torch.distributed.run", "--nproc-per-node", str(processes), "-m"]
    words = [*start, "ner", "train", config, "--out", str(out), "--force"]
    for setting in (*settings, "run.checkpoint_minutes="):
        words += ["--set", setting]
    return words


def train(config: str, settings: Sequence[str], processes: int, threads: int, seed: int, folder: Path) -> Run:
    """A training, with its figures."""
    out = folder / f"{processes}-{seed}"
    words = command(config, [*settings, f"training.seed={seed}"], processes, out)
    environment = child_environment(threads) | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    before = processor_seconds()
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    history = [json.loads(line) for line in (out / "history.jsonl").read_text(encoding="utf-8").splitlines()]
    later = history[1:] or history
    scores = [epoch["f1"] for epoch in history if epoch["f1"] is not None]
    speed, seconds = (statistics.median(epoch[name] for epoch in later) for name in ("tokens_per_second", "seconds"))
    return Run(processes, seed, speed, seconds, processor_seconds() - before, max(scores, default=None))


def processor_seconds() -> float:
    """Of all processes that this one started and that ended."""
    used = os.times()
    return used.children_user + used.children_system


def table(runs: Sequence[Run]) -> list[str]:
    """The runs as a Markdown table, a row for each number of processes; ratios are to the first."""
    heads = ["processes", "tokens/s", "times", "seconds an epoch, dev set read", "times", "processor seconds", "dev F1"]
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    base = None
    for number in dict.fromkeys(run.processes for run in runs):
        own = [run for run in runs if run.processes == number]
        speed = statistics.median(run.tokens_per_second for run in own)
        seconds = statistics.median(run.epoch_seconds for run in own)
        base = base or (speed, seconds)
        scores = ", ".join("none" if run.f1 is None else f"{100 * run.f1:.2f}" for run in own)
        used = statistics.median(run.processor_seconds for run in own)
        cells = [f"{speed:,.0f}", f"{speed / base[0]:.2f}", f"{seconds:.1f}", f"{base[1] / seconds:.2f}", f"{used:.0f}"]
        lines.append(f"| {number} | {' | '.join([*cells, scores])} |")
    return lines


if __name__ == "__main__":
    main()
