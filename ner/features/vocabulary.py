"""Vocabularies: words, characters and tags become numbers.

Number 0 is padding and 1 the unknown, in words and characters alike. Behind the words of training stand
the pretrained words that training never saw, so that such a word still has its vector when text is tagged
(Ma & Hovy 2016 and Lample et al. 2016 look vectors up the same way). Nothing comes from dev or test.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ner.features.phrases import Gazetteer, Lexicon
from ner.text.partial import labels_of
from ner.text.sentence import Sentence
from ner.text.tags import tags_of_labels

PADDING, UNKNOWN = 0, 1
_NUM_SPECIAL = 2
_DIGITS = re.compile(r"\d")
_PLAIN = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "--", "…": "..."})

# Capitalisation as Collobert et al. 2011 (section 5.1) see it, with digits beside; 0 is padding.
_CASES = ("padding", "lower", "upper", "title", "mixed", "digits", "other")


@dataclass(frozen=True)
class WordVocabulary:
    """Words and their numbers.

    `trained` are the words of training, numbered from 2; `extra` are pretrained words that training never
    saw, numbered after them. A word is looked up in lower case (without `lowercase`, as it stands), then, with
    `normalize_digits`, with every digit as 0; the first form that is known counts.
    """

    trained: tuple[str, ...]
    extra: tuple[str, ...] = ()
    lowercase: bool = True
    normalize_digits: bool = True
    singletons: frozenset[int] = field(default=frozenset(), compare=False)
    _numbers: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        words = (*self.trained, *self.extra)
        object.__setattr__(self, "_numbers", dict(zip(words, range(_NUM_SPECIAL, len(words) + 2), strict=True)))

    @property
    def num_trained(self) -> int:
        """Numbers that training can meet: padding, unknown and its own words."""
        return len(self.trained) + _NUM_SPECIAL

    def number(self, word: str) -> int:
        """The number of a word; 1 where no form of it is known."""
        key = word.lower() if self.lowercase else word
        number = self._numbers.get(key)
        if number is not None:
            return number
        forms = lookup_forms(word, lowercase=self.lowercase, normalize_digits=self.normalize_digits)
        # Without `lowercase`, the number of the lower-case word is still better than the unknown's.
        forms += lookup_forms(word, lowercase=True, normalize_digits=self.normalize_digits)
        return next((self._numbers[form] for form in forms if form in self._numbers), UNKNOWN)


@dataclass(frozen=True)
class Vocabularies:
    """All that turns sentences into numbers and back; saved as `vocabulary.json`."""

    words: WordVocabulary
    characters: tuple[str, ...]
    labels: tuple[str, ...]
    bigrams: tuple[str, ...] = ()
    lexicon: Lexicon | None = None
    gazetteers: tuple[Gazetteer, ...] = ()
    mentions: bool = False  # whether names are shown what stands around their other mentions
    _characters: dict[str, int] = field(init=False, repr=False, compare=False)
    _tags: dict[str, int] = field(init=False, repr=False, compare=False)
    _bigrams: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        numbers = range(_NUM_SPECIAL, self.num_characters)
        bigrams = {bigram: number for number, bigram in enumerate(self.bigrams, start=_NUM_SPECIAL)}
        object.__setattr__(self, "_bigrams", bigrams)
        object.__setattr__(self, "_characters", dict(zip(self.characters, numbers, strict=True)))
        object.__setattr__(self, "_tags", {tag: number for number, tag in enumerate(self.tags)})

    @property
    def tags(self) -> list[str]:
        """The BIOES tags, in the order of their numbers."""
        return tags_of_labels(self.labels)

    @property
    def num_characters(self) -> int:
        """Numbers of characters, padding and unknown included."""
        return len(self.characters) + _NUM_SPECIAL

    @property
    def num_bigrams(self) -> int:
        """Numbers of bigrams, padding and unknown included."""
        return len(self.bigrams) + _NUM_SPECIAL

    def bigram_numbers(self, words: Sequence[str]) -> list[int]:
        """One number a word, of the word and its right neighbour together; 1 for a pair not known."""
        numbers = self._bigrams
        return [numbers.get(bigram, UNKNOWN) for bigram in _bigrams_of(words)]

    def character_numbers(self, word: str) -> list[int]:
        """One number a character; 1 for a character that training didn't see."""
        numbers = self._characters
        return [numbers.get(character, UNKNOWN) for character in word]

    def tag_number(self, tag: str) -> int:
        """The number of a BIOES tag.

        Raises:
            KeyError: a label that training didn't see.
        """
        return self._tags[tag]

    def roles(self, label: str) -> list[int]:
        """The numbers of a label's tags B, I, E and S.

        Raises:
            KeyError: a label that training didn't see.
        """
        return [self._tags[f"{role}-{label}"] for role in "BIES"]

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values."""
        return {
            "words": list(self.words.trained),
            "extra_words": list(self.words.extra),
            "lowercase": self.words.lowercase,
            "normalize_digits": self.words.normalize_digits,
            "characters": list(self.characters),
            "labels": list(self.labels),
            "bigrams": list(self.bigrams),
            "lexicon": None if self.lexicon is None else self.lexicon.as_dict(),
            "gazetteers": [gazetteer.as_dict() for gazetteer in self.gazetteers],
            "mentions": self.mentions,
        }


def build_vocabularies(
    sentences: Iterable[Sentence],
    pretrained: Sequence[str] = (),
    *,
    lowercase: bool,
    normalize_digits: bool,
    min_count: int = 1,
    keep_all: bool = True,
) -> Vocabularies:
    """The vocabularies of a training corpus.

    Args:
        sentences: the training sentences, tagged; a sentence without tags adds no labels.
        pretrained: words that have a pretrained vector.
        lowercase: look words up in lower case.
        normalize_digits: look words up with every digit as 0 where they aren't known as they are.
        min_count: a word that occurs less often, and has no vector, is unknown.
        keep_all: keep the pretrained words that training never saw.
    """
    counts: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    labels: set[str] = set()
    for sentence in sentences:
        counts.update(sentence.spelled)
        labels |= labels_of(sentence.tags or ())
    known = frozenset(pretrained)
    keys: Counter[str] = Counter()
    for word, count in counts.items():
        keys[_training_form(word, known, lowercase, normalize_digits)] += count
        characters.update(dict.fromkeys(word, count))
    # The most frequent first, then by alphabet: the same corpus gives the same numbers, and the rows of
    # the embedding that are read most often lie together.
    trained = [w for w, n in sorted(keys.items(), key=lambda item: (-item[1], item[0])) if n >= min_count or w in known]
    seen = frozenset(trained)
    words = WordVocabulary(
        trained=tuple(trained),
        extra=tuple(word for word in pretrained if word not in seen) if keep_all else (),
        lowercase=lowercase,
        normalize_digits=normalize_digits,
        singletons=frozenset(n for n, word in enumerate(trained, start=_NUM_SPECIAL) if keys[word] == 1),
    )
    # A character seen once is unknown, so that the unknown character is trained at all.
    frequent = (c for c, n in sorted(characters.items(), key=lambda item: (-item[1], item[0])) if n > 1)
    return Vocabularies(words, tuple(frequent), tuple(sorted(labels)))


def add_bigrams(vocabularies: Vocabularies, sentences: Iterable[Sentence]) -> Vocabularies:
    """The same vocabularies with the pairs of neighbouring words that these sentences have more than once.

    A pair seen once is unknown, so that the unknown pair is trained.
    """
    counts = Counter(bigram for sentence in sentences for bigram in _bigrams_of(sentence.words))
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return replace(vocabularies, bigrams=tuple(bigram for bigram, count in ranked if count > 1))


def _bigrams_of(words: Sequence[str]) -> list[str]:
    """Each word with its right neighbour, a space between; the last has none.

    >>> _bigrams_of(["会", "计"])
    ['会 计', '计 ']
    """
    return [f"{word} {following}" for word, following in zip(words, [*words[1:], ""], strict=True)]


def lookup_forms(word: str, *, lowercase: bool, normalize_digits: bool) -> list[str]:
    """The forms under which a word is looked up, the first known one counts.

    Typographic quotes and dashes come last as what a keyboard has: no corpus of news wires knows others.

    >>> lookup_forms("No.5", lowercase=True, normalize_digits=True)
    ['no.5', 'no.0']
    >>> lookup_forms("O’Brien", lowercase=True, normalize_digits=True)
    ['o’brien', "o'brien"]
    """
    cased = word.lower() if lowercase else word
    forms = [cased, _DIGITS.sub("0", cased)] if normalize_digits else [cased]
    return list(dict.fromkeys([*forms, *(form.translate(_PLAIN) for form in forms)]))


def case_number(word: str) -> int:
    """The capitalisation class of a word, from 1 to 6.

    >>> [_CASES[case_number(word)] for word in ("dog", "NASA", "Paris", "iPod", "1996", "--", "北京")]
    ['lower', 'upper', 'title', 'mixed', 'digits', 'other', 'other']
    """
    if word.islower():
        name = "lower"
    elif word.isupper() and len(word) > 1:
        name = "upper"  # before `title`, which "U.S." and "F16" are to Python as well
    elif word.istitle():
        name = "title"
    elif word.lower() != word:
        name = "title" if word[0].isupper() and word[1:].islower() else "mixed"
    elif any(character.isdigit() for character in word):
        name = "digits"
    else:
        name = "other"
    return _CASES.index(name)


NUM_CASES = len(_CASES)
CAPITALISED = tuple(map(_CASES.index, ("upper", "title", "mixed")))


def _training_form(word: str, known: Collection[str], lowercase: bool, normalize_digits: bool) -> str:
    """The form under which a word of training is counted: a pretrained one if any, else the plainest."""
    forms = lookup_forms(word, lowercase=lowercase, normalize_digits=normalize_digits)
    return next((form for form in forms if form in known), forms[-1])
