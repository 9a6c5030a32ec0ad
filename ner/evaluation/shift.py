"""Whether two texts are of one kind, as far as a model sees them: a classifier two-sample test, and two plain numbers.

A classifier learns to tell sentences of one text from those of the other; where it can't, no better than by chance on
sentences that it didn't see, nothing speaks against their being of one kind (Lopez-Paz & Oquab 2017, "Revisiting
classifier two-sample tests"). It is a logistic regression, for which the mean of a sentence's vectors is enough. Parts
that are held out are runs of sentences that stand together, lest it know a text by what its neighbours are about; how
much they differ gives the interval (the corrected one of Nadeau & Bengio 2003, for parts share what they learn from).
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ner.errors import DataError

Doubles = npt.NDArray[np.float64]

_PARTS = 10
FEWEST = 5 * _PARTS
"""Sentences that each text needs: of five, an area under a curve is known to a sixth or so."""
_MOST = 4000  # of each text, at equal distances: more wouldn't change a second digit
_STUDENT = 2.262  # its 0.975 quantile, with 9 degrees of freedom
_PRIOR = 30.0  # how strongly weights of standardised numbers are held to 0, as in a ridge regression
_ROUNDS = 25
# Below the first, texts are alike; from the second on they are of other kinds. Measured: docs/confidence.md.
_ALIKE, _OTHER = 0.6, 0.75


@dataclass(frozen=True, slots=True)
class Seen:
    """What a model sees in the N sentences of a text that have a token."""

    vectors: Doubles  # (N, D), the mean over the tokens of each
    entropy: float  # of its tag sequences, a token
    unknown: float  # share of tokens that neither training nor its vectors had

    @property
    def sentences(self) -> int:
        """How many."""
        return len(self.vectors)


@dataclass(frozen=True, slots=True)
class Shift:
    """How far a text is from the one that a model was measured on.

    `auc` is the area under the ROC curve of a classifier that tells their sentences apart: 0.5, it can't; 1, it always
    can. `low` and `high` are the ends of its interval of 95%. Entropies and shares of unknown words: here, there.
    """

    here: str
    there: str
    sentences: tuple[int, int]
    auc: float
    low: float
    high: float
    entropy: tuple[float, float]
    unknown: tuple[float, float]

    @property
    def kind(self) -> str:
        """`alike`, `similar` or `other`."""
        if self.low <= 0.5 or self.auc < _ALIKE:
            return "alike"
        return "similar" if self.auc < _OTHER else "other"

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {name: list(v) if isinstance(v, tuple) else v for name, v in asdict(self).items()} | {"kind": self.kind}

    def __str__(self) -> str:
        """Some lines for the user, the last of which says what follows for the scores."""
        follows = {
            "alike": f"no other kind of text: what is measured on {self.here} can be expected there, scores too",
            "similar": f"a similar kind of text: expect somewhat less there than on {self.here}, and scores somewhat "
            "too high",
            "other": "another kind of text: neither figures nor scores hold there; annotate 200 sentences of it for "
            "`ner calibrate`",
        }[self.kind]
        apart = f"told apart with an AUC of {self.auc:.3f} ({self.low:.3f} to {self.high:.3f}; 0.5: not at all)"
        words = f"unknown words {100 * self.unknown[0]:.1f}% here, {100 * self.unknown[1]:.1f}% there"
        entropy = f"entropy a token {self.entropy[0]:.3f} here, {self.entropy[1]:.3f} there"
        return f"shift to {self.there}: {apart}; {words}; {entropy}\n{self.there} is {follows}"


def find_shift(here: Seen, there: Seen, *, names: tuple[str, str]) -> Shift:
    """How far the second text is from the first.

    Args:
        here: the text that the model was measured or calibrated on.
        there: the other one, by the same model.
        names: what they are called in messages.

    Raises:
        DataError: one has fewer than fifty sentences.
    """
    for seen, name in zip((here, there), names, strict=True):
        if seen.sentences < FEWEST:
            raise DataError(f"{name}: expected at least {FEWEST} sentences to compare texts by, found {seen.sentences}")
    areas = told_apart(_some(here.vectors), _some(there.vectors))
    mean = float(areas.mean())
    error = math.sqrt((1 / _PARTS + 1 / (_PARTS - 1)) * float(areas.var(ddof=1)))
    low, high = max(mean - _STUDENT * error, 0.0), min(mean + _STUDENT * error, 1.0)
    sizes, entropies = (here.sentences, there.sentences), (here.entropy, there.entropy)
    return Shift(*names, sizes, mean, low, high, entropies, (here.unknown, there.unknown))


def told_apart(first: Doubles, second: Doubles, *, parts: int = _PARTS) -> Doubles:
    """For each held-out part, how well a classifier that learned from the others tells the two apart.

    Args:
        first: vectors of sentences (N, D), in the order of their text.
        second: those of the other text (M, D).
        parts: of each text.

    Returns:
        Areas under the ROC curve (parts,).
    """
    vectors = np.concatenate([first, second])
    spread = vectors.std(axis=0)
    vectors = (vectors - vectors.mean(axis=0)) / np.where(spread > 1e-12, spread, 1.0)
    is_second = np.repeat([0.0, 1.0], [len(first), len(second)])
    part = np.concatenate([np.arange(len(each)) * parts // len(each) for each in (first, second)])
    areas = []
    for number in range(parts):
        held_out = part == number
        weights = _fit(vectors[~held_out], is_second[~held_out])
        areas.append(area(vectors[held_out] @ weights, is_second[held_out] > 0))
    return np.array(areas)


def area(scores: Doubles, positive: npt.NDArray[np.bool_]) -> float:
    """The area under the ROC curve: the chance that a positive one scores above another; equal scores count half.

    >>> area(np.array([0.1, 0.4, 0.4, 0.8]), np.array([False, False, True, True]))
    0.875
    """
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    count = int(positive.sum())
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (len(scores) - count)))


def _some(vectors: Doubles) -> Doubles:
    """At most so many sentences, at equal distances."""
    if len(vectors) <= _MOST:
        return vectors
    chosen: Doubles = vectors[np.linspace(0, len(vectors) - 1, _MOST).round().astype(int)]
    return chosen


def _fit(columns: Doubles, truth: Sequence[float] | Doubles) -> Doubles:
    """The weights (D,) of a logistic regression with an L2 penalty, by Newton's method; both texts weigh the same."""
    answers = np.asarray(truth)
    share = answers.mean()
    importance = np.where(answers > 0, 0.5 / share, 0.5 / (1 - share))  # (N,)
    design = np.column_stack([columns, np.ones(len(columns))])  # (N, D + 1)
    penalty = np.full(design.shape[1], _PRIOR)
    penalty[-1] = 1e-6
    values = np.zeros(design.shape[1])
    for _ in range(_ROUNDS):
        chances = 1 / (1 + np.exp(-np.clip(design @ values, -30, 30)))
        gradient = design.T @ (importance * (chances - answers)) + penalty * values
        curved = importance * chances * (1 - chances)
        step = np.linalg.solve((design * curved[:, None]).T @ design + np.diag(penalty), gradient)
        values = values - step
        if np.abs(step).max() < 1e-6:
            break
    weights: Doubles = values[:-1]
    return weights
