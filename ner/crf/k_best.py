"""The k best tag sequences of a linear chain, in NumPy.

The second best sequence leaves the best one somewhere: seen from its end, it shares tags with it up to a step where it
takes another one, and goes from there the best way to the start, whose score the Viterbi algorithm knows. So each
sequence that is found proposes at most T · K others, each of them once and with its exact score, and the next best is
always among those proposed (Lawler 1972; the way back over a trellis is that of Soong & Huang 1991). A sequence costs
one way back, whatever k is, and no table of k entries for each tag.
"""

import math
from typing import NamedTuple

import numpy as np

from ner.crf.forward_backward import Scores
from ner.crf.lengths import Array
from ner.crf.viterbi import prefix_scores, way_back

# Scores of proposals that are looked through at once: 32 MB.
_MOST_AT_ONCE = 1 << 22


class _Proposals(NamedTuple):
    """Tag sequences, each by where it leaves its parent: from `step` back to the start it goes the best way."""

    row: Array  # (N,): the sentence
    score: Array  # (N,)
    step: Array  # (N,)
    tag: Array  # (N,): that it takes at `step`
    parent: Array  # (N,): a sequence whose tags are known, which it shares behind `step`; -1: `step` is the last
    known: Array  # (N,): the index under which its own tags are known; -1: not yet


def k_best(scores: Scores, lengths: Array, totals: Array, k: int) -> list[list[tuple[list[int], float]]]:
    """The k best tag sequences of each sentence with their log-probabilities, best first.

    A sentence that has fewer gives them all; an empty one gives the empty sequence.

    Args:
        scores: of a batch with B and T at least 1; in double precision, for the smallest differences count.
        lengths: tokens of each sentence (B,).
        totals: log partitions (B,).
        k: at least 1.
    """
    best = np.ascontiguousarray(prefix_scores(scores).transpose(1, 0, 2))  # (B, T, K)
    final = np.maximum(lengths - 1, 0)
    at_end = best[np.arange(len(best)), final] + scores.end  # (B, K)
    at_end[lengths == 0] = -math.inf
    row, tag, score = _greatest(at_end, k, np.full(len(best), -math.inf))
    unknown = np.full(len(row), -1)
    pool, rank = _ranked(_Proposals(row, score, final[row], tag, unknown, unknown), k)
    sequences = np.empty((0, best.shape[1]), np.int64)
    at_once = 1  # sequences of a sentence that are gone back together: twice as many each time, for large k
    # The last of k needs no proposals: they are no better than it.
    while (open_ranks := (pool.known < 0) & (rank < k - 1)).any():
        before: Array = np.cumsum(open_ranks) - open_ranks
        first_of_row = np.maximum.accumulate(np.where(rank == 0, before, 0))
        chosen = np.flatnonzero(open_ranks & (before - first_of_row < at_once))
        least = np.full(len(best), -math.inf)
        full = rank == k - 1
        least[pool.row[full]] = pool.score[full]
        pool.known[chosen] = len(sequences) + np.arange(len(chosen))
        tags, proposed = _follow(scores, lengths, best, sequences, _take(pool, chosen), least, k)
        sequences = np.concatenate((sequences, tags))
        pool, rank = _ranked(_Proposals(*map(np.concatenate, zip(pool, proposed, strict=True))), k)
        at_once *= 2
    rest = np.flatnonzero(pool.known < 0)
    pool.known[rest] = len(sequences) + np.arange(len(rest))
    sequences = np.concatenate((sequences, _go_back(scores, best, sequences, _take(pool, rest))[1]))
    result: list[list[tuple[list[int], float]]] = [[] if length else [([], 0.0)] for length in lengths]
    length_of = lengths.tolist()
    best_first = zip(
        pool.row.tolist(), sequences[pool.known].tolist(), (pool.score - totals[pool.row]).tolist(), strict=True
    )
    for sentence, sequence, value in best_first:
        result[sentence].append((sequence[: length_of[sentence]], value))
    return result


def _take(proposals: _Proposals, chosen: Array) -> _Proposals:
    return _Proposals(*(part[chosen] for part in proposals))


def _ranked(proposals: _Proposals, k: int) -> tuple[_Proposals, Array]:
    """The k best of each sentence, sentence by sentence, best first, and the rank of each in its sentence, from 0."""
    order = np.lexsort((-proposals.score, proposals.row))
    row = proposals.row[order]
    indices = np.arange(len(row))
    begins = np.ones(len(row), np.bool_)
    begins[1:] = row[1:] != row[:-1]
    rank = indices - np.maximum.accumulate(np.where(begins, indices, 0))
    kept = rank < k
    return _take(proposals, order[kept]), rank[kept]


def _greatest(values: Array, k: int, least: Array) -> tuple[Array, Array, Array]:
    """The k greatest of each row (N, M) that are above its least, in any order: their rows, columns and values."""
    if values.shape[1] > k:
        columns = values.argpartition(-k, axis=1)[:, -k:]
        values = np.take_along_axis(values, columns, 1)
    else:
        columns = np.broadcast_to(np.arange(values.shape[1]), values.shape)
    row, index = np.nonzero(values > least[:, None])
    return row, columns[row, index], values[row, index]


def _go_back(scores: Scores, best: Array, sequences: Array, chosen: _Proposals) -> tuple[Array, Array]:
    """The best ways to the tags of each sentence (N, T, K), and the tags that these proposals take (N, T)."""
    num_steps = best.shape[1]
    ways = best.take(chosen.row, 0)  # (N, T, K)
    if not len(ways):
        return ways, np.empty((0, num_steps), np.int64)
    reach = int(chosen.step.max()) + 1
    tags = np.zeros((len(ways), num_steps), np.int64)
    own = way_back(ways[:, :reach].transpose(1, 0, 2), scores.transitions, chosen.step, chosen.tag)
    tags[:, :reach] = own.T
    shared = (np.arange(num_steps) > chosen.step[:, None]) & (chosen.parent >= 0)[:, None]
    tags[shared] = sequences[chosen.parent][shared] if len(sequences) else 0
    return ways, tags


def _follow(
    scores: Scores, lengths: Array, best: Array, sequences: Array, chosen: _Proposals, least: Array, k: int
) -> tuple[Array, _Proposals]:
    """The tags (N, T) of these, and the k best that each proposes among those above the least of its sentence (B,)."""
    num_steps, num_tags = best.shape[1:]
    at_once = max(1, _MOST_AT_ONCE // (num_steps * num_tags))
    all_tags, proposed = [], []
    for begin in range(0, len(chosen.row), at_once):
        part = _take(chosen, np.arange(begin, min(begin + at_once, len(chosen.row))))
        ways, tags = _go_back(scores, best, sequences, part)
        all_tags.append(tags)
        reach = int(part.step.max())  # a proposal leaves its parent before the parent left its own
        table = ways[:, :reach]  # (N, S, K)
        table += scores.transitions.T.take(tags[:, 1 : reach + 1], 0)
        table += _behind(scores, lengths[part.row], part.row, tags)[:, :reach, None]
        np.put_along_axis(table, tags[:, :reach, None], -math.inf, 2)  # that would be the sequence itself
        table[np.arange(reach) >= part.step[:, None]] = -math.inf
        parent, index, score = _greatest(table.reshape(len(table), -1), k, least[part.row])
        unknown = np.full(len(parent), -1)
        step, tag = np.divmod(index, num_tags)
        proposed.append(_Proposals(part.row[parent], score, step, tag, part.known[parent], unknown))
    return np.concatenate(all_tags), _Proposals(*map(np.concatenate, zip(*proposed, strict=True)))


def _behind(scores: Scores, lengths: Array, rows: Array, tags: Array) -> Array:
    """What a sequence's score owes to all behind each token, the transition away from it not counted (N, T)."""
    steps = np.arange(tags.shape[1])
    parts = np.where(steps < lengths[:, None], scores.emissions[rows[:, None], steps, tags], 0)
    transitions = scores.transitions[tags[:, :-1], tags[:, 1:]]
    parts[:, :-1] += np.where(steps[1:] < lengths[:, None], transitions, 0)
    sequence = np.arange(len(tags))
    parts[sequence, lengths - 1] += scores.end[tags[sequence, lengths - 1]]
    behind = np.zeros_like(parts)
    behind[:, :-1] = parts[:, :0:-1].cumsum(1)[:, ::-1]
    return behind
