"""TensorBoard's event files, read back by TensorBoard."""

import builtins
from pathlib import Path

import pytest

from ner.errors import ConfigError
from ner.training.events import Epoch, Listener, Step
from ner.training.tensorboard import event_files

EPOCH = Epoch(1, 2.5, 0.1, 0.5, 0.25, 1 / 3, 2.0, 100.0, best=True, labels={"PER": {"precision": 0.5, "f1": 0.75}})


def test_what_is_heard_is_written_and_passed_on(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the extra `tensorboard` isn't installed")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    heard: list[object] = []
    listener = Listener(on_step=heard.append, on_epoch=heard.append, on_message=heard.append)
    (tmp_path / "events.out.tfevents.1.old").write_bytes(b"")
    (tmp_path / "notes.txt").write_text("mine")
    steps = [Step(1, 1, 2, 3.0, 9.0, 3.0, 0.5), Step(1, 2, 2, 2.5, 9.0, 2.0, None)]
    with event_files(tmp_path, listener, anew=True) as both:
        for step in steps:
            both.on_step(step)
        both.on_epoch(EPOCH)
        both.on_message("hello")
    assert heard == [*steps, EPOCH, "hello"]
    assert not (tmp_path / "events.out.tfevents.1.old").exists()
    assert (tmp_path / "notes.txt").exists()

    events = EventAccumulator(str(tmp_path)).Reload()
    found = {tag: [(e.step, e.value) for e in events.Scalars(tag)] for tag in events.Tags()["scalars"]}
    assert found["train/batch_loss"] == [(1, 3.0), (2, 2.0)]
    assert found["train/gradient_norm"] == [(1, 0.5)]
    assert found["dev/f1"] == [(1, pytest.approx(1 / 3))]
    assert found["dev f1/PER"] == [(1, 0.75)]
    assert found["train/learning_rate"] == [(1, pytest.approx(0.1))]


def test_a_resumed_run_goes_on_beside_its_own_files(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the extra `tensorboard` isn't installed")
    (tmp_path / "events.out.tfevents.1.old").write_bytes(b"")
    with event_files(tmp_path, Listener(), anew=False):
        pass
    assert (tmp_path / "events.out.tfevents.1.old").exists()


def test_a_place_that_is_none_is_told(tmp_path: Path) -> None:
    pytest.importorskip("tensorboard", reason="the extra `tensorboard` isn't installed")
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError) as error, event_files(tmp_path / "file", Listener(), anew=True):
        pass
    assert str(error.value) == f"{tmp_path / 'file'}: expected a place for event files: File exists"


def test_without_tensorboard_the_way_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name, *arguments, **named):  # type: ignore[no-untyped-def]
        if "tensorboard" in name:
            raise ImportError(name)
        return real(name, *arguments, **named)

    monkeypatch.setattr(builtins, "__import__", missing)
    with pytest.raises(ConfigError) as error, event_files(tmp_path, Listener(), anew=True):
        pass
    assert str(error.value) == (
        "run.tensorboard: expected the package `tensorboard`; pip install 'bilstm-crf-ner[tensorboard]'"
    )
