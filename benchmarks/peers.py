"""Flair, spaCy and CRFsuite beside the package: `python benchmarks/peers.py --train FILE --dev FILE`, column files.

Speeds alone, on the same sentences: training, tagging sentences cut into words, tagging raw text. Each side (they are
described in `sides.py`) is a process of its own that is warmed up once; they take turns, and whoever has no turn is
stopped (SIGSTOP), so that nobody's idle threads eat another's time. Where a side has a choice (batch size, processes)
every setting is measured and its best one is compared. A peer that isn't installed is left out:
`pip install 'bilstm-crf-ner[bench]'`.
"""

import argparse
import json
import multiprocessing
import os
import platform
import re
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from importlib.metadata import version
from importlib.util import find_spec
from multiprocessing.connection import Connection
from pathlib import Path

from sides import EVERY, OWN, PACKAGES, SIDES, Job

import ner

MODULES = {"bilstm-crf-ner": "ner", "python-crfsuite": "pycrfsuite"}  # where they are called otherwise
TASKS = ("training", "tagging words", "tagging text")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", required=True)
    parser.add_argument("--dev", required=True)
    parser.add_argument("--vectors", default="glove-6b-100d", help="a name of `ner vectors list` or a file")
    parser.add_argument("--config", default="configs/conll2003.toml")
    parser.add_argument("--fast", default="configs/fast.toml", help="the recipe of the side `ner-fast`")
    parser.add_argument("--sides", nargs="+", choices=list(SIDES), default=list(SIDES))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sentences", type=int, help="of each file, at most: a quick check")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    # Read when a side imports its libraries; all of them have ours.
    ner.settle_threads()
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS"), str(options.threads)))
    sides = [
        side
        for side in options.sides
        if side in OWN or all(find_spec(MODULES.get(name, name)) for name in PACKAGES[side])
    ]
    for side in set(options.sides) - set(sides):
        print(f"{side}: not installed, left out; pip install 'bilstm-crf-ner[bench]'", file=sys.stderr)
    speeds: dict[tuple[str, str, str], list[float]] = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        job, turns = make_job(options, Path(folder)), {}
        for side in sides:
            config = options.fast if side == "ner-fast" else options.config
            own = replace(job, config=config, train=job.train[:: EVERY[side]])
            turns[side] = stack.enter_context(started(side, own))
        for number in range(options.rounds):
            for task in TASKS:
                for side in sides:
                    for setting, speed in turns[side](task).items():
                        speeds.setdefault((task, side, setting), []).append(speed)
            print(f"round {number + 1} of {options.rounds}", file=sys.stderr, flush=True)
    print_tables(speeds, options)
    if options.json:
        rows = [dict(zip(("task", "side", "setting"), key, strict=True), speeds=found) for key, found in speeds.items()]
        about = {"threads": options.threads, "python": platform.python_version(), "versions": versions(sides)}
        options.json.write_text(json.dumps({**about, "tokens_per_second": rows}, indent=1) + "\n", encoding="utf-8")


def make_job(options: argparse.Namespace, folder: Path) -> Job:
    train, dev = ([s for s in ner.read_conll(path) if s.tokens] for path in (options.train, options.dev))
    if options.sentences:
        train, dev = (sentences[:: -(-len(sentences) // options.sentences)] for sentences in (train, dev))
    ner.write_conll(folder / "dev.conll", dev)
    tokens = sum(len(sentence.tokens) for sentence in dev)
    lines = [prose(sentence.words) for sentence in dev]
    head = (options.config, options.vectors, options.threads, folder)
    return Job(*head, train, folder / "dev.conll", lines, tokens)


def prose(words: Sequence[str]) -> str:
    """Words as a line of text: closing marks stand at the word before them, opening ones at the word behind."""
    return re.sub(r"(?<=[(\[]) | (?=[.,;:!?)\]]|'s\b|n't\b)", "", " ".join(words))


@contextmanager
def started(side: str, job: Job) -> Iterator[Callable[[str], dict[str, float]]]:
    """A side in a process of its own, warmed up and stopped; called with a task, it runs for that long."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(side, job, theirs))
    process.start()
    theirs.close()  # else the end of the process wouldn't end the waiting for it
    pid = process.pid
    assert pid is not None

    def turn(task: str) -> dict[str, float]:
        os.kill(pid, signal.SIGCONT)
        ours.send(task)
        found: dict[str, float] = ours.recv()
        os.kill(pid, signal.SIGSTOP)
        return found

    try:
        print(f"{side}: ready, {ours.recv():.0f} s", file=sys.stderr, flush=True)
        os.kill(pid, signal.SIGSTOP)
        yield turn
    except EOFError:
        raise SystemExit(f"{side}: ended before its time; it says why above") from None
    finally:
        ours.close()
        os.kill(pid, signal.SIGCONT)
        process.join(5)
        process.kill()  # where it wasn't waiting for a turn


def work(side: str, job: Job, connection: Connection) -> None:
    start = time.perf_counter()
    measurements = SIDES[side](job)
    for (task, _), measure in measurements.items():
        if task != "training":  # it trained in order to have something to tag with
            measure()
    connection.send(time.perf_counter() - start)
    with suppress(EOFError):  # the other end is closed: all turns are taken
        while wanted := connection.recv():
            found = {setting: measure() for (task, setting), measure in measurements.items() if task == wanted}
            connection.send(found)


def versions(sides: Sequence[str]) -> dict[str, str]:
    return {name: version(name) for side in sides for name in PACKAGES[side]}


def print_tables(speeds: dict[tuple[str, str, str], list[float]], options: argparse.Namespace) -> None:
    sides = list(dict.fromkeys(side for _, side, _ in speeds))
    found = ", ".join(f"{name} {number}" for name, number in versions(sides).items())
    print(f"tokens/s, medians of {options.rounds}, {options.threads} threads; {found}\n")
    peers = [side for side in sides if side not in OWN]
    pairs = [(own, peer) for own in OWN if own in sides for peer in peers]
    print("| | " + " | ".join([*sides, *(f"{own} over {peer}" for own, peer in pairs)]) + " |")
    print("|---|" + "---|" * (len(sides) + len(pairs)))
    medians = {key: statistics.median(values) for key, values in speeds.items()}
    for task in TASKS:
        best = {side: max((m for key, m in medians.items() if key[:2] == (task, side)), default=0) for side in sides}
        cells = [f"{best[side]:,.0f}" if best[side] else "–" for side in sides]
        cells += [f"{best[own] / best[peer]:.2f}×" if best[peer] else "–" for own, peer in pairs]
        print(f"| {task} | {' | '.join(cells)} |")
    print("\n| | | setting | median | least | most |\n|---|---|---|---|---|---|")
    for (task, side, setting), values in speeds.items():
        numbers = " | ".join(f"{value:,.0f}" for value in (medians[task, side, setting], min(values), max(values)))
        print(f"| {task} | {side} | {setting} | {numbers} |")


if __name__ == "__main__":
    main()
