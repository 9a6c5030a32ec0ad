"""Phrases of a list found in sentences: what a lexicon or a gazetteer knows of a text.

Matches are all of them, overlapping ones too, for which reading is right only the network can tell. A match
tells each of its tokens whether it begins the phrase, is in its middle, ends it, or is all of it (B, M, E, S).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from ner.text.sentence import Sentence

ROLES = "BMES"


class PhraseTable:
    """Phrases by number, found in sentences from left to right."""

    def __init__(self, phrases: Iterable[str], *, separator: str) -> None:
        """Phrases are numbered as they come, from 1.

        Args:
            phrases: words joined by the separator.
            separator: what stands between words; empty for text that is written without spaces.
        """
        self.separator = separator
        # Every beginning of a phrase, with the phrase's number where it is whole, else 0.
        self._numbers: dict[str, int] = {}
        for number, phrase in enumerate(phrases, start=1):
            for end in self._ends(phrase):
                self._numbers.setdefault(phrase[:end], 0)
            if phrase:
                self._numbers[phrase] = number

    def find(self, words: Sequence[str]) -> Iterator[tuple[int, int, int]]:
        """Start, end and number of every phrase that stands in the words.

        >>> table = PhraseTable(["长江", "长江大桥", "大桥"], separator="")
        >>> list(table.find("长江大桥"))
        [(0, 2, 1), (0, 4, 2), (2, 4, 3)]
        """
        numbers, separator = self._numbers, self.separator
        for start, word in enumerate(words):
            text, end = word, start + 1
            while (number := numbers.get(text)) is not None:
                if number:
                    yield start, end, number
                if end == len(words):
                    break
                text += separator + words[end]
                end += 1

    def _ends(self, phrase: str) -> Iterator[int]:
        if not self.separator:
            yield from range(1, len(phrase))
            return
        end = phrase.find(self.separator)
        while end >= 0:
            yield end
            end = phrase.find(self.separator, end + 1)


@dataclass(frozen=True)
class Lexicon:
    """Words of a language written without spaces, and how often each stands in the training text.

    The first `num_trained` words occur in training; words are numbered from 1.
    """

    words: tuple[str, ...]
    counts: tuple[int, ...]  # of the first words; the others count 0
    _table: PhraseTable = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_table", PhraseTable(self.words, separator=""))

    @property
    def num_trained(self) -> int:
        """How many of the words occur in training."""
        return len(self.counts)

    def find(self, words: Sequence[str]) -> Iterator[tuple[int, int, int]]:
        """Start, end and number of every word of the lexicon that stands in a sentence's tokens."""
        return self._table.find(words)

    def count(self, number: int) -> int:
        """How often training has the word of this number, and once more: an unseen word counts too."""
        return 1 + (self.counts[number - 1] if number <= len(self.counts) else 0)

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        return {"words": list(self.words), "counts": list(self.counts)}


@dataclass(frozen=True)
class Gazetteer:
    """A list of names of one kind, each its tokens with spaces between; `name` is the kind."""

    name: str
    phrases: tuple[str, ...]
    _table: PhraseTable = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # A headline writes names in capitals.
        phrases = dict.fromkeys(form for phrase in self.phrases for form in (phrase, phrase.upper()))
        object.__setattr__(self, "_table", PhraseTable(phrases, separator=" "))

    def find(self, words: Sequence[str]) -> Iterator[tuple[int, int, int]]:
        """Start, end and number of every name that stands in a sentence's tokens."""
        return self._table.find(words)

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        return {"name": self.name, "phrases": list(self.phrases)}


def build_lexicon(sentences: Iterable[Sentence], words: Sequence[str]) -> Lexicon:
    """A lexicon of these words, those first that occur in the training sentences, the most frequent ahead.

    An occurrence inside a longer word of the lexicon isn't counted (Ma et al. 2020, section 3.2).
    """
    words = list(dict.fromkeys(word for word in words if word))
    table = PhraseTable(words, separator="")
    seen: set[int] = set()
    counts: Counter[int] = Counter()
    for sentence in sentences:
        matches = sorted(table.find(sentence.words), key=lambda match: (match[0], -match[1]))
        seen.update(number for _, _, number in matches)
        reach = 0
        for _, end, number in matches:
            # From left to right, the longest first: what ends no later than one before lies inside it.
            if end > reach:
                counts[number] += 1
                reach = end
    ranked = sorted(seen, key=lambda number: (-counts[number], words[number - 1]))
    rest = [word for number, word in enumerate(words, start=1) if number not in seen]
    return Lexicon((*(words[number - 1] for number in ranked), *rest), tuple(counts[number] for number in ranked))


def roles_of(start: int, end: int) -> Iterator[tuple[int, int]]:
    """Each token of a match with its role's place in `ROLES`.

    >>> [(token, ROLES[role]) for token, role in roles_of(3, 6)]
    [(3, 'B'), (4, 'M'), (5, 'E')]
    """
    if end - start == 1:
        yield start, ROLES.index("S")
        return
    for token in range(start, end):
        yield token, 0 if token == start else 2 if token == end - 1 else 1
