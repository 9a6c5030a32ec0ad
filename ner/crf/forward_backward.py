"""Sums over all tag sequences of a linear chain: the forward-backward algorithm in NumPy, fast and exact.

It computes with probabilities instead of logarithms, so that a step is one matrix product for the whole
batch and both directions at once (Rabiner 1989, section V.A: each step is scaled to sum 1, the scales add up
to the log partition).

Scaled weights can vanish where scores differ by more than float32 can hold. That is noticed, and the batch
is then done again in log space, step by step, slowly and without that limit.
"""

import math
from typing import NamedTuple

import numpy as np

from ner.crf.lengths import Array, real_tokens, reversal

# Multiplications of a matrix product, and elements of a matrix that meets a single row, up to which OpenBLAS leaves its
# threads asleep (0.3.31: SMP_THRESHOLD_MIN · GEMM_MULTITHREAD_THRESHOLD = 65536 · 4; 2304 · 4 in gemv). Batches are
# decoded side by side, so threads of its own only take the core from another batch.
_MOST_MULTIPLIED = 65_536 * 4
_MOST_FOR_ONE_ROW = 2_304 * 4


class Scores(NamedTuple):
    """A chain's scores; a forbidden start, transition or end is -inf."""

    emissions: Array  # (B, T, K)
    start: Array  # (K,)
    transitions: Array  # (K, K), from row to column
    end: Array  # (K,)


class ScaledSums(NamedTuple):
    """The results of scaled forward-backward, time first.

    `prefix + suffix - log_partition` is the log marginal: the prefix is the log weight of all ways up to a token and
    its tag, the suffix that of all that follows it. A tag too improbable for its log to be had is -inf.
    """

    log_partition: Array  # (B,), double
    marginals: Array  # (T, B, K), zero at padding
    forward: Array  # (T, B, K): prefixes, each step sums to 1
    backward: Array  # (T, B, K): suffixes, up to a factor for each token
    rate: Array  # (T, B): 1 over the sum over tags of forward · backward, zero at padding
    log_scales: Array  # (T, B), double: log of what `forward` was divided by up to here

    def prefix(self, rows: Array, steps: Array, tags: Array) -> Array:
        """Log weights of prefixes (N,) at these real tokens, double."""
        with np.errstate(divide="ignore"):
            logs: Array = np.log(self.forward[steps, rows, tags].astype(np.float64)) + self.log_scales[steps, rows]
        return logs

    def suffix(self, rows: Array, steps: Array, tags: Array) -> Array:
        """Log weights of suffixes (N,) at these real tokens, double."""
        with np.errstate(divide="ignore"):
            weights = np.log(self.backward[steps, rows, tags].astype(np.float64))
        # forward · backward · rate is the marginal, so this suffix completes the prefix to it.
        rest = np.log(self.rate[steps, rows].astype(np.float64)) + self.log_partition[rows]
        logs: Array = weights + rest - self.log_scales[steps, rows]
        return logs


class LogSums(NamedTuple):
    """The same, found in log space; all in double precision, the logs batch first, padding meaningless in them."""

    log_partition: Array  # (B,)
    marginals: Array  # (T, B, K), zero at padding
    prefixes: Array  # (B, T, K)
    suffixes: Array  # (B, T, K)

    def prefix(self, rows: Array, steps: Array, tags: Array) -> Array:
        """Log weights of prefixes (N,) at these real tokens."""
        found: Array = self.prefixes[rows, steps, tags]
        return found

    def suffix(self, rows: Array, steps: Array, tags: Array) -> Array:
        """Log weights of suffixes (N,) at these real tokens."""
        found: Array = self.suffixes[rows, steps, tags]
        return found


Sums = ScaledSums | LogSums


def forward_backward(scores: Scores, lengths: Array) -> Sums:
    """The log partition, the marginals, and the log weights of all prefixes and suffixes.

    Args:
        scores: of a batch with B and T at least 1, in float32 or float64.
        lengths: tokens of each sentence (B,).
    """
    found = scaled_forward_backward(scores, lengths)
    return log_space_forward_backward(scores, lengths) if found is None else found


def scaled_forward_backward(scores: Scores, lengths: Array) -> ScaledSums | None:
    """Forward-backward on scaled probabilities; None where too much may have vanished."""
    emissions, start, transitions, end = scores
    num_rows, num_steps, num_tags = emissions.shape
    tiny = float(np.finfo(emissions.dtype).tiny)
    parameters = np.concatenate((start, end, transitions.reshape(-1)))
    top = parameters.max()
    width = float(top - parameters.min(where=parameters > -math.inf, initial=top))
    parameters = np.exp(parameters - top)
    first, last = parameters[:num_tags], parameters[num_tags : 2 * num_tags]
    transition_weights = parameters[2 * num_tags :].reshape(num_tags, num_tags)

    by_step = np.ascontiguousarray(emissions.transpose(1, 0, 2))  # (T, B, K)
    tops = by_step.max(2, keepdims=True)  # (T, B, 1)
    # Potentials of both directions, each as it reads, with rows to spare for the products.
    grid = _grid(num_rows, num_tags)
    both = np.empty((num_steps, 2, grid[0] * grid[1], num_tags), emissions.dtype)
    both[:, :, num_rows:] = 1
    potentials = np.subtract(by_step, tops, out=both[:, 0, :num_rows])
    np.exp(potentials, out=potentials)
    lowest = float(potentials.min())
    if lowest == 0:  # an impossible tag, or one whose score is out of reach
        lowest = float(potentials.min(where=by_step > -math.inf, initial=1))
    # With scores this far apart a tag sequence may vanish in both directions, which nothing below would notice.
    if lowest * math.exp(-width) < tiny:
        return None

    ragged = bool((lengths < num_steps).any())
    order = reversal(lengths, num_steps).T if ragged else None  # (T, B)
    both[:, 1, :num_rows] = _mirrored(potentials, order)
    with np.errstate(all="ignore"):  # what vanished is seen to below
        entering, states, scales = _recur(both, first, last, transition_weights, grid)
        forward, backward = states[:, 0, :num_rows], _mirrored(entering[:, 1, :num_rows], order)
        products = forward * backward  # (T, B, K)
        overlap = products.sum(2)  # (T, B)
        mask = real_tokens(lengths, num_steps).T  # (T, B)
        # What vanished at a token had less than `tiny` of its step's weight on one side; where the two sides
        # overlap by far more than that, it can't have mattered. NaN (0/0) fails the comparison too.
        safe = overlap > tiny**0.5  # no suffix is above 1, so this is the stricter of two tests, and the cheaper
        if not safe.all():
            safe = overlap > tiny**0.5 * backward.max(2)
            if not (safe | ~mask).all():
                return None
            # A constraint may leave padding without any tag sequence, and 0 · NaN is NaN.
            products[~mask] = 0
        rate = np.where(mask, np.reciprocal(overlap), np.zeros((), overlap.dtype))
        # In double precision: over hundreds of tokens the sum grows, and what is told of a tag sequence is a small
        # difference of two such sums.
        logs = np.log(scales[:, :num_rows, 0].astype(np.float64)) + tops[:, :, 0]
    log_scales = np.where(mask, logs, 0).cumsum(0) + np.arange(1, num_steps + 1)[:, None] * float(top)
    final, rows = np.maximum(lengths - 1, 0), np.arange(num_rows)
    with np.errstate(all="ignore"):  # what stands at the first token of an empty row is anything
        # Not a product with a vector: of many rows and tags that would be another call that may wake threads.
        at_end = np.log((forward[final, rows] * last).sum(1).astype(np.float64)) + float(top)
        total = np.where(lengths > 0, log_scales[final, rows] + at_end, 0)
    products *= rate[:, :, None]
    return ScaledSums(total, products, forward, backward, rate, log_scales)


def _grid(num_rows: int, num_tags: int) -> tuple[int, int]:
    """Into how many products of how many rows each the product of a step is cut, so that one thread does each.

    >>> _grid(32, 17), _grid(32, 133), _grid(1, 17), _grid(1, 133)
    ((1, 32), (3, 14), (1, 1), (1, 2))
    """
    size = num_tags * num_tags
    if num_rows == 1 and size > _MOST_FOR_ONE_ROW:
        return 1, 2  # a second row makes it a product of matrices
    at_once = max(2, _MOST_MULTIPLIED // size)
    return (1, num_rows) if num_rows <= at_once else (-(-num_rows // at_once), at_once)


def _recur(
    both: Array, first: Array, last: Array, transition_weights: Array, grid: tuple[int, int]
) -> tuple[Array, Array, Array]:
    """Both directions side by side: a batched matrix product a step, and a handful of operations in place.

    The backward direction reads each sentence from its own end, so that padding comes last in both, and what
    happens there is never read.

    Args:
        both: potentials of each direction as it reads (T, 2, B, K).
        first: weights of starts (K,).
        last: weights of ends (K,).
        transition_weights: weights of transitions (K, K).
        grid: products in a step of each direction, and rows of each; together B.

    Returns:
        What enters each token, up to a factor for each, its potential not yet in (T, 2, B, K); the states, with it,
        scaled to sum 1 (T, 2, B, K); the scales of the forward direction (T, B, 1).
    """
    num_steps, _, num_rows, num_tags = both.shape
    by_direction = np.stack((transition_weights, transition_weights.T))[:, None]  # (2, 1, K, K)
    width = max(1, _MOST_MULTIPLIED // (grid[1] * num_tags))
    columns = [slice(begin, begin + width) for begin in range(0, num_tags, width)]
    blocks = [(column, np.ascontiguousarray(by_direction[..., column])) for column in columns]
    entering, states = np.empty_like(both), np.empty_like(both)
    scales = np.empty((num_steps, 2, num_rows, 1), both.dtype)
    entering[0, 0], entering[0, 1] = first, last
    cut = (num_steps, 2, *grid)
    tables = (part.reshape(*cut, -1) for part in (both, entering, states, scales))
    previous = None
    for potential, entered, state, scale in zip(*tables, strict=True):
        if previous is not None:
            for column, block in blocks:
                np.matmul(previous, block, out=entered[..., column])
        np.multiply(entered, potential, out=state)
        np.add.reduce(state, -1, out=scale, keepdims=True)
        np.divide(state, scale, out=state)
        previous = state
    return entering, states, scales[:, 0]


def _mirrored(sequence: Array, order: Array | None) -> Array:
    """A sequence (T, B, K), each row reversed within its own length; None: all are as long as the batch."""
    if order is None:
        return sequence[::-1]
    return sequence[order, np.arange(order.shape[1])]


def log_space_forward_backward(scores: Scores, lengths: Array) -> LogSums:
    """Forward-backward on logarithms, which nothing can make vanish.

    In double precision: a log marginal is a small difference of large sums.
    """
    dtype = scores.emissions.dtype
    emissions, start, transitions, end = (part.astype(np.float64) for part in scores)
    num_rows, num_steps, _ = emissions.shape
    rows, order, final = np.arange(num_rows), reversal(lengths, num_steps), np.maximum(lengths - 1, 0)
    prefixes = _log_reached(emissions, start, transitions) + emissions
    mirrored = emissions[rows[:, None], order]
    suffixes = _log_reached(mirrored, end, transitions.T)[rows[:, None], order]
    total = np.where(lengths > 0, _log_sum((prefixes[rows, final] + end).T), 0)
    with np.errstate(invalid="ignore"):  # where padding has no tag sequence at all
        log_weights = prefixes + suffixes - total[:, None, None]
    weights = np.exp(np.where(real_tokens(lengths, num_steps)[:, :, None], log_weights, -math.inf))
    return LogSums(total, weights.astype(dtype).transpose(1, 0, 2), prefixes, suffixes)


def _log_reached(emissions: Array, start: Array, transitions: Array) -> Array:
    """Log weight of all ways to each tag, its own emission not yet in (B, T, K)."""
    reached = np.empty_like(emissions)
    reached[:, 0] = start
    for step in range(1, emissions.shape[1]):
        state = reached[:, step - 1] + emissions[:, step - 1]
        reached[:, step] = _log_sum(state.T[:, :, None] + transitions[:, None])  # from, B, to
    return reached


def _log_sum(values: Array) -> Array:
    """Log of the summed exp over the first dimension; -inf where all are."""
    top = values.max(0)
    top[top == -math.inf] = 0
    with np.errstate(divide="ignore"):
        found: Array = np.log(np.exp(values - top).sum(0)) + top
    return found
