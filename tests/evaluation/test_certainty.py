"""Intervals and tests of difference, on data whose truth is known because they were made up."""

from itertools import product

import numpy as np
import pytest

from ner.evaluation import certainty
from ner.evaluation.certainty import bootstrap_intervals, compare_counts, f1_of


def simulate(rng, units, *, precision=0.8, recall=0.7):
    """Counts (units, 3): each unit has some entities, predicted with probability `recall`, and some wrong ones."""
    gold = rng.poisson(2.0, units)
    correct = rng.binomial(gold, recall)
    wrong = rng.poisson(2.0 * recall * (1 - precision) / precision, units)
    return np.stack([gold, correct + wrong, correct], axis=-1)


def test_the_interval_holds_the_true_f1_as_often_as_it_says():
    rng = np.random.default_rng(5)
    truth = 2 * 0.8 * 0.7 / (0.8 + 0.7)
    counts = np.stack([simulate(rng, 200) for _ in range(400)], axis=1)
    intervals = [bootstrap_intervals(counts[:, [n]], resamples=400, seed=n)[0] for n in range(400)]
    covered = np.mean([interval.low <= truth <= interval.high for interval in intervals])
    # Of 400 intervals 95% are 380, give or take 9 (two standard deviations); the bootstrap is a little short.
    assert 0.92 <= covered <= 0.975
    below = np.mean([truth < interval.low for interval in intervals])
    above = np.mean([truth > interval.high for interval in intervals])
    assert max(below, above) < 0.06


def test_neighbours_that_fall_together_widen_the_interval():
    rng = np.random.default_rng(7)
    single = simulate(rng, 60)
    whole = bootstrap_intervals(single[:, None], seed=1)[0]
    # Each unit nine times over, as sentences of one document might be: units of nine say the same as before.
    repeated = np.repeat(single, 9, axis=0)
    by_document = bootstrap_intervals(repeated.reshape(60, 9, 3).sum(axis=1)[:, None], seed=1)[0]
    by_sentence = bootstrap_intervals(repeated[:, None], seed=1)[0]
    assert (by_document.low, by_document.high) == pytest.approx((whole.low, whole.high), abs=1e-9)
    assert (by_sentence.high - by_sentence.low) == pytest.approx((whole.high - whole.low) / 3, rel=0.15)


def test_many_units_in_groups_give_the_interval_that_they_give_alone(monkeypatch):
    counts = simulate(np.random.default_rng(9), 4000)[:, None]
    alone = bootstrap_intervals(counts, resamples=2000)[0]
    monkeypatch.setattr(certainty, "_MOST_UNITS", 1000)
    grouped = bootstrap_intervals(counts, resamples=2000)[0]
    assert grouped.high - grouped.low == pytest.approx(alone.high - alone.low, rel=0.1)
    assert grouped.low == pytest.approx(alone.low, abs=0.003)


def test_without_entities_or_with_one_unit_there_is_no_interval():
    assert bootstrap_intervals(np.zeros((5, 2, 3), dtype=int)) == [None, None]
    assert bootstrap_intervals(np.ones((1, 1, 3), dtype=int)) == [None]


def gain(one, other):
    return float(f1_of(other.sum(axis=0)) - f1_of(one.sum(axis=0)))


def test_randomisation_is_the_share_of_all_exchanges_that_differ_as_much():
    rng = np.random.default_rng(11)
    for _ in range(3):
        one, other = simulate(rng, 9), simulate(rng, 9)
        other[:, 0] = one[:, 0]
        other[:, 2] = np.minimum(other[:, 2], one[:, 0])
        observed = gain(one, other)
        extreme = 0
        for coins in product([False, True], repeat=9):
            swap = np.array(coins)[:, None]
            extreme += abs(gain(np.where(swap, other, one), np.where(swap, one, other))) >= abs(observed) - 1e-12
        found = compare_counts([one], [other], rounds=20_000)
        assert found.f1 == pytest.approx(observed, abs=1e-12)
        assert found.randomisation == pytest.approx(extreme / 2**9, abs=0.015)


def test_two_systems_of_one_quality_are_called_different_five_times_in_a_hundred():
    rng = np.random.default_rng(13)
    values = []
    for n in range(200):
        one, other = simulate(rng, 150), simulate(rng, 150)
        # The same gold entities, and answers that differ by chance alone.
        other[:, 0] = one[:, 0]
        other[:, 2] = rng.binomial(one[:, 0], 0.7)
        other[:, 1] = other[:, 2] + rng.poisson(2.0 * 0.7 * 0.2 / 0.8, 150)
        found = compare_counts([one], [other], rounds=500, seed=n)
        values.append((found.bootstrap, found.randomisation))
    for share in np.mean(np.array(values) < 0.05, axis=0):
        assert 0.01 <= share <= 0.1


def test_a_system_against_itself_differs_by_nothing_and_a_better_one_by_much():
    rng = np.random.default_rng(17)
    one = simulate(rng, 300)
    same = compare_counts([one], [one], rounds=200)
    assert (same.f1, same.bootstrap, same.randomisation) == (0.0, 1.0, 1.0)
    better = one.copy()
    better[:, 2] = better[:, 0]
    better[:, 1] = better[:, 0]
    found = compare_counts([one], [better], rounds=999)
    assert found.bootstrap == found.randomisation == 1 / 1000
    assert found.interval.low > 0


def test_runs_are_compared_by_their_mean():
    rng = np.random.default_rng(19)
    first, second = ([simulate(rng, 80) for _ in range(3)] for _ in range(2))
    for run in (*first, *second):
        run[:, 0] = first[0][:, 0]
    means = [np.mean([f1_of(run.sum(axis=0)) for run in runs]) for runs in (first, second)]
    assert compare_counts(first, second, rounds=50).f1 == pytest.approx(means[1] - means[0], abs=1e-12)
