"""The loss on the dev set: how improbable its gold tags are, in the terms of the training loss, but without dropout.

Where it rises while the training loss falls, a model learns its training sentences by heart.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ner.crf.chain import Chain
from ner.crf.lengths import Array
from ner.features.feature import Numbers
from ner.features.vocabulary import Vocabularies
from ner.text.inventory import unannotated
from ner.text.sentence import Sentence
from ner.text.tags import spans_to_tags


def gold_tags(sentence: Sentence, vocabularies: Vocabularies) -> Numbers | None:
    """The number of each token's gold tag (T,); None where a label is unknown to the model, or wasn't annotated."""
    known = {span.label for span in sentence.spans} <= set(vocabularies.labels)
    if not known or unannotated(sentence, vocabularies.labels):
        return None
    named = spans_to_tags(sentence.spans, len(sentence.spelled), "bioes")
    return np.array([vocabularies.tag_id(tag) for tag in named], dtype=np.int64)


def losses(chain: Chain, emissions: Array, lengths: Numbers, gold: Sequence[Numbers | None]) -> list[float]:
    """The negative log probability of each sentence's tags, of those whose tags are known.

    Args:
        chain: of the network.
        emissions: of the sentences (B, T, K), padded at their ends with anything.
        lengths: tokens of each sentence (B,).
        gold: the number of each token's tag, a row a sentence; None: not known.
    """
    chain = replace(chain, temperature=1.0)  # as in training: a model that is gone on from may have another
    partitions = chain.log_partitions(emissions, lengths)
    return [
        float(partition) - _score(chain, row[: len(tags)], tags)
        for partition, row, tags in zip(partitions, emissions, gold, strict=True)
        if tags is not None and len(tags)
    ]


def _score(chain: Chain, emissions: Array, tags: Numbers) -> float:
    """The score of one tag sequence."""
    own = emissions[np.arange(len(tags)), tags].sum(dtype=np.float64)
    moved = chain.transitions[tags[:-1], tags[1:]].sum(dtype=np.float64)
    return float(own + moved + chain.start[tags[0]] + chain.end[tags[-1]])
