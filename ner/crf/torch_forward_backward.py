"""The forward-backward algorithm in PyTorch, for training: on any device, and with what the gradients are made of.

It is the algorithm of `forward_backward`, which says how it works and which all decoding uses; the two are each
other's test.
"""

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

# Sentences whose steps NumPy takes faster than PyTorch: a step of few is little more than its calls. And tags:
# products of more could wake NumPy's own threads.
_FEW = 4
_FEW_TAGS = 64


class Chart(NamedTuple):
    """What forward-backward finds for B sentences of at most T tokens over K tags; log values are natural.

    With `prefix` (B, T, K), the log weight of all tag sequences up to a token and its tag, and `suffix` (B, T, K), of
    all that follows it, `prefix + suffix - log_partition` is the log marginal. All are in double precision; padding is
    meaningless.
    """

    log_partition: Tensor  # (B,)
    prefix: Tensor  # (B, T, K)
    suffix: Tensor  # (B, T, K)


class Scores(NamedTuple):
    """A chain's scores; a forbidden start, transition or end is -inf."""

    emissions: Tensor  # (B, T, K)
    start: Tensor  # (K,)
    transitions: Tensor  # (K, K), from row to column
    end: Tensor  # (K,)


class Scaled(NamedTuple):
    """The results of scaled forward-backward, time first."""

    log_partition: Tensor  # (B,), double
    products: Tensor  # (T, B, K): forward · backward; with `rate`, the marginals
    forward: Tensor  # (T, B, K): prefixes, each step sums to 1
    following: Tensor  # (T, B, K): suffixes with their first emission, each step sums to 1
    rate: Tensor  # (T, B): 1 over the sum over tags of forward · backward, zero at padding
    transition_weights: Tensor  # (K, K): as they were multiplied in


def scaled_forward_backward(scores: Scores, lengths: Tensor) -> Scaled | None:
    """Forward-backward on scaled probabilities; None where too much may have vanished."""
    emissions, start, transitions, end = scores
    _, num_steps, num_tags = emissions.shape
    tiny = torch.finfo(emissions.dtype).tiny
    parameters, top, width = _parameter_weights(start, transitions, end)
    first, last, transition_weights = torch.split(parameters, [num_tags, num_tags, num_tags * num_tags])
    transition_weights = transition_weights.view(num_tags, num_tags)
    by_step = emissions.detach().transpose(0, 1)  # (T, B, K)
    tops = by_step.amax(2, keepdim=True)  # (T, B, 1)
    ragged = not bool((lengths == num_steps).all())
    order = reversal(lengths, num_steps).t() if ragged else None  # (T, B)
    # Potentials of both directions, each as it reads (T, 2, B, K).
    both = by_step.new_empty(num_steps, 2, *by_step.shape[1:])
    potentials = torch.sub(by_step, tops, out=both[:, 0]).exp_()
    lowest = float(potentials.amin())
    if lowest == 0:  # an impossible tag, or one whose score is out of reach
        lowest = float(potentials.masked_fill(by_step == -math.inf, 1).amin())
    # With scores this far apart a tag sequence may vanish in both directions, which nothing below would notice.
    if lowest * math.exp(-width) < tiny:
        return None

    both[:, 1] = _mirror(both, 0, order)
    entering, states, scales = _recur(both, first, last, transition_weights)
    forward, following, backward = states[:, 0], _mirror(states, 1, order), _mirror(entering, 1, order)
    products = forward * backward  # (T, B, K)
    overlap = products.sum(2)  # (T, B)
    steps = torch.arange(num_steps, device=lengths.device).unsqueeze(1)  # (T, 1)
    mask = steps < lengths  # (T, B)
    # What vanished at a token had less than `tiny` of its step's weight on one side; where the two sides
    # overlap by far more than that, it can't have mattered. NaN (0/0) fails the comparison too.
    safe = overlap > tiny**0.5  # no suffix is above 1, so this is the stricter of two tests, and the cheaper
    if not bool(safe.all()):
        safe = overlap > tiny**0.5 * backward.amax(2)
        if not bool((safe | ~mask).all()):
            return None
        # A constraint may leave padding without any tag sequence, and 0 · NaN is NaN.
        padding = ~mask.unsqueeze(2)
        forward, following, products = (part.masked_fill(padding, 0) for part in (forward, following, products))
    rate = torch.where(mask, overlap.reciprocal(), 0)
    # In double precision: over hundreds of tokens the sum grows, and what is told of a tag sequence is a small
    # difference of two such sums.
    log_scales = (scales.double().log() + tops).squeeze(2)
    log_scales = torch.where(mask, log_scales, 0).cumsum(0) + (steps + 1).double() * top
    final = (lengths - 1).clamp(min=0).unsqueeze(0)  # (1, B)
    at_end = (rows_at(forward, final).squeeze(0) @ last).double().log() + top  # (B,)
    total = torch.where(lengths > 0, log_scales.gather(0, final).squeeze(0) + at_end, 0)
    return Scaled(total, products, forward, following, rate, transition_weights)


def _recur(both: Tensor, first: Tensor, last: Tensor, transition_weights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Both directions side by side: a batched matrix product a step, and a handful of operations in place.

    The backward direction reads each sentence from its own end, so that padding comes last in both, and what
    happens there is never read.

    Args:
        both: potentials of each direction as it reads (T, 2, B, K).
        first: weights of starts (K,).
        last: weights of ends (K,).
        transition_weights: weights of transitions (K, K).

    Returns:
        What enters each token, up to a factor for each, its potential not yet in (T, 2, B, K); the states, with it,
        scaled to sum 1 (T, 2, B, K); the scales of the forward direction (T, B, 1).
    """
    by_direction = torch.stack((transition_weights, transition_weights.t()))  # (2, K, K)
    entering, states = torch.empty_like(both), torch.empty_like(both)
    scales = both.new_empty(*both.shape[:3], 1)
    entering[0, 0], entering[0, 1] = first, last
    if _few(both):
        tables = (part.numpy() for part in (by_direction, both, entering, states, scales))
        with np.errstate(all="ignore"):  # what vanished is seen to behind the loop
            _steps_in_numpy(*tables)
    else:
        _steps_in_torch(by_direction, both, entering, states, scales)
    return entering, states, scales[:, 0]


def _few(both: Tensor) -> bool:
    small = both.shape[2] <= _FEW and both.shape[3] <= _FEW_TAGS
    # NumPy knows no bfloat16.
    return small and both.device.type == "cpu" and both.dtype in (torch.float32, torch.float64)


def _steps_in_torch(by_direction: Tensor, both: Tensor, entering: Tensor, states: Tensor, scales: Tensor) -> None:
    previous = None
    for potential, entered, state, scale in zip(both, entering, states, scales, strict=True):
        if previous is not None:
            torch.matmul(previous, by_direction, out=entered)
        torch.mul(entered, potential, out=state)
        torch.sum(state, dim=-1, keepdim=True, out=scale)
        torch.div(state, scale, out=state)
        previous = state


def _steps_in_numpy(by_direction: Any, both: Any, entering: Any, states: Any, scales: Any) -> None:
    previous = None
    for potential, entered, state, scale in zip(both, entering, states, scales, strict=True):
        if previous is not None:
            np.matmul(previous, by_direction, out=entered)
        np.multiply(entered, potential, out=state)
        np.add.reduce(state, -1, out=scale, keepdims=True)
        np.divide(state, scale, out=state)
        previous = state


def log_space_forward_backward(scores: Scores, lengths: Tensor) -> Chart:
    """Forward-backward on logarithms, which nothing can make vanish.

    In double precision: a log marginal is a small difference of large sums.
    """
    emissions, start, transitions, end = (part.detach().double() for part in scores)
    num_steps = emissions.shape[1]
    order = reversal(lengths, num_steps)
    prefix = _log_reached(emissions, start, transitions) + emissions
    mirrored = emissions.gather(1, order.unsqueeze(-1).expand_as(emissions))
    suffix = _log_reached(mirrored, end, transitions.t())
    suffix = suffix.gather(1, order.unsqueeze(-1).expand_as(emissions))
    final = (lengths - 1).clamp(min=0).view(-1, 1, 1).expand(-1, 1, emissions.shape[2])
    total = (prefix.gather(1, final).squeeze(1) + end).logsumexp(1).masked_fill(lengths == 0, 0)
    return Chart(total, prefix, suffix)


def _log_reached(emissions: Tensor, start: Tensor, transitions: Tensor) -> Tensor:
    """Log weight of all ways to each tag, its own emission not yet in (B, T, K)."""
    reached = [start.expand_as(emissions[:, 0])]
    for step in range(1, emissions.shape[1]):
        state = reached[-1] + emissions[:, step - 1]
        reached.append((state.unsqueeze(2) + transitions).logsumexp(1))
    return torch.stack(reached, dim=1)


def log_marginals(chart: Chart, lengths: Tensor) -> Tensor:
    """Log of the marginals (B, T, K), -inf at padding."""
    log_weights = chart.prefix + chart.suffix - chart.log_partition.view(-1, 1, 1)
    mask = torch.arange(log_weights.shape[1], device=lengths.device) < lengths.unsqueeze(1)
    return log_weights.masked_fill(~mask.unsqueeze(2), -math.inf)


def log_space_transitions(
    lengths: Tensor, transitions: Tensor, emissions: Tensor, chart: Chart, grad: Tensor
) -> Tensor:
    """Expected counts of transitions (K, K), those of each sentence weighted by its gradient."""
    total, prefix, suffix = chart
    counts = torch.zeros_like(transitions, dtype=torch.double)
    for step in range(1, emissions.shape[1]):
        entering = emissions[:, step] + suffix[:, step] - total.unsqueeze(1)  # (B, K)
        expected = (prefix[:, step - 1].unsqueeze(2) + transitions + entering.unsqueeze(1)).exp()  # (B, K, K)
        factors = torch.where(step < lengths, grad, torch.zeros_like(grad))
        counts += torch.where(factors.view(-1, 1, 1) != 0, expected * factors.view(-1, 1, 1), 0).sum(0)
    return counts


def reversal(lengths: Tensor, num_steps: int) -> Tensor:
    """For each row the order (B, T) that reverses its first `length` indices and leaves the others alone.

    >>> reversal(torch.tensor([3, 1]), 3)
    tensor([[2, 1, 0],
            [0, 1, 2]])
    """
    steps = torch.arange(num_steps, device=lengths.device)
    mirrored = lengths.unsqueeze(1) - 1 - steps
    return torch.where(mirrored >= 0, mirrored, steps)


def rows_at(sequence: Tensor, order: Tensor, offset: int = 0) -> Tensor:
    """Rows (S, B, K) of a sequence (T, N, K), from `offset` on, the step of each from `order` (S, B)."""
    # Whole rows by index: several times as fast as a gather, which looks up every element.
    rows = order * sequence.shape[1] + torch.arange(offset, offset + order.shape[1], device=order.device)
    return sequence.flatten(0, 1).index_select(0, rows.flatten()).view(*order.shape, -1)


def _mirror(both: Tensor, direction: int, order: Tensor | None) -> Tensor:
    """One direction of (T, 2, B, K), each row reversed within its own length; None: all are as long as the batch."""
    if order is None:
        return both[:, direction].flip(0)
    return rows_at(both.flatten(1, 2), order, offset=direction * both.shape[2])


def _parameter_weights(start: Tensor, transitions: Tensor, end: Tensor) -> tuple[Tensor, float, float]:
    """Exp of start, end and transitions in one row, their greatest taken off; that one; their finite range."""
    flat = torch.cat((start.detach(), end.detach(), transitions.detach().reshape(-1)))
    top = flat.amax()
    low = torch.where(flat == -math.inf, top, flat).amin()
    highest, lowest = torch.stack((top, low)).tolist()
    return (flat - top).exp_(), highest, highest - lowest
