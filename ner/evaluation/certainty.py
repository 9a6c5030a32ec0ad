"""How far chance reaches: bootstrap intervals (Efron 1979) and tests of whether two systems differ.

All that a resample needs is counts: of each unit (a sentence, or a document where there are any) how many
entities are gold, predicted and correct. Whole units are drawn, since entities of one text stand and fall together
(Berg-Kirkpatrick et al. 2012 on the paired bootstrap, Yeh 2000 on approximate randomisation).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
RESAMPLES = 1000  # the ends of an interval are then known to about a tenth of its width
ROUNDS = 10_000  # of a test: a p-value of 0.05 is then known to 0.004
_SEED = 1  # the same data give the same figures
_MOST_UNITS = 10_000  # more are drawn in so many groups of neighbours: the same spread, to a hundredth, and quick
_CHUNK = 2_000_000  # draws held at once


@dataclass(frozen=True, slots=True)
class Interval:
    """A range that holds the true value 95 times in 100, in fractions of 1."""

    low: float
    high: float

    def __str__(self) -> str:
        """In percent."""
        return f"{100 * self.low:.2f} to {100 * self.high:.2f}"


@dataclass(frozen=True, slots=True)
class Difference:
    """How the F1 of two systems differ, second less first, and how likely so much is by chance.

    `bootstrap` and `randomisation` are two-sided p-values.
    """

    f1: float
    interval: Interval
    bootstrap: float
    randomisation: float


def f1_of(counts: Array) -> Array:
    """F1 of counts (…, 3): gold, predicted, correct; NaN where nothing is gold and nothing predicted.

    >>> f1_of(np.array([[4, 2, 1], [0, 0, 0]])).tolist()
    [0.3333333333333333, nan]
    """
    total = counts[..., 0] + counts[..., 1]
    return 2.0 * counts[..., 2] / np.where(total > 0, total, np.nan)


def bootstrap_intervals(counts: Array, *, resamples: int = RESAMPLES, seed: int = _SEED) -> list[Interval | None]:
    """The percentile interval of each column's F1; None for a column without entities, or fewer than two units.

    Args:
        counts: (units, columns, 3): gold, predicted, correct.
        resamples: how often as many units are drawn, with replacement.
        seed: of the draws.
    """
    units, columns, _ = counts.shape
    if units < 2:
        return [None] * columns
    values = f1_of(_resampled(counts, resamples, seed))
    intervals: list[Interval | None] = []
    for column in values.T:
        defined = column[~np.isnan(column)]
        intervals.append(Interval(*map(float, np.quantile(defined, [0.025, 0.975]))) if len(defined) else None)
    return intervals


def compare_counts(
    first: Sequence[Array], second: Sequence[Array], *, rounds: int = ROUNDS, seed: int = _SEED
) -> Difference:
    """The difference of two systems' F1, or mean F1 where each has several runs.

    The bootstrap draws the same units for both and asks how often the difference strays from its mean as far as
    it now stands from zero; randomisation exchanges the systems' answers, unit by unit, at random.

    Args:
        first: for each run of the first system (units, 3): gold, predicted, correct.
        second: as many runs of the second, on the same units.
        rounds: of each test.
        seed: of the draws.
    """
    one, other = np.stack(first, axis=1), np.stack(second, axis=1)  # (units, runs, 3)
    observed = float(_gain(one.sum(axis=0), other.sum(axis=0)))
    drawn = _resampled(np.concatenate([one, other], axis=1), rounds, seed)
    strayed = np.nan_to_num(_gain(drawn[:, : len(first)], drawn[:, len(first) :]))
    low, high = map(float, np.quantile(strayed, [0.025, 0.975]))
    # Exchanging equal counts changes nothing, so only units that differ are drawn for.
    differ = (one != other).any(axis=(1, 2))
    change = (other - one)[differ]
    exchanged = _weighted_sums(change, rounds, _coins(len(change), seed))
    shuffled = _gain(one.sum(axis=0) + exchanged, other.sum(axis=0) - exchanged)
    return Difference(
        observed,
        Interval(low, high),
        _p_value(strayed - observed, observed),
        _p_value(np.nan_to_num(shuffled), observed),
    )


def _gain(first: Array, second: Array) -> Array:
    """Mean F1 over runs of the second less that of the first: (…, runs, 3) to (…)."""
    gain: Array = f1_of(second).mean(axis=-1) - f1_of(first).mean(axis=-1)
    return gain


def _resampled(counts: Array, resamples: int, seed: int) -> Array:
    """The sums of counts over units drawn with replacement: (units, columns, 3) to (resamples, columns, 3)."""
    if len(counts) > _MOST_UNITS:
        counts = np.add.reduceat(counts, np.arange(_MOST_UNITS) * len(counts) // _MOST_UNITS, axis=0)
    units, rng = len(counts), np.random.default_rng(seed)

    def draw(size: int) -> Array:
        drawn = rng.integers(units, size=(size, units)) + np.arange(0, size * units, units)[:, None]
        return np.bincount(drawn.ravel(), minlength=size * units).reshape(size, units)

    return _weighted_sums(counts, resamples, draw)


def _coins(units: int, seed: int) -> Callable[[int], Array]:
    rng = np.random.default_rng(seed)
    return lambda size: rng.integers(2, size=(size, units), dtype=np.int8)


def _weighted_sums(counts: Array, rounds: int, draw: Callable[[int], Array]) -> Array:
    """The sums of counts under weights drawn anew each round: (units, columns, 3) to (rounds, columns, 3).

    `draw(size)` gives the weights (size, units) of so many rounds.
    """
    units, columns, kinds = counts.shape
    # Whole numbers this small are exact in single precision, whose matrix product is the fast one.
    flat = counts.reshape(units, columns * kinds).astype(np.float32)
    step = max(1, _CHUNK // max(units, 1))
    sums = [draw(min(step, rounds - done)).astype(np.float32) @ flat for done in range(0, rounds, step)]
    return np.concatenate(sums).astype(np.float64).reshape(rounds, columns, kinds)


def _p_value(by_chance: Array, observed: float) -> float:
    """The share of rounds at least as extreme; what was observed is one of them, so it is never 0."""
    # Rounding must not part what is equal.
    extreme = int((np.abs(by_chance) >= abs(observed) - 1e-12).sum())
    return (extreme + 1) / (len(by_chance) + 1)
