"""Whether sentences stand in the order of a text, though no document is marked."""

import random
from collections.abc import Sequence

from ner.doctor.finding import Finding
from ner.doctor.reading import Readable
from ner.settings import DataConfig

_NEAR = 10  # sentences
_FEWEST = 100  # words, or the share of them says little
# In running text a quarter to a half of them come again, 4 to 13 times as many as with the same sentences in another
# order (CoNLL-2002 and 2003, NCBI disease); of tweets and single sentences 0.9 to 1.8 times as many (WNUT-17,
# CLUENER, Resume, Weibo).
_LEAST_SHARE = 0.1
_LEAST_RATIO = 3


def examine_order(readable: Readable, data: DataConfig) -> list[Finding]:
    """Where documents aren't told apart: whether names come again nearby more often than in another order."""
    if readable.documents > 1 or data.document_sentences:
        return []
    # The first word of a sentence has a capital anyway.
    names = [frozenset(word for word in s.words[1:] if word[:1].isupper()) for s in readable.sentences]
    here = _come_again(names)
    anywhere = _come_again(random.Random(1).sample(names, len(names)))
    if sum(map(len, names)) < _FEWEST or here < max(_LEAST_SHARE, _LEAST_RATIO * anywhere):
        return []
    found = (
        f"at most one document is marked, yet it reads as running text: {here:.0%} of the words with a capital come "
        f"again within {_NEAR} sentences, {anywhere:.0%} in another order"
    )
    remedy = (
        "tell how many sentences may count as one document (data.document_sentences=50), for features.document_context"
    )
    return [Finding("running-text", readable.path, found, remedy)]


def _come_again(names: Sequence[frozenset[str]]) -> float:
    """The share of names that stand in one of the next sentences too."""
    following = (frozenset().union(*names[place + 1 : place + 1 + _NEAR]) for place in range(len(names)))
    again = sum(len(own & later) for own, later in zip(names, following, strict=True))
    return again / max(sum(map(len, names)), 1)
