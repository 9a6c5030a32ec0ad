"""Log partition and log-likelihood of a linear chain, with analytic gradients.

The gradient of the log partition is made of the marginals, which forward-backward yields anyway, so nothing is
recorded step by step; that of a tag sequence's score is a count of what the sequence passes through.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from ner.crf.torch_forward_backward import (
    Chart,
    Scores,
    log_marginals,
    log_space_forward_backward,
    log_space_transitions,
    scaled_forward_backward,
)


def log_partition(scores: Scores, lengths: Tensor) -> Tensor:
    """Log of the summed weight of all tag sequences of each sentence (B,), differentiable once.

    Args:
        scores: of a batch with T at least 1; an emission may be -inf.
        lengths: tokens of each sentence (B,); an empty one has a single tag sequence, the empty one: 0.
    """
    if not scores.emissions.numel():
        return scores.emissions.sum((1, 2))
    return _Chain.apply(*scores, lengths, None)  # type: ignore[no-any-return, no-untyped-call]


def log_likelihood(scores: Scores, tags: Tensor, lengths: Tensor) -> Tensor:
    """Log-probability of one tag sequence of each sentence (B,), differentiable once.

    Args:
        scores: of a batch with T at least 1.
        tags: tag ids (B, T), valid ones at padding too, a sequence that isn't forbidden.
        lengths: tokens of each sentence (B,).
    """
    if not scores.emissions.numel():
        return scores.emissions.sum((1, 2))
    return _Chain.apply(*scores, lengths, tags)  # type: ignore[no-any-return, no-untyped-call]


def sequence_scores(scores: Scores, tags: Tensor, lengths: Tensor) -> Tensor:
    """The score of one tag sequence of each sentence (B,), differentiable; 0 for an empty one.

    Args:
        scores: of the batch.
        tags: tag ids (B, T); valid ones at padding too.
        lengths: tokens of each sentence (B,).
    """
    emissions, start, transitions, end = scores
    num_tags = transitions.shape[0]
    steps = torch.arange(tags.shape[1], device=lengths.device)
    mask = steps < lengths.unsqueeze(1)
    emitted = emissions.gather(2, tags.unsqueeze(2)).squeeze(2)  # (B, T)
    pairs = tags[:, :-1] * num_tags + tags[:, 1:]
    passed = transitions.reshape(-1).index_select(0, pairs.reshape(-1)).view(pairs.shape)  # (B, T-1)
    final = tags.gather(1, (lengths - 1).clamp(min=0).unsqueeze(1)).squeeze(1)
    ends = start.index_select(0, tags[:, 0]) + end.index_select(0, final)
    # Not a product with the mask: what padding passes through may be forbidden, and 0 · -inf is NaN.
    parts = (torch.where(mask, emitted, 0).sum(1), torch.where(mask[:, 1:], passed, 0).sum(1))
    return sum(parts, torch.where(mask[:, 0], ends, 0))


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
        scaled = scaled_forward_backward(scores, lengths)
        ctx.in_log_space, ctx.tags = scaled is None, tags
        if scaled is None:
            chart = log_space_forward_backward(scores, lengths)
            weights = log_marginals(chart, lengths).exp().to(emissions.dtype)
            ctx.save_for_backward(lengths, weights, transitions, emissions, *chart)
            total = chart.log_partition.to(emissions.dtype)
        else:
            parts = (scaled.products, scaled.rate, scaled.forward, scaled.following, scaled.transition_weights)
            ctx.save_for_backward(lengths, *parts)
            total = scaled.log_partition.to(emissions.dtype)
        return total if tags is None else sequence_scores(scores, tags, lengths) - total

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        lengths, *saved = ctx.saved_tensors
        tags: Tensor | None = ctx.tags
        factor = grad if tags is None else -grad  # (B,)
        if ctx.in_log_space:
            marginals, transition_scores, scores, *parts = saved
            emissions = marginals * factor.view(-1, 1, 1)  # (B, T, K)
            transitions = log_space_transitions(lengths, transition_scores, scores, Chart(*parts), factor)
            transitions = transitions.to(grad.dtype)
        else:
            products, rate, forward, following, transition_weights = saved
            weights = rate * factor  # (T, B)
            # Written batch first, as the layer below wants it.
            emissions = products.new_empty(*weights.t().shape, products.shape[2])  # (B, T, K)
            torch.mul(products.transpose(0, 1), weights.t().unsqueeze(2), out=emissions)
            # A transition leaves its step at that step's rate, which is zero at padding; one into padding is none.
            into = torch.arange(1, len(rate), device=rate.device).unsqueeze(1) < lengths  # (T-1, B)
            left = forward[:-1] * (weights[:-1] * into).unsqueeze(2)
            transitions = (left.flatten(0, 1).t() @ following[1:].flatten(0, 1)) * transition_weights
        rows = torch.arange(len(lengths), device=lengths.device)
        final = (lengths - 1).clamp(min=0)
        start, end = emissions[:, 0].sum(0), emissions[rows, final].sum(0)
        if tags is not None:
            steps = torch.arange(tags.shape[1], device=lengths.device)
            weights = (steps < lengths.unsqueeze(1)) * grad.unsqueeze(1)  # (B, T)
            emissions.scatter_add_(2, tags.unsqueeze(2), weights.unsqueeze(2))
            pairs = tags[:, :-1] * transitions.shape[0] + tags[:, 1:]
            transitions.view(-1).index_add_(0, pairs.flatten(), weights[:, 1:].flatten())
            start.index_add_(0, tags[:, 0], weights[:, 0])
            end.index_add_(0, tags[rows, final], weights[:, 0])
        return emissions, start, transitions, end, None, None
