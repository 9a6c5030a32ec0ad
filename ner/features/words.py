"""Distinct words as numbers."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from ner.features.vocabulary import UNKNOWN, Vocabularies, case_number

Numbers = npt.NDArray[np.int64]

# What the character encoder sees of a longer word: its two ends. The longest word of the CoNLL-2003 training
# set has 61 characters; a text without a single space must not fill the memory.
MAX_SPELLING = 64


class WordNumbers(NamedTuple):
    """S words as numbers, their spellings of at most C characters padded with 0."""

    words: Numbers  # word numbers (S,)
    cases: Numbers  # capitalisation classes (S,)
    spellings: Numbers  # character numbers (S, C)
    spelling_lengths: Numbers  # characters of each, at least 1 (S,)


def number_words(words: Sequence[str], vocabularies: Vocabularies) -> WordNumbers:
    """Words as numbers."""
    number = vocabularies.words.number
    # A word without characters is spelled as one unknown: a character encoder wants at least one.
    spelled = [vocabularies.character_numbers(_ends(word)) or [UNKNOWN] for word in words]
    lengths = np.array([len(spelling) for spelling in spelled], dtype=np.int64)
    spellings = np.zeros((len(spelled), int(lengths.max(initial=1))), dtype=np.int64)
    for row, spelling in zip(spellings, spelled, strict=True):
        row[: len(spelling)] = spelling
    return WordNumbers(
        np.array([number(word) for word in words], dtype=np.int64),
        np.array([case_number(word) for word in words], dtype=np.int64),
        spellings,
        lengths,
    )


class KnownWords(NamedTuple):
    """S words as a network in use wants them."""

    words: Numbers  # word numbers (S,)
    cases: Numbers  # capitalisation classes (S,)
    encodings: Any  # of the word and its characters (S, E), as whoever computes with it wants it


class WordLookup(Protocol):
    """What knows words that a network met before."""

    def look_up(self, words: Sequence[str]) -> KnownWords:
        """These distinct words, in their order."""


def _ends(word: str) -> str:
    return word if len(word) <= MAX_SPELLING else word[: MAX_SPELLING // 2] + word[-MAX_SPELLING // 2 :]
