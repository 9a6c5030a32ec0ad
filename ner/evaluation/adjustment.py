"""What `ner calibrate` fits to a kind of text, beside the weights: scores, thresholds and a promise.

A score is adjusted by label: its log odds are multiplied by a slope, one divided by a temperature, and shifted (Platt
1999). The shift is what other text asks for: there a model isn't only too sure, it finds names of a label that aren't.
Entities of a sentence are then taken from the highest score down, those that overlap one taken before left out: so what
a higher threshold takes is always a part of what a lower one takes.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt

from ner.errors import counted
from ner.evaluation.promise import Promise

LOWEST_PROBABILITY = 0.01
"""Of what is looked at: of a hundred such, one is right."""
# Entities right and entities wrong that a label needs for a slope and a shift of its own: two numbers, with ten cases
# of the rarer outcome for each of them (Peduzzi et al. 1996).
_FEWEST_EACH = 20
# How strongly they are held to 1 and 0: as if two cases or so had been seen that say so.
_PRIOR = 2.0
_ROUNDS = 50
FEWEST_FOR_THRESHOLD = 100
"""Gold entities that a threshold is fitted on, in training too.

What is won over 0.5, in F1 on whole dev sets, by one that is fitted on so many of their entities (200 draws each;
CoNLL-2003, UNER, CrossNER AI, and the CoNLL model on WNUT-17): on 25 -0.23, -0.58, -0.36, -0.71 and at worst -24; on
100 -0.19, -0.15, +0.22, -0.08 and at worst -6; on 400 -0.01 to +0.55. Where a threshold matters, on BTC and WNUT-17, it
wins 5.4 and 7.5 from 100 on.
"""
_STEPS = [step / 20 for step in range(4, 20)]  # 0.2 to 0.95


class Candidate(NamedTuple):
    """An entity that may be: `unit` is its sentence's or document's number, `sentence` its sentence's."""

    unit: int
    sentence: int
    start: int
    end: int
    label: str
    score: float
    correct: bool


@dataclass(frozen=True, slots=True)
class Adjustment:
    """How scores become those of a kind of text, and which are enough.

    `scales` are slope and shift of the log odds by label, a label without stays as it is; `threshold` holds for labels
    that `thresholds` don't name; `promise`, where there is one, stands above both. With `review`, which isn't stored,
    what lies between is found too, to be looked at.
    """

    scales: dict[str, tuple[float, float]] = field(default_factory=dict)
    threshold: float = 0.5
    thresholds: dict[str, float] = field(default_factory=dict)
    promise: Promise | None = None
    source: str = ""
    sentences: int = 0
    entities: int = 0
    review: bool = False

    def score(self, label: str, probability: float) -> float:
        """The adjusted score of an entity of this label.

        >>> Adjustment({"LOC": (1.0, math.log(2))}).score("LOC", 0.5)
        0.6666666666666666
        """
        slope, shift = self.scales.get(label, (1.0, 0.0))
        return _sigmoid(slope * _log_odds(probability) + shift)

    def least(self, label: str) -> float:
        """The least score of an entity of this label that is found."""
        plain = self.thresholds.get(label, self.threshold)
        if self.promise is None:
            return plain
        return min(plain, self.promise.threshold) if self.review else self.promise.threshold

    def lowest_probability(self, label: str) -> float:
        """The probability that `least` is the score of; not less than that of what is looked at at all."""
        slope, shift = self.scales.get(label, (1.0, 0.0))
        return max(_sigmoid((_log_odds(self.least(label)) - shift) / slope), LOWEST_PROBABILITY)

    def with_threshold(self, threshold: float) -> Self:
        """The same scores, of which at least this one is enough, without a promise."""
        return replace(self, threshold=threshold, thresholds={}, promise=None)

    def __str__(self) -> str:
        """Some lines for the user."""
        lines = [
            f"calibrated on {self.source} ({counted(self.sentences, 'sentence')}, {counted(self.entities, 'entity')})"
        ]
        for label, (slope, shift) in self.scales.items():
            lines.append(f"{label}: temperature {1 / slope:.2f}, log odds {shift:+.2f}")
        if not self.scales:
            lines.append("scores: as they were, for there are too few entities, right and wrong, to fit any")
        own = "".join(f", {label} {value:g}" for label, value in self.thresholds.items())
        lines.append(f"threshold: {self.threshold:g}{own}")
        return "\n".join([*lines, *([str(self.promise)] if self.promise else [])])

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {
            "scales": {label: list(scale) for label, scale in self.scales.items()},
            "threshold": self.threshold,
            "thresholds": self.thresholds,
            "promise": self.promise.as_dict() if self.promise else None,
            "source": self.source,
            "sentences": self.sentences,
            "entities": self.entities,
        }


def adjustment_from_dict(values: Mapping[str, Any], labels: Sequence[str]) -> Adjustment:
    """The adjustment that `Adjustment.as_dict` wrote, of a model with these labels.

    Raises:
        KeyError, TypeError, ValueError: it isn't one; the message says what is wrong.
    """
    scales = {str(label): (float(slope), float(shift)) for label, (slope, shift) in values["scales"].items()}
    thresholds = {str(label): float(value) for label, value in values["thresholds"].items()}
    promise = Promise(**values["promise"]) if values["promise"] else None
    shares = [float(values["threshold"]), *thresholds.values()]
    shares += [promise.precision, promise.confidence, promise.threshold] if promise else []
    if unknown := (scales.keys() | thresholds.keys()) - set(labels):
        raise ValueError(f"expected labels of the model, found {min(unknown)!r}")
    if not all(0 < share <= 1 for share in shares):
        raise ValueError("expected thresholds above 0 and at most 1")
    if not all(0 < slope < math.inf and math.isfinite(shift) for slope, shift in scales.values()):
        raise ValueError("expected slopes above 0 and finite shifts")
    told = (str(values["source"]), int(values["sentences"]), int(values["entities"]))
    return Adjustment(scales, shares[0], thresholds, promise, *told)


def without_overlaps(candidates: Iterable[Candidate]) -> list[Candidate]:
    """Those that are taken from the highest score down, each sentence for itself.

    >>> found = [Candidate(0, 0, 0, 2, "LOC", 0.6, True), Candidate(0, 0, 1, 3, "ORG", 0.3, False)]
    >>> [each.label for each in without_overlaps(found)]
    ['LOC']
    """
    taken: dict[int, list[tuple[int, int]]] = {}
    kept = []
    for each in sorted(candidates, key=lambda each: (-each.score, each.sentence, each.start, each.end, each.label)):
        others = taken.setdefault(each.sentence, [])
        if all(each.end <= start or end <= each.start for start, end in others):
            others.append((each.start, each.end))
            kept.append(each)
    return kept


def fit_scales(candidates: Sequence[Candidate]) -> dict[str, tuple[float, float]]:
    """Slope and shift of each label under which what is right and what is wrong are most probable.

    A label with fewer than twenty right or twenty wrong candidates takes those of all labels together, if these carry
    them, or stays as it is.
    """
    fitted: dict[str, tuple[float, float]] = {}
    common = _fit(candidates)
    for label in sorted({each.label for each in candidates}):
        found = _fit([each for each in candidates if each.label == label]) or common
        if found:
            fitted[label] = found
    return fitted


def adjusted(candidates: Iterable[Candidate], scales: dict[str, tuple[float, float]]) -> list[Candidate]:
    """The candidates with adjusted scores."""
    adjustment = Adjustment(scales)
    return [each._replace(score=adjustment.score(each.label, each.score)) for each in candidates]


def fit_thresholds(candidates: Sequence[Candidate], gold: Mapping[str, int]) -> tuple[float, dict[str, float]]:
    """The threshold of the best F1 of all labels together, and those of labels by which that is better still.

    A label's own is fitted where it has a hundred gold entities; where all have less together, it is 0.5.

    Args:
        candidates: with adjusted scores, that don't overlap.
        gold: how many gold entities each label has.
    """
    total = sum(gold.values())
    if total < FEWEST_FOR_THRESHOLD or not any(each.correct for each in candidates):
        return 0.5, {}
    scores = np.array([each.score for each in candidates])
    right = np.array([each.correct for each in candidates])
    of_label = {label: np.array([each.label == label for each in candidates], dtype=np.bool_) for label in gold}

    def f1(thresholds: Mapping[str, float], common: float) -> float:
        least = np.full(len(scores), common)
        for label, value in thresholds.items():
            least[of_label[label]] = value
        kept = scores >= least
        return float(2 * (kept & right).sum() / (kept.sum() + total))

    common = max(_STEPS, key=lambda step: (f1({}, step), -abs(step - 0.5)))
    own: dict[str, float] = {}
    for label in sorted(gold):
        if gold[label] >= FEWEST_FOR_THRESHOLD:
            best = max(_STEPS, key=lambda step: (f1({**own, label: step}, common), -abs(step - common)))
            if best != common:
                own[label] = best
    return common, own


def _fit(candidates: Sequence[Candidate]) -> tuple[float, float] | None:
    """Slope and shift by Newton's method; None where there are too few."""
    right = np.array([each.correct for each in candidates], dtype=np.float64)
    if min(right.sum(), len(right) - right.sum()) < _FEWEST_EACH:
        return None
    columns = np.array([(_log_odds(each.score), 1.0) for each in candidates])  # (N, 2)
    start = np.array([1.0, 0.0])
    values = start.copy()
    for _ in range(_ROUNDS):
        chances = _sigmoids(columns @ values)
        gradient = columns.T @ (chances - right) + _PRIOR * (values - start)
        curvature = (columns * (chances * (1 - chances))[:, None]).T @ columns + _PRIOR * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        values = values - np.clip(step, -1, 1)
        if np.abs(step).max() < 1e-9:
            break
    # A slope below that would turn the order of scores round, or all but forget them.
    return max(round(float(values[0]), 6), 0.05), round(float(values[1]), 6)


def _log_odds(probability: float) -> float:
    share = min(max(probability, 1e-6), 1 - 1e-6)
    return math.log(share / (1 - share))


def _sigmoid(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -700 else 0.0


def _sigmoids(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    result: npt.NDArray[np.float64] = 1 / (1 + np.exp(-np.clip(values, -500, 500)))
    return result
