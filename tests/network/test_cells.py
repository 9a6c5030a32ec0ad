"""Each recurrent cell against its paper's equations, written out in NumPy one token after the other.

The oracles share nothing with the cells but the layout of the weights, which a table here writes down. They read one
sentence at a time, in double precision.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ner.network.cell import Cell, CellOptions
from ner.network.cells import CELLS

Array = NDArray[np.float64]
Steps = list[dict[str, Array]]

INPUT_DIM, HIDDEN_DIM, NUM_STEPS, NUM_SENTENCES = 5, 6, 9, 3
BLOCKS = {
    "lstm": ("input", "forget", "candidate", "output"),  # as nn.LSTM's documentation has them
    "gru": ("reset", "update", "candidate"),  # as nn.GRU's
    "rnn": ("candidate",),
    "peephole-lstm": ("input", "forget", "candidate", "output"),
    "coupled-lstm": ("forget", "candidate", "output"),
    "depth-gated-lstm": ("input", "forget", "candidate", "output"),
    "clockwork-rnn": ("candidate",),
}
FUSED = ("lstm", "gru", "rnn")
FORGETTING = ("lstm", "peephole-lstm", "coupled-lstm", "depth-gated-lstm")


class Block(NamedTuple):
    """The weights of one gate or candidate."""

    w: Array  # (H, D)
    u: Array  # (H, H)
    b: Array  # (H,)
    b_recurrent: Array | float  # PyTorch's kernels alone have a second bias

    def __call__(self, x: Array, h: Array) -> Array:
        return self.w @ x + self.b + self.u @ h + self.b_recurrent


def array(tensor: Tensor) -> Array:
    return tensor.detach().numpy()


def blocks_of(cell: Cell, name: str) -> list[Block]:
    weights = {key.removeprefix("fused.").removesuffix("_l0"): array(p) for key, p in cell.named_parameters()}
    b = weights["bias_ih" if name in FUSED else "bias"]
    second = weights.get("bias_hh", np.zeros_like(b))
    parts = (np.split(part, len(BLOCKS[name])) for part in (weights["weight_ih"], weights["weight_hh"], b, second))
    return [Block(*block) for block in zip(*parts, strict=True)]


def sigmoid(values: Array) -> Array:
    return 1 / (1 + np.exp(-values))


def elman(cell: Cell, sentence: Array, below: Array | None) -> Steps:
    """Elman 1990."""
    (candidate,) = blocks_of(cell, "rnn")
    h, steps = np.zeros(HIDDEN_DIM), []
    for x in sentence:
        h = np.tanh(candidate(x, h))
        steps.append({"hidden": h, "cell_state": h})
    return steps


def lstm(cell: Cell, sentence: Array, below: Array | None) -> Steps:
    """Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000."""
    to_input, to_forget, candidate, to_output = blocks_of(cell, "lstm")
    h, c, steps = np.zeros(HIDDEN_DIM), np.zeros(HIDDEN_DIM), []
    for x in sentence:
        i, f, o = sigmoid(to_input(x, h)), sigmoid(to_forget(x, h)), sigmoid(to_output(x, h))
        c = f * c + i * np.tanh(candidate(x, h))
        h = o * np.tanh(c)
        steps.append({"hidden": h, "cell_state": c, "input": i, "forget": f, "output": o})
    return steps


def gru(cell: Cell, sentence: Array, below: Array | None) -> Steps:
    """Cho et al. 2014 as nn.GRU has it: r is multiplied with U h' + b, where the paper multiplies it with h'."""
    reset, update, candidate = blocks_of(cell, "gru")
    h, steps = np.zeros(HIDDEN_DIM), []
    for x in sentence:
        r, z = sigmoid(reset(x, h)), sigmoid(update(x, h))
        n = np.tanh(candidate.w @ x + candidate.b + r * (candidate.u @ h + candidate.b_recurrent))
        h = (1 - z) * n + z * h
        steps.append({"hidden": h, "cell_state": h, "reset": r, "update": z})
    return steps


def peephole_lstm(cell: Cell, sentence: Array, below: Array | None) -> Steps:
    """Gers & Schmidhuber 2000: the input and forget gate see the cell state before, the output gate the new one."""
    to_input, to_forget, candidate, to_output = blocks_of(cell, "peephole-lstm")
    p_input, p_forget, p_output = array(cell.get_parameter("peepholes"))
    h, c, steps = np.zeros(HIDDEN_DIM), np.zeros(HIDDEN_DIM), []
    for x in sentence:
        i = sigmoid(to_input(x, h) + p_input * c)
        f = sigmoid(to_forget(x, h) + p_forget * c)
        c = f * c + i * np.tanh(candidate(x, h))
        o = sigmoid(to_output(x, h) + p_output * c)
        h = o * np.tanh(c)
        steps.append({"hidden": h, "cell_state": c, "input": i, "forget": f, "output": o})
    return steps


def coupled_lstm(cell: Cell, sentence: Array, below: Array | None) -> Steps:
    """Greff et al. 2015, CIFG: the input gate is 1 - f."""
    to_forget, candidate, to_output = blocks_of(cell, "coupled-lstm")
    h, c, steps = np.zeros(HIDDEN_DIM), np.zeros(HIDDEN_DIM), []
    for x in sentence:
        f, o = sigmoid(to_forget(x, h)), sigmoid(to_output(x, h))
        c = f * c + (1 - f) * np.tanh(candidate(x, h))
        h = o * np.tanh(c)
        steps.append({"hidden": h, "cell_state": c, "forget": f, "output": o})
    return steps


def depth_gated_lstm(cell: Cell, sentence: Array, below: Array | None) -> Steps:
    """Yao et al. 2015, equations 5 to 10; below the first layer the cell state is a linear map of the input."""
    to_input, to_forget, candidate, to_output = blocks_of(cell, "depth-gated-lstm")
    p_input, p_forget, p_output = array(cell.get_parameter("peepholes"))
    p_before, p_below = array(cell.get_parameter("depth_peepholes"))
    w_depth, b_depth = array(cell.get_parameter("depth.weight")), array(cell.get_parameter("depth.bias"))
    if below is None:
        below = np.stack([array(cell.get_parameter("entrance.weight")) @ x for x in sentence])
    h, c, steps = np.zeros(HIDDEN_DIM), np.zeros(HIDDEN_DIM), []
    for x, m in zip(sentence, below, strict=True):
        i = sigmoid(to_input(x, h) + p_input * c)
        f = sigmoid(to_forget(x, h) + p_forget * c)
        d = sigmoid(b_depth + w_depth @ x + p_before * c + p_below * m)
        c = d * m + f * c + i * np.tanh(candidate(x, h))
        o = sigmoid(to_output(x, h) + p_output * c)
        h = o * np.tanh(c)
        steps.append({"hidden": h, "cell_state": c, "input": i, "forget": f, "output": o, "depth": d})
    return steps


def clockwork(cell: Cell, sentence: Array, below: Array | None, periods: tuple[int, ...] = (1, 2, 4, 8)) -> Steps:
    """Koutník et al. 2014, unit by unit: a unit reads its own module and slower ones, at multiples of its period."""
    ((w, u, b, _),) = blocks_of(cell, "clockwork-rnn")
    module = [n for n, units in enumerate(np.array_split(np.arange(HIDDEN_DIM), len(periods))) for _ in units]
    h, steps = np.zeros(HIDDEN_DIM), []
    for t, x in enumerate(sentence):
        new = h.copy()
        for unit in range(HIDDEN_DIM):
            if t % periods[module[unit]] == 0:
                heard = [u[unit, other] * h[other] for other in range(HIDDEN_DIM) if module[other] >= module[unit]]
                new[unit] = math.tanh(w[unit] @ x + b[unit] + math.fsum(heard))
        h = new
        steps.append({"hidden": h, "cell_state": h})
    return steps


def thirds(cell: Cell, sentence: Array, below: Array | None) -> Steps:
    return clockwork(cell, sentence, below, (2, 3, 7))


class Case(NamedTuple):
    cell: str
    oracle: Callable[[Cell, Array, Array | None], Steps]
    options: CellOptions = CellOptions()


CASES = [
    Case("rnn", elman),
    Case("lstm", lstm),
    Case("gru", gru),
    Case("peephole-lstm", peephole_lstm),
    Case("coupled-lstm", coupled_lstm),
    Case("depth-gated-lstm", depth_gated_lstm),
    Case("depth-gated-lstm", depth_gated_lstm, CellOptions(stacked=True)),
    Case("clockwork-rnn", clockwork),
    Case("clockwork-rnn", thirds, CellOptions(clock_periods=(2, 3, 7))),
]
every_case = pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c.cell}{'-stacked' * c.options.stacked}")


def random_cell(name: str, options: CellOptions = CellOptions(), *, sizes: tuple[int, int] = (5, 6)) -> Cell:
    """A cell in double precision of which no parameter is zero."""
    torch.manual_seed(4)
    cell = CELLS[name](*sizes, options).double()
    for parameter in cell.parameters():
        nn.init.normal_(parameter, std=0.7)
    return cell


def random_inputs(case: Case) -> tuple[Tensor, Tensor | None]:
    generator = torch.Generator().manual_seed(5)
    inputs, below = (
        torch.randn(NUM_SENTENCES, NUM_STEPS, dim, generator=generator, dtype=torch.double)
        for dim in (INPUT_DIM, HIDDEN_DIM)
    )
    return inputs, below if case.options.stacked else None


def by_the_paper(case: Case, cell: Cell, inputs: Tensor, below: Tensor | None) -> dict[str, Tensor]:
    """All that the oracle sees, each (B, T, H)."""
    sentences = [
        case.oracle(cell, array(inputs[row]), None if below is None else array(below[row]))
        for row in range(len(inputs))
    ]
    names = sentences[0][0]
    return {name: torch.tensor(np.array([[step[name] for step in steps] for steps in sentences])) for name in names}


def test_every_cell_has_an_oracle() -> None:
    assert {case.cell for case in CASES} == BLOCKS.keys() == CELLS.keys()


@every_case
@torch.no_grad()
def test_states_are_those_of_the_papers_equations(case: Case) -> None:
    cell = random_cell(case.cell, case.options)
    inputs, below = random_inputs(case)
    hidden, cell_states = cell(inputs, below)
    wanted = by_the_paper(case, cell, inputs, below)
    torch.testing.assert_close(hidden, wanted["hidden"], rtol=0, atol=1e-10)
    assert (cell_states is None) == (case.cell != "depth-gated-lstm")  # no other cell reads it
    if cell_states is not None:
        torch.testing.assert_close(cell_states, wanted["cell_state"], rtol=0, atol=1e-10)


@every_case
@torch.no_grad()
def test_a_trace_shows_the_cell_state_and_every_gate_of_the_equations(case: Case) -> None:
    cell = random_cell(case.cell, case.options)
    inputs, below = random_inputs(case)
    found, wanted = cell.trace(inputs, below), by_the_paper(case, cell, inputs, below)
    assert found.keys() == wanted.keys()
    for name, values in wanted.items():
        torch.testing.assert_close(found[name], values, rtol=0, atol=1e-10, msg=name)
    torch.testing.assert_close(found["hidden"], cell(inputs, below)[0], rtol=0, atol=1e-12)


@every_case
def test_gradients_pass_gradcheck_in_double_precision(case: Case) -> None:
    # Three modules, so that the third ticks once more within the four steps.
    options = case.options._replace(clock_periods=(1, 2, 3))
    cell = random_cell(case.cell, options, sizes=(2, 3))
    generator = torch.Generator().manual_seed(6)
    inputs, below = (
        torch.randn(2, 4, dim, generator=generator, dtype=torch.double, requires_grad=True) for dim in (2, 3)
    )
    read = [inputs, *([below] if options.stacked else []), *cell.parameters()]

    def run(*_: Tensor) -> tuple[Tensor, ...]:
        # gradcheck moves its arguments in place, so the cell's own parameters move too.
        return tuple(part for part in cell(inputs, below if options.stacked else None) if part is not None)

    assert torch.autograd.gradcheck(run, read)


def plain_kernel(kernel: type[nn.RNNBase], weight_ih: Tensor, weight_hh: Tensor, bias: Tensor) -> nn.RNNBase:
    theirs = kernel(INPUT_DIM, HIDDEN_DIM, batch_first=True).double()
    zeros = torch.zeros_like(bias)
    names = ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")
    theirs.load_state_dict(dict(zip(names, (weight_ih, weight_hh, bias, zeros), strict=True)))
    return theirs


@torch.no_grad()
def test_without_its_peepholes_a_peephole_lstm_is_pytorchs_lstm() -> None:
    cell = random_cell("peephole-lstm")
    cell.get_parameter("peepholes").zero_()
    inputs, _ = random_inputs(CASES[0])
    theirs = plain_kernel(nn.LSTM, cell.weight_ih, cell.weight_hh, cell.bias)
    torch.testing.assert_close(cell(inputs)[0], theirs(inputs)[0], rtol=0, atol=1e-10)


@torch.no_grad()
def test_with_its_peepholes_it_is_not() -> None:
    cell = random_cell("peephole-lstm")
    inputs, _ = random_inputs(CASES[0])
    theirs = plain_kernel(nn.LSTM, cell.weight_ih, cell.weight_hh, cell.bias)
    assert float((cell(inputs)[0] - theirs(inputs)[0]).abs().max()) > 0.1


@torch.no_grad()
def test_a_coupled_lstm_is_pytorchs_lstm_with_the_forget_gates_weights_negated_for_the_input_gate() -> None:
    cell = random_cell("coupled-lstm")
    inputs, _ = random_inputs(CASES[0])
    # σ(-a) = 1 - σ(a)
    weights = (torch.cat((-part[:HIDDEN_DIM], part)) for part in (cell.weight_ih, cell.weight_hh, cell.bias))
    theirs = plain_kernel(nn.LSTM, *weights)
    torch.testing.assert_close(cell(inputs)[0], theirs(inputs)[0], rtol=0, atol=1e-10)


@torch.no_grad()
def test_a_depth_gate_that_is_shut_leaves_a_peephole_lstm() -> None:
    cell, plain = random_cell("depth-gated-lstm", CellOptions(stacked=True)), random_cell("peephole-lstm")
    plain.load_state_dict({name: cell.get_parameter(name) for name in plain.state_dict()})
    cell.get_parameter("depth.bias").fill_(-200.0)
    inputs, below = random_inputs(Case("depth-gated-lstm", depth_gated_lstm, CellOptions(stacked=True)))
    torch.testing.assert_close(cell(inputs, below)[0], plain(inputs)[0], rtol=0, atol=1e-10)


@pytest.mark.parametrize("periods", [(1,), (1, 1, 1), (1, 1, 1, 1)], ids=str)
@torch.no_grad()
def test_a_clock_that_always_ticks_leaves_pytorchs_rnn_with_block_triangular_weights(periods: tuple[int, ...]) -> None:
    cell = random_cell("clockwork-rnn", CellOptions(clock_periods=periods))
    inputs, _ = random_inputs(CASES[0])
    triangular, start = cell.weight_hh.clone(), 0
    for units in np.array_split(np.arange(HIDDEN_DIM), len(periods)):
        start += len(units)
        triangular[start:, :start] = 0  # from faster modules into slower ones
    theirs = plain_kernel(nn.RNN, cell.weight_ih, triangular, cell.bias)
    torch.testing.assert_close(cell(inputs)[0], theirs(inputs)[0], rtol=0, atol=1e-10)


@torch.no_grad()
def test_a_module_changes_when_it_ticks_and_keeps_its_state_between() -> None:
    cell = random_cell("clockwork-rnn", CellOptions(clock_periods=(1, 3, 5)))
    hidden = cell(random_inputs(CASES[0])[0])[0]
    changed = (hidden[:, 1:] != hidden[:, :-1]).transpose(0, 1)  # (T - 1, B, H)
    for period, units in ((1, slice(0, 2)), (3, slice(2, 4)), (5, slice(4, 6))):
        for step, units_changed in enumerate(changed[:, :, units], start=1):
            assert units_changed.all() if step % period == 0 else not units_changed.any()


@torch.no_grad()
def test_a_slow_module_never_hears_a_faster_one() -> None:
    cell = random_cell("clockwork-rnn", CellOptions(clock_periods=(1, 3, 5)))
    inputs, _ = random_inputs(CASES[0])
    before = cell(inputs)[0]
    cell.bias[:2] += 1
    after = cell(inputs)[0]
    assert torch.equal(before[..., 2:], after[..., 2:])
    assert (before[..., :2] != after[..., :2]).all()


@pytest.mark.parametrize("forget_bias", [1.0, -2.0, 0.0])
@pytest.mark.parametrize("name", CELLS)
@torch.no_grad()
def test_at_the_start_the_forget_bias_opens_the_forget_gates_and_every_other_bias_is_zero(
    name: str, forget_bias: float
) -> None:
    cell = CELLS[name](INPUT_DIM, HIDDEN_DIM, CellOptions(forget_bias=forget_bias))
    # From a state of zeros, an input of zeros leaves of each gate its bias.
    gates = cell.trace(torch.zeros(1, 1, INPUT_DIM))
    assert ("forget" in gates) == (name in FORGETTING)
    for gate in gates.keys() - {"hidden", "cell_state"}:
        opening = 1 / (1 + math.exp(-forget_bias)) if gate == "forget" else 0.5
        torch.testing.assert_close(gates[gate], torch.full((1, 1, HIDDEN_DIM), opening), msg=gate)
    biases = [float(b) for key, p in cell.named_parameters() if "bias" in key for b in p.flatten()]
    assert sorted(b for b in biases if b) == [forget_bias] * (HIDDEN_DIM if name in FORGETTING and forget_bias else 0)


@pytest.mark.parametrize("stacked", [False, True])
@pytest.mark.parametrize("name", ["peephole-lstm", "depth-gated-lstm"])
def test_peepholes_are_shut_at_the_start(name: str, stacked: bool) -> None:
    cell = CELLS[name](INPUT_DIM, HIDDEN_DIM, CellOptions(stacked=stacked))
    shapes = {key: (*p.shape, int(p.count_nonzero())) for key, p in cell.named_parameters() if "peepholes" in key}
    depth = {"depth_peepholes": (2, HIDDEN_DIM, 0)} if name == "depth-gated-lstm" else {}
    assert shapes == {"peepholes": (3, HIDDEN_DIM, 0), **depth}


@pytest.mark.parametrize("name", CELLS)
def test_each_block_starts_with_an_orthogonal_recurrence_and_inputs_after_glorot(name: str) -> None:
    weights = dict(CELLS[name](INPUT_DIM, HIDDEN_DIM, CellOptions()).named_parameters())
    prefix, suffix = ("fused.", "_l0") if name in FUSED else ("", "")
    number = len(BLOCKS[name])
    recurrent = weights[f"{prefix}weight_hh{suffix}"].detach().view(number, HIDDEN_DIM, HIDDEN_DIM)
    torch.testing.assert_close(recurrent @ recurrent.mT, torch.eye(HIDDEN_DIM).expand_as(recurrent), rtol=0, atol=1e-5)
    bound = math.sqrt(6 / (INPUT_DIM + HIDDEN_DIM))  # Glorot & Bengio 2010, equation 16
    blocks = [*weights[f"{prefix}weight_ih{suffix}"].detach().view(number, HIDDEN_DIM, INPUT_DIM)]
    blocks += [weights[key].detach() for key in ("depth.weight", "entrance.weight") if key in weights]
    assert len(blocks) == number + (2 if name == "depth-gated-lstm" else 0)
    for block in blocks:
        assert bound / 2 < float(block.abs().max()) <= bound


def test_a_stacked_depth_gated_lstm_needs_no_map_of_its_input() -> None:
    first, stacked = (
        {key for key, _ in CELLS["depth-gated-lstm"](5, 6, CellOptions(stacked=s)).named_parameters()}
        for s in (False, True)
    )
    assert first - stacked == {"entrance.weight"}
    assert not stacked - first
