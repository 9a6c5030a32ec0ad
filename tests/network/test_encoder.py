"""Dropout and the stack of layers."""

import pytest
import torch

from ner.network.encoder import Dropout, Encoder


def test_variational_dropout_drops_the_same_units_at_every_token() -> None:
    torch.manual_seed(1)
    dropped = Dropout(0.5, variational=True)(torch.ones(6, 9, 40)) == 0  # (B, T, D)
    assert torch.equal(dropped, dropped[:, :1].expand_as(dropped))
    assert len({tuple(row) for row in dropped[:, 0].tolist()}) == 6  # each sentence drops units of its own
    assert 0 < dropped[:, 0].float().mean() < 1


def test_plain_dropout_drops_other_units_at_each_token() -> None:
    torch.manual_seed(1)
    dropped = Dropout(0.5)(torch.ones(1, 9, 40)) == 0
    assert len({tuple(row) for row in dropped[0].tolist()}) == 9


@pytest.mark.parametrize("variational", [False, True])
@pytest.mark.parametrize("rate", [0.1, 0.5, 0.8])
def test_dropout_keeps_the_expectation_and_drops_at_its_rate(rate: float, variational: bool) -> None:
    torch.manual_seed(1)
    states = Dropout(rate, variational=variational)(torch.full((2000, 2, 50), 3.0))
    assert states.unique().tolist() == pytest.approx([0.0, 3 / (1 - rate)])
    # 100,000 independent units: five deviations of the mean are 0.095 at rate 0.8.
    assert float((states == 0).float().mean()) == pytest.approx(rate, abs=0.01)
    assert float(states.mean()) == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("variational", [False, True])
def test_dropout_is_off_in_use_and_at_rate_zero(variational: bool) -> None:
    states = torch.randn(2, 3, 4)
    assert torch.equal(Dropout(0.5, variational=variational).eval()(states), states)
    assert torch.equal(Dropout(0.0, variational=variational)(states), states)


def test_each_layer_reads_the_layer_below() -> None:
    encoder = Encoder("gru", 5, hidden_dim=3, num_layers=3, dropout=Dropout(0.5)).eval()
    inputs, lengths = torch.randn(2, 4, 5), torch.tensor([4, 2])
    states = inputs
    for layer in encoder.layers:
        states = layer(states, lengths)
    assert encoder.output_dim == 6
    assert torch.equal(encoder(inputs, lengths), states)


def test_dropout_stands_before_between_and_behind_the_layers() -> None:
    seen: list[int] = []

    class Counting(Dropout):
        def forward(self, states: torch.Tensor) -> torch.Tensor:
            seen.append(states.shape[-1])
            return states

    Encoder("lstm", 5, hidden_dim=3, num_layers=2, dropout=Counting(0.5))(torch.randn(1, 2, 5), torch.tensor([2]))
    assert seen == [5, 6, 6]
