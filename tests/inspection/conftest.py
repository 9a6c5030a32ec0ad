"""Networks that nobody trained but that find entities all the same, a tiny corpus, and the command line."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn

from ner.cli import main
from ner.config import Config, parse_config
from ner.features.feature import Material
from ner.features.vocabulary import fit_vocabularies
from ner.formats.corpus import Corpus
from ner.inference.loading import Model
from ner.inspection import canvas
from ner.network.model import build_model
from ner.text.sentence import Sentence
from tests.tiny import TEXT, plain_settings, read_pairs

MakeConfig = Callable[..., Config]
MakeModel = Callable[..., Model]
Run = Callable[..., tuple[int, str, str]]

_MORE = """\
Anna/B-PER sleeps/O in/O Oslo/B-LOC
the/O town/O of/O Bob/B-PER Lee/I-PER
old/O Rome/B-LOC met/O Carla/B-PER
they/O left/O Oslo/B-LOC for/O Rome/B-LOC
"""


@pytest.fixture
def sentences() -> list[Sentence]:
    """Twelve of one to eight tokens, all different."""
    return read_pairs(TEXT + _MORE)


@pytest.fixture
def corpus(sentences: list[Sentence]) -> Corpus:
    return Corpus(sentences, sentences, [])


@pytest.fixture
def make_config() -> MakeConfig:
    """Settings of a tiny network without dropout; each key is looked up in `[model]`, then in `[training]`."""

    def make(**settings: object) -> Config:
        tree = plain_settings()
        tree["model"] |= {"word_dim": 4, "char_dim": 3, "char_hidden_dim": 2, "hidden_dim": 4, "context_dim": 3}
        tree["training"] |= {"epochs": 2, "batch_size": 5, "learning_rate": 0.05, "unknown_rate": 0.0}
        tree["model"] |= {"dropout": 0.0, "char_dropout": 0.0}
        for key, value in settings.items():
            section = next(s for s in ("model", "training") if key in getattr(Config(), s).model_dump())
            tree[section][key] = value
        return parse_config(tree, "test")

    return make


@pytest.fixture
def make_model(make_config: MakeConfig, sentences: list[Sentence]) -> MakeModel:
    """A model of random weights whose emissions and transitions are anything but near zero."""

    def make(*, seed: int = 1, **settings: object) -> Model:
        config = make_config(**settings)
        vocabularies = fit_vocabularies(Material(sentences, config))
        torch.manual_seed(seed)
        network = build_model(config.model, vocabularies)
        for name, parameter in network.named_parameters():
            if name.startswith(("crf.", "projection.")):
                nn.init.normal_(parameter)
        return Model(config, vocabularies, network.eval(), {}, [])

    return make


@pytest.fixture
def large_pictures() -> None:
    """Asked for, pictures are as large as a user's."""


@pytest.fixture(autouse=True)
def _small_pictures(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody measures or compares pictures they have fewer dots, which takes a third less time to draw."""
    if "large_pictures" not in request.fixturenames:
        monkeypatch.setattr(canvas, "_DPI", 40)


@pytest.fixture
def bare_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of what stands around pictures: each is drawn, and a dot is written, which takes no time to lay out."""
    with canvas.drawing():
        dot = canvas.picture_bytes(canvas.new_figure(0.1, 0.1))

    def save_figure(figure: object, path: Path) -> list[str]:
        path.write_bytes(dot + path.name.encode())  # no two are the same
        return []

    monkeypatch.setattr(canvas, "save_figure", save_figure)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `ner inspect …` in this process; returns exit code, stdout, stderr."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["ner", "inspect", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.StringIO())
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as stop:
            code = stop.code if isinstance(stop.code, int) else 0
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
