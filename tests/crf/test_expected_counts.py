"""Expected counts of tags and transitions against enumeration of all tag sequences."""

import itertools
import math

import numpy as np
import pytest

from ner.crf.expected_counts import _count_scaled, count_in_logs
from ner.crf.forward_backward import log_space_forward_backward, scaled_forward_backward
from tests.crf.test_chain import every_sequence, random_chain, random_emissions

LENGTHS = [5, 1, 0, 3]


def counted(chain, emissions):
    """The expected counts of one sentence, summed over all its tag sequences."""
    length, num_tags = emissions.shape
    marginals, transitions = np.zeros((length, num_tags)), np.zeros((num_tags, num_tags))
    sequences = every_sequence(chain, emissions)
    top = max(score for _, score in sequences)
    total = math.fsum(math.exp(score - top) for _, score in sequences)
    for tags, score in sequences:
        probability = math.exp(score - top) / total
        marginals[range(length), tags] += probability
        for pair in itertools.pairwise(tags):
            transitions[pair] += probability
    return marginals, transitions


@pytest.mark.parametrize("forbidden", [False, True])
@pytest.mark.parametrize("num_tags", [2, 4])
def test_expected_counts_are_sums_over_all_tag_sequences(num_tags, forbidden):
    chain = random_chain(num_tags, num_tags, forbidden=forbidden)
    emissions = random_emissions(LENGTHS, num_tags)
    found = chain.expected_counts(emissions, np.array(LENGTHS))
    for row, length in enumerate(LENGTHS):
        marginals, transitions = np.zeros((5, num_tags)), np.zeros((num_tags, num_tags))
        if length:
            marginals[:length], transitions = counted(chain, emissions[row, :length])
        np.testing.assert_allclose(found.marginals[row], marginals, atol=1e-12)
        np.testing.assert_allclose(found.transitions[row], transitions, atol=1e-12)


@pytest.mark.parametrize("forbidden", [False, True])
def test_transitions_counted_in_log_space_are_those_of_scaled_probabilities(forbidden):
    lengths = np.array([9, 0, 4, 1])
    chain = random_chain(5, 3, forbidden=forbidden)
    scores = chain._scores(random_emissions(lengths, 5), lengths)
    scaled, in_logs = scaled_forward_backward(scores, lengths), log_space_forward_backward(scores, lengths)
    np.testing.assert_allclose(
        _count_scaled(scores, scaled, lengths), count_in_logs(scores, in_logs, lengths), atol=1e-12
    )


def test_scores_too_far_apart_for_scaled_probabilities_are_counted_too():
    chain = random_chain(3, 1)
    emissions = np.float32([[[0, 500, 0], [500, 0, 0], [0, 0, 500], [0, 1, 0]]])
    found = chain.expected_counts(emissions, np.array([4]))
    marginals, transitions = counted(chain, emissions[0].astype(np.float64))
    np.testing.assert_allclose(found.marginals[0], marginals, atol=1e-5)
    np.testing.assert_allclose(found.transitions[0], transitions, atol=1e-5)


def test_a_batch_without_a_token_expects_nothing():
    chain = random_chain(3)
    found = chain.expected_counts(np.zeros((2, 0, 3)), np.array([0, 0]))
    assert found.marginals.shape == (2, 0, 3)
    assert not found.transitions.any()
    assert found.transitions.shape == (2, 3, 3)


def test_a_temperature_makes_the_counts_those_of_divided_scores():
    emissions, lengths = random_emissions([4, 2], 3), np.array([4, 2])
    chain = random_chain(3)
    warm = type(chain)(chain.start, chain.transitions, chain.end, temperature=2.0)
    cool = type(chain)(chain.start / 2, chain.transitions / 2, chain.end / 2)
    for found, wanted in zip(
        warm.expected_counts(emissions, lengths), cool.expected_counts(emissions / 2, lengths), strict=True
    ):
        np.testing.assert_allclose(found, wanted, atol=1e-12)
