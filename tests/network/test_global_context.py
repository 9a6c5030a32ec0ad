"""The summary of a sentence against attention written out token by token, one sentence at a time."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ner.network.cells import CELLS
from ner.network.global_context import GlobalContext
from ner.network.layer import RecurrentLayer

INPUT_DIM, HIDDEN_DIM = 5, 3
LENGTHS = torch.tensor([7, 1, 4])

every_cell = pytest.mark.parametrize("cell", CELLS)
both_ways = pytest.mark.parametrize("bidirectional", [True, False], ids=["both", "forward"])


def random_context(cell: str, *, bidirectional: bool = True, sizes: tuple[int, int] = (5, 3)) -> GlobalContext:
    torch.manual_seed(5)
    context = GlobalContext(RecurrentLayer(cell, *sizes, bidirectional=bidirectional)).double()
    for parameter in context.parameters():
        nn.init.normal_(parameter)
    return context


def random_tokens() -> Tensor:
    return torch.randn(3, 7, INPUT_DIM, generator=torch.Generator().manual_seed(6), dtype=torch.double)


def by_hand(context: GlobalContext, states: NDArray[np.float64]) -> NDArray[np.float64]:
    """The weighted sum of states (T, S); a token's weight comes from its state and the mean of all."""
    into, bias, out = (
        context.get_parameter(name).detach().numpy()
        for name in ("attention.weight", "attention.bias", "informativeness.weight")
    )
    mean = sum(states) / len(states)
    scores = [(out @ np.tanh(into @ np.concatenate([state, mean]) + bias)).item() for state in states]
    exponentials = [np.exp(score) for score in scores]
    return sum(e / sum(exponentials) * state for e, state in zip(exponentials, states, strict=True))


@both_ways
@every_cell
@torch.no_grad()
def test_a_summary_is_the_states_of_the_sentence_alone_weighted_by_attention(cell: str, bidirectional: bool) -> None:
    context, tokens = random_context(cell, bidirectional=bidirectional), random_tokens()
    found = context(tokens, LENGTHS)
    assert context.output_dim == HIDDEN_DIM * (1 + bidirectional)
    assert found.shape == (3, context.output_dim)
    for row, length in enumerate(LENGTHS.tolist()):
        states, _ = context.layer(tokens[row : row + 1, :length], LENGTHS[row : row + 1])
        np.testing.assert_allclose(found[row].numpy(), by_hand(context, states[0].numpy()), rtol=0, atol=1e-10)


@every_cell
@torch.no_grad()
def test_padding_has_no_part_in_a_summary(cell: str) -> None:
    context, tokens = random_context(cell), random_tokens()
    real = (torch.arange(7) < LENGTHS.unsqueeze(1)).unsqueeze(-1)
    quiet, loud = (context(torch.where(real, tokens, noise), LENGTHS) for noise in (0.0, 1e6))
    assert torch.equal(quiet, loud)


@every_cell
@torch.no_grad()
def test_the_summary_of_one_token_is_its_state(cell: str) -> None:
    context, tokens = random_context(cell), random_tokens()
    states, _ = context.layer(tokens, LENGTHS)
    torch.testing.assert_close(context(tokens, LENGTHS)[1], states[1, 0], rtol=0, atol=1e-12)


@torch.no_grad()
def test_weights_sum_to_one_so_that_of_equal_states_the_summary_is_that_state() -> None:
    context, tokens = random_context("rnn"), random_tokens()
    for name, parameter in context.layer.named_parameters():
        if "weight" in name:
            parameter.zero_()  # h = tanh(b) at every token
    states, _ = context.layer(tokens, LENGTHS)
    assert torch.equal(states, states[:1, :1].expand_as(states))
    assert float(states.abs().min()) > 0
    torch.testing.assert_close(context(tokens, LENGTHS), states[:, 0], rtol=0, atol=1e-12)


def test_gradients_pass_gradcheck_in_double_precision() -> None:
    context = random_context("rnn", sizes=(2, 2))
    generator = torch.Generator().manual_seed(7)
    tokens = torch.randn(2, 3, 2, generator=generator, dtype=torch.double, requires_grad=True)
    lengths = torch.tensor([3, 2])
    # gradcheck moves its arguments in place, so the module's own parameters move too.
    assert torch.autograd.gradcheck(lambda *_: context(tokens, lengths), [tokens, *context.parameters()])
    context(tokens, lengths).sum().backward()
    assert all(p.grad is not None and p.grad.any() for p in context.parameters())
    assert tokens.grad is not None
    assert not tokens.grad[1, 2].any()  # padding
