"""Sums in shared memory are those of all processes, the same to the last bit in each, and leave nothing behind."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from ner.config import Config
from ner.formats.corpus import Corpus
from ner.training import exchange, shared_memory
from ner.training.distributed import Group, joined
from ner.training.shared_memory import SharedSums
from ner.training.training import train_model
from tests.together import together

pytestmark = pytest.mark.skipif(not shared_memory.FOLDER.is_dir(), reason="no /dev/shm")
MakeConfig = Callable[..., Config]


def numbers(rank: int, turn: int) -> torch.Tensor:
    return torch.randn(50, generator=torch.Generator().manual_seed(10 * turn + rank))


def test_each_process_gets_the_sum_of_what_all_wrote_turn_after_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_memory, "FOLDER", tmp_path)

    def work(rank: int) -> Any:
        with joined() as group:
            sums = SharedSums.of(group, 50)
            assert sums
            found = []
            for turn in range(5):
                place = sums.place(50)
                assert place is not None
                place.copy_(numbers(rank, turn))
                found.append(sums.add_up(50).tolist())
            return found, sums.place(64) is not None, sums.place(65) is None

    wanted = [(numbers(0, turn) + numbers(1, turn) + numbers(2, turn)).tolist() for turn in range(5)]
    assert together(3, work) == [(wanted, True, True)] * 3
    assert list(tmp_path.iterdir()) == []


def test_where_one_process_sees_no_shared_memory_none_uses_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_memory, "FOLDER", tmp_path)

    def work(rank: int) -> Any:
        def blind(*given: object, **named: object) -> None:
            raise RuntimeError("no such file")

        with joined() as group:
            if rank == 1:
                torch.from_file = blind  # type: ignore[assignment]
            return SharedSums.of(group, 50)

    assert together(2, work) == [None] * 2
    assert list(tmp_path.iterdir()) == []


def test_without_a_folder_in_memory_or_room_in_it_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_memory, "FOLDER", tmp_path)

    def work(rank: int) -> Any:
        with joined() as group:
            too_much = SharedSums.of(group, 2**57)
            monkeypatch.setattr(shared_memory, "FOLDER", tmp_path / "nowhere")
            return too_much, SharedSums.of(group, 50)

    assert together(2, work) == [(None, None)] * 2
    assert list(tmp_path.iterdir()) == []


def test_processes_of_several_machines_or_very_many_share_no_memory() -> None:
    assert SharedSums.of(Group(0, 4, 0, 2), 50) is None
    assert SharedSums.of(Group(0, 9, 0, 9), 50) is None


def test_two_processes_train_the_same_weights_by_shared_memory_and_by_sockets(
    corpus: Corpus, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = make_config(epochs=2, dropout=0.5)

    def work(rank: int) -> Any:
        asked: list[int] = []
        monkeypatch.setattr(exchange, "_ROOM", 30)  # the rows of some batches fit, those of others don't
        place = SharedSums.place
        monkeypatch.setattr(SharedSums, "place", lambda own, size: asked.append(place(own, size)) or asked[-1])
        mixed = train_model(config, corpus)
        monkeypatch.setattr(SharedSums, "of", lambda group, capacity: None)
        return (
            {fits is None for fits in asked},
            [
                {k: v.numpy().tobytes() for k, v in m.network.state_dict().items()}
                for m in (mixed, train_model(config, corpus))
            ],
        )

    for kinds, (mixed, by_sockets) in together(2, work):
        assert kinds == {True, False}
        assert mixed == by_sockets
