"""What a model sees in a text without labels: for `ner evaluate --shift`, which holds two texts against each other."""

from collections.abc import Sequence

import numpy as np

from ner.evaluation.shift import Seen
from ner.features.feature import UNKNOWN
from ner.features.words import Words
from ner.inference.prediction import Emitted, Reader
from ner.text.sentence import Sentence


def see(reader: Reader, sentences: Sequence[Sentence]) -> Seen:
    """What a model sees in sentences; those without a token are left out.

    The vector of a sentence is the mean of what the network makes of its words, and of the probabilities of tags at
    each: what they look like, and what it takes them for.

    Args:
        reader: of the model.
        sentences: of running text, those that open a document marked.
    """
    chain = reader.decoder.chain
    word_feature = reader.vocabularies.features["words"]
    assert isinstance(word_feature, Words)

    def work(read: Emitted) -> list[tuple[np.ndarray, float]]:
        marginals = chain.marginals(read.emissions, read.lengths)  # (B, T, K)
        return [
            (row[:length].mean(axis=0), entropy)
            for row, length, entropy in zip(
                marginals, read.lengths, chain.entropies(read.emissions, read.lengths).tolist(), strict=True
            )
        ]

    spelled = [sentence.spelled for sentence in reader.vocabularies.seen(sentences) if sentence.spelled]
    found = [each for each in reader.each(sentences, work, of_empty=None) if each]
    tokens = sum(map(len, spelled))
    if not tokens:
        return Seen(np.zeros((0, 1)), 0.0, 0.0)
    vectors, unknown = [], 0
    for words, (tags, _) in zip(spelled, found, strict=True):
        distinct = list(dict.fromkeys(words))
        row_of = {word: row for row, word in enumerate(distinct)}
        rows = [row_of[word] for word in words]
        encodings = reader.words.look_up(distinct).encodings[rows]  # (T, D)
        vectors.append(np.concatenate([encodings.mean(axis=0), tags]).astype(np.float64))
        unknown += int((word_feature.vocabulary.ids_of(words) == UNKNOWN).sum())
    return Seen(np.array(vectors), sum(entropy for _, entropy in found) / tokens, unknown / tokens)
