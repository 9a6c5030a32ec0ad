"""What to annotate next: how much a model would learn from each sentence, by how unsure it is of it.

Strategies are those of Settles & Craven (2008) and Shen et al. (2018), exact where others sample: the entropy
over all tag sequences, the margin between the two best labellings, the probability of the best. `bald` is in
`ner.inference.mc_dropout`, which needs PyTorch; `diverse` goes on from here in `ner.inference.diversity`.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ner.crf.entropy import entropy_of
from ner.errors import ConfigError
from ner.inference.diversity import Pool, diverse_order
from ner.inference.loading import Model
from ner.inference.prediction import Emitted, Reader
from ner.text.sentence import Sentence

STRATEGIES = ("entropy", "margin", "least-confident", "bald", "diverse", "random")
# Of a word whose tag is sure, so that a sentence of such words has a vector too.
_LEAST_WEIGHT = 1e-6
Order = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]


class Ranking(NamedTuple):
    """N sentences in the order in which to annotate them, and the values of all of them in their own order."""

    order: Order  # (N,)
    values: Doubles  # (N,), the higher the sooner; of `diverse` the uncertainty that it began with


def rank_sentences(
    model: Model, reader: Reader, sentences: Sequence[Sentence], *, strategy: str, per: str = "sentence", seed: int = 1
) -> Ranking:
    """The order in which to annotate sentences.

    Args:
        model: that is to learn from them.
        reader: of the same model.
        sentences: of running text, those that open a document marked.
        strategy: one of `STRATEGIES`.
        per: `sentence`: as it is; `token`: divided by the tokens of the sentence, which `margin` never is.
        seed: of what is drawn by `random` and `bald`.

    Raises:
        ConfigError: no such strategy, or it needs PyTorch, or dropout, and there is none.
    """
    check_strategy(strategy)
    lengths = np.array([len(sentence.spelled) for sentence in sentences], dtype=np.int64)
    if strategy == "random":
        order = np.random.default_rng(seed).permutation(len(sentences))
        return Ranking(order, np.zeros(len(sentences)))
    if strategy == "diverse":
        values, pool = _pool(reader, sentences)
    elif strategy == "bald":
        from ner.inference.mc_dropout import disagreements

        values = np.array(disagreements(model, sentences, seed=seed))
    elif strategy == "entropy":
        values = np.array(reader.entropies(sentences))
    else:
        values = np.array(_of_two_best(reader, sentences, strategy))
    if per == "token" and strategy != "margin":
        values = values / np.maximum(lengths, 1)
    if strategy == "diverse":
        return Ranking(diverse_order(values, pool), values)
    return Ranking(np.argsort(-values, kind="stable"), values)


def within_budget(order: Order, lengths: Order, budget: int | None, *, in_tokens: bool) -> Order:
    """The first of an order that a budget pays for; None: all. What would go over it is passed over for the next.

    Args:
        order: indices of sentences.
        lengths: tokens of each sentence (N,).
        budget: sentences, or tokens.
        in_tokens: which of the two.

    >>> within_budget(np.array([2, 0, 1]), np.array([3, 2, 9]), 5, in_tokens=True).tolist()
    [0, 1]
    """
    if budget is None:
        return order
    if not in_tokens:
        return order[:budget]
    chosen, left = [], budget
    for index in order.tolist():
        if 0 < lengths[index] <= left:
            chosen.append(index)
            left -= int(lengths[index])
    return np.array(chosen, dtype=np.int64)


def check_strategy(strategy: str) -> None:
    """Raise ConfigError unless this is a strategy."""
    if strategy not in STRATEGIES:
        raise ConfigError(f"strategy: expected one of {', '.join(STRATEGIES)}, found {strategy!r}")


def _of_two_best(reader: Reader, sentences: Sequence[Sentence], strategy: str) -> list[float]:
    """Of each sentence 1 less the margin of its two best labellings, or the negative log-probability of the best."""
    values = []
    for _, best in reader.k_best(sentences, k=2):
        first = best[0].probability
        second = best[1].probability if len(best) > 1 else 0.0
        values.append(1 - (first - second) if strategy == "margin" else -float(np.log(max(first, 1e-300))))
    return values


def _pool(reader: Reader, sentences: Sequence[Sentence]) -> tuple[Doubles, Pool]:
    """The entropy of each sentence, and what tells how alike two of them are to the model.

    The vector of a sentence is the mean of what the network makes of its words, each weighed by how unsure the model is
    of its tag: two sentences are alike where the words that they would teach are.
    """
    chain = reader.decoder.chain
    seen = reader.vocabularies.seen(sentences)

    def work(read: Emitted) -> list[tuple[float, Doubles]]:
        unsure = entropy_of(chain.marginals(read.emissions, read.lengths).astype(np.float64))  # (B, T)
        vectors = (
            _vector(reader, seen[row].spelled, weights[:length])
            for row, length, weights in zip(read.rows, read.lengths, unsure, strict=True)
        )
        return list(zip(chain.entropies(read.emissions, read.lengths).tolist(), vectors, strict=True))

    found = reader.each(sentences, work, of_empty=None)
    vectors = np.zeros((len(sentences), next((len(each[1]) for each in found if each), 1)))
    values = np.zeros(len(sentences))
    for row, each in enumerate(found):
        if each:
            values[row], vectors[row] = each
    documents = np.cumsum([sentence.opens_document for sentence in sentences], dtype=np.int64)
    return values, Pool(vectors, documents)


def _vector(reader: Reader, spelled: Sequence[str], weights: Doubles) -> Doubles:
    """The mean of the vectors of words (D,), by their weights (T,)."""
    words = list(dict.fromkeys(spelled))
    row_of = {word: row for row, word in enumerate(words)}
    known = reader.words.look_up(words).encodings[[row_of[word] for word in spelled]]  # (T, D)
    shares = weights + _LEAST_WEIGHT
    found: Doubles = shares @ known / shares.sum()
    return found
