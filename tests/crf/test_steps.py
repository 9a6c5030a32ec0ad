"""Few sentences are stepped over in NumPy, many in PyTorch: with one outcome."""

import math

import pytest
import torch

from ner.crf import steps
from ner.crf.forward_backward import Scores, chart
from ner.crf.viterbi import viterbi

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
    few = viterbi(scores, rows), chart(scores, rows)
    assert steps.calls_for(len(lengths), scores.emissions)[0] is steps._IN_NUMPY
    monkeypatch.setattr(steps, "_FEW", 0)
    assert steps.calls_for(len(lengths), scores.emissions)[0] is steps._IN_TORCH
    many = viterbi(scores, rows), chart(scores, rows)
    for row, length in enumerate(lengths):
        assert few[0][row, :length].tolist() == many[0][row, :length].tolist()
        for found, wanted in zip(few[1][1:], many[1][1:], strict=True):
            torch.testing.assert_close(found[row, :length], wanted[row, :length], atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(few[1].log_partition, many[1].log_partition)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_other_precisions_are_stepped_over_too(dtype: torch.dtype) -> None:
    scores = Scores(*(part.to(dtype) for part in chain(2, 4, forbidden=True)))
    lengths = torch.tensor([4, 2])
    exact = viterbi(Scores(*(part.double() for part in scores)), lengths)
    for row, length in enumerate(lengths.tolist()):
        assert viterbi(scores, lengths)[row, :length].tolist() == exact[row, :length].tolist()


def test_numpy_is_silent_where_a_probability_vanishes(recwarn: pytest.WarningsRecorder) -> None:
    scores = chain(1, 6, forbidden=False)
    scores.emissions[0, 2] = torch.tensor([-500.0, 0, -500, -500, 500])
    scores.emissions[0, 3] = torch.tensor([500.0, 0, -500, -500, -500])
    assert chart(scores, torch.tensor([6])).log_partition.isfinite().all()
    assert not recwarn.list
