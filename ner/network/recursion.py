"""Sums over all tag paths of a linear chain: the forward-backward recursion, fast and exact.

The recursion runs on probabilities instead of logarithms, so that a step is one matrix product for the whole
batch and both directions at once (Rabiner 1989, section V.A: each step is scaled to sum 1, the scales add up
to the log partition). The gradient is analytic, for it is made of the marginals that the recursion yields
anyway; nothing is recorded step by step.

Scaled numbers can vanish where scores differ by more than float32 can hold. That is noticed, and the batch
is then done again in log space, step by step, slowly and without that limit.
"""

import math
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ner.network.cells import reversal


class Chart(NamedTuple):
    """What forward-backward finds for B sentences of at most T tokens over K tags; log values are natural.

    They are in double precision where scores differed much. With `prefix` (B, T, K), the log weight of all paths up to a token and its tag, and `suffix` (B, T, K), of
    all that follows it, `prefix + suffix - log_partition` is the log marginal. Padding is meaningless.
    """

    log_partition: Tensor  # (B,)
    prefix: Tensor  # (B, T, K)
    suffix: Tensor  # (B, T, K)


class Scores(NamedTuple):
    """A chain's scores; a forbidden start, move or end is -inf."""

    emissions: Tensor  # (B, T, K)
    start: Tensor  # (K,)
    transitions: Tensor  # (K, K), from row to column
    end: Tensor  # (K,)


def log_partition(scores: Scores, lengths: Tensor) -> Tensor:
    """Log of the summed weight of all tag paths of each sentence (B,), differentiable once.

    Args:
        scores: of a batch with T at least 1; emissions finite.
        lengths: tokens of each sentence (B,); an empty one has a single path, the empty one: 0.
    """
    return _LogPartition.apply(*scores, lengths)  # type: ignore[no-any-return, no-untyped-call]


def marginals(scores: Scores, lengths: Tensor) -> Tensor:
    """Probability of each tag at each token (B, T, K), zero at padding; no gradient."""
    with torch.no_grad():
        scaled = _scaled(scores, lengths)
        if scaled is not None:
            return scaled.marginals.transpose(0, 1)
        chart = _log_space(scores, lengths)
        return _log_marginals(chart, lengths).exp().to(scores.emissions.dtype)


def chart(scores: Scores, lengths: Tensor) -> Chart:
    """The log partition with the log weights of all prefixes and suffixes; no gradient."""
    with torch.no_grad():
        scaled = _scaled(scores, lengths)
        return _log_space(scores, lengths) if scaled is None else scaled.chart(scores, lengths)


class _Scaled(NamedTuple):
    """The scaled recursion's results, time first; `following` is the suffix with its first emission."""

    log_partition: Tensor  # (B,)
    marginals: Tensor  # (T, B, K), zero at padding
    forward: Tensor  # (T, B, K), each step sums to 1
    backward: Tensor  # (T, B, K), up to a factor for each token
    following: Tensor  # (T, B, K), each step sums to 1
    overlap: Tensor  # (T, B): sum over tags of forward · backward
    log_scales: Tensor  # (T, B): log of what `forward` was divided by up to here

    def chart(self, scores: Scores, lengths: Tensor) -> Chart:
        """The same in log space. A tag too improbable for its log to be had is -inf."""
        del scores, lengths
        prefix = self.forward.log() + self.log_scales.unsqueeze(-1)
        # forward · backward / overlap is the marginal, so this suffix completes the prefix to it.
        suffix = self.backward.log() - (self.overlap.log() + self.log_scales - self.log_partition).unsqueeze(-1)
        return Chart(self.log_partition, prefix.transpose(0, 1), suffix.transpose(0, 1))


def _scaled(scores: Scores, lengths: Tensor) -> _Scaled | None:
    """Forward-backward on scaled probabilities; None where too much may have vanished."""
    emissions, start, transitions, end = scores
    num_rows, num_steps, num_tags = emissions.shape
    info = torch.finfo(emissions.dtype)
    steps = torch.arange(num_steps, device=lengths.device).unsqueeze(1)  # (T, 1)
    alive = steps < lengths  # (T, B)
    by_step = emissions.detach().transpose(0, 1)  # (T, B, K)
    tops = by_step.amax(2, keepdim=True)  # (T, B, 1)
    potentials = (by_step - tops).exp_()  # (T, B, K)
    ragged = not bool((lengths == num_steps).all())
    order = reversal(lengths, num_steps).t() if ragged else None  # (T, B)
    mirrored = potentials.flip(0) if order is None else _rows(potentials, order)
    # The two directions, side by side, are one batched product a step; the backward one reads each sentence
    # from its own end, so that padding comes last in both and what happens there is never read.
    both = torch.stack((potentials, mirrored), dim=1)  # (T, 2, B, K)
    tops_of_scores = [_top(part) for part in (start, transitions, end)]
    first, move, last = (
        (part.detach() - top).exp_() for part, top in zip((start, transitions, end), tops_of_scores, strict=True)
    )
    moves = torch.stack((move, move.t()))  # (2, K, K)
    states = torch.empty_like(both)
    reached = torch.empty_like(both)  # before the emission is multiplied in
    scales = both.new_empty(num_steps, 2, num_rows, 1)
    reached[0, 0], reached[0, 1] = first, last
    torch.mul(reached[0], both[0], out=states[0])
    torch.sum(states[0], dim=-1, keepdim=True, out=scales[0])
    states[0].div_(scales[0])
    views = zip(reached.unbind(0), both.unbind(0), states.unbind(0), scales.unbind(0), strict=True)
    _, _, previous, _ = next(views)
    for entering, potential, state, scale in views:
        torch.bmm(previous, moves, out=entering)
        torch.mul(entering, potential, out=state)
        torch.sum(state, dim=-1, keepdim=True, out=scale)
        state.div_(scale)
        previous = state
    forward, following, backward = states[:, 0], states[:, 1], reached[:, 1]
    if order is None:
        following, backward = following.flip(0), backward.flip(0)
    else:
        following, backward = _rows(following, order), _rows(backward, order)
    products = forward * backward  # (T, B, K)
    overlap = products.sum(2)  # (T, B)
    # What vanished at a token had less than `tiny` of its step's weight on one side; where the two sides
    # overlap by far more than that, it can't have mattered. NaN (0/0) fails the comparison too.
    lowest = by_step.masked_fill(by_step == -math.inf, math.inf).amin(2)
    spread = float((tops.squeeze(2) - lowest).masked_fill(~alive, 0).amax()) if num_rows else 0.0
    ranges = spread + sum(_range(part) for part in (transitions, start, end))
    safe = (overlap > info.tiny**0.5 * backward.amax(2)) | ~alive
    if ranges > -math.log(info.tiny) or not bool(safe.all()):
        return None
    weights = products.div_(overlap.unsqueeze(2)).masked_fill_(~alive.unsqueeze(2), 0)
    start_top, move_top, end_top = tops_of_scores
    log_scales = (scales[:, 0].log() + tops).squeeze(2).masked_fill(~alive, 0).cumsum(0)  # (T, B)
    log_scales = log_scales + steps.to(log_scales.dtype) * move_top + start_top
    final = (lengths - 1).clamp(min=0).unsqueeze(0)  # (1, B)
    at_end = (_rows(forward, final).squeeze(0) @ last).log() + end_top  # (B,)
    total = (log_scales.gather(0, final).squeeze(0) + at_end).masked_fill(lengths == 0, 0)
    return _Scaled(total, weights, forward, backward, following, overlap, log_scales)


class _LogPartition(torch.autograd.Function):
    """The log partition; its gradients are the expected counts of starts, moves, ends and tags."""

    @staticmethod
    def forward(  # type: ignore[override]
        ctx: Any, emissions: Tensor, start: Tensor, transitions: Tensor, end: Tensor, lengths: Tensor
    ) -> Tensor:
        scores = Scores(emissions, start, transitions, end)
        scaled = _scaled(scores, lengths)
        if scaled is None:
            chart = _log_space(scores, lengths)
            ctx.in_log_space = True
            weights = _log_marginals(chart, lengths).exp().transpose(0, 1).to(emissions.dtype)
            ctx.save_for_backward(weights, lengths, transitions, emissions, chart.prefix, chart.suffix, chart[0])
            return chart.log_partition.to(emissions.dtype)
        ctx.in_log_space = False
        leaving = scaled.forward / scaled.overlap.unsqueeze(2)
        ctx.save_for_backward(scaled.marginals, lengths, transitions, leaving, scaled.following)
        return scaled.log_partition

    @staticmethod
    @once_differentiable  # type: ignore[untyped-decorator]
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:  # type: ignore[override]
        weights, lengths, transitions = ctx.saved_tensors[:3]
        num_steps, num_rows, num_tags = weights.shape
        weighted = weights * grad.unsqueeze(1)  # (T, B, K)
        final = (lengths - 1).clamp(min=0).unsqueeze(0)
        start = weighted[0].sum(0)
        end = _rows(weighted, final).squeeze(0).sum(0)
        if ctx.in_log_space:
            counts = _log_space_moves(*ctx.saved_tensors[1:], grad).to(grad.dtype)
        else:
            leaving, following = ctx.saved_tensors[3:]
            # The move into step t counts where t is a token; its overlap is the one of step t - 1.
            inside = torch.arange(1, num_steps, device=lengths.device).unsqueeze(1) < lengths  # (T-1, B)
            factors = (grad * inside).unsqueeze(2)
            left = (leaving[:-1] * factors).reshape(-1, num_tags).masked_fill_(~inside.reshape(-1, 1), 0)
            right = following[1:].reshape(-1, num_tags)
            right = right.masked_fill(~inside.reshape(-1, 1), 0)
            counts = (left.t() @ right) * (transitions - _top(transitions)).exp()
        return weighted.transpose(0, 1), start, counts, end, None


def _log_space(scores: Scores, lengths: Tensor) -> Chart:
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


def _log_marginals(chart: Chart, lengths: Tensor) -> Tensor:
    log_weights = chart.prefix + chart.suffix - chart.log_partition.view(-1, 1, 1)
    alive = torch.arange(log_weights.shape[1], device=lengths.device) < lengths.unsqueeze(1)
    return log_weights.masked_fill(~alive.unsqueeze(2), -math.inf)


def _log_space_moves(
    lengths: Tensor, transitions: Tensor, emissions: Tensor, prefix: Tensor, suffix: Tensor, total: Tensor, grad: Tensor
) -> Tensor:
    counts = torch.zeros_like(transitions, dtype=torch.double)
    for step in range(1, emissions.shape[1]):
        entering = emissions[:, step] + suffix[:, step] - total.unsqueeze(1)  # (B, K)
        moves = (prefix[:, step - 1].unsqueeze(2) + transitions + entering.unsqueeze(1)).exp()  # (B, K, K)
        factors = torch.where(step < lengths, grad, torch.zeros_like(grad))
        counts += torch.where(factors.view(-1, 1, 1) != 0, moves * factors.view(-1, 1, 1), 0).sum(0)
    return counts


def _rows(sequence: Tensor, order: Tensor) -> Tensor:
    """Rows (S, B, K) of a sequence (T, B, K), the step of each from `order` (S, B)."""
    return sequence.gather(0, order.unsqueeze(-1).expand(-1, -1, sequence.shape[2]))


def _top(scores: Tensor) -> float:
    top = float(scores.detach().amax())
    return top if math.isfinite(top) else 0.0


def _range(scores: Tensor) -> float:
    finite = scores.detach()[scores.detach().isfinite()]
    return float(finite.amax() - finite.amin()) if finite.numel() else 0.0
