"""The recurrent layer against PyTorch's own layers on packed sequences, and against itself without padding."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from ner.crf.torch_forward_backward import reversal
from ner.network.cell import CellOptions
from ner.network.cells import CELLS
from ner.network.layer import RecurrentLayer, has_bf16

INPUT_DIM, HIDDEN_DIM = 5, 4
LENGTHS = [[7, 3, 1, 7], [1], [1, 1, 1], [2, 6]]
KERNELS: dict[str, type[nn.RNNBase]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}

every_cell = pytest.mark.parametrize("cell", CELLS)
both_ways = pytest.mark.parametrize("bidirectional", [True, False], ids=["both", "forward"])


def weights_by_direction(layer: RecurrentLayer) -> dict[str, nn.Parameter]:
    """The parameters of a fused layer under PyTorch's names."""
    found = {}
    for cell, ending in ((layer.forward_cell, ""), (layer.backward_cell, "_reverse")):
        if cell is not None:
            found.update({name.removeprefix("fused.") + ending: p for name, p in cell.named_parameters()})
    return found


def packed_states(layer: nn.RNNBase, inputs: Tensor, lengths: Tensor) -> Tensor:
    packed = pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(layer(packed)[0], batch_first=True)[0]


def mask_of(lengths: Tensor) -> Tensor:
    return torch.arange(int(lengths.max())) < lengths.unsqueeze(1)


def random_stack(cell: str, *, bidirectional: bool) -> list[RecurrentLayer]:
    """Two layers, the second of which fits on the first, with parameters other than at the start."""
    torch.manual_seed(2)
    first = RecurrentLayer(cell, INPUT_DIM, HIDDEN_DIM, bidirectional=bidirectional)
    second = RecurrentLayer(
        cell, first.output_dim, HIDDEN_DIM, bidirectional=bidirectional, options=CellOptions(stacked=True)
    )
    for layer in (first, second):
        layer.double()
        for parameter in layer.parameters():
            nn.init.normal_(parameter, std=0.5)
    return [first, second]


def run(stack: list[RecurrentLayer], inputs: Tensor, lengths: Tensor) -> list[tuple[Tensor, Tensor | None]]:
    """States and cell states of each layer."""
    results, states, cell_states = [], inputs, None
    for layer in stack:
        states, cell_states = layer(states, lengths, cell_states)
        results.append((states, cell_states))
    return results


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("cell", KERNELS)
def test_states_and_gradients_are_those_of_pytorch_on_packed_sequences(cell: str, lengths: list[int]) -> None:
    torch.manual_seed(1)
    sizes = torch.tensor(lengths)
    layer = RecurrentLayer(cell, INPUT_DIM, HIDDEN_DIM, bidirectional=True)
    for parameter in layer.parameters():  # other than at the start, where most biases are 0
        nn.init.normal_(parameter, std=0.5)
    theirs = KERNELS[cell](INPUT_DIM, HIDDEN_DIM, batch_first=True, bidirectional=True)
    theirs.load_state_dict(weights_by_direction(layer))
    inputs = torch.randn(len(lengths), max(lengths), INPUT_DIM)
    weights = torch.randn(len(lengths), max(lengths), 2 * HIDDEN_DIM) * mask_of(sizes).unsqueeze(-1)

    our_inputs, their_inputs = inputs.clone().requires_grad_(), inputs.clone().requires_grad_()
    our_states, their_states = layer(our_inputs, sizes)[0], packed_states(theirs, their_inputs, sizes)
    (our_states * weights).sum().backward()
    (their_states * weights).sum().backward()

    mask = mask_of(sizes)
    torch.testing.assert_close(our_states[mask], their_states[mask], rtol=0, atol=1e-5)
    torch.testing.assert_close(our_inputs.grad, their_inputs.grad, rtol=0, atol=1e-5)
    for name, parameter in weights_by_direction(layer).items():
        torch.testing.assert_close(parameter.grad, theirs.get_parameter(name).grad, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("cell", KERNELS)
def test_without_the_backward_direction_it_is_pytorchs_plain_layer(cell: str) -> None:
    layer = RecurrentLayer(cell, INPUT_DIM, HIDDEN_DIM, bidirectional=False)
    plain = KERNELS[cell](INPUT_DIM, HIDDEN_DIM, batch_first=True)
    plain.load_state_dict(weights_by_direction(layer))
    inputs = torch.randn(2, 6, INPUT_DIM)
    states, cell_states = layer(inputs, torch.tensor([6, 4]))
    assert layer.output_dim == HIDDEN_DIM
    assert cell_states is None
    assert torch.equal(states, plain(inputs)[0])


@both_ways
@every_cell
@torch.no_grad()
def test_a_sentence_has_the_same_states_alone_and_in_a_batch_in_two_layers_on_each_other(
    cell: str, bidirectional: bool
) -> None:
    stack = random_stack(cell, bidirectional=bidirectional)
    lengths = torch.tensor([7, 3, 1, 10])
    inputs = torch.randn(4, 10, INPUT_DIM, dtype=torch.double)
    together = run(stack, inputs, lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = run(stack, inputs[row : row + 1, :length], lengths[row : row + 1])
        for (states, cell_states), (own_states, own_cell_states) in zip(together, alone, strict=True):
            assert own_states.shape == (1, length, stack[0].output_dim)
            torch.testing.assert_close(states[row, :length], own_states[0], rtol=0, atol=1e-12)
            assert (cell_states is None) == (own_cell_states is None) == (cell != "depth-gated-lstm")
            if cell_states is not None and own_cell_states is not None:
                torch.testing.assert_close(cell_states[row, :length], own_cell_states[0], rtol=0, atol=1e-12)


@both_ways
@every_cell
@torch.no_grad()
def test_what_stands_in_the_padding_never_reaches_a_state_or_a_cell_state(cell: str, bidirectional: bool) -> None:
    stack = random_stack(cell, bidirectional=bidirectional)
    lengths = torch.tensor([9, 2, 5])
    mask = mask_of(lengths)
    inputs = torch.randn(3, 9, INPUT_DIM, dtype=torch.double)
    noisy = torch.where(mask.unsqueeze(-1), inputs, 1e6)
    for quiet, loud in zip(run(stack, inputs, lengths), run(stack, noisy, lengths), strict=True):
        for one, other in zip(quiet, loud, strict=True):
            if one is not None and other is not None:
                assert torch.equal(one[mask], other[mask])


@every_cell
@torch.no_grad()
def test_the_backward_direction_is_the_cell_over_the_sentence_reversed(cell: str) -> None:
    stack = random_stack(cell, bidirectional=True)
    lengths = torch.tensor([6, 2, 9])
    inputs = torch.randn(3, 9, INPUT_DIM, dtype=torch.double)
    below, cell_states_below = inputs, None
    for layer in stack:
        states, cell_states = layer(below, lengths, cell_states_below)
        for row, length in enumerate(lengths.tolist()):
            # The lower layer's backward cell states lie behind its forward ones.
            handed_up = (
                None if cell_states_below is None else cell_states_below[row : row + 1, :length, HIDDEN_DIM:].flip(1)
            )
            assert layer.backward_cell is not None
            wanted, wanted_cell_states = layer.backward_cell(below[row : row + 1, :length].flip(1), handed_up)
            torch.testing.assert_close(states[row, :length, HIDDEN_DIM:], wanted[0].flip(0), rtol=0, atol=1e-12)
            if cell_states is not None:
                torch.testing.assert_close(
                    cell_states[row, :length, HIDDEN_DIM:], wanted_cell_states[0].flip(0), rtol=0, atol=1e-12
                )
        below, cell_states_below = states, cell_states


@every_cell
@torch.no_grad()
def test_a_layer_of_one_direction_is_the_forward_half_of_one_of_both(cell: str) -> None:
    (both, _), lengths = random_stack(cell, bidirectional=True), torch.tensor([4, 9])
    single = RecurrentLayer(cell, INPUT_DIM, HIDDEN_DIM, bidirectional=False).double()
    single.forward_cell.load_state_dict(both.forward_cell.state_dict())
    inputs = torch.randn(2, 9, INPUT_DIM, dtype=torch.double)
    for one, two in zip(single(inputs, lengths), both(inputs, lengths), strict=True):
        assert (one is None) == (two is None)
        if one is not None:
            torch.testing.assert_close(one, two[..., :HIDDEN_DIM], rtol=0, atol=0)


@both_ways
@every_cell
@torch.no_grad()
def test_a_trace_shows_each_direction_in_the_order_of_the_tokens(cell: str, bidirectional: bool) -> None:
    stack = random_stack(cell, bidirectional=bidirectional)
    lengths = torch.tensor([6, 2, 9])
    below, cell_states_below = torch.randn(3, 9, INPUT_DIM, dtype=torch.double), None
    for layer in stack:
        traced = layer.trace(below, lengths, cell_states_below)
        states, cell_states = layer(below, lengths, cell_states_below)
        assert list(traced) == ["forward", "backward"][: 1 + bidirectional]
        directions = {"forward": layer.forward_cell, "backward": layer.backward_cell}
        for number, (direction, seen) in enumerate(traced.items()):
            own = slice(number * HIDDEN_DIM, (number + 1) * HIDDEN_DIM)
            for row, length in enumerate(lengths.tolist()):
                torch.testing.assert_close(seen["hidden"][row, :length], states[row, :length, own], rtol=0, atol=1e-12)
                if cell_states is not None:
                    torch.testing.assert_close(
                        seen["cell_state"][row, :length], cell_states[row, :length, own], rtol=0, atol=1e-12
                    )
                # One sentence alone, turned by hand.
                turn = [1] if direction == "backward" else []
                handed_up = (
                    None if cell_states_below is None else cell_states_below[row : row + 1, :length, own].flip(turn)
                )
                reader = directions[direction]
                assert reader is not None
                alone = reader.trace(below[row : row + 1, :length].flip(turn), handed_up)
                assert alone.keys() == seen.keys()
                for name, values in alone.items():
                    torch.testing.assert_close(seen[name][row, :length], values.flip(turn)[0], rtol=0, atol=1e-12)
        below, cell_states_below = states, cell_states


@pytest.mark.parametrize("lengths", [[3, 1, 5], [1], [4, 4]], ids=str)
def test_reversal_turns_each_row_within_its_length(lengths: list[int]) -> None:
    num_steps = max(lengths) + 1
    wanted = [[*reversed(range(n)), *range(n, num_steps)] for n in lengths]
    assert reversal(torch.tensor(lengths), num_steps).tolist() == wanted


def test_reversing_twice_is_as_before() -> None:
    order = reversal(torch.tensor([5, 2, 1]), 6)
    assert torch.equal(order.gather(1, order), torch.arange(6).expand(3, 6))


@every_cell
def test_both_directions_start_with_weights_of_their_own_and_the_options(cell: str) -> None:
    layer = RecurrentLayer(
        cell, INPUT_DIM, HIDDEN_DIM, bidirectional=True, options=CellOptions(forget_bias=3.0, clock_periods=(1, 5))
    )
    assert layer.backward_cell is not None
    forward, backward = (dict(part.named_parameters()) for part in (layer.forward_cell, layer.backward_cell))
    for name, parameter in forward.items():
        if "weight" in name:
            assert not torch.equal(parameter, backward[name])
    for part in (layer.forward_cell, layer.backward_cell):
        gates = part.trace(torch.zeros(1, 1, INPUT_DIM))
        if "forget" in gates:
            torch.testing.assert_close(gates["forget"], torch.full((1, 1, HIDDEN_DIM), 3.0).sigmoid())
        if cell == "clockwork-rnn":
            # The second module waits from its first step to its sixth.
            hidden = part(torch.randn(1, 6, INPUT_DIM))[0][0, :, HIDDEN_DIM // 2 :]
            assert torch.equal(hidden[0].expand(5, -1), hidden[:5])
            assert (hidden[5] != hidden[4]).all()


@pytest.mark.skipif(not has_bf16(torch.device("cpu")), reason="this processor isn't built for bfloat16")
@pytest.mark.parametrize("cell", KERNELS)
def test_bf16_is_near_fp32_and_no_more(cell: str) -> None:
    torch.manual_seed(1)
    layer = RecurrentLayer(cell, 16, 12, bidirectional=True, bf16=True)
    inputs, lengths = torch.randn(3, 7, 16, requires_grad=True), torch.tensor([7, 4, 1])
    half = layer(inputs, lengths)[0]
    half.sum().backward()
    layer.bf16 = False
    whole = layer(inputs, lengths)[0]
    assert half.dtype == torch.float32
    assert inputs.grad is not None
    assert inputs.grad.isfinite().all()
    assert not torch.equal(half, whole)
    # Eight bits of mantissa: a relative error of 2^-9 in each number, a few of which add up.
    torch.testing.assert_close(half, whole, rtol=0, atol=0.03)


def test_a_processor_without_bf16_computes_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ner.network.layer.has_bf16", lambda device: False)
    layer = RecurrentLayer("lstm", 4, 3, bidirectional=True, bf16=True)
    inputs, lengths = torch.randn(2, 5, 4), torch.tensor([5, 2])
    half = layer(inputs, lengths)[0]
    layer.bf16 = False
    assert torch.equal(half, layer(inputs, lengths)[0])


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell not in KERNELS])
def test_cells_without_a_kernel_compute_as_ever(cell: str) -> None:
    layer = RecurrentLayer(cell, 4, 8, bidirectional=True, bf16=True)
    inputs, lengths = torch.randn(2, 5, 4), torch.tensor([5, 2])
    half = layer(inputs, lengths)[0]
    layer.bf16 = False
    assert torch.equal(half, layer(inputs, lengths)[0])
