"""`torchrun -m ner train`, as users start it: one model, one voice, one end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from safetensors.numpy import load_file

from tests.conftest import ROOT
from tests.tiny import TEXT, plain_overrides

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds processes in /proc"),
]
SECONDS = 600


def start(folder: Path, *options: str, epochs: int = 40, restarts: int = 0) -> "subprocess.Popen[str]":
    """Two processes that train a tiny network into `folder / "model"`; stderr goes to `folder / "log"`."""
    lines = [line.split() for line in TEXT.strip().splitlines()]
    columns = "\n".join("".join(pair.replace("/", " ") + "\n" for pair in line) for line in lines)
    (folder / "train.conll").write_text(columns * 8, encoding="utf-8")
    (folder / "recipe.toml").write_text('[data]\ntrain = "train.conll"\ndev = "train.conll"\n', encoding="utf-8")
    sizes = ["model.word_dim=8", "model.hidden_dim=8", "training.batch_size=3", f"training.epochs={epochs}"]
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2"]
    command += ["--max-restarts", str(restarts), "-m", "ner", "train"]
    command += [str(folder / "recipe.toml"), "--out", str(folder / "model"), *options]
    for setting in [*plain_overrides(), *sizes]:
        command += ["--set", setting]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    with (folder / "log").open("w", encoding="utf-8") as log:
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)


def said(folder: Path) -> str:
    return (folder / "log").read_text(encoding="utf-8")


def wait_for(folder: Path, words: str) -> None:
    deadline = time.monotonic() + SECONDS
    while words not in said(folder):
        assert time.monotonic() < deadline, said(folder)
        time.sleep(0.1)


def workers(agent: int) -> Sequence[int]:
    """The processes that a torchrun started, in the order of their ranks."""
    return [int(pid) for pid in Path(f"/proc/{agent}/task/{agent}/children").read_text(encoding="ascii").split()]


def test_a_signal_to_either_process_stops_both_and_the_run_goes_on_to_the_same_bits(tmp_path: Path) -> None:
    (tmp_path / "unbroken").mkdir()
    unbroken = start(tmp_path / "unbroken")
    printed, _ = unbroken.communicate(timeout=SECONDS)
    assert unbroken.returncode == 0, said(tmp_path / "unbroken")
    assert printed.count("dev F1") == 1
    assert said(tmp_path / "unbroken").count("epoch   1 ") == 1
    broken = start(tmp_path)
    wait_for(tmp_path, "epoch   3 ")
    os.kill(workers(broken.pid)[1], signal.SIGTERM)
    broken.communicate(timeout=SECONDS)
    assert broken.returncode == 1  # torchrun's own
    assert said(tmp_path).count("stopped after epoch") == 1
    assert "go on with: torchrun --nproc-per-node 2 -m ner train" in said(tmp_path)
    resumed = start(tmp_path, "--resume")
    resumed.communicate(timeout=SECONDS)
    assert resumed.returncode == 0, said(tmp_path)
    # Their heads differ: they have digests of the settings, which name files of two folders.
    ours, theirs = (load_file(folder / "model" / "model.safetensors") for folder in (tmp_path, tmp_path / "unbroken"))
    assert {name: array.tobytes() for name, array in ours.items()} == {
        name: array.tobytes() for name, array in theirs.items()
    }


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_is_killed_ends_the_other_with_one_line_and_the_state_is_whole(
    tmp_path: Path, rank: int
) -> None:
    broken = start(tmp_path, epochs=400)
    wait_for(tmp_path, "epoch   2 ")
    os.kill(workers(broken.pid)[rank], signal.SIGKILL)
    broken.communicate(timeout=SECONDS)
    told = [line for line in said(tmp_path).splitlines() if line.startswith("error: ")]
    assert told == [
        "error: expected 2 processes to train together, found one gone; "
        "go on from the last checkpoint with --resume, as many processes as before"
    ]
    assert (tmp_path / "model.unfinished" / "state.safetensors").is_file()


def test_processes_that_torchrun_starts_again_meet_and_go_on(tmp_path: Path) -> None:
    stopped = start(tmp_path, epochs=200)
    wait_for(tmp_path, "epoch   2 ")
    os.kill(workers(stopped.pid)[0], signal.SIGTERM)
    stopped.communicate(timeout=SECONDS)
    again = start(tmp_path, "--resume", epochs=200, restarts=1)
    wait_for(tmp_path, "epoch  ")
    first = workers(again.pid)
    os.kill(first[1], signal.SIGKILL)
    printed, _ = again.communicate(timeout=SECONDS)
    assert again.returncode == 0, said(tmp_path)
    assert printed.count("dev F1") == 1


def test_an_error_of_both_is_told_once(tmp_path: Path) -> None:
    failed = start(tmp_path, "--set", "data.dev=nowhere.conll")
    failed.communicate(timeout=SECONDS)
    told = [line for line in said(tmp_path).splitlines() if line.startswith("error: ")]
    assert len(told) == 1
    assert "nowhere.conll" in told[0]
