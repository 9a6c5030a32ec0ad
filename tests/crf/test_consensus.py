"""The consensus of several sources: against enumeration, and against a world whose truth is known."""

import itertools
import math

import numpy as np
import pytest

from ner.crf.consensus import Votes, emitted, learn, majority
from ner.text.tags import legal_transitions, tags_of_labels

TAGS = tags_of_labels(["X"])  # O B I E S
LEGAL = tuple(np.array(each) for each in legal_transitions(TAGS))


def votes_of(said, lengths, *, silence=None):
    """Votes whose statements are the tags themselves; behind them, one that allows all."""
    said = np.array(said)
    allowed = np.concatenate((np.eye(len(TAGS), dtype=bool), np.ones((1, len(TAGS)), bool)))
    contexts = np.zeros_like(said)
    contexts[:, 1:] = np.isin(said[:, :-1], [1, 2])  # an entity is open
    contexts[:, np.cumsum(lengths)[:-1]] = 0
    return Votes(np.array(lengths), said, contexts, allowed, LEGAL)


def world(num_sentences, errors, seed=0):
    """True tags of sentences, and what sources say that take an entity for none, or the reverse, so often."""
    rng = np.random.default_rng(seed)
    truth, lengths = [], []
    for _ in range(num_sentences):
        sentence = []
        while len(sentence) < 6:
            sentence += [[0], [0], [4], [1, 3], [1, 2, 3]][rng.integers(5)]
        truth += sentence
        lengths.append(len(sentence))
    said = []
    for error in errors:
        own = []
        begin = 0
        while begin < len(truth):
            end = begin + 1
            while truth[begin] == 1 and truth[end - 1] != 3:
                end += 1
            wrong = rng.random() < error
            own += ([0] * (end - begin) if truth[begin] else [4]) if wrong else truth[begin:end]
            begin = end
        said.append(own)
    return np.array(truth), votes_of(said, lengths)


def test_the_log_likelihood_is_a_sum_over_all_true_tags():
    votes = votes_of([[0, 1, 3, 4, 0], [0, 0, 4, 5, 5], [-1, -1, -1, 1, 3]], [3, 2])
    chain, reliability, mean = learn(votes)
    total = 0.0
    for begin, length in ((0, 3), (3, 2)):
        sums = []
        for tags in itertools.product(range(len(TAGS)), repeat=length):
            score = chain.start[tags[0]] + chain.end[tags[-1]]
            score += sum(chain.transitions[pair] for pair in itertools.pairwise(tags))
            for source in range(3):
                for step, tag in enumerate(tags):
                    said = votes.said[source, begin + step]
                    if said >= 0:
                        score += reliability[source, votes.contexts[source, begin + step], tag, said]
            sums.append(math.exp(score))
        total += math.log(math.fsum(sums))
    batches = list(emitted(votes, reliability))
    assert sum(chain.log_partitions(read.emissions, read.lengths).sum() for read in batches) == pytest.approx(total)
    assert mean <= total / 5 + 1e-9  # it was measured before the last step


def test_what_is_learned_are_distributions_and_a_forbidden_transition_stays_forbidden():
    _, votes = world(50, [0.1, 0.2, 0.3])
    chain, reliability, _ = learn(votes)
    assert np.exp(reliability).sum(3) == pytest.approx(1)
    assert np.exp(chain.start).sum() == pytest.approx(1)
    assert np.exp(chain.transitions).sum(1) + np.exp(chain.end) == pytest.approx(1)
    assert (np.isfinite(chain.transitions) == LEGAL[1]).all()


def test_the_share_of_entities_that_a_source_overlooks_is_learned():
    errors = [0.05, 0.15, 0.25, 0.35, 0.45]
    truth, votes = world(600, errors)
    chain, reliability, _ = learn(votes)
    # Context 0: no entity is open; what is said where one of a single token begins.
    overlooked = np.exp(reliability[:, 0, TAGS.index("S-X"), 0])
    assert overlooked == pytest.approx(errors, abs=0.06)
    found = np.zeros(len(truth), int)
    for read in emitted(votes, reliability):
        for row, tags in zip(read.rows, chain.decode(read.emissions, read.lengths), strict=True):
            found[votes.starts[row] : votes.starts[row] + len(tags)] = tags
    voted = majority(votes).argmax(1)
    assert (found == truth).mean() > (voted == truth).mean() + 0.01


def test_a_majority_shares_votes_out_and_counts_no_silence():
    votes = votes_of([[0, 1, 3], [0, 5, 5], [4, -1, 4]], [3])
    shares = majority(votes)
    assert shares[0] == pytest.approx([2 / 3, 0, 0, 0, 1 / 3])
    assert shares[1] == pytest.approx([0, 1, 0, 0, 0])
    assert shares[2] == pytest.approx([0, 0, 0, 0.5, 0.5])
    assert majority(votes_of([[5], [-1]], [1]))[0] == pytest.approx([0.2] * 5)
