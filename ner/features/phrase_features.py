"""What a lexicon and gazetteers know of each token, as numbers.

Of a lexicon a token has four sets of matches (SoftLexicon, Ma et al. 2020): they hold the
lexicon's words that begin with it, have it in their middle, end with it, or are it. Of each gazetteer it has four
marks in the same sense.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ner.features.phrases import ROLES, Gazetteer, Lexicon, roles_of
from ner.text.sentence import Sentence

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class WordSets:
    """Sets of words of N tokens, one behind the other, `each` a token: set i is `words[starts[i] : starts[i + 1]]`."""

    words: Numbers  # (M,)
    weights: npt.NDArray[np.float32]  # (M,)
    starts: Numbers  # (each·N + 1,)
    each: int = len(ROLES)

    def as_arrays(self, name: str) -> dict[str, np.ndarray[Any, Any]]:
        """The same as named arrays."""
        each = np.array(self.each, dtype=np.int64)
        return {
            f"{name}.words": self.words,
            f"{name}.weights": self.weights,
            f"{name}.starts": self.starts,
            f"{name}.each": each,
        }

    @classmethod
    def from_arrays(cls, arrays: dict[str, np.ndarray[Any, Any]], name: str) -> "WordSets":
        """What `as_arrays` gave."""
        words, weights, starts, each = (arrays[f"{name}.{part}"] for part in ("words", "weights", "starts", "each"))
        return cls(words, weights, starts, int(each))

    def of(self, indices: Numbers, mask: npt.NDArray[np.bool_]) -> tuple[np.ndarray[Any, Any], ...]:
        """For a batch of tokens (B, T): word ids, weights and in which of its B·T·each sets each is, (L,) all."""
        sets = (indices[..., None] * self.each + np.arange(self.each)).reshape(-1)  # (B·T·each,)
        starts = self.starts[sets]
        sizes = np.where(np.repeat(mask.reshape(-1), self.each), self.starts[sets + 1] - starts, 0)
        slots = np.repeat(np.arange(len(sets)), sizes)
        inside = np.arange(len(slots)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        rows = starts[slots] + inside
        return self.words[rows], self.weights[rows], slots

    def of_some(self, indices: Numbers, mask: npt.NDArray[np.bool_]) -> tuple[np.ndarray[Any, Any], ...]:
        """As `of`, the sets only of the R tokens that have any, (L,); and which tokens these are (R,)."""
        words, weights, slots = self.of(indices, mask)
        tokens = slots // self.each
        is_first = np.diff(tokens, prepend=-1) > 0
        return words, weights, (np.cumsum(is_first) - 1) * self.each + slots % self.each, tokens[is_first]


def match_lexicon(sentences: Sequence[Sentence], lexicon: Lexicon) -> WordSets:
    """The lexicon matches of all tokens of these sentences.

    A word weighs in proportion to its count in training; the words of a token weigh 4 together.
    """
    matches: list[tuple[int, int, int]] = []
    first = 0
    for sentence in sentences:
        for start, end, number in lexicon.find(sentence.words):
            weight = lexicon.count(number)
            matches += [(len(ROLES) * (first + token) + role, number, weight) for token, role in roles_of(start, end)]
        first += len(sentence.spelled)
    sets, words, counts = np.array(matches, dtype=np.int64).reshape(-1, 3).T
    totals = np.bincount(sets // len(ROLES), weights=counts, minlength=first)
    return gather_word_sets(sets, words, len(ROLES) * counts / totals[sets // len(ROLES)], num_tokens=first)


def gather_word_sets(
    sets: Numbers, words: Numbers, weights: npt.NDArray[np.float64], *, num_tokens: int, each: int = len(ROLES)
) -> WordSets:
    """M words with their weights, each in the set of its index (M,), in whatever order they come."""
    order = np.argsort(sets, kind="stable")
    starts = np.zeros(each * num_tokens + 1, np.int64)
    np.cumsum(np.bincount(sets, minlength=each * num_tokens), out=starts[1:])
    return WordSets(words[order], weights[order].astype(np.float32), starts, each)


def mark_tokens(sentences: Sequence[Sentence], gazetteers: Sequence[Gazetteer]) -> npt.NDArray[np.float32]:
    """For each of N tokens which gazetteer has it in which place of a name: four marks a gazetteer, 1 or 0 (N, G)."""
    marks = np.zeros((sum(len(sentence.spelled) for sentence in sentences), len(gazetteers), len(ROLES)), np.float32)
    first = 0
    for sentence in sentences:
        for index, gazetteer in enumerate(gazetteers):
            for start, end, _ in gazetteer.find(sentence.words):
                for token, role in roles_of(start, end):
                    marks[first + token, index, role] = 1
        first += len(sentence.spelled)
    return marks.reshape(len(marks), -1)
