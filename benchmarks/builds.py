"""This build against an earlier one, by turns: `python benchmarks/builds.py EARLIER MODEL --dev FILE --train FILE`.

EARLIER is a checkout of the earlier commit (`git worktree add ../earlier 637c973`), MODEL a model directory that it
wrote; this build tags with the same weights, saved in its own format. Each figure comes from a process of its own,
earlier and today's runtimes by turns, so that noise meets all alike; told are the medians and the median of the ratios
round by round. Above 1 is faster for tokens a second, below 1 for seconds and megabytes.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TAGGING = ("start", "sentence", "words", "text", "k-best")
TRAINING = ("training", "dev")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("earlier", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("--dev", type=Path, required=True, help="column file")
    parser.add_argument("--train", type=Path, help="column file, for the tasks training and dev")
    parser.add_argument("--config", default="configs/conll2003.toml", help="of the same name in both trees")
    parser.add_argument("--tasks", nargs="+", default=list(TAGGING + TRAINING), choices=TAGGING + TRAINING)
    parser.add_argument("--runtimes", nargs="+", default=["torch", "onnx", "numpy"])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", help="write every reading here")
    options = parser.parse_args()
    options.earlier = options.earlier.absolute()
    readings = []
    with tempfile.TemporaryDirectory() as folder:
        today = Path(folder, "model")
        # In a process of its own: a child's peak memory begins with its parent's.
        started("save", HERE.parent, options.threads, "--model", options.model, "--runtime", "torch", "--folder", today)
        for task in options.tasks:
            rounds = [one_round(options, task, today) for _ in range(options.rounds)]
            readings.append({"task": task, "threads": options.threads, "rounds": rounds})
            for line in table(task, rounds):
                print(line, flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps(readings, indent=1) + "\n", encoding="utf-8")


def one_round(options: argparse.Namespace, task: str, today: Path) -> dict[str, dict[str, float]]:
    """The figures of each side, `earlier` first; k-best is asked of today's build alone."""
    runtimes = options.runtimes if task in TAGGING else ["torch"]
    figures = {} if task == "k-best" else {"earlier": run(options, task, options.earlier, options.model, None)}
    return {**figures, **{name: run(options, task, HERE.parent, today, name) for name in runtimes}}


def run(options: argparse.Namespace, task: str, tree: Path, model: Path, runtime: str | None) -> dict[str, float]:
    arguments: list[str | Path] = ["--model", model, "--dev", options.dev]
    if runtime:
        arguments += ["--runtime", runtime]
    if task in TRAINING:
        arguments += ["--train", options.train, "--config", tree / options.config]
    begin = time.perf_counter()
    figures = started(task, tree, options.threads, *arguments)
    return {"process s": time.perf_counter() - begin, **figures} if task == "start" else figures


def started(task: str, tree: Path, threads: int, *arguments: str | Path) -> dict[str, float]:
    """What `one_build.py` tells of TASK, run with the build in TREE."""
    command = [sys.executable, str(HERE / "one_build.py"), task, "--threads", str(threads), *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": str(threads)}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if answer.returncode:
        raise SystemExit(answer.stderr)
    return json.loads(answer.stdout.splitlines()[-1])


def table(task: str, rounds: list[dict[str, dict[str, float]]]) -> list[str]:
    """A line for each side and figure: median, and the median ratio to the earlier build with its range."""
    lines = []
    for side in rounds[0]:
        for figure in rounds[0][side]:
            values = [row[side][figure] for row in rounds]
            line = f"{task:9}{side:9}{figure:12}{statistics.median(values):10.4g}"
            if side != "earlier" and "earlier" in rounds[0]:
                ratios = sorted(row[side][figure] / row["earlier"][figure] for row in rounds)
                line += f"{statistics.median(ratios):8.2f} of earlier ({ratios[0]:.2f} to {ratios[-1]:.2f})"
            lines.append(line)
    return lines


if __name__ == "__main__":
    main()
