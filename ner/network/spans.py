"""Spans of a linear chain over BIOES tags: how probable each is, and which to take.

The best path takes a span where all of it together is most probable. Taken one by one, by their own probability, spans
can be chosen for the F1 that is to be expected: the greatest comes of taking those whose probability is above half of
it (Jansche 2007; Lipton, Elkan & Narayanaswamy 2014, theorem 2).
"""

import math
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ner.network.recursion import Chart, Scores, log_marginals

# Spans times tokens of the longest whose inner scores are summed at once: some 30 MB.
_MOST_INSIDE = 1_000_000
# By which a log marginal may fall short of the log-probability of a span that it bounds.
_ROUNDING = 1e-3


class ProbableSpan(NamedTuple):
    """A span, `start` to `end` (half-open), the number of its label and its probability."""

    start: int
    end: int
    label: int
    probability: float


def span_log_posteriors(scores: Scores, chart: Chart, spans: Sequence[tuple[int, int, int]], roles: Tensor) -> Tensor:
    """Log-probability (N,) that exactly this span is an entity: all paths with B I… E, or S, just there.

    Args:
        scores: of the batch.
        chart: of the same scores.
        spans: sentence, first token and end (half-open) of each.
        roles: numbers of the tags B, I, E, S of each span's label (N, 4).
    """
    longest = max(end - start for _, start, end in spans)
    if len(spans) > 1 and len(spans) * longest > _MOST_INSIDE:
        # Long spans apart from short ones, so that these aren't padded to the length of those.
        order = sorted(range(len(spans)), key=lambda number: spans[number][2] - spans[number][1])
        halves = (order[: len(order) // 2], order[len(order) // 2 :])
        parts = [span_log_posteriors(scores, chart, [spans[n] for n in half], roles[half]) for half in halves]
        return torch.cat(parts)[torch.tensor(order, device=scores.emissions.device).argsort()]
    rows, starts, ends = torch.tensor(spans, device=scores.emissions.device).unbind(1)
    begin, inside, last, single = roles.to(scores.emissions.device).unbind(1)
    alone = ends - starts == 1
    first, final = torch.where(alone, single, begin), torch.where(alone, single, last)
    # Inside scores are summed per span, not as differences of running sums, which lose digits on the way.
    within = starts.unsqueeze(1) + torch.arange(1, max(longest - 1, 1), device=rows.device)  # (N, L)
    steps = within < (ends - 1).unsqueeze(1)
    emitted = scores.emissions[rows.unsqueeze(1), within.clamp(max=scores.emissions.shape[1] - 1), inside.unsqueeze(1)]
    middle = torch.where(steps, emitted, 0).sum(1)
    num_inside = (ends - starts - 2).clamp(min=0)
    moves = scores.transitions
    stayed = torch.where(num_inside > 1, (num_inside - 1) * moves[inside, inside], 0)
    crossed = torch.where(num_inside > 0, moves[begin, inside] + moves[inside, last], moves[begin, last])
    # The prefix ends in the first tag, emission included; the suffix begins behind the last one.
    rest = torch.where(alone, 0, crossed + stayed + middle + scores.emissions[rows, ends - 1, final])
    prefix, suffix = chart.prefix[rows, starts, first], chart.suffix[rows, ends - 1, final]
    return prefix + rest + suffix - chart.log_partition[rows]


def probable_spans(
    scores: Scores, chart: Chart, lengths: Tensor, roles: Tensor, threshold: float
) -> list[list[ProbableSpan]]:
    """All spans of each sentence of at least this probability, those that overlap too, in the order of their ends.

    Args:
        scores: of the batch.
        chart: of the same scores.
        lengths: tokens of each sentence (B,).
        roles: numbers of the tags B, I, E, S of each label (L, 4).
        threshold: above 0.
    """
    found: list[list[ProbableSpan]] = [[] for _ in range(len(lengths))]
    # No span is more probable than any of its tags.
    likely = (log_marginals(chart, lengths) >= math.log(threshold) - _ROUNDING).cpu().numpy()  # (B, T, K)
    numbered = [(label, span) for label, tags in enumerate(roles.tolist()) for span in _bounded(likely[:, :, tags])]
    if not numbered:
        return found
    labels, spans = zip(*numbered, strict=True)
    log_posteriors = span_log_posteriors(scores, chart, spans, roles[list(labels)])
    for label, (row, start, end), probability in zip(labels, spans, log_posteriors.exp().tolist(), strict=True):
        if probability >= threshold:
            found[row].append(ProbableSpan(start, end, label, min(probability, 1.0)))
    return [sorted(spans, key=lambda span: (span.end, span.start, span.label)) for spans in found]


def choose_spans(spans: Sequence[ProbableSpan], threshold: float) -> list[ProbableSpan]:
    """Spans above a probability that don't overlap; where some do, those that are above it by most, summed up.

    This is weighted interval scheduling (Kleinberg & Tardos 2006, section 6.1).

    Args:
        spans: of one sentence, in the order of their ends.
        threshold: their probability, at least.

    >>> spans = [ProbableSpan(0, 1, 0, 0.4), ProbableSpan(0, 2, 0, 0.5), ProbableSpan(1, 2, 0, 0.3)]
    >>> [(span.start, span.end) for span in choose_spans(spans, 0.1)]
    [(0, 1), (1, 2)]
    >>> [(span.start, span.end) for span in choose_spans(spans, 0.25)]
    [(0, 2)]
    """
    ends = [span.end for span in spans]
    before = [bisect_right(ends, span.start, hi=place) for place, span in enumerate(spans)]
    gains = [0.0]  # of the best choice among the first so many
    for place, span in enumerate(spans):
        gains.append(max(gains[-1], gains[before[place]] + span.probability - threshold))
    chosen, place = [], len(spans)
    while place:
        if gains[place] > gains[place - 1]:
            chosen.append(spans[place - 1])
            place = before[place - 1]
        else:
            place -= 1
    return chosen[::-1]


def tags_of_spans(
    spans: Sequence[ProbableSpan], length: int, roles: Sequence[Sequence[int]], outside: int
) -> list[int]:
    """The tag numbers of a sentence of so many tokens that has these spans.

    Args:
        spans: that don't overlap.
        length: tokens of the sentence.
        roles: numbers of the tags B, I, E, S of each label (L, 4).
        outside: number of the tag O.
    """
    tags = [outside] * length
    for start, end, label, _ in spans:
        begin, inside, last, single = roles[label]
        tags[start:end] = [single] if end - start == 1 else [begin, *[inside] * (end - start - 2), last]
    return tags


def _bounded(likely: npt.NDArray[np.bool_]) -> Iterator[tuple[int, int, int]]:
    """Sentence, start and end of each span all whose tags, B, I, E or S of one label, are `likely` (B, T, 4)."""
    begin, inside, last, single = likely.transpose(2, 0, 1)
    for row, start in np.argwhere(single).tolist():
        yield row, start, start + 1
    for row, start in np.argwhere(begin).tolist():
        for end in range(start + 1, likely.shape[1]):
            if last[row, end]:
                yield row, start, end + 1
            if not inside[row, end]:
                break
