"""Spans of a linear chain over BIOES tags: how probable each is, and which to take.

The best path takes a span where all of it together is most probable. Taken one by one, by their own probability, spans
can be chosen for the F1 that is to be expected: the greatest comes of taking those whose probability is above half of
it (Jansche 2007; Lipton, Elkan & Narayanaswamy 2014, theorem 2).
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ner.crf.forward_backward import Chart, Scores

# Spans times tokens of the longest whose inner scores are summed at once: some 30 MB.
_MOST_INSIDE = 1_000_000
# By which rounding may lift the log-probability of an entity above that of its beginning.
_ROUNDING = 1e-4


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
    # Inside scores are summed per span, not as differences of running sums, which lose digits on the way; and in double
    # precision, for a long one has thousands of them.
    within = starts.unsqueeze(1) + torch.arange(1, max(longest - 1, 1), device=rows.device)  # (N, L)
    steps = within < (ends - 1).unsqueeze(1)
    emitted = scores.emissions[rows.unsqueeze(1), within.clamp(max=scores.emissions.shape[1] - 1), inside.unsqueeze(1)]
    middle = torch.where(steps, emitted, 0).sum(1, dtype=torch.double)
    num_inside = (ends - starts - 2).clamp(min=0)
    moves = scores.transitions.double()
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

    From every token on, an entity of each label grows by a token at a time, as long as that it begins here and goes on
    is probable enough, which it is less and less. So each token is looked at for at most 1/threshold beginnings.

    Args:
        scores: of the batch.
        chart: of the same scores.
        lengths: tokens of each sentence (B,).
        roles: numbers of the tags B, I, E, S of each label (L, 4).
        threshold: above 0.
    """
    found: list[list[ProbableSpan]] = [[] for _ in range(len(lengths))]
    least = math.log(threshold)
    emissions, moves = scores.emissions.double(), scores.transitions.double()
    begin, inside, last, single = roles.to(emissions.device).unbind(1)
    behind = chart.suffix - chart.log_partition.view(-1, 1, 1)  # (B, T, K)

    def take(rows: Tensor, starts: Tensor, ends: Tensor, labels: Tensor, logs: Tensor) -> None:
        enough = logs >= least
        parts = (part[enough].tolist() for part in (rows, starts, ends, labels, logs.exp().clamp(max=1)))
        for row, start, end, label, probability in zip(*parts, strict=True):
            found[row].append(ProbableSpan(start, end, label, probability))

    alive = torch.arange(emissions.shape[1], device=lengths.device) < lengths.unsqueeze(1)
    rows, starts, labels = alive.unsqueeze(2).expand(-1, -1, len(roles)).nonzero().unbind(1)  # (N,) each
    tags = single[labels]
    take(rows, starts, starts + 1, labels, chart.prefix[rows, starts, tags] + behind[rows, starts, tags])
    tags, ends = begin[labels], starts  # of its last token so far
    weights = chart.prefix[rows, starts, tags]
    while len(rows):
        growing = (weights + behind[rows, ends, tags] >= least - _ROUNDING) & (ends + 1 < lengths[rows])
        rows, starts, labels, tags, ends, weights = (
            part[growing] for part in (rows, starts, labels, tags, ends + 1, weights)
        )
        closing, goes_on = last[labels], inside[labels]
        closed = weights + moves[tags, closing] + emissions[rows, ends, closing] + behind[rows, ends, closing]
        take(rows, starts, ends + 1, labels, closed)
        weights = weights + moves[tags, goes_on] + emissions[rows, ends, goes_on]
        tags = goes_on
    return [sorted(spans, key=lambda span: (span.end, span.start, span.label)) for spans in found]


def choose_spans(spans: Sequence[ProbableSpan], threshold: float) -> list[ProbableSpan]:
    """Spans that don't overlap; of those that do, the ones that are above a probability by most, summed up.

    This is weighted interval scheduling (Kleinberg & Tardos 2006, section 6.1).

    Args:
        spans: of one sentence, in the order of their ends.
        threshold: what an entity must be above to be taken.

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
