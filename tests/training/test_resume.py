"""An interrupted run goes on exactly as an unbroken one, or says why it can't."""

import errno
import itertools
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch
import torch
from safetensors.torch import load_file
from torch import Tensor

from ner.config import Config, parse_config
from ner.errors import ConfigError, InterruptionError, ModelError
from ner.formats.corpus import Corpus
from ner.inference.loading import Model
from ner.settings import RunConfig
from ner.storage.tensor_files import read_header, read_tensors, write_tensors
from ner.text.sentence import sentence_from_words
from ner.training import checkpoint, interruption, selection
from ner.training.checkpoint import Run
from ner.training.events import Epoch, Listener, Step
from ner.training.interruption import Signals
from ner.training.optimizer import make_optimizer
from ner.training.training import train_model
from ner.training.unfinished import is_unfinished, remove_state, sole_run

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


RESUMED: list[dict[str, Any]] = [
    {"optimizer": "sgd"},
    {"optimizer": "sgd", "momentum": 0.0, "schedule": "constant", "batch_tokens": 12},
    {"optimizer": "adamw", "learning_rate": 0.02, "schedule": "linear", "warmup": 0.3},
    {"optimizer": "adamw", "learning_rate": 0.02, "schedule": "cosine", "average": 0.7},
    {"optimizer": "sgd", "average": 0.9, "variational_dropout": True, "word_dropout": 0.2},
    {"cell": "clockwork-rnn", "clock_periods": [1, 3], "num_layers": 2, "context": "global"},
]


# Half of them after the first epoch and half after the third; the other way round among the slow tests.
@pytest.mark.parametrize(
    ("settings", "after"),
    [
        pytest.param(settings, after, marks=pytest.mark.slow if after != (1, 3)[n % 2] else ())
        for n, settings in enumerate(RESUMED)
        for after in (1, 3)
    ],
    ids=lambda s: "-".join(map(str, s.values())) if isinstance(s, dict) else str(s),
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
    original = selection.report_spans
    scores = iter([0.2, 0.9, 0.3, 0.8])

    def report_spans(gold: Any, predicted: Any, *, seconds: float | None = None) -> Any:
        report = original(gold, predicted, seconds=seconds)
        return report if seconds is not None else replace(report, micro=replace(report.micro, f1=next(scores)))

    monkeypatch.setattr(selection, "report_spans", report_spans)
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
    assert str(error.value) == f"{state}: expected {message}; train with --force to begin anew"


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
            f"{state}: expected the training corpus as the run began, found another; train with --force to begin anew"
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
        f"{state}: expected training.epochs = 2, as the run began, found 4; train with --force to begin anew"
    )


def test_without_an_unfinished_run_there_is_nothing_to_resume(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    with pytest.raises(ModelError) as error:
        train_model(make_config(), corpus, state=state, resume=True)
    assert str(error.value) == f"{state}: no unfinished run to resume; train without --resume"


def resume_error(config: Config, corpus: Corpus, state: Path) -> str:
    with pytest.raises(ModelError) as error:
        train_model(config, corpus, state=state, resume=True)
    return str(error.value)


def test_a_damaged_state_is_refused(corpus: Corpus, make_config: MakeConfig, tmp_path: Path) -> None:
    state = tmp_path / "state"
    interrupt_in(make_config(), corpus, state, after=1)
    file = state / "state.safetensors"
    whole = file.read_bytes()
    for content, reason in (
        (b"", "expected a header of 0 bytes, found a file of 0"),
        (whole[:-1], f"expected {len(whole)} bytes, as its header says, found {len(whole) - 1}"),
        (whole[:8] + b"[" + whole[9:], "expected a safetensors header, found none ("),
        (safetensors.torch.save({"a": torch.zeros(2)}), "expected average_steps, best_epoch, best_f1, config, "),
    ):
        file.write_bytes(content)
        message = resume_error(make_config(), corpus, state)
        assert message.startswith(f"{file}: damaged: {reason}")
        assert message.endswith("; train with --force to begin anew")
    # A bit anywhere: in a tensor, in what is noted about the run.
    for place in (len(whole) - 3, whole.index(b"best_f1") + 12):
        flipped = bytearray(whole)
        flipped[place] ^= 1
        file.write_bytes(flipped)
        assert " with checksum " in resume_error(make_config(), corpus, state)


def write_as_of_old(file: Path, *lacks: str) -> None:
    """Rewrites a state as the package did when the defaults were others and it lacked these settings.

    It didn't tell its format, and told what belongs to the machine.
    """
    header = read_header(file)
    about = {key: value for key, value in header.about.items() if key not in ("checksums", "format")}
    about["config"]["training"] |= {"threads": 7, "device": "cuda:3", "tensorboard": True, "checkpoint_minutes": 1.0}
    for key in lacks:
        section, _, name = key.partition(".")
        del about["config"][section][name]
    write_tensors(file, {name: tensor.copy() for name, tensor in read_tensors(file, header).items()}, about)


def test_a_run_of_a_package_that_lacked_a_setting_is_resumed_where_it_has_its_default(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path
) -> None:
    unbroken = train_model(make_config(), corpus)
    state = tmp_path / "state"
    interrupt_in(make_config(), corpus, state, after=1)
    write_as_of_old(state / "state.safetensors", "model.threshold", "training.calibrate")
    with pytest.raises(ConfigError, match=r"expected training\.calibrate = False, as the run began, found True"):
        train_model(make_config(calibrate=True), corpus, state=state, resume=True)
    assert_same(train_model(make_config(), corpus, state=state, resume=True), unbroken)


def test_a_run_of_older_defaults_is_resumed_with_them(corpus: Corpus, make_config: MakeConfig, tmp_path: Path) -> None:
    unset = {"char_encoder", "casing_dim", "precision", "decoding"}
    whole = make_config()
    # A recipe that leaves unset what `tests.tiny` names: the same network by the defaults of then.
    tree = whole.model_dump()
    tree["model"] = {key: value for key, value in tree["model"].items() if key not in unset}
    recipe = parse_config(tree, "recipe")
    assert recipe.model.char_encoder == "lstm"
    unbroken = train_model(whole, corpus)
    state = tmp_path / "state"
    interrupt_in(whole, corpus, state, after=1)
    with pytest.raises(ConfigError) as error:
        train_model(recipe, corpus, state=state, resume=True)
    assert str(error.value) == (
        f"{state}: expected model.char_encoder = 'cnn', as the run began, found 'lstm'; "
        "train with --force to begin anew"
    )
    write_as_of_old(state / "state.safetensors")
    assert_same(train_model(recipe, corpus, state=state, resume=True), unbroken)


def test_a_run_of_older_defaults_is_not_resumed_with_what_the_recipe_says_anew(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    interrupt_in(make_config(), corpus, state, after=1)
    write_as_of_old(state / "state.safetensors")
    with pytest.raises(ConfigError) as error:
        train_model(make_config(casing_dim=8), corpus, state=state, resume=True)
    assert str(error.value) == (
        f"{state}: expected model.casing_dim = 0, as the run began, found 8; train with --force to begin anew"
    )


def test_a_state_of_another_table_of_words_is_refused(corpus: Corpus, make_config: MakeConfig, tmp_path: Path) -> None:
    state = tmp_path / "state"
    interrupt_in(make_config(), corpus, state, after=1)
    file = state / "state.safetensors"
    header = read_header(file)
    tensors = {name: tensor.copy() for name, tensor in read_tensors(file, header).items()}
    rows = len(tensors["now.embedding.words.trained.weight"])
    changed = {**tensors, "now.embedding.words.trained.weight": np.zeros((rows + 1, 8), dtype=np.float32)}
    write_tensors(file, changed, {key: value for key, value in header.about.items() if key != "checksums"})
    with pytest.raises(ConfigError) as error:
        train_model(make_config(), corpus, state=state, resume=True)
    assert str(error.value) == (
        f"{state}: expected embedding.words.trained.weight of shape [{rows}, 8], as these vectors make it, "
        f"found [{rows + 1}, 8]; train with --force to begin anew"
    )


@pytest.mark.parametrize("began", ["the CPU", "a GPU"])
def test_a_run_is_not_resumed_on_a_device_whose_optimizer_keeps_another_state(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, began: str
) -> None:
    def as_on_a_gpu(config: Any, parameters: Any, tables: Any) -> torch.optim.Optimizer:
        return make_optimizer(config, parameters)

    state, config = tmp_path / "state", make_config(optimizer="sgd")
    with monkeypatch.context() as patch:
        if began == "a GPU":
            patch.setattr(checkpoint, "make_optimizer", as_on_a_gpu)
        interrupt_in(config, corpus, state, after=1)
    whole = (state / "state.safetensors").read_bytes()
    if began == "the CPU":
        monkeypatch.setattr(checkpoint, "make_optimizer", as_on_a_gpu)
    now, named = {"the CPU": ("a GPU", "cpu"), "a GPU": ("the CPU", "cuda")}[began]
    with pytest.raises(ConfigError) as error:
        train_model(config, corpus, state=state, resume=True)
    assert str(error.value) == (
        f"{state}: expected to go on on {began}, as the run began, found {now}; use --device {named}, or train with "
        "--force to begin anew"
    )
    assert (state / "state.safetensors").read_bytes() == whole


def test_the_state_holds_no_pickle(corpus: Corpus, make_config: MakeConfig, tmp_path: Path) -> None:
    interrupt_in(make_config(), corpus, tmp_path / "state", after=1)
    assert {path.name for path in (tmp_path / "state").iterdir()} == {"state.safetensors"}
    # Numbers, and text in the header: all that the format has.
    about = read_header(tmp_path / "state" / "state.safetensors").about
    data = make_config().data.model_copy(update={"tokenizer": "words"})  # settled by what the corpus is
    wanted = make_config().model_copy(update={"data": data, "run": RunConfig()})  # of the machine, it holds nothing
    assert parse_config(about["config"], "state") == wanted


def stop_after(number: int) -> Listener:
    """A listener that asks for an end once it heard of so many steps."""
    steps: list[Step] = []
    return Listener(on_step=steps.append, should_stop=lambda: len(steps) >= number)


STEPS: list[dict[str, Any]] = [
    {"optimizer": "sgd", "dropout": 0.5},
    {"optimizer": "sgd", "momentum": 0.0, "clip_norm": None, "bigram_dim": 3},
    {"optimizer": "sgd", "weight_decay": 0.01, "char_encoder": "lstm"},
    {"optimizer": "adamw", "schedule": "linear", "warmup": 0.3, "average": 0.9, "word_dropout": 0.2},
    {"optimizer": "adamw", "schedule": "cosine", "variational_dropout": True, "patience": 2},
]


@pytest.mark.parametrize("settings", STEPS, ids=lambda s: "-".join(map(str, s.values())))
def test_a_run_stopped_after_every_single_step_is_the_unbroken_one_bit_for_bit(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path, settings: dict[str, Any]
) -> None:
    config = make_config(epochs=3, **settings)
    unbroken = train_model(config, corpus)
    messages = []
    for number in range(9):  # three epochs of three batches
        with pytest.raises(InterruptionError) as error:
            train_model(config, corpus, listener=stop_after(1), state=tmp_path / "state", resume=number > 0)
        messages.append(str(error.value))
    assert messages == [
        f"stopped after epoch {epoch}, batch {batch} of 3; the run is saved in {tmp_path / 'state'}"
        for epoch in (1, 2, 3)
        for batch in (1, 2, 3)
    ]
    assert_same(train_model(config, corpus, state=tmp_path / "state", resume=True), unbroken)


def test_partly_labelled_training_too_is_resumed_within_an_epoch(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path
) -> None:
    first, *others = corpus.train
    partial = replace(corpus, train=[replace(first, tags=("?",) * len(first.tokens)), *others])
    unbroken = train_model(make_config(), partial)
    with pytest.raises(InterruptionError):
        train_model(make_config(), partial, listener=stop_after(4), state=tmp_path / "state")
    assert_same(train_model(make_config(), partial, state=tmp_path / "state", resume=True), unbroken)


def test_rows_that_are_behind_at_a_checkpoint_stay_behind(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path
) -> None:
    """To settle the table of words at a checkpoint would round otherwise than the unbroken run."""
    config = make_config(epochs=1, batch_size=1)
    with pytest.raises(InterruptionError):
        train_model(config, corpus, listener=stop_after(5), state=tmp_path / "state")
    tensors = load_file(tmp_path / "state" / "state.safetensors")
    assert len(tensors["optimizer.table.0.reach"]) == 5
    assert len(set(tensors["optimizer.table.0.updated"].tolist())) > 2
    assert_same(train_model(config, corpus, state=tmp_path / "state", resume=True), train_model(config, corpus))


def test_a_checkpoint_is_written_within_an_epoch_when_its_minutes_are_over(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each look at the clock is 50 s behind the one before, so one minute is over at every second look."""
    seconds = itertools.count(step=50)
    monkeypatch.setattr(interruption, "time", SimpleNamespace(monotonic=lambda: float(next(seconds))))
    written: list[tuple[int, int]] = []
    original = interruption.save_run

    def save_run(run: Run, config: Config, folder: Path) -> None:
        written.append((len(run.history), run.position.batches))
        original(run, config, folder)

    monkeypatch.setattr(interruption, "save_run", save_run)
    train_model(make_config(epochs=2, checkpoint_minutes=1.0), corpus, state=tmp_path / "state")
    # The clock: at the start 0; steps at 50, 100 (due, written at 150), 200; the epoch's end, written at 250; ...
    assert written == [(0, 2), (1, 0), (1, 2), (2, 0)]
    written.clear()
    train_model(make_config(epochs=2, checkpoint_minutes=None), corpus, state=tmp_path / "state")
    assert written == [(1, 0), (2, 0)]


def test_a_run_without_a_folder_says_that_nothing_is_saved(corpus: Corpus, make_config: MakeConfig) -> None:
    with pytest.raises(InterruptionError) as error:
        train_model(make_config(), corpus, listener=stop_after(2))
    assert str(error.value) == "stopped after epoch 1, batch 2 of 3; nothing is saved"


def test_a_full_disk_ends_in_one_line_and_the_checkpoint_before_it_is_whole(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "state"
    unbroken = train_model(make_config(), corpus)
    original, writes = safetensors.numpy.save, iter([True, True, False])

    def save(tensors: dict[str, Tensor], metadata: dict[str, str]) -> bytes:
        if next(writes):
            return original(tensors, metadata)
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(safetensors.numpy, "save", save)
    with pytest.raises(ModelError) as error:
        train_model(make_config(), corpus, state=folder)
    assert str(error.value) == (
        f"{folder}: the checkpoint can't be written: No space left on device; the checkpoint before it is whole; "
        "free space there and use --resume"
    )
    monkeypatch.setattr(safetensors.numpy, "save", original)
    assert [path.name for path in folder.iterdir()] == ["state.safetensors"]
    assert_same(train_model(make_config(), corpus, state=folder, resume=True), unbroken)


def test_a_folder_that_cannot_be_made_has_no_checkpoint_before_it(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("mine")
    folder = tmp_path / "file" / "state"
    with pytest.raises(ModelError) as error:
        train_model(make_config(), corpus, state=folder)
    assert str(error.value) == (
        f"{folder}: the checkpoint can't be written: Not a directory; there is none before it; "
        "free space there and begin again"
    )


def test_of_two_runs_into_one_folder_the_second_is_refused(tmp_path: Path) -> None:
    model = tmp_path / "model"
    with sole_run(model) as folder:
        assert folder == tmp_path / "model.unfinished"
        with pytest.raises(ModelError) as error, sole_run(model):
            pass
        assert str(error.value) == (
            f"{model}: expected no other training into it, found one at work; wait, or choose another --out"
        )
        with sole_run(tmp_path / "other"):
            pass
    assert list(tmp_path.iterdir()) == []


def test_the_lock_of_a_killed_process_binds_nobody(tmp_path: Path) -> None:
    (tmp_path / "model.unfinished").mkdir()
    (tmp_path / "model.unfinished" / "lock").write_text("")
    litter = [".model.0123abcd", "model.unfinished/.state.safetensors.0123abcd"]
    kept = [".model.backup", ".other.0123abcd"]
    for name in (*litter, *kept):
        (tmp_path / name).write_text("half")
    with sole_run(tmp_path / "model"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == set(kept)


def test_a_state_is_kept_until_it_is_removed_and_so_is_what_is_not_ours(tmp_path: Path) -> None:
    with sole_run(tmp_path / "model") as folder:
        (folder / "state.safetensors").write_text("")
    assert is_unfinished(folder)
    with sole_run(tmp_path / "model"):
        remove_state(folder)
        remove_state(folder)
        (folder / "notes.txt").write_text("mine")
    assert not is_unfinished(folder)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]


def test_a_place_where_no_state_can_lie_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ModelError) as error, sole_run(tmp_path / "file" / "model"):
        pass
    assert str(error.value) == (
        f"{tmp_path}/file/model.unfinished: can't be written: Not a directory; choose another --out"
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_only_asks_to_stop_and_handlers_come_back(number: int, capfd: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    with Signals() as signals:
        assert not signals.should_stop()
        os.kill(os.getpid(), number)
        assert signals.should_stop()
        assert signals.received == number
        # The next one finds nothing in its way.
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before
    assert capfd.readouterr().err == "stopping after this step; interrupt again to leave at once\n"


def test_a_signal_that_was_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with Signals() as signals:
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGTERM)
            assert signals.received == signal.SIGTERM
            os.kill(os.getpid(), signal.SIGINT)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
