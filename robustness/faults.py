"""Faults done to training, models and downloads on purpose: `python robustness/faults.py [--kills 50] [--flips 1000]`.

Prints a table: what was done, how often, what came of it, and what was lost. Each training runs as a process of its
own, on the bundled English corpus, with a checkpoint every third of a second; after a fault it is resumed, and its
weights are held against those of an undisturbed run, bit for bit.
"""

import argparse
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import torch

from ner.errors import ModelError
from ner.inference.loading import Model, load_model

ROOT = Path(__file__).parent.parent
SETTINGS = {
    "data.train": str(ROOT / "data/sample-en/test.conll"),
    "data.test": "",
    "model.hidden_dim": "50",
    "model.vectors": "",
    "training.epochs": "10",
    "training.optimizer": "sgd",
    "training.learning_rate": "0.05",
    "training.average": "",
    "run.checkpoint_minutes": "0.005",
    "run.threads": "1",
    "run.device": "cpu",
}


def training(model: Path, *more: str) -> list[str]:
    settings = [word for key, value in SETTINGS.items() for word in ("--set", f"{key}={value}")]
    config = str(ROOT / "configs" / "quickstart.toml")
    return [sys.executable, "-m", "ner", "train", config, *settings, "--out", str(model), *more]


def start(command: list[str]) -> subprocess.Popen[str]:
    def listen() -> None:
        # What is started in the background of a shell is started to ignore it.
        signal.signal(signal.SIGINT, signal.SIG_DFL)

    return subprocess.Popen(
        command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=listen
    )


def finish(model: Path) -> str:
    """How a disturbed run goes on to its end: `resumed`, `begun anew` or `was done`."""
    if (model / "model.safetensors").exists():
        return "was done"
    more = ["--resume"] if (state_of(model) / "state.safetensors").exists() else []
    done = subprocess.run(training(model, *more), cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return "resumed" if more else "begun anew"


def state_of(model: Path) -> Path:
    return model.with_name(model.name + ".unfinished")


def weights(model: Path) -> bytes:
    return (model / "model.safetensors").read_bytes()


class Table:
    def __init__(self) -> None:
        print("| fault | times | what came of it | lost |\n|---|---|---|---|", flush=True)

    def row(self, fault: str, outcomes: "Counter[str]", lost: str) -> None:
        told = "; ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common())
        print(f"| {fault} | {sum(outcomes.values()):,} | {told} | {lost} |", flush=True)


def kill(table: Table, folder: Path, reference: Path, seconds: float, times: int) -> None:
    """Kills a run, goes on with it and kills it again, up to four times, then lets it end; then the next."""
    outcomes: Counter[str] = Counter()
    runs = same = kills = 0
    while kills < times:
        model = folder / f"killed-{runs}"
        runs += 1
        left = min(random.randint(1, 4), times - kills)
        while not (model / "model.safetensors").exists():
            state = (state_of(model) / "state.safetensors").exists()
            process = start(training(model, *["--resume"] * state))
            try:
                # Half of the time a process starts; the other half is what is of interest.
                process.communicate(timeout=random.uniform(0.4, 1.05) * seconds if left else None)
                assert process.returncode == 0
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
                left -= 1
                state = (state_of(model) / "state.safetensors").exists()
                outcomes["then resumed" if state else "before the first checkpoint, then begun anew"] += 1
        if state_of(model).exists():  # killed between the model and the removal of its state
            shutil.rmtree(state_of(model))
        same += weights(model) == weights(reference)
        assert sorted(p.name for p in folder.glob(f"*{model.name}*")) == [model.name], list(folder.iterdir())
        shutil.rmtree(model)
    lost = "nothing" if same == runs else "WEIGHTS DIFFER"
    table.row("kill −9 at a random moment of training", outcomes, f"{lost}: {same} of {runs} runs bit-identical")


def interrupt(table: Table, folder: Path, reference: Path, seconds: float, number: int, times: int) -> None:
    outcomes: Counter[str] = Counter()
    same = 0
    for run in range(times):
        model = folder / f"signal-{number}-{run}"
        process = start(training(model))
        # Before, the process only starts; how long that takes is the machine's business.
        while process.poll() is None and not (state_of(model) / "state.safetensors").exists():
            time.sleep(0.01)
        try:
            process.communicate(timeout=random.uniform(0, 0.3) * seconds)
        except subprocess.TimeoutExpired:
            process.send_signal(number)
            process.communicate()
        outcomes[f"exit code {process.returncode}, {finish(model)}"] += 1
        same += weights(model) == weights(reference)
        shutil.rmtree(model)
    lost = "nothing" if same == times else "WEIGHTS DIFFER"
    table.row(f"{signal.Signals(number).name} while training", outcomes, f"{lost}: {same} of {times} bit-identical")


def fill_disk(table: Table, folder: Path, reference: Path, times: int) -> None:
    """No file may become larger than a random part of the state, or of the model."""
    outcomes: Counter[str] = Counter()
    same = 0
    size = (reference / "model.safetensors").stat().st_size
    for run in range(times):
        model = folder / f"full-{run}"
        process = start(training(model))
        # Some checkpoints are written before the disk is full.
        while process.poll() is None and not (state_of(model) / "state.safetensors").exists():
            time.sleep(0.01)
        full = random.randrange(1000, 2 * size)
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (full, full))
        _, told = process.communicate()
        lines = [line for line in told.splitlines() if line.startswith("error: ")]
        assert (process.returncode, len(lines), "Traceback" in told) == (1, 1, False), told
        outcomes[f"one line, exit code 1, {finish(model)}"] += 1
        same += weights(model) == weights(reference)
        shutil.rmtree(model)
    lost = "nothing" if same == times else "WEIGHTS DIFFER"
    table.row("disk full at a checkpoint", outcomes, f"{lost}: {same} of {times} bit-identical")


def damage(table: Table, folder: Path, reference: Path, flips: int) -> None:
    whole = load_model(reference, torch.device("cpu"))
    names = ("config.json", "vocabulary.json", "vocabulary.safetensors", "model.safetensors")
    files = {name: (reference / name).read_bytes() for name in names}
    header = 8 + int.from_bytes(files["model.safetensors"][:8], "little")
    sizes = {name: header if name == "model.safetensors" else None for name in names}
    sizes["model.safetensors, data"] = None
    model = folder / "damaged"
    shutil.copytree(reference, model)

    def outcome() -> str:
        try:
            found = load_model(model, torch.device("cpu"))
        except ModelError as error:
            return "refused in one line" if "\n" not in str(error) else "REFUSED IN SEVERAL LINES"
        except Exception as error:
            return f"CRASHED: {type(error).__name__}"
        return "loaded as the same model" if same(found, whole) else "LOADED AS ANOTHER MODEL"

    for place, most in sizes.items():
        name, of_data = place.partition(",")[0], place.endswith("data")
        outcomes: Counter[str] = Counter()
        for _ in range(flips // len(sizes)):
            raw = bytearray(files[name])
            raw[random.randrange(header if of_data else 0, most or len(raw))] ^= 1 << random.randrange(8)
            (model / name).write_bytes(raw)
            outcomes[outcome()] += 1
        what = place if most is None else f"{name}, header"
        table.row(f"a bit flipped in `{what}`", outcomes, lost_of(outcomes))
        (model / name).write_bytes(files[name])
    outcomes = Counter()
    for name in names:
        for _ in range(flips // 10):
            (model / name).write_bytes(files[name][: random.randrange(len(files[name]))])
            outcomes[outcome()] += 1
        (model / name).write_bytes(files[name])
    table.row("a file of the model cut short", outcomes, lost_of(outcomes))


def same(found: Model, whole: Model) -> bool:
    ours, theirs = found.network.state_dict(), whole.network.state_dict()
    weights = ours.keys() == theirs.keys() and all(torch.equal(ours[name], theirs[name]) for name in ours)
    return weights and (found.config, found.vocabularies) == (whole.config, whole.vocabularies)


def lost_of(outcomes: "Counter[str]") -> str:
    return "nothing" if not any(word.isupper() for outcome in outcomes for word in outcome.split()) else "SEE THERE"


def train_at_once(table: Table, folder: Path, reference: Path, times: int) -> None:
    outcomes: Counter[str] = Counter()
    for run in range(times):
        model = folder / f"contested-{run}"
        processes = [start(training(model)) for _ in range(4)]
        for process in processes:
            _, told = process.communicate()
            refused = "expected no other training into it" in told or "expected no model yet" in told
            outcomes["trained" if process.returncode == 0 else "refused" if refused else "FAILED"] += 1
        assert weights(model) == weights(reference)
    lost = "nothing: one model each time, bit-identical" if outcomes["trained"] == times else "SEE THERE"
    table.row(f"four trainings into one directory, {times} times", outcomes, lost)


FETCH = """
import sys
from ner.resources import named_vectors
text = '''[tiny]
description = "Tiny"
language = "English"
licence = "none"
[[tiny.sources]]
kind = "url"
address = "%s"
sha256 = "%s"
'''
named_vectors.list_vectors = lambda: named_vectors.parse_catalogue(text % (sys.argv[1], sys.argv[2]))
print(len(named_vectors.open_vectors(str(named_vectors.get_vectors("tiny", on_message=lambda text: None))).words))
"""


def fetch(table: Table, folder: Path, times: int) -> None:
    """Eight processes fetch the same vectors at once; then one is killed half-way, and another begins again."""
    import hashlib

    body = "".join(f"w{number} {number}.5 1 2 3\n" for number in range(100_000)).encode()
    asked: list[str] = []

    class Slow(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            for begin in range(0, len(body), 1 << 16):
                try:
                    self.wfile.write(body[begin : begin + (1 << 16)])
                except OSError:
                    return
                time.sleep(0.03)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Slow)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url, digest = f"http://127.0.0.1:{server.server_port}/tiny.txt", hashlib.sha256(body).hexdigest()
    command = [sys.executable, "-c", FETCH, url, digest]

    def run(home: Path) -> subprocess.Popen[str]:
        return subprocess.Popen(
            command, cwd=ROOT, text=True, stdout=subprocess.PIPE, env={**os.environ, "NER_HOME": str(home)}
        )

    outcomes: Counter[str] = Counter()
    for number in range(times):
        asked.clear()
        processes = [run(folder / f"home-{number}") for _ in range(8)]
        told = [process.communicate()[0].strip() for process in processes]
        outcomes["whole for all" if told == ["100000"] * 8 else "DAMAGED"] += 1
        assert len(asked) == 1, asked
    table.row("eight processes fetch the same vectors", outcomes, "nothing: fetched once each time")
    outcomes = Counter()
    for number in range(2 * times):
        home = folder / f"killed-home-{number}"
        asked.clear()
        process = run(home)
        while not asked:
            time.sleep(0.01)
        time.sleep(random.uniform(0, 1.2))
        process.kill()
        process.communicate()
        told = run(home).communicate()[0].strip()
        left = [path.name for path in (home / "vectors").iterdir() if path.name not in ("tiny", "tiny.lock")]
        outcomes["whole at the second try" if told == "100000" and not left else f"DAMAGED {left}"] += 1
    table.row("kill −9 while fetching", outcomes, lost_of(outcomes))
    server.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--flips", type=int, default=1000)
    parser.add_argument("--times", type=int, default=5, help="how often the others are done")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    random.seed(options.seed)
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        reference = folder / "reference"
        begin = time.monotonic()
        finish(reference)
        seconds = time.monotonic() - begin
        print(f"an undisturbed run takes {seconds:.1f} s\n", flush=True)
        table = Table()
        steps: list[Callable[[], None]] = [
            lambda: kill(table, folder, reference, seconds, options.kills),
            lambda: interrupt(table, folder, reference, seconds, signal.SIGTERM, 2 * options.times),
            lambda: interrupt(table, folder, reference, seconds, signal.SIGINT, 2 * options.times),
            lambda: fill_disk(table, folder, reference, 2 * options.times),
            lambda: damage(table, folder, reference, options.flips),
            lambda: train_at_once(table, folder, reference, options.times),
            lambda: fetch(table, folder, options.times),
        ]
        for step in steps:
            step()


if __name__ == "__main__":
    main()
