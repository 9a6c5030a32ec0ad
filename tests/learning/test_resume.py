"""An interrupted run goes on exactly as an unbroken one, or says why it can't."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from ner.config import Config, parse_config
from ner.errors import ConfigError, ModelError
from ner.learning import epochs
from ner.learning.checkpoint import Model
from ner.learning.listener import Epoch, Listener, Step
from ner.learning.state import remove_state, state_folder
from ner.learning.training import train_model
from ner.text.corpus import Corpus
from ner.text.sentence import sentence_from_words

MakeConfig = Callable[..., Config]


class InterruptedRunError(Exception):
    pass


def interrupt_in(config: Config, corpus: Corpus, state: Path, *, after: int) -> None:
    """Trains, and breaks off in the middle of the epoch behind `after`."""

    def on_step(step: Step) -> None:
        if step.epoch == after + 1 and step.done == 2:
            raise InterruptedRunError

    with pytest.raises(InterruptedRunError):
        train_model(config, corpus, listener=Listener(on_step=on_step), state=state)


def assert_same(first: Model, second: Model) -> None:
    ours, theirs = first.network.state_dict(), second.network.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)
    clock = {"seconds", "tokens_per_second"}
    for one, other in zip(first.history, second.history, strict=True):
        assert {k: v for k, v in one.items() if k not in clock} == {k: v for k, v in other.items() if k not in clock}
    assert first.metrics["training"]["best_epoch"] == second.metrics["training"]["best_epoch"]


@pytest.mark.parametrize("after", [1, 3])
@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "sgd"},
        {"optimizer": "sgd", "momentum": 0.0, "schedule": "constant", "batch_tokens": 12},
        {"optimizer": "adamw", "learning_rate": 0.02, "schedule": "linear", "warmup": 0.3},
        {"optimizer": "adamw", "learning_rate": 0.02, "schedule": "cosine", "average": 0.7},
        {"optimizer": "sgd", "average": 0.9, "variational_dropout": True, "word_dropout": 0.2},
        {"cell": "clockwork-rnn", "clock_periods": [1, 3], "num_layers": 2, "context": "global"},
    ],
    ids=lambda s: "-".join(map(str, s.values())),
)
def test_a_resumed_run_is_the_unbroken_one_bit_for_bit(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path, settings: dict[str, Any], after: int
) -> None:
    config = make_config(epochs=4, dropout=0.5, **settings)
    unbroken = train_model(config, corpus)
    interrupt_in(config, corpus, tmp_path / "state", after=after)
    heard: list[Epoch] = []
    listener = Listener(on_epoch=heard.append)
    resumed = train_model(config, corpus, listener=listener, state=tmp_path / "state", resume=True)
    assert_same(resumed, unbroken)
    assert [epoch.epoch for epoch in heard] == list(range(after + 1, 5))


def test_the_best_epoch_of_before_the_break_can_win(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config(epochs=4)
    wanted = train_model(make_config(epochs=2), replace(corpus, dev=[]))
    honest = epochs.report_tags
    scores = iter([0.2, 0.9, 0.3, 0.9])

    def report_tags(gold: Any, predicted: Any, *, seconds: float | None = None) -> Any:
        report = honest(gold, predicted, seconds=seconds)
        return report if seconds is not None else replace(report, micro=replace(report.micro, f1=next(scores)))

    monkeypatch.setattr(epochs, "report_tags", report_tags)
    interrupt_in(config, corpus, tmp_path / "state", after=3)
    resumed = train_model(config, corpus, state=tmp_path / "state", resume=True)
    assert resumed.metrics["training"]["best_epoch"] == 2
    for name, weight in resumed.network.named_parameters():
        assert torch.equal(weight, wanted.network.get_parameter(name))


def test_a_run_resumed_when_patience_has_run_out_trains_no_more(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path
) -> None:
    config = make_config(epochs=30, patience=2, learning_rate=1e-30)
    unbroken = train_model(config, corpus, state=tmp_path / "state")
    assert len(unbroken.history) == 3
    assert_same(train_model(config, corpus, state=tmp_path / "state", resume=True), unbroken)


def test_a_run_resumed_after_its_last_epoch_is_finished(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path
) -> None:
    unbroken = train_model(make_config(), corpus, state=tmp_path / "state")
    assert_same(train_model(make_config(), corpus, state=tmp_path / "state", resume=True), unbroken)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"learning_rate": 0.01}, "training.learning_rate = 0.05, as the run began, found 0.01"),
        ({"hidden_dim": 9}, "model.hidden_dim = 8, as the run began, found 9"),
        ({"average": 0.9}, "training.average = None, as the run began, found 0.9"),
        ({"seed": 2}, "training.seed = 1, as the run began, found 2"),
        ({"optimizer": "adamw"}, "training.optimizer = 'sgd', as the run began, found 'adamw'"),
        ({"clip_norm": None}, "training.clip_norm = 5.0, as the run began, found None"),
    ],
    ids=str,
)
def test_a_run_is_not_resumed_under_other_settings(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path, changed: dict[str, Any], message: str
) -> None:
    state = tmp_path / "state"
    interrupt_in(make_config(), corpus, state, after=1)
    with pytest.raises(ConfigError) as error:
        train_model(make_config(**changed), corpus, state=state, resume=True)
    assert str(error.value) == f"{state}: expected {message}; train without --resume to begin anew"


def test_a_run_is_not_resumed_on_another_corpus(corpus: Corpus, make_config: MakeConfig, tmp_path: Path) -> None:
    state = tmp_path / "state"
    interrupt_in(make_config(), corpus, state, after=1)
    first, *others = corpus.train
    for train in (
        others,
        [*others, first],
        [replace(first, tags=("O",) * len(first.tokens)), *others],
        [*corpus.train, sentence_from_words(["Zoe"], ["B-PER"])],
    ):
        with pytest.raises(ConfigError) as error:
            train_model(make_config(), replace(corpus, train=train), state=state, resume=True)
        assert str(error.value) == (
            f"{state}: expected the training corpus as the run began, found another; "
            "train without --resume to begin anew"
        )


def test_a_run_may_be_resumed_elsewhere_and_with_other_patience(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch, "set_num_threads", lambda threads: None)
    unbroken = train_model(make_config(), corpus)
    interrupt_in(make_config(), corpus, tmp_path / "state", after=1)
    config = make_config(device="cpu:0", threads=2, patience=30)
    config = config.model_copy(update={"data": config.data.model_copy(update={"test": "other.conll"})})
    assert_same(train_model(config, corpus, state=tmp_path / "state", resume=True), unbroken)


@pytest.mark.parametrize("schedule", ["inverse", "constant"])
def test_epochs_can_be_added_where_the_learning_rate_knows_no_end(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path, schedule: str
) -> None:
    settings = {"schedule": schedule, "dropout": 0.5}
    train_model(make_config(epochs=2, **settings), corpus, state=tmp_path / "state")
    longer = make_config(epochs=4, **settings)
    assert_same(train_model(longer, corpus, state=tmp_path / "state", resume=True), train_model(longer, corpus))


@pytest.mark.parametrize(
    "settings", [{"schedule": "linear"}, {"schedule": "cosine"}, {"schedule": "inverse", "warmup": 0.1}], ids=str
)
def test_epochs_cannot_be_added_where_the_learning_rate_depends_on_them(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path, settings: dict[str, Any]
) -> None:
    state = tmp_path / "state"
    train_model(make_config(epochs=2, **settings), corpus, state=state)
    with pytest.raises(ConfigError) as error:
        train_model(make_config(epochs=4, **settings), corpus, state=state, resume=True)
    assert str(error.value) == (
        f"{state}: expected training.epochs = 2, as the run began, found 4; train without --resume to begin anew"
    )


def test_without_an_unfinished_run_there_is_nothing_to_resume(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    with pytest.raises(ModelError) as error:
        train_model(make_config(), corpus, state=state, resume=True)
    assert str(error.value) == f"{state}: no unfinished run to resume; train without --resume"


@pytest.mark.parametrize(
    ("file", "content", "reason"),
    [
        ("state.json", b"{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("state.json", b"[]", "expected a JSON object, found list"),
        ("state.safetensors", b"", "Error while deserializing header: header too small"),
        ("state.safetensors", None, "No such file or directory: {state}/state.safetensors"),
    ],
    ids=str,
)
def test_a_damaged_state_is_refused(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path, file: str, content: bytes | None, reason: str
) -> None:
    state = tmp_path / "state"
    interrupt_in(make_config(), corpus, state, after=1)
    if content is None:
        (state / file).unlink()
    else:
        (state / file).write_bytes(content)
    with pytest.raises(ModelError) as error:
        train_model(make_config(), corpus, state=state, resume=True)
    found = reason.format(state=state)
    assert str(error.value) == f"{state}: damaged: {found}; remove it and train without --resume"


def test_the_state_holds_no_pickle(corpus: Corpus, make_config: MakeConfig, tmp_path: Path) -> None:
    interrupt_in(make_config(), corpus, tmp_path / "state", after=1)
    assert {path.name for path in (tmp_path / "state").iterdir()} == {"state.json", "state.safetensors"}
    values = json.loads((tmp_path / "state" / "state.json").read_text(encoding="utf-8"))
    assert parse_config(values["config"], "state") == make_config()


def test_a_finished_run_leaves_no_state(tmp_path: Path) -> None:
    folder = state_folder(tmp_path / "model")
    assert folder == tmp_path / "model.unfinished"
    folder.mkdir()
    (folder / "state.json").write_text("{}")
    remove_state(folder)
    remove_state(folder)
    assert list(tmp_path.iterdir()) == []
