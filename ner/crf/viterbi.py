"""The best tag sequence of a linear chain (Viterbi 1967), in NumPy.

The forward pass keeps only its scores; each back pointer is found when the sequence comes by: the greatest of K sums
for one tag instead of K² for all.
"""

import math
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ner.crf.forward_backward import Scores
from ner.crf.lengths import Array

# Sums of a step that are made at once: a table of more is no longer near the processor when it is read.
_MOST_AT_ONCE = 1 << 20
# Sentences from which on a step runs along them: NumPy sets out anew for each row of a table, and a longer row pays.
_MANY_ROWS = 16
# Sums of a step from which on it pays to leave out the forbidden ones, for three more calls; and how few tags may
# precede one that is looked at apart.
_ENOUGH_SUMS = 1 << 13
_FEW_ORIGINS = 4


def viterbi(scores: Scores, lengths: Array) -> Array:
    """The best tag sequence of each sentence (B, T); padding holds anything."""
    num_rows, num_steps, _ = scores.emissions.shape
    if num_rows == 0 or num_steps == 0:
        return np.zeros((num_rows, num_steps), np.int64)
    best = prefix_scores(scores)  # (T, B, K)
    final = np.maximum(lengths - 1, 0)
    last = (best[final, np.arange(num_rows)] + scores.end).argmax(1)
    return way_back(best, scores.transitions, final, last).T


def way_back(best: Array, transitions: Array, final: Array, last: Array) -> Array:
    """The tags (T, B) on the best ways to some tags, each at a step of its sentence; behind that step, anything.

    Args:
        best: `prefix_scores` (T, B, K); what stands there at the steps `final` is lost.
        transitions: of the chain (K, K).
        final: each row's step (B,).
        last: each row's tag at that step (B,).
    """
    num_steps, num_rows, num_tags = best.shape
    # Where a way ends, its last tag now beats all others whatever follows it, so what follows needs no care: the
    # lowest scores are far below a forbidden transition, that far below any real score.
    lowest = float(np.finfo(best.dtype).min)
    rows = np.arange(num_rows)
    best[final, rows] = lowest / 4
    best[final, rows, last] = 0
    tags = np.empty((num_steps, num_rows), np.int64)
    tags[-1] = last
    into = np.ascontiguousarray(np.maximum(transitions.T, lowest / 8))  # (to, from)
    entered = np.empty((num_rows, num_tags), best.dtype)
    for state, behind, tag in zip(best[-2::-1], tags[:0:-1], tags[-2::-1], strict=True):
        into.take(behind, 0, entered, "clip")  # other modes would copy `out`
        np.add(entered, state, out=entered)
        entered.argmax(1, tag)
    return tags


def prefix_scores(scores: Scores) -> Array:
    """The score of the best way to each tag, its own emission in it (T, B, K)."""
    emissions, start, transitions, _ = scores
    num_rows, _, num_tags = emissions.shape
    at_once = max(1, _MOST_AT_ONCE // num_tags**2)
    if num_rows > at_once:
        cuts = range(0, num_rows, at_once)
        parts = [scores._replace(emissions=emissions[begin : begin + at_once]) for begin in cuts]
        return np.concatenate([prefix_scores(part) for part in parts], axis=1)
    plan = _plan((transitions > -math.inf).tobytes(), num_tags) if num_rows * num_tags**2 >= _ENOUGH_SUMS else None
    emitted = emissions.transpose(1, 2, 0)  # (T, K, B)
    if plan is not None:
        best = _step_by_plan(emitted[:, plan.order], start[plan.order], transitions, plan)[:, plan.order.argsort()]
    else:
        best = _step(emitted, start, transitions)
    return np.ascontiguousarray(best.transpose(0, 2, 1))


def _step(emitted: Array, start: Array, transitions: Array) -> Array:
    """`prefix_scores` (T, K, B) from emissions (T, K, B), by the sums of all pairs of tags."""
    num_tags, num_rows = emitted.shape[1:]
    # Sums are (from, to, B), for few sentences (from, B, to) in memory; either way the maximum over the first dimension
    # runs along memory, many times as fast as one over the last.
    if num_rows >= _MANY_ROWS:
        emitted = np.ascontiguousarray(emitted)
        sums = np.empty((num_tags, num_tags, num_rows), emitted.dtype)
    else:
        emitted = np.ascontiguousarray(emitted.transpose(0, 2, 1)).transpose(0, 2, 1)
        sums = np.empty((num_tags, num_rows, num_tags), emitted.dtype).transpose(0, 2, 1)
    best = np.empty_like(emitted)
    transitions = transitions[:, :, None]  # (from, to, 1)
    np.add(emitted[0], start[:, None], out=best[0])
    for origin, emission, state in zip(best[:-1, :, None], emitted[1:], best[1:], strict=True):
        np.add(origin, transitions, out=sums)
        np.maximum.reduce(sums, 0, out=state)
        np.add(state, emission, out=state)
    return best


class _Plan(NamedTuple):
    """Which sums a step needs where transitions are forbidden: of BIOES tags, a quarter of all pairs.

    Tags are put in order: M that many tags may precede, then F that few may. Origins are indices in this order.
    """

    order: Array  # (K,)
    origins: Array  # (S,): what may precede any of the M
    few_origins: Array  # (P, F): what may precede each of the F, anything where it is fewer than P
    allowed: Array  # (P, F): where it is not just anything


@lru_cache(maxsize=16)
def _plan(allowed: bytes, num_tags: int) -> _Plan | None:
    """The plan for allowed transitions, a bool (K, K) in bytes; None where all pairs are about as cheap."""
    legal = np.frombuffer(allowed, np.bool_).reshape(num_tags, num_tags)
    few = legal.sum(0) <= _FEW_ORIGINS
    order = np.argsort(few, kind="stable")
    num_many = num_tags - int(few.sum())
    legal = legal[order][:, order]  # (from, to)
    origins = np.flatnonzero(legal[:, :num_many].any(1))
    counts = legal[:, num_many:].sum(0)
    most = int(counts.max(initial=0))
    if num_many == 0 or len(origins) * num_many + 2 * most * len(counts) > 0.75 * num_tags**2:
        return None
    few_origins = np.argsort(~legal[:, num_many:], axis=0, kind="stable")[:most]
    return _Plan(order, origins, few_origins, np.arange(most)[:, None] < counts)


def _step_by_plan(emitted: Array, start: Array, transitions: Array, plan: _Plan) -> Array:
    """As `_step`, of sums of allowed transitions alone; emissions, start and result in the plan's order of tags."""
    num_rows, num_few = emitted.shape[2], plan.few_origins.shape[1]
    num_many = len(plan.order) - num_few
    many_transitions = transitions[np.ix_(plan.order[plan.origins], plan.order[:num_many])][:, :, None]
    few_transitions = transitions[plan.order[plan.few_origins], plan.order[num_many:]]
    few_transitions = np.where(plan.allowed, few_transitions, np.array(-math.inf, emitted.dtype)).reshape(-1, 1)
    sums = np.empty((len(plan.origins), num_many, num_rows), emitted.dtype)
    few_sums = np.empty((len(few_transitions), num_rows), emitted.dtype)
    by_origin = few_sums.reshape(-1, num_few, num_rows)
    leaving = np.empty((len(plan.origins), num_rows), emitted.dtype)
    few_origins = plan.few_origins.reshape(-1)
    emitted = np.ascontiguousarray(emitted)
    best = np.empty_like(emitted)
    np.add(emitted[0], start[:, None], out=best[0])
    for origin, emission, state in zip(best[:-1], emitted[1:], best[1:], strict=True):
        origin.take(plan.origins, 0, leaving, "clip")
        np.add(leaving[:, None], many_transitions, out=sums)
        np.maximum.reduce(sums, 0, out=state[:num_many])
        origin.take(few_origins, 0, few_sums, "clip")
        np.add(few_sums, few_transitions, out=few_sums)
        np.maximum.reduce(by_origin, 0, out=state[num_many:])
        np.add(state, emission, out=state)
    return best


def to_lists(tags: Array, lengths: Array) -> list[list[int]]:
    """Tag sequences (B, T) as lists, each as long as its sentence."""
    rows: list[list[Any]] = tags.tolist()
    return [row[:length] for row, length in zip(rows, lengths.tolist(), strict=True)]
