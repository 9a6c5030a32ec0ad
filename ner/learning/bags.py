"""What a lexicon and gazetteers know of each token, as numbers.

Of a lexicon a token has four bags of words (SoftLexicon, Ma et al. 2020): they hold the
lexicon's words that begin with it, have it in their middle, end with it, or are it. Of each gazetteer it has four
marks in the same sense.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ner.text.lexicon import ROLES, Gazetteer, Lexicon, roles_of
from ner.text.sentence import Sentence

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Bags:
    """The bags of N tokens, one behind the other: bag b is `words[ends[b-1] : ends[b]]`, four bags a token.

    A token's `weights` sum to 4 over its bags.
    """

    words: Numbers  # (M,)
    weights: npt.NDArray[np.float32]  # (M,)
    starts: Numbers  # (4·N + 1,)

    def of(self, places: Numbers, mask: npt.NDArray[np.bool_]) -> tuple[np.ndarray[Any, Any], ...]:
        """For a batch of tokens (B, T): word numbers, weights and in which of its B·T·4 bags each is, (L,) all."""
        bags = (places[..., None] * len(ROLES) + np.arange(len(ROLES))).reshape(-1)  # (B·T·4,)
        starts = self.starts[bags]
        sizes = np.where(np.repeat(mask.reshape(-1), len(ROLES)), self.starts[bags + 1] - starts, 0)
        slots = np.repeat(np.arange(len(bags)), sizes)
        inside = np.arange(len(slots)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        rows = starts[slots] + inside
        return self.words[rows], self.weights[rows], slots


def fill_bags(sentences: Sequence[Sentence], lexicon: Lexicon) -> Bags:
    """The bags of all tokens of these sentences; each word weighs as often as training has it."""
    found: list[tuple[int, int, int]] = []
    first = 0
    for sentence in sentences:
        for start, end, number in lexicon.find(sentence.words):
            weight = lexicon.count(number)
            found += [(len(ROLES) * (first + token) + role, number, weight) for token, role in roles_of(start, end)]
        first += len(sentence.spelled)
    bags, words, counts = np.array(found, dtype=np.int64).reshape(-1, 3).T
    order = np.argsort(bags, kind="stable")
    bags, words, counts = bags[order], words[order], counts[order].astype(np.float64)
    totals = np.bincount(bags // len(ROLES), weights=counts, minlength=first)
    weights = len(ROLES) * counts / totals[bags // len(ROLES)]
    starts = np.searchsorted(bags, np.arange(len(ROLES) * first + 1))
    return Bags(words, weights.astype(np.float32), starts)


def mark_tokens(sentences: Sequence[Sentence], gazetteers: Sequence[Gazetteer]) -> npt.NDArray[np.float32]:
    """For each of N tokens which gazetteer has it in which place of a name: four marks a gazetteer, 1 or 0 (N, G)."""
    marks = np.zeros((sum(len(sentence.spelled) for sentence in sentences), len(gazetteers), len(ROLES)), np.float32)
    first = 0
    for sentence in sentences:
        for place, gazetteer in enumerate(gazetteers):
            for start, end, _ in gazetteer.find(sentence.words):
                for token, role in roles_of(start, end):
                    marks[first + token, place, role] = 1
        first += len(sentence.spelled)
    return marks.reshape(len(marks), -1)
