"""What many tests share: the bundled corpora, and one small model trained on one of them."""

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import ner
from ner.cli import main
from tests.properties import register_profiles

register_profiles()
ner.settle_threads()  # as the command line does; before PyTorch is imported

import torch  # noqa: E402

ROOT = Path(__file__).parent.parent
# What `settle_threads` sets.
SETTLED = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY")


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def sample_en():
    return ROOT / "data" / "sample-en"


@pytest.fixture(scope="session")
def small_model(tmp_path_factory, sample_en):
    """The folder of a model that learned a few English sentences by heart: quick, and it finds entities."""
    folder = tmp_path_factory.mktemp("model")
    sentences = [s for s in ner.read_conll(sample_en / "train.conll") if len(s.tokens) < 25][:80]
    ner.write_conll(folder / "train.conll", sentences)
    settings = [
        f"data.train={folder / 'train.conll'}",
        f"data.dev={folder / 'train.conll'}",
        "model.vectors=",
        "training.epochs=14",
        "training.batch_size=4",
        "training.learning_rate=0.03",
        "training.unknown_rate=0.0",
        "run.device=cpu",
        "run.threads=1",
    ]
    config = ner.load_config(ROOT / "configs" / "quickstart.toml", [*settings, "data.test="])
    ner.train(config, ner.load_corpus(config.data)).save(folder / "model")
    return folder / "model"


@pytest.fixture(scope="session")
def tagger(small_model):
    return ner.load(small_model, device="cpu")


_USE = """
import json, os, sys, torch  # importing PyTorch may set something itself
before = dict(os.environ)
import ner
ner.load(sys.argv[1], device="cpu").tag("Angela Merkel visited Paris.")
modules = sorted(sys.modules)
import ner.cli, ner.output
print(json.dumps({"modules": modules, "same environment": os.environ == before}))
"""


@pytest.fixture(scope="session")
def fresh_use(small_model):
    """What a fresh Python tells that loaded a model and tagged: which modules it has, and if its environment changed.

    Started once for all that ask, for PyTorch takes seconds.
    """
    environment = {name: value for name, value in os.environ.items() if name not in SETTLED}
    command = [sys.executable, "-c", _USE, str(small_model)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)
    return json.loads(done.stdout)


@pytest.fixture(scope="session")
def tiny_bert(tmp_path_factory):
    """The folder of a BERT of random weights, with pieces of English and Chinese, that reads 24 pieces at once."""
    from tests.tiny_bert import make_tiny_bert

    return make_tiny_bert(tmp_path_factory.mktemp("encoder") / "bert")


@pytest.fixture
def blank_curves(monkeypatch):
    """Learning curves are drawn, and a dot is saved in their place, which takes no time to lay out."""
    from ner.inspection import canvas
    from ner.reporting import curves

    with canvas.drawing():
        dot = canvas.picture_bytes(canvas.new_figure(0.1, 0.1))
    monkeypatch.setattr(curves, "picture_bytes", lambda figure: dot)


@pytest.fixture(scope="session", autouse=True)
def _interruptible():
    """A shell's background job is started deaf to Ctrl-C, and so would be all that its tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs `ner …` in this process; returns exit code, stdout, stderr."""

    def call(*arguments, stdin=b""):
        monkeypatch.setattr(sys, "argv", ["ner", *map(str, arguments)])
        # Under `python -m pytest` the command would call itself `python -m pytest.ner`.
        monkeypatch.setattr(sys.modules["__main__"], "__package__", None, raising=False)
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin), encoding="utf-8"))
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code or 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
