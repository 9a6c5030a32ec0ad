"""Promises of precision, against exact sums and against texts drawn from a known source."""

from math import comb

import numpy as np
import pytest

from ner.errors import ConfigError
from ner.evaluation.promise import Promise, _design_effect, _holds, _hypergeometric_tail, fewest_entities, find_promise


@pytest.mark.parametrize(("most", "marked", "half"), [(0, 4, 60), (3, 9, 40), (2, 5, 3), (7, 7, 5), (0, 0, 5)])
def test_the_tail_is_the_share_of_all_halves(most, marked, half):
    ways = sum(
        comb(marked, k) * comb(2 * half - marked, half - k)
        for k in range(min(most, half) + 1)
        if 0 <= half - k <= 2 * half - marked
    )
    assert _hypergeometric_tail(most, marked, half) == pytest.approx(ways / comb(2 * half, half), abs=1e-12)


def test_the_fewest_entities_are_those_of_which_the_next_wrong_ones_would_hardly_all_come_later():
    # Of 60, four wrong ones are too many for 95%; that all four come later has the chance one in sixteen, and more than
    # one in ten where they are 59 and three are too many.
    assert (fewest_entities(0.95, 0.9), fewest_entities(0.5, 0.5)) == (60, 1)


@pytest.mark.parametrize("precision", [0.5, 0.8, 0.9, 0.97])
@pytest.mark.parametrize("confidence", [0.5, 0.8, 0.94, 0.95])
def test_no_fewer_entities_carry_a_promise_than_the_fewest(precision, confidence):
    # More of them may show less, as long as no more wrong ones are too many: 15 carry 0.8 at 0.95, and 16 don't.
    first = next(count for count in range(1, 200) if _holds(count, 0, precision, confidence))
    assert fewest_entities(precision, confidence) == first


def test_entities_that_are_right_and_wrong_together_count_as_fewer():
    places, right = np.repeat(np.arange(40), 5), np.repeat(np.arange(40) % 4 > 0, 5)
    # Five that always agree say as much as one: 5 · 40/39, for a variance is estimated.
    assert _design_effect(places, right) == pytest.approx(5 * 40 / 39)
    assert _design_effect(np.arange(200), right) == pytest.approx(200 / 199)


def test_a_promise_holds_on_the_next_text_as_often_as_it_says():
    generator = np.random.default_rng(3)

    def text(num_units=300):
        """Scores that are true on the mean, and sentences that are harder or easier as a whole."""
        units = np.repeat(np.arange(num_units), 3)
        scores = generator.uniform(0.4, 1, len(units))
        ease = generator.normal(0, 0.6, num_units)[units]
        odds = np.exp(np.log(scores / (1 - scores + 1e-9)) + ease)
        return units, scores, generator.random(len(units)) < odds / (1 + odds)

    held = made = 0
    for _ in range(150):
        promise = find_promise(*text(), precision=0.8, confidence=0.8)
        _, scores, right = text()
        if promise:
            made += 1
            held += right[scores >= promise.threshold].mean() >= 0.8
    assert made > 100
    assert held / made >= 0.75  # 0.8 but for the chance of 150 texts


def test_a_promise_takes_as_many_entities_as_it_can():
    # 200 right ones, then only wrong ones: it goes on until too many are wrong, and not to the end.
    scores = np.linspace(0.99, 0.5, 400)
    right = np.arange(400) < 200
    promise = find_promise(np.arange(400), scores, right, precision=0.8, confidence=0.9)
    assert promise is not None
    assert 200 <= promise.entities < 250
    assert promise.threshold == pytest.approx(scores[promise.entities - 1])
    assert promise.units == promise.entities


def test_too_few_entities_carry_no_promise():
    assert find_promise(range(59), [0.9] * 59, [True] * 59, precision=0.95, confidence=0.9) is None
    assert find_promise(range(60), [0.9] * 60, [True] * 60, precision=0.95, confidence=0.9) is not None
    assert find_promise(range(200), [0.9] * 200, [False] * 200, precision=0.95, confidence=0.9) is None


def test_a_promise_in_words():
    promise = Promise(0.95, 0.9, 0.8125, 1234, 120, "document")
    assert str(promise) == (
        "entities of score 0.8125 or more: precision 0.95 at confidence 0.9 (tested on 1,234 of them in 120 documents)"
    )


@pytest.mark.parametrize(
    ("precision", "confidence", "name", "value"), [(1, 0.9, "precision", 1), (0.9, 0, "confidence", 0)]
)
def test_shares_that_are_none_are_refused(precision, confidence, name, value):
    with pytest.raises(ConfigError) as caught:
        find_promise([0], [0.9], [True], precision=precision, confidence=confidence)
    assert str(caught.value) == f"--{name}: expected a share above 0 and below 1, found {value}"
