"""An order of sentences in which none says again what those before it said: uncertain ones, far from one another.

By turns the sentence is taken that has the most of uncertainty times squared distance to the nearest one taken before,
which is k-means++ without chance (Arthur & Vassilvitskii 2007; with uncertainty, Ash et al. 2020). A document of which
some are taken already has to wait: each of them makes its sentences count less.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

# Sentences that are chosen one by one; each looks at all that are left. Behind them uncertainty alone decides.
_MOST_CHOSEN = 3000

Order = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]


class Pool(NamedTuple):
    """What tells how alike N sentences are."""

    vectors: Doubles  # of each sentence (N, D)
    documents: Order  # which document each is of (N,)


def diverse_order(values: Doubles, pool: Pool) -> Order:
    """The order (N,) in which to take sentences.

    Args:
        values: uncertainty of each (N,), at least 0.
        pool: the same sentences.

    >>> pool = Pool(np.array([[1.0, 0], [1, 0.01], [0, 1]]), np.array([0, 1, 2]))
    >>> diverse_order(np.array([3.0, 2.9, 1.0]), pool).tolist()
    [0, 2, 1]
    """
    centred = pool.vectors - pool.vectors.mean(0, keepdims=True) if len(values) else pool.vectors
    lengths = np.sqrt((centred * centred).sum(1, keepdims=True))
    units = np.divide(centred, lengths, out=np.zeros_like(centred), where=lengths > 0)
    nearest = np.full(len(values), 4.0)  # the largest squared distance of unit vectors
    documents = np.unique(pool.documents, return_inverse=True)[1]
    taken = np.zeros(documents.max(initial=0) + 1)
    free = np.ones(len(values), np.bool_)
    chosen: list[int] = []
    alone = len(taken) == 1  # of one document there is nothing to tell apart
    for _ in range(min(len(values), _MOST_CHOSEN)):
        gains = values * nearest if alone else values * nearest / (1 + taken[documents])
        index = int(np.where(free, gains, -1).argmax())
        chosen.append(index)
        free[index] = False
        taken[documents[index]] += 1
        nearest = np.minimum(nearest, np.maximum(2 - 2 * (units @ units[index]), 0))
    rest = np.flatnonzero(free)
    return np.concatenate((np.array(chosen, np.int64), rest[np.argsort(-values[rest], kind="stable")]))
