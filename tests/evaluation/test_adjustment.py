"""Scores and thresholds fitted to a kind of text, against sources whose probabilities are known."""

import json

import numpy as np
import pytest

from ner.evaluation.adjustment import (
    Adjustment,
    Candidate,
    adjusted,
    adjustment_from_dict,
    fit_scales,
    fit_thresholds,
    without_overlaps,
)
from ner.evaluation.promise import Promise


def drawn(label, count, *, slope, shift, seed=0):
    """Candidates whose scores are wrong in a known way: the true log odds are `slope` times theirs, and shifted."""
    generator = np.random.default_rng(seed)
    odds = generator.normal(0, 2, count)
    right = generator.random(count) < 1 / (1 + np.exp(-(slope * odds + shift)))
    scores = 1 / (1 + np.exp(-odds))
    return [
        Candidate(i, i, 0, 1, label, float(score), bool(r))
        for i, (score, r) in enumerate(zip(scores, right, strict=True))
    ]


def test_scales_are_those_by_which_the_scores_are_wrong():
    candidates = drawn("LOC", 4000, slope=0.5, shift=-1.0) + drawn("PER", 4000, slope=1.0, shift=0.5, seed=1)
    scales = fit_scales(candidates)
    assert scales["LOC"] == pytest.approx((0.5, -1.0), abs=0.1)
    assert scales["PER"] == pytest.approx((1.0, 0.5), abs=0.1)
    scores, right = zip(*((c.score, c.correct) for c in adjusted(candidates, scales)), strict=True)
    assert np.mean(scores) == pytest.approx(np.mean(right), abs=0.002)


def test_a_label_with_few_cases_takes_the_scales_of_all_and_few_cases_give_none():
    many, few = drawn("LOC", 500, slope=0.5, shift=-1.0), drawn("PER", 30, slope=0.5, shift=-1.0)
    scales = fit_scales(many + few)
    assert scales["PER"] == fit_scales([c._replace(label="X") for c in many + few])["X"]
    assert fit_scales(few) == {}


def test_thresholds_are_those_of_the_best_f1():
    candidates = drawn("LOC", 400, slope=1.0, shift=0.0)
    gold = {"LOC": sum(c.correct for c in candidates) + 20}

    def f1(threshold):
        kept = [c.correct for c in candidates if c.score >= threshold]
        return 2 * sum(kept) / (len(kept) + gold["LOC"])

    common, own = fit_thresholds(candidates, gold)
    assert f1(common) == max(f1(step / 20) for step in range(4, 20))
    assert own == {}
    assert fit_thresholds(candidates[:60], {"LOC": 99}) == (0.5, {})


def test_a_label_gets_a_threshold_of_its_own_where_that_is_better():
    sure = [Candidate(i, i, 0, 1, "LOC", 0.95 if i % 2 else 0.7, i % 2 == 1) for i in range(200)]
    lowly = [Candidate(i, i, 0, 1, "PER", 0.3, True) for i in range(200, 300)]
    common, own = fit_thresholds(sure + lowly, {"LOC": 100, "PER": 100})
    thresholds = {label: own.get(label, common) for label in ("LOC", "PER")}
    assert 0.7 < thresholds["LOC"] <= 0.95
    assert thresholds["PER"] <= 0.3


def test_what_a_higher_threshold_takes_is_part_of_what_a_lower_one_takes():
    generator = np.random.default_rng(5)
    starts = generator.integers(0, 6, 60)
    candidates = [
        Candidate(0, int(i % 3), int(start), int(start + 1 + i % 4), "LOC", float(generator.random()), True)
        for i, start in enumerate(starts)
    ]
    whole = without_overlaps(candidates)
    for least in (0.2, 0.5, 0.8):
        assert without_overlaps([c for c in candidates if c.score >= least]) == [c for c in whole if c.score >= least]


def test_an_adjustment_is_read_as_it_was_written():
    promise = Promise(0.95, 0.9, 0.8, 100, 50, "sentence")
    adjustment = Adjustment({"LOC": (0.5, -1.0)}, 0.4, {"PER": 0.3}, promise, "dev.conll", 60, 120)
    written = json.loads(json.dumps(adjustment.as_dict()))
    assert adjustment_from_dict(written, ["LOC", "PER"]) == adjustment
    assert str(adjustment).splitlines()[:3] == [
        "calibrated on dev.conll (60 sentences, 120 entities)",
        "LOC: temperature 2.00, log odds -1.00",
        "threshold: 0.4, PER 0.3",
    ]


def test_least_scores_are_the_promises_or_with_review_the_plain_ones():
    promise = Promise(0.95, 0.9, 0.8, 100, 50, "sentence")
    adjustment = Adjustment({"LOC": (0.5, -1.0)}, 0.4, {"PER": 0.3}, promise)
    review = Adjustment({"LOC": (0.5, -1.0)}, 0.4, {"PER": 0.3}, promise, review=True)
    assert [adjustment.least(label) for label in ("LOC", "PER")] == [0.8, 0.8]
    assert [review.least(label) for label in ("LOC", "PER")] == [0.4, 0.3]
    assert adjustment.score("LOC", adjustment.lowest_probability("LOC")) == pytest.approx(0.8)
    assert adjustment.with_threshold(0.6).least("PER") == 0.6


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"threshold": 0}, "expected thresholds above 0 and at most 1"),
        ({"thresholds": {"ORG": 0.5}}, "expected labels of the model, found 'ORG'"),
        ({"scales": {"LOC": [-1, 0]}}, "expected slopes above 0 and finite shifts"),
    ],
)
def test_an_adjustment_that_cannot_be_is_refused(change, message):
    with pytest.raises(ValueError) as caught:
        adjustment_from_dict({**Adjustment().as_dict(), **change}, ["LOC", "PER"])
    assert str(caught.value) == message
