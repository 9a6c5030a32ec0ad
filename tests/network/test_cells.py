"""The recurrent layer against PyTorch's own bidirectional layers on packed sequences."""

import math

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from ner.network.cells import CELLS, RecurrentLayer, reversal

INPUT_DIM, HIDDEN_DIM = 5, 4
LENGTHS = [[7, 3, 1, 7], [1], [1, 1, 1], [2, 6]]
GATES = {"lstm": 4, "gru": 3, "rnn": 1}


def pytorch_layer(layer: RecurrentLayer, cell: str) -> nn.RNNBase:
    """PyTorch's bidirectional layer with the same weights."""
    theirs = CELLS[cell](INPUT_DIM, HIDDEN_DIM, batch_first=True, bidirectional=True)
    with torch.no_grad():
        for ours, ending in ((layer.forward_cell, ""), (layer.backward_cell, "_reverse")):
            assert ours is not None
            for name, weight in ours.named_parameters():
                getattr(theirs, name + ending).copy_(weight)
    return theirs


def packed_states(layer: nn.RNNBase, inputs: Tensor, lengths: Tensor) -> Tensor:
    packed = pack_padded_sequence(inputs, lengths, batch_first=True, enforce_sorted=False)
    return pad_packed_sequence(layer(packed)[0], batch_first=True)[0]


def mask_of(lengths: Tensor) -> Tensor:
    return torch.arange(int(lengths.max())) < lengths.unsqueeze(1)


@pytest.mark.parametrize("lengths", LENGTHS, ids=str)
@pytest.mark.parametrize("cell", CELLS)
def test_states_and_gradients_are_those_of_pytorch_on_packed_sequences(cell: str, lengths: list[int]) -> None:
    torch.manual_seed(1)
    sizes = torch.tensor(lengths)
    layer = RecurrentLayer(cell, INPUT_DIM, HIDDEN_DIM, bidirectional=True)
    for parameter in layer.parameters():  # other than at the start, where most biases are 0
        nn.init.normal_(parameter, std=0.5)
    theirs = pytorch_layer(layer, cell)
    inputs = torch.randn(len(lengths), max(lengths), INPUT_DIM)
    weights = torch.randn(len(lengths), max(lengths), 2 * HIDDEN_DIM) * mask_of(sizes).unsqueeze(-1)

    our_inputs, their_inputs = inputs.clone().requires_grad_(), inputs.clone().requires_grad_()
    our_states, their_states = layer(our_inputs, sizes), packed_states(theirs, their_inputs, sizes)
    (our_states * weights).sum().backward()
    (their_states * weights).sum().backward()

    mask = mask_of(sizes)
    torch.testing.assert_close(our_states[mask], their_states[mask], rtol=0, atol=1e-5)
    torch.testing.assert_close(our_inputs.grad, their_inputs.grad, rtol=0, atol=1e-5)
    for ours, ending in ((layer.forward_cell, ""), (layer.backward_cell, "_reverse")):
        assert ours is not None
        for name, weight in ours.named_parameters():
            torch.testing.assert_close(weight.grad, getattr(theirs, name + ending).grad, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_without_the_backward_direction_it_is_a_plain_layer(cell: str) -> None:
    layer = RecurrentLayer(cell, INPUT_DIM, HIDDEN_DIM, bidirectional=False)
    plain = CELLS[cell](INPUT_DIM, HIDDEN_DIM, batch_first=True)
    plain.load_state_dict(layer.forward_cell.state_dict())
    inputs = torch.randn(2, 6, INPUT_DIM)
    assert layer.output_dim == HIDDEN_DIM
    assert torch.equal(layer(inputs, torch.tensor([6, 4])), plain(inputs)[0])


def test_what_stands_in_the_padding_never_reaches_a_state() -> None:
    layer = RecurrentLayer("lstm", INPUT_DIM, HIDDEN_DIM, bidirectional=True)
    lengths = torch.tensor([4, 2])
    inputs = torch.randn(2, 4, INPUT_DIM)
    noisy = inputs.clone()
    noisy[1, 2:] = 1e6
    mask = mask_of(lengths)
    assert torch.equal(layer(inputs, lengths)[mask], layer(noisy, lengths)[mask])


@pytest.mark.parametrize("lengths", [[3, 1, 5], [1], [4, 4]], ids=str)
def test_reversal_turns_each_row_within_its_length(lengths: list[int]) -> None:
    num_steps = max(lengths) + 1
    wanted = [[*reversed(range(n)), *range(n, num_steps)] for n in lengths]
    assert reversal(torch.tensor(lengths), num_steps).tolist() == wanted


def test_reversing_twice_is_as_before() -> None:
    order = reversal(torch.tensor([5, 2, 1]), 6)
    assert torch.equal(order.gather(1, order), torch.arange(6).expand(3, 6))


def test_an_lstm_starts_with_its_forget_gate_open_and_every_other_bias_at_zero() -> None:
    layer = RecurrentLayer("lstm", INPUT_DIM, HIDDEN_DIM, bidirectional=True)
    for cell in (layer.forward_cell, layer.backward_cell):
        assert cell is not None
        # The gates of nn.LSTM are documented as W_ii | W_if | W_ig | W_io; both biases add up.
        gates = (cell.bias_ih_l0 + cell.bias_hh_l0).detach().view(4, HIDDEN_DIM)
        assert gates.tolist() == [[0.0] * HIDDEN_DIM, [1.0] * HIDDEN_DIM, [0.0] * HIDDEN_DIM, [0.0] * HIDDEN_DIM]


@pytest.mark.parametrize("cell", ["gru", "rnn"])
def test_other_cells_start_with_biases_of_zero(cell: str) -> None:
    layer = RecurrentLayer(cell, INPUT_DIM, HIDDEN_DIM, bidirectional=True)
    assert all(not weight.any() for name, weight in layer.named_parameters() if "bias" in name)


@pytest.mark.parametrize("cell", CELLS)
def test_each_gate_starts_with_an_orthogonal_recurrence_and_inputs_after_glorot(cell: str) -> None:
    layer = RecurrentLayer(cell, INPUT_DIM, HIDDEN_DIM, bidirectional=True).forward_cell
    bound = math.sqrt(6 / (INPUT_DIM + HIDDEN_DIM))  # Glorot & Bengio 2010, equation 16
    recurrent = layer.weight_hh_l0.detach().view(GATES[cell], HIDDEN_DIM, HIDDEN_DIM)
    torch.testing.assert_close(recurrent @ recurrent.mT, torch.eye(HIDDEN_DIM).expand_as(recurrent), rtol=0, atol=1e-5)
    inputs = layer.weight_ih_l0.detach().view(GATES[cell], -1)
    assert (inputs.abs() <= bound).all()
    assert (inputs.abs().amax(1) > bound / 2).all()
