"""The loss on the dev set: how improbable its gold tags are, in the terms of the training loss, but without dropout.

Where it rises while the training loss falls, a model learns its training sentences by heart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from ner.crf.chain import Chain
from ner.crf.lengths import Array
from ner.features.feature import Numbers
from ner.features.vocabulary import Vocabularies
from ner.text.inventory import unannotated
from ner.text.sentence import Sentence
from ner.text.tags import spans_to_tags

_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class GoldTags:
    """The number of each token's gold tag (N,), and where each sentence begins there (S,).

    They are -1 throughout a sentence that has a label unknown to the model, or isn't annotated for all labels.
    """

    tags: Numbers
    starts: Numbers

    @classmethod
    def of(cls, sentences: Sequence[Sentence], vocabularies: Vocabularies) -> Self:
        """Those of tagged sentences."""
        labels, numbers = set(vocabularies.labels), list[int]()
        for sentence in sentences:
            if {span.label for span in sentence.spans} <= labels and not unannotated(sentence, vocabularies.labels):
                named = spans_to_tags(sentence.spans, len(sentence.spelled), "bioes")
                numbers += [vocabularies.tag_id(tag) for tag in named]
            else:
                numbers += [_UNKNOWN] * len(sentence.spelled)
        lengths = np.array([len(sentence.spelled) for sentence in sentences], dtype=np.int64)
        return cls(np.array(numbers, dtype=np.int64), np.cumsum(lengths) - lengths)

    def of_rows(self, rows: Numbers, num_steps: int) -> Numbers:
        """Those of these sentences (B, T), anything at padding."""
        places = self.starts[rows][:, None] + np.arange(num_steps)
        found: Numbers = self.tags[np.minimum(places, len(self.tags) - 1)]
        return found


def losses(chain: Chain, emissions: Array, lengths: Numbers, gold: Numbers) -> Array:
    """The negative log probability of each sentence's tags, of those whose tags are known, double.

    Args:
        chain: of the network.
        emissions: of the sentences (B, T, K), padded at their ends with anything.
        lengths: tokens of each sentence (B,), at least 1.
        gold: the number of each token's tag (B, T), anything at padding; -1 all along where they aren't known.
    """
    known = np.flatnonzero(gold[:, 0] != _UNKNOWN)
    emissions, lengths, gold = emissions[known], lengths[known], gold[known]
    real = np.arange(gold.shape[1]) < lengths[:, None]  # (B, T)
    gold = np.where(real, gold, 0)
    own = np.take_along_axis(emissions, gold[:, :, None], axis=2)[:, :, 0]
    moved = np.where(real[:, 1:], chain.transitions[gold[:, :-1], gold[:, 1:]], 0)
    ends = chain.start[gold[:, 0]] + chain.end[gold[np.arange(len(gold)), lengths - 1]]
    scores = np.where(real, own, 0).sum(1, dtype=np.float64) + moved.sum(1, dtype=np.float64) + ends
    # As in training: a model that is gone on from may have another temperature.
    lost: Array = replace(chain, temperature=1.0).log_partitions(emissions, lengths) - scores
    return lost
