"""Between which words a name stands elsewhere in its document, as ids.

What one sentence leaves open, another may tell: `Washington won` is a person's win where the document has `Todd
Washington` too. So each capitalised word is shown the words around its other occurrences (context aggregation, Chieu &
Ng 2003; Ratinov & Roth 2009), in whatever capitals they are written.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from ner.config import Config
from ner.features.casing import CAPITALISED, casing_id
from ner.features.feature import Arrays, Feature, Material, Numbers, TokenIndices, Tokens
from ner.features.phrase_features import WordSets, gather_word_sets
from ner.text.documents import number_documents
from ner.text.sentence import Sentence

_OFFSETS = (-2, -1, 1, 2)  # of each occurrence two words before it and two behind it
# Occurrences that are looked at, before this one and behind it: beyond a few they say the same again.
_EACH_SIDE = 4


@dataclass(frozen=True)
class DocumentContext(Feature):
    """Of each capitalised word four sets: the words two before, before, behind, two behind its other occurrences.

    In a batch only the R tokens that have other occurrences are told of: `document_context.words` (M,) are word ids,
    `.weights` (M,) floats, `.sets` (M,) tells in which of the R·4 sets each is, and `.tokens` (R,), ascending, which of
    the B·T tokens they are. The network makes scores of tags of them, by a hidden layer of `hidden_dim` units.
    """

    name = "document_context"

    word_dim: int
    hidden_dim: int
    dropout: float

    @classmethod
    def fit(cls, material: Material) -> Self | None:
        """Where `features.document_context` asks for it and training marks documents."""
        config = material.config
        if not config.features.document_context:
            return None
        if not any(sentence.opens_document for sentence in material.sentences):
            # Shown no other occurrences in training, the network wouldn't know what to make of those in a text.
            material.on_message(
                "features.document_context: the training files mark no documents, so it is left out; "
                "where they are running text, data.document_sentences tells how much of it is one"
            )
            return None
        return cls.from_dict({}, config)

    def encode_words(self, words: Sequence[str]) -> Arrays:
        """Which words are capitalised (S,)."""
        capitalised = [casing_id(word) in CAPITALISED for word in words]
        return {"document_context.capitalised": np.array(capitalised, dtype=np.bool_)}

    def encode(self, tokens: Tokens, of_words: Arrays) -> Arrays:
        """The context of all tokens, as `WordSets` holds it; nothing where no token has another occurrence."""
        capitalised = of_words["document_context.capitalised"]
        context = gather_context(tokens.sentences, tokens.where, tokens.distinct, capitalised, of_words["words"])
        return {} if context is None else context.as_arrays(self.name)

    def collate(self, encoded: Arrays, indices: TokenIndices) -> Arrays:
        """As the class says; nothing where no token of the batch has another occurrence."""
        if not encoded:
            return {}
        words, weights, sets, tokens = WordSets.from_arrays(encoded, self.name).of_some(indices.tokens, indices.mask)
        if not len(tokens):
            return {}
        arrays = {"words": words, "weights": weights, "sets": sets, "tokens": tokens}
        return {f"document_context.{part}": array for part, array in arrays.items()}

    def as_dict(self) -> dict[str, Any]:
        """Nothing is fitted."""
        return {}

    @classmethod
    def from_dict(cls, values: dict[str, Any], config: Config) -> Self:
        """As `Feature.from_dict`."""
        return cls(config.model.word_dim, config.features.document_context_dim, config.model.dropout)


FEATURE = DocumentContext


def gather_context(
    sentences: Sequence[Sentence],
    where: Numbers,
    distinct: Sequence[str],
    capitalised: npt.NDArray[np.bool_],
    words: Numbers,
) -> WordSets | None:
    """The document context of all N tokens of these sentences; None where no token has any.

    A token has four sets of the words around its other occurrences. A word weighs one over the number of these
    occurrences. A sentence whose document isn't known is a document of its own.

    Args:
        sentences: in the order of their documents.
        where: which distinct word each token is (N,).
        distinct: the S words.
        capitalised: which of them are (S,).
        words: their ids (S,).
    """
    # Of words in capitals alone; 0 of all others, which are no candidates.
    spelled = np.flatnonzero(capitalised)
    lower = list(map(str.lower, map(distinct.__getitem__, spelled.tolist())))
    folded = dict.fromkeys(lower)
    number_of = dict(zip(folded, range(len(folded)), strict=True)).__getitem__
    names = np.zeros(len(distinct), np.int64)
    names[spelled] = np.fromiter(map(number_of, lower), np.int64, len(lower))
    candidates = np.flatnonzero(capitalised[where])
    # Most sentences that are asked for alone have no name twice.
    if len(set(names[where[candidates]].tolist())) == len(candidates):
        return None
    of_sentence = np.repeat(np.arange(len(sentences)), [len(sentence.spelled) for sentence in sentences])  # (N,)
    documents = np.array(number_documents(sentences), dtype=np.int64)[of_sentence]
    if not documents.any():
        documents = of_sentence
    keys = documents * len(folded) + names[where]
    order = candidates[np.argsort(keys[candidates], kind="stable")]
    pairs = []
    for gap in range(1, _EACH_SIDE + 1):
        first, second = order[:-gap], order[gap:]
        alike = keys[first] == keys[second]
        pairs += [np.stack((first[alike], second[alike])), np.stack((second[alike], first[alike]))]
    tokens, others = np.concatenate(pairs, axis=1)
    shares = 1 / np.maximum(np.bincount(tokens, minlength=1), 1)
    sets, neighbours = [], []
    for index, offset in enumerate(_OFFSETS):
        neighbour = np.clip(others + offset, 0, len(where) - 1)
        # Beyond the sentence's ends there is nothing.
        inside = (neighbour == others + offset) & (of_sentence[neighbour] == of_sentence[others])
        sets.append(len(_OFFSETS) * tokens[inside] + index)
        neighbours.append(neighbour[inside])
    slots, words_around = np.concatenate(sets), np.concatenate(neighbours)
    return gather_word_sets(
        slots, words[where[words_around]], shares[slots // len(_OFFSETS)], num_tokens=len(where), each=len(_OFFSETS)
    )
