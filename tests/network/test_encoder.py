"""Dropout, the stack of layers, and what leads past them."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from ner.network.cell import CellOptions
from ner.network.dropout import Dropout
from ner.network.encoder import CONNECTIONS, Encoder, Highway
from ner.network.global_context import GlobalContext
from ner.network.layer import RecurrentLayer

INPUT_DIM, HIDDEN_DIM, SUMMARY_DIM = 5, 3, 4
LENGTHS = torch.tensor([6, 2])


def make_layers(cell: str, num_layers: int, *, input_dim: int = INPUT_DIM) -> list[RecurrentLayer]:
    layers = []
    for index in range(num_layers):
        options = CellOptions(stacked=index > 0)
        layers.append(RecurrentLayer(cell, input_dim, HIDDEN_DIM, bidirectional=True, options=options))
        input_dim = layers[-1].output_dim
    return layers


def make_context(cell: str) -> GlobalContext:
    return GlobalContext(RecurrentLayer(cell, INPUT_DIM, SUMMARY_DIM // 2, bidirectional=True))


def random_inputs() -> Tensor:
    return torch.randn(2, 6, INPUT_DIM, generator=torch.Generator().manual_seed(8))


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
    # The rate is rounded to 1/65,536.
    assert states.unique().tolist() == pytest.approx([0.0, 3 / (1 - rate)], rel=5e-5)
    # 100,000 independent units: five deviations of the mean are 0.095 at rate 0.8.
    assert float((states == 0).float().mean()) == pytest.approx(rate, abs=0.01)
    assert float(states.mean()) == pytest.approx(3.0, abs=0.1)


@pytest.mark.parametrize("variational", [False, True])
def test_dropout_is_off_in_use_and_at_rate_zero(variational: bool) -> None:
    states = torch.randn(2, 3, 4)
    assert torch.equal(Dropout(0.5, variational=variational).eval()(states), states)
    assert torch.equal(Dropout(0.0, variational=variational)(states), states)


def by_hand(encoder: Encoder, inputs: Tensor, past: Callable[[int, Tensor, Tensor], Tensor]) -> Tensor:
    """The stack without dropout; `past` joins what enters a layer above the first with its states."""
    states, cell_states = inputs, None
    for index, layer in enumerate(encoder.layers):
        own, cell_states = layer(states, LENGTHS, cell_states)
        states = past(index, states, own) if index else own
    return states


@pytest.mark.parametrize("cell", ["gru", "depth-gated-lstm"])
@torch.no_grad()
def test_each_layer_reads_the_states_and_the_cell_states_of_the_layer_below(cell: str) -> None:
    encoder = Encoder(make_layers(cell, 3), dropout=Dropout(0.5)).eval()
    inputs = random_inputs()
    assert encoder.output_dim == 2 * HIDDEN_DIM
    assert torch.equal(encoder(inputs, LENGTHS), by_hand(encoder, inputs, lambda index, below, own: own))


@pytest.mark.parametrize("cell", ["gru", "depth-gated-lstm"])
@torch.no_grad()
def test_residual_connections_add_what_enters_a_layer_above_the_first(cell: str) -> None:
    encoder = Encoder(make_layers(cell, 3), dropout=Dropout(0.5), connection="residual").eval()
    inputs = random_inputs()
    wanted = by_hand(encoder, inputs, lambda index, below, own: below + own)
    torch.testing.assert_close(encoder(inputs, LENGTHS), wanted, rtol=0, atol=1e-6)


@pytest.mark.parametrize("cell", ["gru", "depth-gated-lstm"])
@torch.no_grad()
def test_highway_gates_mix_what_enters_a_layer_with_its_states(cell: str) -> None:
    torch.manual_seed(9)
    encoder = Encoder(make_layers(cell, 3), dropout=Dropout(0.5), connection="highway").eval()
    for parameter in encoder.connections.parameters():
        nn.init.normal_(parameter)

    def mixed(index: int, below: Tensor, own: Tensor) -> Tensor:
        """Srivastava et al. 2015, equation 3."""
        weight, bias = encoder.connections[index].parameters()
        carried = torch.empty_like(own)
        for index in torch.cartesian_prod(*map(torch.arange, own.shape[:2])).tolist():
            x, y = below[tuple(index)], own[tuple(index)]
            t = 1 / (1 + torch.exp(-(weight @ x + bias)))
            carried[tuple(index)] = t * y + (1 - t) * x
        return carried

    inputs = random_inputs()
    wanted = by_hand(encoder, inputs, mixed)
    torch.testing.assert_close(encoder(inputs, LENGTHS), wanted, rtol=0, atol=1e-6)


@torch.no_grad()
def test_a_highway_gate_starts_from_a_bias_of_minus_one() -> None:
    highway = Highway(4)
    # An input of zeros leaves the bias alone: of each state goes on σ(-1) = 1 / (1 + e).
    mixed = highway(torch.zeros(1, 1, 4), torch.tensor([[[1.0, -2.0, 3.0, 0.5]]]))
    torch.testing.assert_close(mixed, torch.tensor([[[1.0, -2.0, 3.0, 0.5]]]) / (1 + torch.e))


@pytest.mark.parametrize("connection", CONNECTIONS)
@torch.no_grad()
def test_nothing_leads_past_the_first_layer(connection: str) -> None:
    # As wide as its input, so that only the design keeps a connection away.
    layers = make_layers("lstm", 1, input_dim=2 * HIDDEN_DIM)
    encoder = Encoder(layers, dropout=Dropout(0.5), connection=connection).eval()
    inputs = torch.randn(2, 6, 2 * HIDDEN_DIM)
    assert torch.equal(encoder(inputs, LENGTHS), layers[0](inputs, LENGTHS)[0])
    assert not list(encoder.connections.parameters())


@torch.no_grad()
def test_the_summary_of_the_sentence_stands_behind_each_token() -> None:
    context = make_context("gru")
    layers = make_layers("gru", 1, input_dim=INPUT_DIM + SUMMARY_DIM)
    encoder = Encoder(layers, dropout=Dropout(0.5), context=context).eval()
    inputs = random_inputs()
    summary = context(inputs, LENGTHS)
    wide = torch.stack([torch.cat((inputs[:, step], summary), dim=1) for step in range(inputs.shape[1])], dim=1)
    assert torch.equal(encoder(inputs, LENGTHS), layers[0](wide, LENGTHS)[0])


@pytest.mark.parametrize("with_context", [False, True], ids=["none", "context"])
@pytest.mark.parametrize("connection", CONNECTIONS)
@pytest.mark.parametrize("cell", ["lstm", "depth-gated-lstm", "clockwork-rnn"])
@torch.no_grad()
def test_the_last_traced_states_are_what_comes_out(cell: str, connection: str, with_context: bool) -> None:
    context = make_context(cell) if with_context else None
    layers = make_layers(cell, 3, input_dim=INPUT_DIM + (SUMMARY_DIM if with_context else 0))
    encoder = Encoder(layers, dropout=Dropout(0.5), connection=connection, context=context).eval()
    inputs = random_inputs()
    traces = encoder.trace(inputs, LENGTHS)
    own = [torch.cat([trace["forward"]["hidden"], trace["backward"]["hidden"]], dim=-1) for trace in traces]
    states = own[0]
    for index in (1, 2):
        states = encoder.connections[index](states, own[index])
    torch.testing.assert_close(encoder(inputs, LENGTHS), states, rtol=0, atol=1e-6)
    assert all("forget" in trace["backward"] for trace in traces) == (cell != "clockwork-rnn")


@pytest.mark.parametrize(
    ("with_context", "widths"),
    [(False, [INPUT_DIM, 6, 6]), (True, [INPUT_DIM, SUMMARY_DIM, 6, 6])],
    ids=["none", "context"],
)
@pytest.mark.parametrize("traced", [False, True], ids=["forward", "trace"])
def test_dropout_stands_before_between_and_behind_the_layers(
    with_context: bool, widths: list[int], traced: bool
) -> None:
    seen: list[int] = []

    class Counting(Dropout):
        def forward(self, states: Tensor) -> Tensor:
            seen.append(states.shape[-1])
            return states

    context = make_context("lstm") if with_context else None
    layers = make_layers("lstm", 2, input_dim=INPUT_DIM + (SUMMARY_DIM if with_context else 0))
    encoder = Encoder(layers, dropout=Counting(0.5), connection="residual", context=context)
    (encoder.trace if traced else encoder)(random_inputs(), LENGTHS)
    assert seen == widths


def test_dropout_behind_a_layer_drops_of_the_connection_too() -> None:
    torch.manual_seed(1)
    encoder = Encoder(make_layers("gru", 2), dropout=Dropout(0.5), connection="residual")
    # What is zero was dropped: states and sums of states never are.
    dropped = (encoder(torch.randn(50, 6, INPUT_DIM), torch.full((50,), 6)) == 0).float().mean()
    assert float(dropped) == pytest.approx(0.5, abs=0.06)  # five deviations of 1,800 draws
