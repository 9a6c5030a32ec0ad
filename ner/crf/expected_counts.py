"""How often a chain is expected to have each tag at each token, and each transition in each sentence.

They are all that another chain has to know of this one to learn its distribution over tag sequences: the score that the
other gives a tag sequence is a sum over its tags and its transitions, so its mean needs their expected counts alone.
"""

from typing import NamedTuple

import numpy as np

from ner.crf.forward_backward import LogSums, ScaledSums, Scores, forward_backward
from ner.crf.lengths import Array, real_tokens


class ExpectedCounts(NamedTuple):
    """Expected counts in B sentences of at most T tokens over K tags."""

    marginals: Array  # (B, T, K): of each tag at each token, its probability; 0 at padding
    transitions: Array  # (B, K, K): of each transition, from row to column, in the whole sentence


def expected_counts(scores: Scores, lengths: Array) -> ExpectedCounts:
    """The expected counts of a batch.

    Args:
        scores: of a batch with a token.
        lengths: tokens of each sentence (B,).
    """
    sums = forward_backward(scores, lengths)
    count = _count_scaled if isinstance(sums, ScaledSums) else count_in_logs
    return ExpectedCounts(sums.marginals.transpose(1, 0, 2), count(scores, sums, lengths))  # type: ignore[arg-type]


def _count_scaled(scores: Scores, sums: ScaledSums, lengths: Array) -> Array:
    """Transitions (B, K, K): a token's marginals shared out over the tags before it, as these lead to it."""
    top = scores.transitions.max()
    weights = np.exp(scores.transitions - top) if np.isfinite(top) else np.zeros_like(scores.transitions)
    into = real_tokens(lengths, scores.emissions.shape[1])[:, 1:, None]  # (B, T-1, 1)
    before = np.where(into, sums.forward[:-1].transpose(1, 0, 2), 0)  # (B, T-1, K)
    reached = before @ weights
    after = np.where(into, sums.marginals[1:].transpose(1, 0, 2), 0)
    share = np.divide(after, reached, out=np.zeros_like(after), where=reached > 0)
    counts: Array = (before.transpose(0, 2, 1) @ share) * weights
    return counts


def count_in_logs(scores: Scores, sums: LogSums, lengths: Array) -> Array:
    """Expected transitions (B, K, K) in log space, step by step."""
    dtype = scores.emissions.dtype
    emissions, _, transitions, _ = (part.astype(np.float64) for part in scores)
    counts = np.zeros((len(lengths), *transitions.shape))
    for step in range(1, emissions.shape[1]):
        rows = np.flatnonzero(lengths > step)
        entering = emissions[rows, step] + sums.suffixes[rows, step] - sums.log_partition[rows, None]  # (R, K)
        counts[rows] += np.exp(sums.prefixes[rows, step - 1, :, None] + transitions + entering[:, None])
    return counts.astype(dtype)
