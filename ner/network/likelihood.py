"""Log partition and log-likelihood of a linear chain, with analytic gradients.

The gradient of the log partition is made of the marginals, which the recursion yields anyway, so nothing is
recorded step by step; that of a path's score is a count of what the path passes through.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ner.network.paths import path_scores
from ner.network.recursion import (
    Chart,
    Scores,
    log_marginals,
    log_space_moves,
    log_space_recursion,
    rows_at,
    scaled_recursion,
)


def log_partition(scores: Scores, lengths: Tensor) -> Tensor:
    """Log of the summed weight of all tag paths of each sentence (B,), differentiable once.

    Args:
        scores: of a batch with T at least 1; an emission may be -inf.
        lengths: tokens of each sentence (B,); an empty one has a single path, the empty one: 0.
    """
    if not scores.emissions.numel():
        return scores.emissions.sum((1, 2))
    return _Chain.apply(*scores, lengths, None)  # type: ignore[no-any-return, no-untyped-call]


def log_likelihood(scores: Scores, tags: Tensor, lengths: Tensor) -> Tensor:
    """Log-probability of one tag path of each sentence (B,), differentiable once.

    Args:
        scores: of a batch with T at least 1.
        tags: tag numbers (B, T), valid ones at padding too, a path that isn't forbidden.
        lengths: tokens of each sentence (B,).
    """
    if not scores.emissions.numel():
        return scores.emissions.sum((1, 2))
    return _Chain.apply(*scores, lengths, tags)  # type: ignore[no-any-return, no-untyped-call]


class _Chain(torch.autograd.Function):
    """The log partition, or with tags the log-likelihood."""

    @staticmethod
    def forward(
        ctx: Any,
        emissions: Tensor,
        start: Tensor,
        transitions: Tensor,
        end: Tensor,
        lengths: Tensor,
        tags: Tensor | None,
    ) -> Tensor:
        scores = Scores(emissions, start, transitions, end)
        scaled = scaled_recursion(scores, lengths)
        ctx.in_log_space, ctx.tags = scaled is None, tags
        if scaled is None:
            chart = log_space_recursion(scores, lengths)
            weights = log_marginals(chart, lengths).exp().transpose(0, 1).to(emissions.dtype)
            ctx.save_for_backward(weights, lengths, transitions, emissions, *chart)
            total = chart.log_partition.to(emissions.dtype)
        else:
            parts = (scaled.moves, scaled.forward, scaled.following, scaled.rate)
            ctx.save_for_backward(scaled.marginals, lengths, *parts)
            total = scaled.log_partition.to(emissions.dtype)
        return total if tags is None else path_scores(scores, tags, lengths) - total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        marginals, lengths = ctx.saved_tensors[:2]
        tags: Tensor | None = ctx.tags
        factor = grad if tags is None else -grad
        emissions = marginals * factor.unsqueeze(1)  # (T, B, K)
        final = (lengths - 1).clamp(min=0).unsqueeze(0)  # (1, B)
        start, end = emissions[0].sum(0), rows_at(emissions, final).squeeze(0).sum(0)
        if ctx.in_log_space:
            transitions, scores, *parts = ctx.saved_tensors[2:]
            moves = log_space_moves(lengths, transitions, scores, Chart(*parts), factor).to(grad.dtype)
        else:
            potentials, forward, following, rate = ctx.saved_tensors[2:]
            # A move leaves its step at that step's rate, which is zero at padding; one into padding is none.
            into = torch.arange(1, len(rate), device=rate.device).unsqueeze(1) < lengths  # (T-1, B)
            left = forward[:-1] * (rate[:-1] * into * factor).unsqueeze(2)
            moves = (left.flatten(0, 1).t() @ following[1:].flatten(0, 1)) * potentials
        if tags is not None:
            steps = torch.arange(tags.shape[1], device=lengths.device)
            weights = (steps < lengths.unsqueeze(1)) * grad.unsqueeze(1)  # (B, T)
            emissions.scatter_add_(2, tags.t().unsqueeze(2), weights.t().unsqueeze(2))
            pairs = tags[:, :-1] * moves.shape[0] + tags[:, 1:]
            moves.view(-1).index_add_(0, pairs.flatten(), weights[:, 1:].flatten())
            start.index_add_(0, tags[:, 0], weights[:, 0])
            end.index_add_(0, tags.gather(1, final.t()).squeeze(1), weights[:, 0])
        return emissions.transpose(0, 1), start, moves, end, None, None
