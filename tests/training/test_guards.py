"""Training that goes wrong is noticed, named, and ends with the best model so far or with advice."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ner.config import Config
from ner.errors import TrainingError
from ner.formats.corpus import Corpus
from ner.inference.loading import load_model, save_model
from ner.text.sentence import sentence_from_words
from ner.training import epochs, selection
from ner.training.events import Listener
from ner.training.training import train_model

MakeConfig = Callable[..., Config]
CALMER = "lower training.learning_rate or training.clip_norm"


@pytest.mark.parametrize("norm", [math.nan, math.inf])
def test_a_gradient_that_is_no_number_is_named_before_it_moves_a_weight(
    corpus: Corpus, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch, norm: float
) -> None:
    monkeypatch.setattr(epochs, "clip_gradient", lambda parameters, bound: norm)
    train = [replace(corpus.train[0], source="news.conll:1")]
    with pytest.raises(TrainingError) as error:
        train_model(make_config(), replace(corpus, train=train))
    assert str(error.value) == (
        f"epoch 1, batch 1: expected a finite gradient, found {norm}; the batch begins with news.conll:1; {CALMER}"
    )


def test_a_run_that_diverges_ends_with_the_best_model_so_far(
    corpus: Corpus, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """In the second batch of epoch 13."""
    settings = {"learning_rate": 0.1, "batch_size": 3, "unknown_rate": 0.0}
    wanted = train_model(make_config(epochs=12, **settings), corpus)
    monkeypatch.setattr(epochs, "clip_gradient", diverging(epochs.clip_gradient, after=12 * 3 + 1))
    messages: list[str] = []
    model = train_model(make_config(epochs=20, **settings), corpus, listener=Listener(on_message=messages.append))
    said = model.metrics["training"]["warning"]
    assert said.startswith("epoch 13, batch 2: expected a finite gradient, found nan; the batch begins with ")
    assert said.endswith(CALMER)
    best = wanted.metrics["training"]["best_epoch"]
    assert messages == [f"warning: {said}; the model of epoch {best} is kept"]
    assert len(model.history) == 12
    for name, weight in model.network.state_dict().items():
        assert torch.equal(weight, wanted.network.state_dict()[name])
    save_model(model, tmp_path / "model")
    assert load_model(tmp_path / "model", "cpu").metrics["training"]["warning"] == said


def diverging(original: Callable[..., float], *, after: int) -> Callable[..., float]:
    steps = iter(range(1, 1000))
    return lambda parameters, bound: original(parameters, bound) if next(steps) <= after else math.nan


def test_a_run_that_diverges_before_it_found_anything_has_no_model_to_keep(
    corpus: Corpus, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    mocked_f1(monkeypatch, [0.0])
    monkeypatch.setattr(epochs, "clip_gradient", diverging(epochs.clip_gradient, after=4))
    with pytest.raises(TrainingError) as error:
        train_model(make_config(), corpus)
    assert str(error.value).startswith("epoch 2, batch 2: expected a finite gradient, found nan; the batch begins")


def test_without_a_dev_set_the_last_whole_epoch_is_kept(
    corpus: Corpus, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = replace(corpus, dev=[])
    wanted = train_model(make_config(epochs=2), corpus)
    monkeypatch.setattr(epochs, "clip_gradient", diverging(epochs.clip_gradient, after=7))
    model = train_model(make_config(epochs=5), corpus)
    assert model.metrics["training"]["best_epoch"] == 2
    for name, weight in model.network.named_parameters():
        assert torch.equal(weight, wanted.network.get_parameter(name))


def test_a_dev_set_without_an_entity_loses_no_finished_epoch(
    corpus: Corpus, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = replace(corpus, dev=[sentence_from_words(["nothing", "happened"], ["O", "O"])])
    wanted = train_model(make_config(epochs=2), corpus)
    monkeypatch.setattr(epochs, "clip_gradient", diverging(epochs.clip_gradient, after=7))
    model = train_model(make_config(epochs=5), corpus)
    assert model.metrics["training"]["best_epoch"] == 2
    assert model.metrics["training"]["warning"].startswith("epoch 3, batch 2: expected a finite gradient, found nan")
    for name, weight in model.network.named_parameters():
        assert torch.equal(weight, wanted.network.get_parameter(name))
    monkeypatch.setattr(epochs, "clip_gradient", lambda parameters, bound: math.nan)
    with pytest.raises(TrainingError, match="epoch 1, batch 1: expected a finite gradient, found nan"):
        train_model(make_config(epochs=5), corpus)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_learning_rate_many_times_too_high_ends_in_advice(
    corpus: Corpus, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    mocked_f1(monkeypatch, [0.0])  # else the first epoch's model is kept, with the advice as a warning
    with pytest.raises(TrainingError) as error:
        train_model(make_config(epochs=9, learning_rate=20.0, clip_norm=None, seed=seed), corpus)
    message = str(error.value)
    assert message.startswith("epoch 2: expected a loss below 1.5 times that of guessing, ")
    assert message.endswith(f": it exploded; {CALMER}")
    # Of 33 tokens in 8 sentences, each with one of nine tags.
    assert f"guessing, {33 / 8 * math.log(9):.1f} a sentence, found " in message


def test_the_loss_of_a_run_that_learns_is_below_that_of_guessing(corpus: Corpus, make_config: MakeConfig) -> None:
    for settings in ({"learning_rate": 1e-30}, {"learning_rate": 1e-30, "constraints": False}, {}):
        model = train_model(make_config(epochs=2, **settings), replace(corpus, dev=[]))
        assert model.history[-1]["loss"] < 1.5 * 33 / 8 * math.log(9)
        assert model.metrics["training"]["warning"] is None


def mocked_f1(monkeypatch: pytest.MonkeyPatch, values: list[float]) -> None:
    """What each epoch's dev scores are, as far as the loop is told."""
    original, left = selection.report_spans, iter(values)

    def report_spans(gold: Any, predicted: Any) -> Any:
        report = original(gold, predicted)
        return replace(report, micro=replace(report.micro, f1=next(left)))

    monkeypatch.setattr(selection, "report_spans", report_spans)


def test_a_network_that_collapses_to_o_is_named_and_its_best_epoch_kept(
    corpus: Corpus, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    mocked_f1(monkeypatch, [0.0, 0.0, 0.0, 0.25, 0.5, 0.0, 0.0, 0.0, 0.9])
    messages: list[str] = []
    model = train_model(make_config(epochs=9), corpus, listener=Listener(on_message=messages.append))
    said = (
        "epoch 8: expected entities of the dev set, found none for 3 epochs, F1 50.00 in epoch 5: "
        f"the network collapsed to O; {CALMER}"
    )
    assert messages == [f"warning: {said}; the model of epoch 5 is kept"]
    assert model.metrics["training"]["warning"] == said
    assert len(model.history) == 8


def test_a_run_that_never_finds_anything_says_so(
    corpus: Corpus, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    mocked_f1(monkeypatch, [0.0] * 4)
    nothing = [sentence_from_words(["so", "it", "is"], ["O", "O", "O"])]
    said = (
        "warning: expected entities of the dev set, found none in 2 epochs; train for longer, or with "
        "another training.learning_rate, lower where the loss jumps, higher where it hardly moves; "
        "the model of epoch 2 is kept"
    )
    none = "warning: the dev set: expected an entity to choose an epoch by, found none; the last epoch is kept"
    for dev, wanted in ((corpus.dev, [said]), (nothing, [none]), ([], [])):
        messages: list[str] = []
        train_model(make_config(epochs=2), replace(corpus, dev=dev), listener=Listener(on_message=messages.append))
        assert messages == wanted
