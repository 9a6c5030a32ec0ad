"""Training sentences in another case: who writes in lower case or in capitals wants his names found too.

A model of newspapers finds hardly a name without its capital (Mayhew et al. 2019, "ner and pos when nothing is
capitalized", who train on both as is done here). Each sentence is encoded in every case once, and each epoch draws
which it shows.
"""

from collections.abc import Callable, Sequence

import numpy as np

from ner.features.feature import Numbers
from ner.text.sentence import Sentence

CASES: tuple[Callable[[str], str], ...] = (str.lower, str.upper, lambda word: word[:1].upper() + word[1:])
"""Lower case, capitals, and each word with a capital as in a headline."""
_SHARES = (0.5, 0.25, 0.25)  # of those that are shown in another case


def in_all_cases(sentences: Sequence[Sentence]) -> list[Sentence]:
    """The sentences, behind them all of them in each of `CASES`.

    >>> from ner.text.sentence import sentence_from_words
    >>> [" ".join(s.words) for s in in_all_cases([sentence_from_words(["Ann", "ran"], ["B-PER", "O"])])]
    ['Ann ran', 'ann ran', 'ANN RAN', 'Ann Ran']
    """
    return [*sentences, *(recased(sentence, case) for case in CASES for sentence in sentences)]


def draw_cases(rows: Numbers, *, num_sentences: int, share: float, rng: np.random.Generator) -> Numbers:
    """The rows (N,), a share of which are those of the same sentences in another case, as `in_all_cases` lays them.

    Args:
        rows: of sentences as they are, below `num_sentences`.
        num_sentences: how many there are.
        share: between 0 and 1.
        rng: draws.
    """
    cases = rng.choice(len(CASES), size=len(rows), p=_SHARES) + 1
    drawn: Numbers = rows + num_sentences * np.where(rng.random(len(rows)) < share, cases, 0)
    return drawn


def recased(sentence: Sentence, case: Callable[[str], str]) -> Sentence:
    """The same sentence, tags or spans and all, with its words written so."""
    return Sentence(
        None,
        sentence.tags,
        sentence.opens_document,
        sentence.source,
        spelled=tuple(case(word) for word in sentence.spelled),
        starts=sentence.starts,
        spans=sentence.spans if sentence.tags is None else None,
        annotated=sentence.annotated,
    )
