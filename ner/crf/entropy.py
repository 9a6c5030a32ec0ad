"""How unsure a chain is of a whole sentence: the exact entropy of its distribution over tag sequences.

The log-probability of a tag sequence is its score less the log partition, so the entropy is the log partition less the
expected score, and forward-backward knows what that takes: the marginals and, of each two neighbours, how probable each
pair of tags is (Mann & McCallum 2007; Hernando, Crespi & Cybenko 2005 find the same by a recursion). Of the pairs only
the sum of their scores is wanted, so that one more matrix product a token is all that it costs.

Where a chain is sure, both are large and their difference is small. So each token's scores are counted from its highest
one, whose sum is taken from the log partition in double precision.
"""

import math

import numpy as np

from ner.crf.expected_counts import count_in_logs
from ner.crf.forward_backward import LogSums, ScaledSums, Scores, forward_backward
from ner.crf.lengths import Array, real_tokens

# Multiplications of one matrix product up to which OpenBLAS leaves its threads asleep, as in `forward_backward`.
_MOST_MULTIPLIED = 65_536 * 4


def entropies(scores: Scores, lengths: Array) -> Array:
    """The entropy of each sentence's distribution over tag sequences (B,), in double precision, natural logarithm.

    In float32 it is exact to some 1e-5 a token.

    Args:
        scores: of a batch with a token, zeros at padding.
        lengths: tokens of each sentence (B,).
    """
    sums = forward_backward(scores, lengths)
    emissions, start, _, end = scores
    mask = real_tokens(lengths, emissions.shape[1])  # (B, T)
    tops = emissions.max(2)  # (B, T)
    marginals = sums.marginals.transpose(1, 0, 2)  # (B, T, K)
    # A tag that can't be has probability 0, and 0 · -inf is NaN.
    below = np.where(marginals > 0, emissions - tops[:, :, None], 0)
    expected = np.einsum("btk,btk->bt", marginals, below).sum(1, dtype=np.float64)
    rows, final = np.arange(len(lengths)), np.maximum(lengths - 1, 0)
    for part, at in ((start, marginals[:, 0]), (end, marginals[rows, final])):
        expected += np.where(np.isfinite(part), at * np.where(np.isfinite(part), part, 0), 0).sum(1, dtype=np.float64)
    passed = _passed_scaled(scores, sums, mask) if isinstance(sums, ScaledSums) else _passed(scores, sums, lengths)
    total = sums.log_partition - np.where(mask, tops, 0).sum(1, dtype=np.float64)
    found: Array = np.where(lengths > 0, np.maximum(total - expected - passed, 0), 0)
    return found


def entropy_of(distributions: Array) -> Array:
    """The entropy along the last dimension, natural logarithm; 0 where all is 0.

    >>> entropy_of(np.array([[0.5, 0.5], [1.0, 0.0]])).round(4).tolist()
    [0.6931, 0.0]
    """
    logs = np.log(np.where(distributions > 0, distributions, 1))
    found: Array = np.maximum(-(distributions * logs).sum(-1), 0)
    return found


def _passed_scaled(scores: Scores, sums: ScaledSums, mask: Array) -> Array:
    """The expected score of all transitions of each sentence (B,), double."""
    transitions = scores.transitions
    top = transitions.max()
    if not np.isfinite(top):  # no sentence of two tokens
        return np.zeros(len(mask))
    weights = np.exp(transitions - top)
    weighed = weights * np.where(weights > 0, transitions, 0)
    into = mask[:, 1:].T  # (T-1, B): tokens that have one before them
    before = sums.forward[:-1][into]  # (N, K)
    after = sums.marginals[1:][into]
    both = np.concatenate((weights, weighed), axis=1)  # (K, 2K)
    num_tags = len(weights)
    at_once = max(2, _MOST_MULTIPLIED // both.size)
    found = np.empty(len(before))
    for begin in range(0, len(before), at_once):
        part = slice(begin, begin + at_once)
        reached = before[part] @ both
        # Given a token's tag, the tags before it are as probable as `before · weights` says: the mean of their scores.
        ways, sum_of_scores = reached[:, :num_tags], reached[:, num_tags:]
        mean = np.divide(sum_of_scores, ways, out=np.zeros_like(ways), where=ways > 0)
        found[part] = np.einsum("nk,nk->n", mean, after[part])
    by_token = np.zeros(into.shape)
    by_token[into] = found
    summed: Array = by_token.sum(0)
    return summed


def _passed(scores: Scores, sums: LogSums, lengths: Array) -> Array:
    """The same where scores lie too far apart for scaled probabilities."""
    double = Scores(*(part.astype(np.float64) for part in scores))
    counts = count_in_logs(double, sums, lengths)  # (B, K, K)
    allowed = double.transitions > -math.inf
    found: Array = (counts * np.where(allowed, double.transitions, 0)).sum((1, 2))
    return found
