"""Training steps over few sentences in NumPy, over many in PyTorch: with one outcome."""

import math

import pytest
import torch

from ner.crf import torch_forward_backward
from ner.crf.torch_forward_backward import Scores, log_space_forward_backward, scaled_forward_backward

NUM_TAGS = 5


def chain(num_rows: int, num_steps: int, *, forbidden: bool) -> Scores:
    generator = torch.Generator().manual_seed(num_rows * 100 + num_steps)
    emissions = 3 * torch.randn(num_rows, num_steps, NUM_TAGS, generator=generator)
    start, transitions, end = (torch.randn(*shape, generator=generator) for shape in ((5,), (5, 5), (5,)))
    if forbidden:
        start[1] = transitions[0, 2] = transitions[3, 3] = end[4] = -math.inf
    return Scores(emissions, start, transitions, end)


@pytest.mark.parametrize("forbidden", [False, True])
@pytest.mark.parametrize("lengths", [[1], [2], [30], [7, 3], [9, 9, 1, 4]])
def test_both_libraries_find_the_same(lengths: list[int], forbidden: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    scores, rows = chain(len(lengths), max(lengths), forbidden=forbidden), torch.tensor(lengths)
    few = scaled_forward_backward(scores, rows)
    monkeypatch.setattr(torch_forward_backward, "_FEW", 0)
    many = scaled_forward_backward(scores, rows)
    assert few is not None
    assert many is not None
    torch.testing.assert_close(few.log_partition, many.log_partition)
    torch.testing.assert_close(few.log_partition, log_space_forward_backward(scores, rows).log_partition)
    for one, other in ((few.products, many.products), (few.rate, many.rate), (few.following, many.following)):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)


def test_numpy_is_silent_where_a_probability_vanishes(recwarn: pytest.WarningsRecorder) -> None:
    scores = chain(1, 6, forbidden=False)
    scores.emissions[0, 2] = torch.tensor([-500.0, 0, -500, -500, 500])
    scores.emissions[0, 3] = torch.tensor([500.0, 0, -500, -500, -500])
    assert scaled_forward_backward(scores, torch.tensor([6])) is None
    assert not recwarn.list
