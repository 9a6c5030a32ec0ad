"""How well calibrated entity scores are: of the entities with score 0.8, are 80% correct?

The expected calibration error is Naeini et al. 2015's, over equal-width bins; the area under the ROC curve
tells whether correct entities score above wrong ones at all.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ner.errors import DataError, counted

NUM_BINS = 15  # as Guo et al. 2017 report it


@dataclass(frozen=True, slots=True)
class Bin:
    """Entities whose scores lie in one bin: how many, their mean score, the share that is correct."""

    count: int
    mean_score: float
    accuracy: float


@dataclass(frozen=True, slots=True)
class Calibration:
    """Calibration of `entities` scores: error and area as fractions of 1, the bins from low to high.

    `auroc` is None where all entities are correct, or none is.
    """

    entities: int
    ece: float
    auroc: float | None
    bins: tuple[Bin, ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        bins = [{"count": b.count, "mean_score": b.mean_score, "accuracy": b.accuracy} for b in self.bins]
        return {"entities": self.entities, "ece": self.ece, "auroc": self.auroc, "bins": bins}

    def __str__(self) -> str:
        """One line for the user."""
        area = "undefined" if self.auroc is None else f"{self.auroc:.4f}"
        return f"calibration of {counted(self.entities, 'entity')}: ECE {self.ece:.4f} ({NUM_BINS} bins), AUROC {area}"


@dataclass(frozen=True, slots=True)
class Threshold:
    """What comes of keeping only entities with at least this score: precision, recall, how many are kept."""

    score: float
    precision: float
    recall: float
    kept: int

    def as_dict(self) -> dict[str, float | int]:
        """Plain JSON values."""
        return {"score": self.score, "precision": self.precision, "recall": self.recall, "kept": self.kept}

    def __str__(self) -> str:
        """One line for the user."""
        scores = f"precision {100 * self.precision:.2f}%, recall {100 * self.recall:.2f}%"
        # Rounded down, or the entities of just this score would fall out.
        return f"--min-score {math.floor(1e6 * self.score) / 1e6:g}: {scores}, {counted(self.kept, 'entity')} kept"


def measure_calibration(scores: Sequence[float], correct: Sequence[bool]) -> Calibration:
    """The calibration of scores, each with whether its entity is correct.

    Raises:
        DataError: there are none.

    >>> measure_calibration([0.9, 0.9, 0.9, 0.9], [True, True, True, False]).ece
    0.15
    """
    if not scores:
        raise DataError("expected entities to measure the calibration of, found none")
    values, truths = np.asarray(scores, dtype=float), np.asarray(correct, dtype=bool)
    bin_of = np.minimum((values * NUM_BINS).astype(int), NUM_BINS - 1)
    bins = []
    for index in range(NUM_BINS):
        inside = bin_of == index
        count = int(inside.sum())
        means = (float(values[inside].mean()), float(truths[inside].mean())) if count else (0.0, 0.0)
        bins.append(Bin(count, *means))
    ece = sum(b.count * abs(b.mean_score - b.accuracy) for b in bins) / len(values)
    return Calibration(len(values), round(ece, 12), _auroc(values, truths), tuple(bins))


def measure_thresholds(scores: Sequence[float], correct: Sequence[bool], *, support: int) -> list[Threshold]:
    """Each score that occurs as a threshold, from the highest to the lowest.

    Args:
        scores: of the predicted entities.
        correct: whether each is correct.
        support: how many gold entities there are.

    >>> measure_thresholds([0.9, 0.5], [True, False], support=2)[1]
    Threshold(score=0.5, precision=0.5, recall=0.5, kept=2)
    """
    order = np.argsort(-np.asarray(scores, dtype=float), kind="stable")
    values = np.asarray(scores, dtype=float)[order]
    num_correct = np.cumsum(np.asarray(correct, dtype=bool)[order])
    # Equal scores are kept or left together, so a threshold stands where the next score is another.
    ends = np.flatnonzero(np.diff(values, append=np.nan))
    return [
        Threshold(score, hits / kept, hits / support if support else 0.0, kept)
        for score, hits, kept in zip(
            values[ends].tolist(), num_correct[ends].tolist(), (ends + 1).tolist(), strict=True
        )
    ]


def threshold_for(thresholds: Sequence[Threshold], precision: float) -> Threshold | None:
    """The threshold of this precision at least that keeps most entities; None where none reaches it."""
    reached = [threshold for threshold in thresholds if threshold.precision >= precision]
    return reached[-1] if reached else None


def thin(thresholds: Sequence[Threshold], most: int = 200) -> list[Threshold]:
    """At most so many of the thresholds, evenly chosen, first and last among them: enough for a curve."""
    if len(thresholds) <= most:
        return list(thresholds)
    return [thresholds[round(index)] for index in np.linspace(0, len(thresholds) - 1, most)]


def _auroc(scores: np.ndarray[Any, Any], correct: np.ndarray[Any, Any]) -> float | None:
    if correct.all() or not correct.any():
        return None
    # The Mann-Whitney statistic; equal scores share the mean of their ranks.
    _, indices, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[indices]
    wins = ranks[correct].sum() - correct.sum() * (correct.sum() + 1) / 2
    return float(wins / (correct.sum() * (~correct).sum()))
