"""What many tests share: the bundled corpora, and one small model trained on one of them."""

import io
import signal
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
        "training.epochs=15",
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
