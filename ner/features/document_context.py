"""Between which words a name stands elsewhere in its document, as numbers.

What one sentence leaves open, another may tell: `Washington won` is a person's win where the document has `Todd
Washington` too. So each capitalised word is shown the words around its other mentions (context aggregation, Chieu & Ng
2003; Ratinov & Roth 2009), in whatever capitals they are written.
"""

from collections.abc import Sequence

import numpy as np

from ner.features.phrase_features import Bags, gather_bags
from ner.features.vocabulary import CAPITALISED, NUM_CASES
from ner.features.words import Numbers
from ner.text.documents import number_documents
from ner.text.sentence import Sentence

_OFFSETS = (-2, -1, 1, 2)  # of each mention two words before it and two behind it
# Mentions that are looked at, before this one and behind it: beyond a few they say the same again.
_EACH_SIDE = 4
_IS_CAPITALISED = np.isin(np.arange(NUM_CASES), CAPITALISED)


def fill_mentions(
    sentences: Sequence[Sentence], where: Numbers, distinct: Sequence[str], cases: Numbers, words: Numbers
) -> Bags | None:
    """The bags of all N tokens of these sentences, four a token, of the words around its other mentions; or None.

    It is None where no token has any. A word weighs one over the number of mentions. A sentence whose document isn't
    known is a document of its own.

    Args:
        sentences: in the order of their documents.
        where: which distinct word each token is (N,).
        distinct: the S words.
        cases: their capitalisation classes (S,).
        words: their numbers (S,).
    """
    folded: dict[str, int] = {}
    names = np.array([folded.setdefault(word.lower(), len(folded)) for word in distinct], dtype=np.int64)
    capitalised = np.flatnonzero(_IS_CAPITALISED[cases][where])
    # Most sentences that are asked for alone have no name twice.
    if len(set(names[where[capitalised]].tolist())) == len(capitalised):
        return None
    of_sentence = np.repeat(np.arange(len(sentences)), [len(sentence.spelled) for sentence in sentences])  # (N,)
    documents = np.array(number_documents(sentences), dtype=np.int64)[of_sentence]
    if not documents.any():
        documents = of_sentence
    keys = documents * len(folded) + names[where]
    order = capitalised[np.argsort(keys[capitalised], kind="stable")]
    pairs = []
    for gap in range(1, _EACH_SIDE + 1):
        first, second = order[:-gap], order[gap:]
        alike = keys[first] == keys[second]
        pairs += [np.stack((first[alike], second[alike])), np.stack((second[alike], first[alike]))]
    tokens, mentions = np.concatenate(pairs, axis=1)
    shares = 1 / np.maximum(np.bincount(tokens, minlength=1), 1)
    bags, neighbours = [], []
    for place, offset in enumerate(_OFFSETS):
        neighbour = np.clip(mentions + offset, 0, len(where) - 1)
        # Beyond the sentence's ends there is nothing.
        inside = (neighbour == mentions + offset) & (of_sentence[neighbour] == of_sentence[mentions])
        bags.append(len(_OFFSETS) * tokens[inside] + place)
        neighbours.append(neighbour[inside])
    slots, found = np.concatenate(bags), np.concatenate(neighbours)
    return gather_bags(
        slots, words[where[found]], shares[slots // len(_OFFSETS)], num_tokens=len(where), each=len(_OFFSETS)
    )
