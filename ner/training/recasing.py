"""Training sentences written otherwise: who writes in lower case or with slips wants his names found too.

A model of newspapers finds hardly a name without its capital (Mayhew et al. 2019, "ner and pos when nothing is
capitalized", who train on both as is done here). Each sentence is encoded in every way once, and each epoch draws
which it shows.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from ner.features.feature import Numbers
from ner.text.noise import mistyped, respelled, titled, without_punctuation
from ner.text.sentence import Sentence

CASES: tuple[Callable[[str], str], ...] = (str.lower, str.upper, titled)
"""Lower case, capitals, and each word with a capital as in a headline."""
_SHARES = (0.5, 0.25, 0.25)  # of those that are shown in another case

# Ways beside the cases: without punctuation, and mistyped, drawn twice, lest the same slips come in every epoch.
_MISTYPED = 2
_RATE = 0.05  # of the letters: about one word in four has a slip
# Of the sentences that `training.augment` shows otherwise: half in another case, a quarter each in the other ways.
_AUGMENTED = (*(share / 2 for share in _SHARES), 0.25, *[0.25 / _MISTYPED] * _MISTYPED)


def in_all_cases(sentences: Sequence[Sentence]) -> list[Sentence]:
    """The sentences, behind them all of them in each of `CASES`.

    >>> from ner.text.sentence import sentence_from_words
    >>> [" ".join(s.words) for s in in_all_cases([sentence_from_words(["Ann", "ran"], ["B-PER", "O"])])]
    ['Ann ran', 'ann ran', 'ANN RAN', 'Ann Ran']
    """
    return [*sentences, *(respelled(sentence, case) for case in CASES for sentence in sentences)]


def in_all_ways(sentences: Sequence[Sentence], *, seed: int, keep_tokens: bool) -> list[Sentence]:
    """As `in_all_cases`, and behind these all sentences without punctuation, then mistyped, and again mistyped.

    Args:
        sentences: of training.
        seed: of the slips.
        keep_tokens: leave the punctuation in, where somebody counts on the tokens of a sentence.
    """
    bare = list(sentences) if keep_tokens else [without_punctuation(sentence) for sentence in sentences]
    slips = []
    for number in range(_MISTYPED):
        rng = np.random.default_rng([seed, number])
        slips += [respelled(sentence, partial(mistyped, rate=_RATE, rng=rng)) for sentence in sentences]
    return [*in_all_cases(sentences), *bare, *slips]


def draw_cases(rows: Numbers, *, num_sentences: int, share: float, rng: np.random.Generator) -> Numbers:
    """The rows (N,), a share of which are those of the same sentences in another case, as `in_all_cases` lays them.

    Args:
        rows: of sentences as they are, below `num_sentences`.
        num_sentences: how many there are.
        share: between 0 and 1.
        rng: draws.
    """
    return _draw(rows, _SHARES, num_sentences=num_sentences, share=share, rng=rng)


def draw_augmented(rows: Numbers, *, num_sentences: int, share: float, rng: np.random.Generator) -> Numbers:
    """The rows (N,), a share of which are those of the same sentences written otherwise, as `in_all_ways` lays them.

    Rows that are no more of sentences as they are stay.
    """
    plain = rows < num_sentences
    drawn = _draw(rows, _AUGMENTED, num_sentences=num_sentences, share=share, rng=rng)
    return np.where(plain, drawn, rows)


def _draw(
    rows: Numbers, shares: Sequence[float], *, num_sentences: int, share: float, rng: np.random.Generator
) -> Numbers:
    ways = rng.choice(len(shares), size=len(rows), p=shares) + 1
    drawn: Numbers = rows + num_sentences * np.where(rng.random(len(rows)) < share, ways, 0)
    return drawn
