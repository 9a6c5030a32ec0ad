"""A promise about precision: the threshold above which so many entities of another text are right, so often.

Thresholds are tried one after the other, from one that few entities reach to one that all reach, and the last of which
each one before it passed is taken: fixed-sequence testing, which needs no correction for the number of thresholds
(Angelopoulos et al. 2021, "Learn then test", section 4.2). What is tested is whether the next text of the same kind and
length would fall short of the precision. Were entities exchangeable, the number of wrong ones in two texts would be
hypergeometric, which is exact; but those of a sentence, or of a document, are right and wrong together. So sentences or
documents are what is taken to be exchangeable, and the test counts as many entities as would tell as much if they were
independent (the effective sample size of Korn & Graubard 1998).
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ner.errors import ConfigError

# Thresholds that are tried: between two of them lie a few percent of the entities.
_STEPS = 60
# The first is reached by half of the entities that are more likely right than wrong: with fewer, a mistake among the
# surest ones, often one of the annotators, would end the search where it has hardly begun.
_FIRST_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class Promise:
    """Entities of at least this score are right in so many cases (`precision`), with this `confidence`.

    It was tested on so many `entities` that reach the score, in `units`, each a `unit`: a sentence, or a document.
    """

    precision: float
    confidence: float
    threshold: float
    entities: int
    units: int
    unit: str

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    def __str__(self) -> str:
        """One line for the user."""
        reached = f"entities of score {self.threshold:.4f} or more"
        tested = f"{self.entities:,} of them in {self.units:,} {self.unit}s"
        return f"{reached}: precision {self.precision:g} at confidence {self.confidence:g} (tested on {tested})"


def check_promise(precision: float, confidence: float) -> None:
    """Raise ConfigError unless both are between 0 and 1, ends excluded."""
    for name, value in (("precision", precision), ("confidence", confidence)):
        if not 0 < value < 1:
            raise ConfigError(f"--{name}: expected a share above 0 and below 1, found {value:g}")


def fewest_entities(precision: float, confidence: float) -> int:
    """How many entities, all of them right, are the fewest that a precision can be promised of.

    >>> fewest_entities(0.95, 0.9)
    60
    """
    too_many = count = 1
    # The test of `_holds` where none is wrong: all that are too many come later.
    while math.prod((count - i) / (2 * count - i) for i in range(too_many)) > 1 - confidence + 1e-12:
        too_many += 1
        # Of those of which so many are too many, the fewest show most.
        count = math.ceil((too_many - 1) / (1 - precision) - 1e-6)
    return count


def find_promise(
    units: Sequence[int] | npt.NDArray[np.int64],
    scores: Sequence[float] | npt.NDArray[np.float64],
    correct: Sequence[bool] | npt.NDArray[np.bool_],
    *,
    precision: float,
    confidence: float,
    unit: str = "sentence",
) -> Promise | None:
    """The promise with the lowest threshold that these entities can carry; None where they can't carry any.

    The scores are those of entities that don't overlap, and come from a model that saw none of these texts.

    Args:
        units: which sentence or document each entity is of (N,).
        scores: of the entities (N,).
        correct: whether each is right (N,).
        precision: that is promised.
        confidence: of the promise.
        unit: what a unit is.

    Raises:
        ConfigError: as `check_promise`.
    """
    check_promise(precision, confidence)
    values = np.asarray(scores, dtype=np.float64)
    order = np.argsort(-values, kind="stable")
    values, right = values[order], np.asarray(correct, dtype=np.bool_)[order]
    _, places = np.unique(np.asarray(units, dtype=np.int64)[order], return_inverse=True)
    first = max(math.ceil(_FIRST_SHARE * int((values >= 0.5).sum())), fewest_entities(precision, confidence))
    if first > len(values):
        return None
    likely = max(int((values >= 0.5).sum()), first)
    # That of the surest ones, few of which are wrong, is hardly known: it counts as at least that of all likely ones.
    least_effect = _design_effect(places[:likely], right[:likely])
    found = None
    for count in np.unique(np.geomspace(first, len(values), _STEPS).round().astype(int)).tolist():
        if count < len(values) and values[count] == values[count - 1]:
            continue  # equal scores are taken together
        effect = max(least_effect, _design_effect(places[:count], right[:count]))
        effective, wrong = int(count / effect), math.ceil(int((~right[:count]).sum()) / effect)
        if not _holds(effective, wrong, precision, confidence):
            break
        threshold = float(values[count - 1])
        found = Promise(precision, confidence, threshold, count, len(set(places[:count].tolist())), unit)
    return found


def _holds(count: int, wrong: int, precision: float, confidence: float) -> bool:
    """Whether so many entities, some of them wrong, show that the next ones will be precise enough.

    Had they not, of both together at least `wrong + too_many` would be wrong; so few among the first half are then
    improbable.
    """
    too_many = math.floor(count * (1 - precision) + 1e-9) + 1
    return _hypergeometric_tail(wrong, wrong + too_many, count) <= 1 - confidence + 1e-12


def _hypergeometric_tail(most: int, marked: int, half: int) -> float:
    """The probability that at most `most` of `marked` things are among a random half of `2 * half`."""
    if marked > 2 * half:
        return 0.0 if most < half else 1.0
    drawn = np.arange(max(0, marked - half), min(most, half, marked) + 1)
    if not len(drawn):
        return 0.0
    factorial = _log_factorials(2 * half)
    whole = factorial[2 * half] - 2 * factorial[half]
    logs = factorial[marked] - factorial[drawn] - factorial[marked - drawn]
    rest = 2 * half - marked
    logs = logs + factorial[rest] - factorial[half - drawn] - factorial[rest - half + drawn] - whole
    return float(min(np.exp(logs).sum(), 1.0))


_factorials = np.zeros(1)


def _log_factorials(most: int) -> npt.NDArray[np.float64]:
    """The logarithms of 0! to at least `most`!."""
    global _factorials
    if len(_factorials) <= most:
        _factorials = np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, 2 * most + 2)))])
    return _factorials


def _design_effect(places: npt.NDArray[np.intp], right: npt.NDArray[np.bool_]) -> float:
    """How many times more the share of right entities varies than that of independent ones would; 1 at least.

    Args:
        places: the unit of each entity, as a number (N,).
        right: whether each is right (N,).
    """
    share = float(right.mean())
    sizes = np.bincount(places)
    num_units = int((sizes > 0).sum())
    if share in (0.0, 1.0) or num_units < 2:
        return 1.0
    off = np.bincount(places, weights=right - share)
    variance = float((off**2).sum()) * num_units / (num_units - 1) / len(right) ** 2
    return max(1.0, variance / (share * (1 - share) / len(right)))
