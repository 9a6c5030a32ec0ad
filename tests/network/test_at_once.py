"""Both directions at once are both directions one after the other, to the last digit."""

import threading

import pytest
import torch
from torch import Tensor, nn

from ner.network import at_once
from ner.network.layer import RecurrentLayer, directions_at_once


@pytest.fixture(autouse=True)
def two_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def make(cell: str = "lstm", *, bidirectional: bool = True, bf16: bool = False) -> RecurrentLayer:
    torch.manual_seed(2)
    return RecurrentLayer(cell, 5, 4, bidirectional=bidirectional, bf16=bf16)


def states_and_gradients(layer: RecurrentLayer, inputs: Tensor, lengths: Tensor) -> list[Tensor]:
    layer.zero_grad()
    inputs = inputs.clone().requires_grad_()
    states, cell_states = layer(inputs, lengths)
    assert cell_states is None
    (states * torch.arange(states.numel()).view_as(states)).sum().backward()
    gradients = [tensor.grad for tensor in (inputs, *layer.parameters())]
    return [states.detach(), *(gradient.clone() for gradient in gradients if gradient is not None)]


@pytest.mark.parametrize("bf16", [False, True])
def test_states_and_gradients_are_the_same(bf16: bool) -> None:
    layer, inputs, lengths = make(bf16=bf16), torch.randn(3, 6, 5), torch.tensor([6, 2, 4])
    torch.set_num_threads(1)
    wanted = states_and_gradients(layer, inputs, lengths)
    torch.set_num_threads(2)
    with directions_at_once(layer):
        assert layer.at_once
        found = states_and_gradients(layer, inputs, lengths)
    assert not layer.at_once
    assert len(found) == len(wanted) == 10
    assert all(torch.equal(a, b) for a, b in zip(found, wanted, strict=True))


def test_each_direction_has_its_thread_and_half_of_the_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, int]] = []
    read = nn.LSTM.forward

    def forward(self: nn.LSTM, *arguments: Tensor) -> tuple[Tensor, Tensor]:
        seen.append((threading.current_thread().name, torch.get_num_threads()))
        return read(self, *arguments)

    monkeypatch.setattr(nn.LSTM, "forward", forward)
    layer = make()
    with directions_at_once(layer):
        layer(torch.randn(2, 3, 5), torch.tensor([3, 1]))
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    assert {threads for _, threads in seen} == {1}
    assert len({name for name, _ in seen}) == 2


@pytest.mark.parametrize(
    ("cell", "bidirectional"), [("gru", True), ("rnn", True), ("coupled-lstm", True), ("lstm", False)]
)
def test_other_layers_keep_all_threads(cell: str, bidirectional: bool) -> None:
    layer = make(cell, bidirectional=bidirectional)
    with directions_at_once(layer):
        assert (layer.at_once, torch.get_num_threads()) == (False, 2)


def test_one_thread_stays_one() -> None:
    torch.set_num_threads(1)
    layer = make()
    with directions_at_once(layer):
        assert (layer.at_once, torch.get_num_threads()) == (False, 1)


def test_without_gradients_nothing_is_kept_for_the_way_back() -> None:
    layer, inputs, lengths = make(), torch.randn(2, 3, 5), torch.tensor([3, 2])
    with torch.no_grad():
        wanted, _ = layer(inputs, lengths)
        with directions_at_once(layer):
            found, _ = layer(inputs, lengths)
    torch.testing.assert_close(found, wanted)
    assert not found.requires_grad


@pytest.mark.parametrize("failing", [0, 1])
def test_an_error_in_either_thread_comes_out_and_the_next_call_works(failing: int) -> None:
    def work() -> int:
        return 1

    def fail() -> int:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        at_once._both(*([fail, work] if failing == 0 else [work, fail]))
    assert at_once._both(work, work) == (1, 1)
