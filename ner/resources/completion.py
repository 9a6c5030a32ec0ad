"""A set of vectors that lacks words, completed from a narrower set that has them.

Two sets trained on the same text are near to linear images of each other (Mikolov, Le & Sutskever 2013,
"Exploiting similarities among languages", do the same between languages): a map fitted by least squares on
the shared words predicts the missing rows. Predictions are no measurements: they come after row `measured`.
"""

import itertools
from typing import Any

import numpy as np

from ner.errors import VectorsError
from ner.resources.compact import Vectors

# One map for each range of frequency ranks: what separates frequent words is not what separates rare ones.
# Held-out cosine, GloVe 6B 50 -> 100 dimensions, all words / expected at a running token (weight 1/rank):
# one map 0.743 / 0.835; one map weighted by 1/rank 0.722 / 0.852; these four ranges 0.751 / 0.860.
_BOUNDS = (2_000, 20_000, 100_000)
_HELD_OUT = 0.05
_SEED = 0

Array = np.ndarray[Any, Any]


def complete(vectors: Vectors, helper: Vectors) -> tuple[Vectors, dict[str, float]]:
    """The vectors with a predicted row for each word that only `helper` has, and how good predictions are.

    Args:
        vectors: the set to complete; only its measured rows are used and kept.
        helper: a set with more words, in order of frequency.

    Returns:
        The completed set: measured rows first, then predicted ones in the helper's order. And the mean
        cosine (up to 1) between prediction and truth on words held out of the fit, by range of the
        helper's ranks (`1-2000`, …) and over `all`.

    Raises:
        VectorsError: the sets share too few words to fit a map.
    """
    rows = {word: row for row, word in enumerate(vectors.words[: vectors.measured])}
    ranks = np.array([rank for rank, word in enumerate(helper.words) if word in rows], dtype=np.int64)
    needed = 10 * (helper.matrix.shape[1] + 1)  # ten words for each number of a map's column
    if len(ranks) < needed:
        raise VectorsError(
            f"{vectors.name}: expected {needed} or more words shared with {helper.name}, found {len(ranks)}; "
            "use a larger set"
        )
    targets = vectors.matrix[[rows[helper.words[rank]] for rank in ranks]]  # (S, D)
    held = np.zeros(len(ranks), dtype=bool)
    held[np.random.default_rng(_SEED).choice(len(ranks), max(1, int(_HELD_OUT * len(ranks))), replace=False)] = True
    missing = np.array([rank for rank, word in enumerate(helper.words) if word not in rows], dtype=np.int64)

    edges = _edges(ranks[~held], needed, len(helper.words))
    predicted = np.empty((len(missing), targets.shape[1]), dtype=np.float32)
    cosines = np.zeros(len(ranks))
    by_range: dict[str, float] = {}
    for low, high in itertools.pairwise(edges):
        within = (ranks >= low) & (ranks < high)
        known = _with_bias(helper.matrix[ranks[within]])
        truth = targets[within].astype(np.float64)
        fitted = ~held[within]
        linear_map = np.linalg.lstsq(known[fitted], truth[fitted], rcond=None)[0]  # (D_helper + 1, D)
        cosines[within] = _cosines(known @ linear_map, truth)
        if (within & held).any():
            by_range[f"{low + 1}-{high}"] = round(float(cosines[within & held].mean()), 4)
        wanted = (missing >= low) & (missing < high)
        predicted[wanted] = _with_bias(helper.matrix[missing[wanted]]) @ linear_map
    by_range["all"] = round(float(cosines[held].mean()), 4)

    matrix = np.concatenate([vectors.matrix[: vectors.measured].astype(np.float32), predicted])
    words = vectors.words[: vectors.measured] + [helper.words[rank] for rank in missing]
    return Vectors(vectors.name, words, matrix, vectors.measured), by_range


def _edges(ranks: Array, needed: int, count: int) -> list[int]:
    """The bounds of the ranges, half-open, without those that would leave a range too few words to fit."""
    edges = [0]
    for bound in _BOUNDS:
        if ((ranks >= edges[-1]) & (ranks < bound)).sum() >= needed and (ranks >= bound).sum() >= needed:
            edges.append(bound)
    return [*edges, count]


def _with_bias(matrix: Array) -> Array:
    return np.hstack([matrix.astype(np.float64), np.ones((len(matrix), 1))])


def _cosines(predicted: Array, truth: Array) -> Array:
    norms = np.linalg.norm(predicted, axis=1) * np.linalg.norm(truth, axis=1)
    return np.asarray((predicted * truth).sum(axis=1) / np.maximum(norms, 1e-12))
