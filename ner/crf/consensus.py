"""What several unreliable sources of tags agree on: a hidden chain of tags, and how reliable each source is.

The true tags are a Markov chain that nobody sees; each source says something of each token, by a distribution of its
own that depends on the true tag (Dawid & Skene 1979; over chains, Nguyen et al. 2017) and on what the source itself
said just before (Simpson & Gurevych 2019): whoever missed the beginning of an entity can't mark its end, which is no
second mistake. Expectation-maximization finds both: given the distributions, forward-backward tells how probable each
tag is; given that, the distributions are counts. It begins with what most sources say.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ner.crf.chain import Chain
from ner.crf.expected_counts import ExpectedCounts
from ner.crf.lengths import Array

# Observations by which a source's own distribution outweighs that of all sources together, and that one the assumption
# that a source says what is so in this share of its words.
_WEIGHT_OF_ALL = 10.0
_WEIGHT_OF_PRIOR = 5.0
_ASSUMED = 0.8
_ITERATIONS = 30
_ENOUGH = 1e-5  # mean change of the log-likelihood a token at which it has settled
_BATCH_TOKENS = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Votes:
    """What Q sources say of S sentences of N tokens, flat: one of M statements, in one of C contexts.

    A context is what the source itself said of the token before, as far as it matters.
    """

    lengths: Array  # tokens of each sentence, at least 1 (S,)
    said: Array  # statement of each source on each token; -1: it didn't look (Q, N)
    contexts: Array  # context of each (Q, N)
    allowed: Array  # the tags that each statement allows (M, K)
    legal: tuple[Array, Array, Array]  # starts (K,), transitions (K, K), ends (K,)

    @property
    def starts(self) -> Array:
        """Index of the first token of each sentence (S,)."""
        starts: Array = np.cumsum(self.lengths) - self.lengths
        return starts


class Consensus(NamedTuple):
    """The chain of true tags, and for each source the log-probability of its statements.

    `reliability` is (Q, C, K, M): in a context, given the true tag, that of each statement.
    """

    chain: Chain
    reliability: Array
    log_likelihood: float  # of a token, on average


class Read(NamedTuple):
    """A batch of sentences, and what the consensus expects of them."""

    rows: Array  # (B,)
    lengths: Array  # (B,)
    emissions: Array  # (B, T, K)


def learn(votes: Votes) -> Consensus:
    """The consensus of these votes, by expectation-maximization."""
    num_tags = votes.allowed.shape[1]
    num_contexts = int(votes.contexts.max(initial=0)) + 1
    weights = majority(votes)  # (N, K)
    first, final = votes.starts, votes.starts + votes.lengths - 1
    passed = np.zeros((num_tags, num_tags))
    inner = np.ones(len(weights), np.bool_)
    inner[final] = False
    places = np.flatnonzero(inner)
    passed += weights[places].T @ weights[places + 1]
    before = -np.inf
    for left in reversed(range(_ITERATIONS)):
        chain = _chain(votes, weights[first].sum(0), passed, weights[final].sum(0))
        reliability = _reliability(votes, weights, num_contexts)
        weights, passed = np.zeros_like(weights), np.zeros_like(passed)
        total = 0.0
        for read in emitted(votes, reliability):
            counts = chain.expected_counts(read.emissions, read.lengths)
            put(weights, votes, read, counts)
            passed += counts.transitions.sum(0)
            total += float(chain.log_partitions(read.emissions, read.lengths).sum())
        mean = total / len(weights)
        if mean - before < _ENOUGH or not left:
            break
        before = mean
    return Consensus(chain, reliability, mean)


def majority(votes: Votes) -> Array:
    """For each token the share of the votes that each tag has (N, K); all alike where nobody looked or all are silent.

    A statement that allows several tags shares its vote out among them.
    """
    num_tags = votes.allowed.shape[1]
    shares = votes.allowed / np.maximum(votes.allowed.sum(1, keepdims=True), 1)  # (M, K)
    shares = np.where(votes.allowed.all(1, keepdims=True), 0, shares)  # silence is no vote
    total = np.zeros((votes.said.shape[1], num_tags))
    for said in votes.said:
        spoke = said >= 0
        total[spoke] += shares[said[spoke]]
    sums = total.sum(1, keepdims=True)
    return np.where(sums > 0, total / np.where(sums > 0, sums, 1), 1 / num_tags)


def emitted(votes: Votes, reliability: Array) -> Iterator[Read]:
    """The log-probability of what all sources say of each token, given each tag, in batches of sentences."""
    num_tags = votes.allowed.shape[1]
    scores = np.zeros((votes.said.shape[1], num_tags))
    for said, contexts, own in zip(votes.said, votes.contexts, reliability, strict=True):
        spoke = said >= 0
        scores[spoke] += own[contexts[spoke], :, said[spoke]]
    order = np.argsort(-votes.lengths, kind="stable")
    begin = 0
    while begin < len(order):
        longest = int(votes.lengths[order[begin]])
        rows = order[begin : begin + max(_BATCH_TOKENS // longest, 1)]
        lengths = votes.lengths[rows]
        steps = np.arange(longest)
        mask = steps < lengths[:, None]
        tokens = np.where(mask, votes.starts[rows][:, None] + steps, 0)
        yield Read(rows, lengths, np.where(mask[:, :, None], scores[tokens], 0))
        begin += len(rows)


def put(weights: Array, votes: Votes, read: Read, counts: ExpectedCounts) -> None:
    """Writes the marginals of a batch to where its tokens stand (N, K)."""
    mask = np.arange(read.emissions.shape[1]) < read.lengths[:, None]
    tokens = votes.starts[read.rows][:, None] + np.arange(mask.shape[1])
    weights[tokens[mask]] = counts.marginals[mask]


def _chain(votes: Votes, start: Array, passed: Array, end: Array) -> Chain:
    """The chain that these expected counts make most probable, each legal one having been seen once besides.

    A sentence ends in a tag as often as the tag is the last: one more transition out of it.
    """
    legal_start, legal, legal_end = votes.legal
    with np.errstate(divide="ignore"):
        out = np.concatenate((np.where(legal, passed + 1, 0), np.where(legal_end, end + 1, 0)[:, None]), axis=1)
        logs = np.log(out / np.maximum(out.sum(1, keepdims=True), 1))
        begin = np.where(legal_start, start + 1, 0)
        return Chain(np.log(begin / begin.sum()), logs[:, :-1], logs[:, -1])


def _reliability(votes: Votes, weights: Array, num_contexts: int) -> Array:
    """The log-probability of each statement in each context, given the true tag (Q, C, K, M)."""
    num_statements, num_tags = votes.allowed.shape
    counts = np.zeros((len(votes.said), num_contexts, num_statements, num_tags))
    for own, said, contexts in zip(counts, votes.said, votes.contexts, strict=True):
        spoke = said >= 0
        np.add.at(own, (contexts[spoke], said[spoke]), weights[spoke])
    counts = counts.transpose(0, 1, 3, 2)  # (Q, C, K, M)
    fits = votes.allowed.T / votes.allowed.sum(1)  # (K, M): what allows a single tag says most
    fits = fits / np.maximum(fits.sum(1, keepdims=True), 1e-12)
    prior = _ASSUMED * fits + (1 - _ASSUMED) / num_statements
    everyone = counts.sum(0) + _WEIGHT_OF_PRIOR * prior  # (C, K, M)
    everyone /= everyone.sum(2, keepdims=True)
    own = counts + _WEIGHT_OF_ALL * everyone
    logs: Array = np.log(own / own.sum(3, keepdims=True))
    return logs
