"""Processes that train together come to what one process comes to, and end together."""

import os
import socket
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
import torch.distributed as dist

from ner.config import Config
from ner.errors import ConfigError, InterruptionError, ProcessError, TrainingError
from ner.formats.corpus import Corpus
from ner.inference.loading import Model, save_model
from ner.settings import TrainingConfig
from ner.text.inventory import with_labels
from ner.training import distillation, distributed
from ner.training.distributed import Group, joined, one_voice, refuse_processes
from ner.training.events import Listener, Step
from ner.training.guards import check_together
from ner.training.training import train_model
from ner.training.unfinished import is_unfinished
from tests.tiny import read_pairs
from tests.together import together

MakeConfig = Callable[..., Config]
STILL = {"dropout": 0.0, "char_dropout": 0.0}  # nothing is drawn, so that one process and several compute the same
GONE = "go on from the last checkpoint with --resume, as many processes as before"


def outcome(model: Model) -> tuple[dict[str, np.ndarray], list[float]]:
    """All weights, and the dev F1 of each epoch."""
    weights = {name: tensor.numpy().copy() for name, tensor in model.network.state_dict().items()}
    return weights, [epoch["f1"] for epoch in model.history]


def whole(results: list[Any]) -> list[Any]:
    """The results, where no process failed."""
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return results


def assert_like(alone: tuple[dict[str, np.ndarray], list[float]], found: list[Any]) -> None:
    """Each process has the weights of the one that trained alone to 1e-6, and those of the others to the last bit."""
    for weights, scores in whole(found):
        assert scores == alone[1]
        for name, wanted in alone[0].items():
            np.testing.assert_allclose(weights[name], wanted, rtol=0, atol=1e-6)
            np.testing.assert_array_equal(weights[name], found[0][0][name])


@pytest.mark.parametrize(
    ("number", "settings"),
    [
        (2, {"document_context": True}),
        pytest.param(3, {"average": 0.7, "average_every": "epoch", "clip_norm": 0.5}, marks=pytest.mark.slow),
        pytest.param(
            3,
            {"optimizer": "adamw", "learning_rate": 0.002, "average": 0.9, "average_every": "step"},
            marks=pytest.mark.slow,
        ),
    ],
)
def test_after_fifty_steps_several_processes_have_the_weights_of_one(
    corpus: Corpus, make_config: MakeConfig, number: int, settings: dict[str, Any]
) -> None:
    """Batches of 3, 3 and 2 sentences: shares are uneven, and of three processes one goes without."""
    config = make_config(epochs=17, **STILL, **settings)
    found = together(number, lambda rank: outcome(train_model(config, corpus)))
    assert_like(outcome(train_model(config, corpus)), found)


@pytest.mark.slow
def test_several_processes_go_on_from_a_model_as_one_does(corpus: Corpus, make_config: MakeConfig) -> None:
    new = read_pairs("Zoe/O reads/O Ulysses/B-BOOK\nBob/O wrote/O Emma/B-BOOK\nEmma/B-BOOK sleeps/O")
    mixed = Corpus([with_labels(sentence, frozenset({"BOOK"})) for sentence in new] + corpus.train, corpus.dev, [])
    start = train_model(make_config(epochs=1, **STILL), corpus)
    config = make_config(epochs=2, **STILL)
    found = together(2, lambda rank: outcome(train_model(config, mixed, start=start)))
    assert_like(outcome(train_model(config, mixed, start=start)), found)


@pytest.mark.slow
def test_several_processes_share_the_reading_of_a_teacher_and_learn_the_same(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(distillation, "_TOGETHER", 3)  # so that each of them has portions to read
    save_model(train_model(make_config(epochs=1), corpus), tmp_path / "teacher")
    config = make_config(epochs=2, teachers=[str(tmp_path / "teacher")], **STILL)
    found = together(2, lambda rank: outcome(train_model(config, corpus)))
    assert_like(outcome(train_model(config, corpus)), found)


def stop_after(number: int, *, asked: bool) -> Listener:
    steps: list[Step] = []
    return Listener(on_step=steps.append, should_stop=lambda: asked and len(steps) >= number)


def test_a_stop_asked_of_one_process_saves_a_run_that_goes_on_to_the_same_bits_in_as_many(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path
) -> None:
    config, state = make_config(epochs=3, dropout=0.5, average=0.7), tmp_path / "state"

    def stopped(rank: int) -> Any:
        return train_model(config, corpus, listener=stop_after(4, asked=rank == 1), state=state)

    messages = together(2, stopped)
    # The second process asks after the fourth step; all know when the fifth is done.
    said = f"stopped after epoch 2, batch 2 of 3; the run is saved in {state}"
    assert [(type(error), str(error)) for error in messages] == [(InterruptionError, said)] * 2
    with pytest.raises(ConfigError) as error:
        train_model(config, corpus, state=state, resume=True)
    assert str(error.value) == (
        f"{state}: expected as many processes as the run began with, 2, found 1; "
        "start so many, or train with --force to begin anew"
    )
    resumed = whole(together(2, lambda rank: outcome(train_model(config, corpus, state=state, resume=True))))
    unbroken = whole(together(2, lambda rank: outcome(train_model(config, corpus))))
    for (found, scores), (wanted, wanted_scores) in zip(resumed, unbroken, strict=True):
        assert scores == wanted_scores
        for name in wanted:
            np.testing.assert_array_equal(found[name], wanted[name])
            np.testing.assert_array_equal(found[name], unbroken[0][0][name])


def test_when_a_process_dies_the_others_end_with_one_line(
    corpus: Corpus, make_config: MakeConfig, tmp_path: Path
) -> None:
    state = tmp_path / "state"

    def die(step: Step) -> None:
        if step.epoch == 2:
            os._exit(9)

    def work(rank: int) -> None:
        with joined() as group, one_voice(group):
            listener = Listener(on_step=die) if rank == 1 else Listener()
            train_model(make_config(), corpus, listener=listener, state=state)

    first, second, third = together(3, work)
    assert second is None
    told, silent = sorted((first, third), key=lambda error: isinstance(error, SystemExit))
    assert isinstance(told, ProcessError)
    assert str(told) == f"expected 3 processes to train together, found one gone; {GONE}"
    assert isinstance(silent, SystemExit)
    assert silent.code == told.exit_code == 1
    assert is_unfinished(state)


@pytest.mark.slow
def test_a_process_that_falls_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(distributed, "PATIENCE", timedelta(seconds=3))

    def work(rank: int) -> None:
        with joined() as group:
            if rank == 1:
                time.sleep(6)
            group.gather(np.zeros(1))

    error, _ = together(2, work)
    assert isinstance(error, ProcessError)
    assert str(error) == f"expected 2 processes to train together, found one silent for 0.05 minutes; {GONE}"


def test_a_loss_that_is_no_number_in_one_process_ends_all_with_the_error_of_one_process(
    corpus: Corpus, make_config: MakeConfig
) -> None:
    config = make_config(learning_rate=1e30, clip_norm=None, **STILL)
    with pytest.raises(TrainingError) as error:
        train_model(config, corpus)
    found = together(2, lambda rank: train_model(config, corpus))
    assert [(type(each), str(each)) for each in found] == [(TrainingError, str(error.value))] * 2


def test_processes_with_other_files_are_refused_before_the_first_step(corpus: Corpus, make_config: MakeConfig) -> None:
    def work(rank: int) -> Any:
        return train_model(make_config(), replace(corpus, train=corpus.train[rank:]))

    wanted = (
        "expected every process to train on the same corpus, with the same settings and package versions, "
        "found others in process 1; give all the same files"
    )
    assert [(type(each), str(each)) for each in together(2, work)] == [(ProcessError, wanted)] * 2


def test_weights_that_came_apart_end_the_run() -> None:
    def work(rank: int) -> None:
        with joined() as group:
            network = torch.nn.Linear(2, 2)
            for parameter in network.parameters():
                torch.nn.init.constant_(parameter, float(rank == 2))
            check_together(SimpleNamespace(network=network, average=None, group=group), 4)  # type: ignore[arg-type]

    wanted = (
        "epoch 4: expected the same weights in all processes, found others in process 2; "
        "train on processors of one kind, or in one process"
    )
    assert [(type(each), str(each)) for each in together(3, work)] == [(ProcessError, wanted)] * 3


def test_what_processes_send_each_other_arrives_in_their_order() -> None:
    def work(rank: int) -> Any:
        with joined() as group:
            rows = np.arange(2 * rank).reshape(rank, 2) + 10 * rank
            total, first = torch.full((2,), float(rank)), torch.full((2,), float(rank + 5))
            group.add_up(total)
            group.take_from_first([first])
            shares = group.share(np.arange(7)).tolist()
            return group.gather_rows(rows).tolist(), total.tolist(), first.tolist(), shares

    found = whole(together(3, work))
    assert [shares for *_, shares in found] == [[0, 3, 6], [1, 4], [2, 5]]
    for rows, total, first, _ in found:
        assert rows == [[10, 11], [20, 21], [22, 23]]
        assert total == [3.0, 3.0]
        assert first == [5.0, 5.0]


def test_of_an_error_of_all_one_tells_and_the_first_alone_prints(capfd: pytest.CaptureFixture[str]) -> None:
    def work(rank: int) -> None:
        with joined() as group, one_voice(group):
            print(f"out {rank}", flush=True)
            print(f"err {rank}", file=sys.stderr, flush=True)
            raise ConfigError("no such corpus")

    found = together(3, work)
    assert sorted(type(error).__name__ for error in found) == ["ConfigError", "SystemExit", "SystemExit"]
    assert {error.code for error in found if isinstance(error, SystemExit)} == {2}
    captured = capfd.readouterr()
    assert (captured.out, captured.err) == ("out 0\n", "err 0\n")


TORCHRUN = {"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}


def set_environment(monkeypatch: pytest.MonkeyPatch, **names: str) -> None:
    for name, value in names.items():
        monkeypatch.setenv(name, value)


def join_error() -> ConfigError | ProcessError:
    with pytest.raises((ConfigError, ProcessError)) as error, joined():
        pass
    return error.value


def test_a_number_of_processes_without_a_place_to_meet_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, WORLD_SIZE="2", RANK="0", LOCAL_RANK="0")
    error = join_error()
    assert isinstance(error, ConfigError)
    assert str(error) == (
        "WORLD_SIZE=2: expected RANK, LOCAL_RANK, LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT beside it, as torchrun "
        "sets them, found no LOCAL_WORLD_SIZE, MASTER_ADDR, MASTER_PORT; start the processes with torchrun, or unset "
        "WORLD_SIZE"
    )


def test_a_pytorch_without_gloo_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, **TORCHRUN, MASTER_PORT="1")
    monkeypatch.setattr(dist, "is_gloo_available", lambda: False)
    assert str(join_error()) == (
        "WORLD_SIZE=2: expected a PyTorch with gloo, by which processes talk, found one without; train in one process"
    )


def test_a_place_where_nobody_meets_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    set_environment(monkeypatch, **TORCHRUN, MASTER_PORT=port)
    monkeypatch.setattr(distributed, "PATIENCE", timedelta(seconds=1))
    error = join_error()
    assert isinstance(error, ProcessError)
    assert str(error).startswith(f"127.0.0.1:{port}: expected 2 processes to meet there, found: ")
    assert "\n" not in str(error)
    assert not dist.is_initialized()


def test_a_single_process_of_torchrun_is_a_process_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    set_environment(monkeypatch, **{**TORCHRUN, "WORLD_SIZE": "1"})
    with joined() as group:
        assert (group.rank, group.size) == (0, 1)
    assert group.command() == ["ner"]
    assert Group(1, 4, 1, 2).command() == ["torchrun", "--nnodes", "2", "--nproc-per-node", "2", "-m", "ner"]


def test_more_processes_than_a_batch_has_sentences_are_refused() -> None:
    group = Group(0, 4)
    group.check_batches(TrainingConfig(batch_size=4))
    group.check_batches(TrainingConfig(batch_size=2, batch_tokens=50))
    with pytest.raises(ConfigError) as error:
        group.check_batches(TrainingConfig(batch_size=3))
    assert str(error.value) == (
        "training.batch_size: expected a sentence for each of 4 processes, found 3 in all; start fewer processes, or "
        "train larger batches"
    )


def test_what_is_the_work_of_one_process_is_not_started_several_times(monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_processes("ner sweep", "run several at once with --processes")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(ConfigError) as error:
        refuse_processes("ner sweep", "run several at once with --processes")
    assert str(error.value) == (
        "ner sweep: expected to be started once, found 2 processes of torchrun; run several at once with --processes"
    )


class Gpus:
    """A machine with so many GPUs, none of which is there."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: int, *, nccl: bool = True) -> None:
        self.chosen: list[int] = []
        monkeypatch.setattr(torch.cuda, "is_available", lambda: number > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: number)
        monkeypatch.setattr(torch.cuda, "set_device", self.chosen.append)
        monkeypatch.setattr(dist, "is_nccl_available", lambda: nccl)


def test_each_process_of_a_machine_has_a_gpu_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    gpus = Gpus(monkeypatch, 4)
    assert [Group(rank + 4, 8, rank, 4).device("auto") for rank in range(4)] == [
        torch.device("cuda", rank) for rank in range(4)
    ]
    assert gpus.chosen == [0, 1, 2, 3]
    assert Group(1, 2, 1, 2).device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(
    ("number", "nccl", "name", "message"),
    [
        (
            2,
            True,
            "cuda:1",
            "device: expected auto, cpu or cuda where 4 processes train together, for each takes a GPU of its own, "
            "found 'cuda:1'; choose GPUs by CUDA_VISIBLE_DEVICES",
        ),
        (
            2,
            True,
            "auto",
            "device: expected a GPU for each of 4 processes, found 2; start fewer, or train with --device cpu",
        ),
        (
            4,
            False,
            "cuda",
            "device: expected a PyTorch with NCCL, by which GPUs exchange gradients, found one without; train in one "
            "process, or with --device cpu",
        ),
    ],
)
def test_devices_that_several_processes_cannot_share_are_refused(
    monkeypatch: pytest.MonkeyPatch, number: int, nccl: bool, name: str, message: str
) -> None:
    Gpus(monkeypatch, number, nccl=nccl)
    with pytest.raises(ConfigError) as error:
        Group(0, 4, 0, 4).device(name)
    assert str(error.value) == message


def test_processes_meet_again_where_one_comes_later() -> None:
    def work(rank: int) -> Any:
        met = []
        for _ in range(3):
            with joined() as group:
                met += [int(part[0]) for part in group.gather(np.array([rank]))]
            time.sleep(0.2 * rank)  # what the other left of the last meeting is all that the first finds
        return met

    assert together(2, work) == [[0, 1] * 3] * 2
