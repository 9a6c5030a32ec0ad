"""Spans of a linear chain over BIOES tags: how probable each is, and which to take.

The best tag sequence takes a span where all of it together is most probable. Taken one by one, by their own
probability, spans can be chosen for the F1 that is to be expected: the greatest comes of taking those whose probability
is above half of it (Jansche 2007; Lipton, Elkan & Narayanaswamy 2014, theorem 2).
"""

import math
from bisect import bisect_right
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ner.crf.forward_backward import Scores, Sums
from ner.crf.lengths import Array, real_tokens

# Spans times tokens of the longest whose inner scores are summed at once: some 30 MB.
_MOST_INSIDE = 1_000_000
# By which rounding may lift the log-probability of an entity above that of its beginning.
_ROUNDING = 1e-4


class ProbableSpan(NamedTuple):
    """A span, `start` to `end` (half-open), the id of its label and its probability."""

    start: int
    end: int
    label: int
    probability: float


def span_log_posteriors(scores: Scores, sums: Sums, spans: Array, roles: Array) -> Array:
    """Log-probability (N,) that exactly this span is an entity: all sequences with B I… E, or S, just there.

    Args:
        scores: of the batch.
        sums: of the same scores.
        spans: sentence, first token and end (half-open) of each span (N, 3), N at least 1.
        roles: ids of the tags B, I, E, S of each span's label (N, 4).
    """
    rows, starts, ends = spans.T
    longest = int((ends - starts).max())
    if len(spans) > 1 and len(spans) * longest > _MOST_INSIDE:
        # Long spans apart from short ones, so that these aren't padded to the length of those.
        order = np.argsort(ends - starts, kind="stable")
        found = np.empty(len(spans))
        for half in (order[: len(order) // 2], order[len(order) // 2 :]):
            found[half] = span_log_posteriors(scores, sums, spans[half], roles[half])
        return found
    begin, inside, last, single = roles.T
    alone = ends - starts == 1
    first, final = np.where(alone, single, begin), np.where(alone, single, last)
    # Inside scores are summed per span, not as differences of running sums, which lose digits on the way; and in double
    # precision, for a long one has thousands of them.
    within = starts[:, None] + np.arange(1, max(longest - 1, 1))  # (N, L)
    steps = within < (ends - 1)[:, None]
    within = np.minimum(within, scores.emissions.shape[1] - 1)
    emitted = scores.emissions[rows[:, None], within, inside[:, None]]
    middle = np.where(steps, emitted, 0).sum(1, dtype=np.float64)
    num_inside = np.maximum(ends - starts - 2, 0)
    transitions = scores.transitions.astype(np.float64)
    # A forbidden transition that isn't made must not count: 0 · -inf is NaN.
    stayed = np.where(num_inside > 1, (num_inside - 1) * np.where(num_inside > 1, transitions[inside, inside], 0), 0)
    crossed = np.where(num_inside > 0, transitions[begin, inside] + transitions[inside, last], transitions[begin, last])
    # The prefix ends in the first tag, emission included; the suffix begins behind the last one.
    rest = np.where(alone, 0, crossed + stayed + middle + scores.emissions[rows, ends - 1, final])
    prefix, suffix = sums.prefix(rows, starts, first), sums.suffix(rows, ends - 1, final)
    logs: Array = prefix + rest + suffix - sums.log_partition[rows]
    return logs


def probable_spans(
    scores: Scores, sums: Sums, lengths: Array, roles: Array, threshold: float
) -> list[list[ProbableSpan]]:
    """All spans of each sentence of at least this probability, those that overlap too, in the order of their ends.

    From every token on, an entity of each label grows by a token at a time, as long as that it begins here and goes on
    is probable enough, which it is less and less. So each token is looked at for at most 1/threshold beginnings.

    Args:
        scores: of the batch.
        sums: of the same scores.
        lengths: tokens of each sentence (B,).
        roles: ids of the tags B, I, E, S of each label (L, 4).
        threshold: above 0.
    """
    least = math.log(threshold)
    emissions, transitions = scores.emissions, scores.transitions.astype(np.float64)
    begin, inside, last, single = roles.T
    mask = real_tokens(lengths, emissions.shape[1]).T[:, :, None]  # (T, B, 1)
    found: list[list[ProbableSpan]] = [[] for _ in range(len(lengths))]

    def take(rows: Array, starts: Array, ends: Array, labels: Array, logs: Array) -> None:
        enough = logs >= least
        chances = np.minimum(np.exp(logs[enough]), 1)
        parts = (part.tolist() for part in (rows[enough], starts[enough], ends[enough], labels[enough], chances))
        for row, start, end, label, probability in zip(*parts, strict=True):
            found[row].append(ProbableSpan(start, end, label, probability))

    def likely(role: Array) -> tuple[Array, Array, Array, Array]:
        """Sentences, tokens, labels and tags where a label's tag of this role is about probable enough."""
        probable = sums.marginals[:, :, role] >= threshold * math.exp(-10 * _ROUNDING)
        # Padding has marginals of 0, which is as much as a threshold that is nothing in their precision.
        starts, rows, labels = np.nonzero(probable & mask)
        return rows, starts, labels, role[labels]

    rows, starts, labels, tags = likely(single)
    behind = sums.suffix(rows, starts, tags) - sums.log_partition[rows]
    take(rows, starts, starts + 1, labels, sums.prefix(rows, starts, tags) + behind)
    rows, starts, labels, tags = likely(begin)
    ends, weights = starts, sums.prefix(rows, starts, tags)  # `ends`: of its last token so far
    while len(rows):
        chances = weights + sums.suffix(rows, ends, tags) - sums.log_partition[rows]
        growing = (chances >= least - _ROUNDING) & (ends + 1 < lengths[rows])
        rows, starts, labels, tags, ends, weights = (
            part[growing] for part in (rows, starts, labels, tags, ends + 1, weights)
        )
        closing, goes_on = last[labels], inside[labels]
        closed = weights + transitions[tags, closing] + emissions[rows, ends, closing]
        take(rows, starts, ends + 1, labels, closed + sums.suffix(rows, ends, closing) - sums.log_partition[rows])
        weights = weights + transitions[tags, goes_on] + emissions[rows, ends, goes_on]
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
    before = [bisect_right(ends, span.start, hi=index) for index, span in enumerate(spans)]
    gains = [0.0]  # of the best selection among the first so many
    for index, span in enumerate(spans):
        gains.append(max(gains[-1], gains[before[index]] + span.probability - threshold))
    chosen, index = [], len(spans)
    while index:
        if gains[index] > gains[index - 1]:
            chosen.append(spans[index - 1])
            index = before[index - 1]
        else:
            index -= 1
    return chosen[::-1]


def choose_surest(spans: Sequence[ProbableSpan]) -> list[ProbableSpan]:
    """Spans that don't overlap, in order, taken from the most probable one down.

    What is taken of those above a probability is a part of what is taken of all.

    >>> spans = [ProbableSpan(0, 1, 0, 0.4), ProbableSpan(0, 2, 0, 0.5), ProbableSpan(2, 3, 0, 0.3)]
    >>> [(span.start, span.end) for span in choose_surest(spans)]
    [(0, 2), (2, 3)]
    """
    chosen: list[ProbableSpan] = []
    for span in sorted(spans, key=lambda span: (-span.probability, span.start, span.end, span.label)):
        if all(span.end <= other.start or other.end <= span.start for other in chosen):
            chosen.append(span)
    return sorted(chosen)


def tags_of_spans(
    spans: Sequence[ProbableSpan], length: int, roles: Sequence[Sequence[int]], outside: int
) -> list[int]:
    """The tag ids of a sentence of so many tokens that has these spans.

    Args:
        spans: that don't overlap.
        length: tokens of the sentence.
        roles: ids of the tags B, I, E, S of each label (L, 4).
        outside: id of the tag O.
    """
    tags = [outside] * length
    for start, end, label, _ in spans:
        begin, inside, last, single = roles[label]
        tags[start:end] = [single] if end - start == 1 else [begin, *[inside] * (end - start - 2), last]
    return tags
