"""The entropy of a chain against enumeration of all tag sequences."""

import math

import numpy as np
import pytest

from ner.crf.chain import Chain
from tests.crf.test_chain import bioes_chain, every_sequence, random_chain, random_emissions

LENGTHS = [5, 1, 0, 3]


def enumerated(chain, emissions):
    """The entropy of one sentence: a sum over all its tag sequences."""
    scores = [score / chain.temperature for _, score in every_sequence(chain, emissions)]
    top = max(scores)
    total = math.fsum(math.exp(score - top) for score in scores)
    chances = [math.exp(score - top) / total for score in scores]
    return -math.fsum(chance * math.log(chance) for chance in chances if chance > 0)


def wanted(chain, emissions, lengths):
    return [enumerated(chain, emissions[row, :length]) if length else 0.0 for row, length in enumerate(lengths)]


@pytest.mark.parametrize("forbidden", [False, True])
@pytest.mark.parametrize("num_tags", [2, 4])
def test_the_entropy_is_a_sum_over_all_tag_sequences(num_tags, forbidden):
    chain = random_chain(num_tags, num_tags, forbidden=forbidden)
    emissions = random_emissions(LENGTHS, num_tags)
    found = chain.entropies(emissions, np.array(LENGTHS))
    np.testing.assert_allclose(found, wanted(chain, emissions, LENGTHS), rtol=1e-10, atol=1e-12)


def test_a_temperature_makes_it_the_entropy_of_divided_scores():
    plain = bioes_chain(1)
    emissions = random_emissions(LENGTHS, 5)
    for temperature in (0.5, 3.0):
        chain = Chain(plain.start, plain.transitions, plain.end, temperature)
        found = chain.entropies(emissions, np.array(LENGTHS))
        np.testing.assert_allclose(found, wanted(chain, emissions, LENGTHS), rtol=1e-10, atol=1e-12)


def test_scores_too_far_apart_for_scaled_probabilities_have_an_entropy_too():
    chain = random_chain(3, 1)
    emissions = np.array([[[0, 500, 0], [500, 499, 0], [0, 0, 500.0]], [[0, 500, 500], [0, 0, 0], [0, 0, 0]]])
    lengths = np.array([3, 1])
    for dtype, close in ((np.float64, 1e-9), (np.float32, 1e-4)):
        found = chain.entropies(emissions.astype(dtype), lengths)
        np.testing.assert_allclose(found, wanted(chain, emissions, lengths), atol=close)


def test_a_long_sure_sentence_in_single_precision_has_the_entropy_of_double_precision():
    lengths = np.array([2000, 7])
    chain = bioes_chain(4)
    emissions = random_emissions(lengths.tolist(), 17, scale=6.0)
    emissions[:, :, 0] += 30
    double = chain.entropies(emissions, lengths)
    single = chain.entropies(emissions.astype(np.float32), lengths)
    assert double[0] < 10  # of sums that are in the ten thousands
    np.testing.assert_allclose(single, double, atol=1e-3)


def test_all_sequences_alike_have_the_logarithm_of_their_number():
    flat = Chain(np.zeros(3), np.zeros((3, 3)), np.zeros(3))
    found = flat.entropies(np.zeros((2, 40, 3), np.float32), np.array([40, 11]))
    np.testing.assert_allclose(found, [40 * math.log(3), 11 * math.log(3)], rtol=1e-6)


def test_a_batch_without_a_token_has_no_entropy():
    found = random_chain(3).entropies(np.zeros((2, 0, 3)), np.array([0, 0]))
    assert found.tolist() == [0, 0]
