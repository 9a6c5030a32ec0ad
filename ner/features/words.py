"""The word itself, as an id: those of training first, then the pretrained words that training never saw.

Such a word thus still has its vector when text is tagged (Ma & Hovy 2016 and Lample et al. 2016 look vectors up the
same way). Nothing comes from dev or test.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from ner.config import Config
from ner.features.checks import check_distinct, flag, texts
from ner.features.feature import NUM_SPECIAL, UNKNOWN, Arrays, Feature, Material, Numbers
from ner.features.word_table import WordTable, arrays_of, table_behind, table_of
from ner.text.sentence import Sentence

_DIGITS = re.compile(r"\d")
# What a word has that is looked up in more forms than one: a digit, or a character that isn't ASCII.
_SEVERAL_FORMS = re.compile(r"[^\0-\x7f]|\d")
_PLAIN = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "--", "…": "..."})


@dataclass(frozen=True)
class WordVocabulary:
    """Words and their ids.

    `trained` are the words of training, numbered from 2; `extra` are pretrained words that training never
    saw, numbered after them. A word is looked up in lower case (without `lowercase`, as it stands), then, with
    `normalize_digits`, with every digit as 0; the first form that is known counts. Words of one stored table are looked
    up there, and are strings no sooner than somebody reads them.
    """

    trained: Sequence[str]
    extra: Sequence[str] = ()
    lowercase: bool = True
    normalize_digits: bool = True
    singletons: frozenset[int] = field(default=frozenset(), compare=False)
    _index: WordTable | dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index: WordTable | dict[str, int] | None = table_behind(self.trained, self.extra)
        if index is None:
            index = {word: number for number, word in enumerate((*self.trained, *self.extra))}
        object.__setattr__(self, "_index", index)

    def __len__(self) -> int:
        """How many words have an id of their own."""
        return len(self.trained) + len(self.extra)

    @property
    def num_trained(self) -> int:
        """How many ids training can meet: padding, unknown and its own words."""
        return len(self.trained) + NUM_SPECIAL

    def id_of(self, word: str) -> int:
        """The id of a word; 1 where no form of it is known."""
        return int(self.ids_of([word])[0])

    def ids_of(self, words: Sequence[str]) -> Numbers:
        """The id of each word (S,), as `id_of` gives it; faster of many than of each."""
        forms = [word.lower() for word in words] if self.lowercase else list(words)
        ids = self._ids_of_forms(forms)
        # Without `lowercase`, the id of the lower-case word is still better than the unknown's.
        missing = [
            index
            for index in np.flatnonzero(ids == UNKNOWN).tolist()
            if not self.lowercase or _SEVERAL_FORMS.search(forms[index])
        ]
        if not missing:
            return ids
        others = [self._other_forms(words[index]) for index in missing]
        found = self._ids_of_forms([form for each in others for form in each])
        start = 0
        for index, each in zip(missing, others, strict=True):
            known = [number for number in found[start : start + len(each)].tolist() if number != UNKNOWN]
            ids[index] = known[0] if known else UNKNOWN
            start += len(each)
        return ids

    def _other_forms(self, word: str) -> list[str]:
        forms = lookup_forms(word, lowercase=self.lowercase, normalize_digits=self.normalize_digits)[1:]
        if not self.lowercase:
            forms += lookup_forms(word, lowercase=True, normalize_digits=self.normalize_digits)
        return forms

    def _ids_of_forms(self, forms: list[str]) -> Numbers:
        """The id of each form as it stands, 1 where it isn't known."""
        if isinstance(self._index, dict):
            number = self._index.get
            numbers = np.array([number(form, -1) for form in forms], dtype=np.int64)
        else:
            numbers = self._index.numbers_of(forms)
        return np.where(numbers < 0, UNKNOWN, numbers + NUM_SPECIAL)


@dataclass(frozen=True)
class Words(Feature):
    """Word ids (N,) under the name `words`; the network has a vector of `dim` numbers for each."""

    name = "words"

    vocabulary: WordVocabulary
    dim: int
    frozen: bool = False

    @classmethod
    def fit(cls, material: Material) -> Self:
        """Always; the words of training, and those of the vectors, if there are any.

        Raises:
            VectorsError: the vectors are missing, damaged or of another width.
        """
        model = material.config.model
        known = material.vectors(model.vectors, model.word_dim, "model.word_dim").words if model.vectors else ()
        vocabulary = build_words(
            material.sentences,
            known,
            lowercase=model.lowercase,
            normalize_digits=model.normalize_digits,
            min_count=model.min_count,
            keep_all=model.keep_vectors == "all",
        )
        return cls(vocabulary, model.word_dim, model.freeze_vectors)

    def encode_words(self, words: Sequence[str]) -> Arrays:
        """As `Feature.encode_words`."""
        return {"words": self.vocabulary.ids_of(words)}

    def as_dict(self) -> dict[str, Any]:
        """As `Feature.as_dict`."""
        words = self.vocabulary
        settings = {"lowercase": words.lowercase, "normalize_digits": words.normalize_digits}
        return {**arrays_of(words.trained, words.extra), **settings}

    @classmethod
    def from_dict(cls, values: dict[str, Any], config: Config) -> Self:
        """As `Feature.from_dict`; up to format 4 of model directories, `values` have lists of words for the arrays."""
        lowercase, normalize_digits = flag(values, "lowercase"), flag(values, "normalize_digits")
        trained: Sequence[str]
        extra: Sequence[str]
        if not any(isinstance(value, np.ndarray) for value in values.values()):
            trained, extra = (texts(values, name, distinct=False) for name in ("words", "extra_words"))
            # A set of all words takes less time than one that also tells which is there twice.
            if len({*trained, *extra}) < len(trained) + len(extra):
                check_distinct("words", (*trained, *extra))
        else:
            trained, extra = table_of(values)
        vocabulary = WordVocabulary(trained, extra, lowercase, normalize_digits)
        return cls(vocabulary, config.model.word_dim, config.model.freeze_vectors)


FEATURE = Words


def build_words(
    sentences: Iterable[Sentence],
    pretrained: Sequence[str] = (),
    *,
    lowercase: bool = True,
    normalize_digits: bool = True,
    min_count: int = 1,
    keep_all: bool = True,
) -> WordVocabulary:
    """The words of a training corpus.

    Args:
        sentences: the training sentences.
        pretrained: words that have a pretrained vector.
        lowercase: look words up in lower case.
        normalize_digits: look words up with every digit as 0 where they aren't known as they are.
        min_count: a word that occurs less often, and has no vector, is unknown.
        keep_all: keep the pretrained words that training never saw.
    """
    counts: Counter[str] = Counter()
    for sentence in sentences:
        counts.update(sentence.spelled)
    known = frozenset(pretrained)
    keys: Counter[str] = Counter()
    for word, count in counts.items():
        keys[_training_form(word, known, lowercase, normalize_digits)] += count
    # The most frequent first, then by alphabet: the same corpus gives the same ids, and the rows of
    # the embedding that are read most often lie together.
    trained = [w for w, n in sorted(keys.items(), key=lambda item: (-item[1], item[0])) if n >= min_count or w in known]
    seen = frozenset(trained)
    return WordVocabulary(
        trained=tuple(trained),
        extra=tuple(word for word in pretrained if word not in seen) if keep_all else (),
        lowercase=lowercase,
        normalize_digits=normalize_digits,
        singletons=frozenset(n for n, word in enumerate(trained, start=NUM_SPECIAL) if keys[word] == 1),
    )


def lookup_forms(word: str, *, lowercase: bool, normalize_digits: bool) -> list[str]:
    """The forms under which a word is looked up, the first known one counts.

    Typographic quotes and dashes come late as what a keyboard has: no corpus of news wires knows others. Last come
    letters composed with their accents (Unicode NFC), as nearly all corpora and vectors have them, while names of files
    and text from PDFs have them apart.

    >>> lookup_forms("No.5", lowercase=True, normalize_digits=True)
    ['no.5', 'no.0']
    >>> lookup_forms("O’Brien", lowercase=True, normalize_digits=True)
    ['o’brien', "o'brien"]
    >>> [len(form) for form in lookup_forms("Zoe\u0308", lowercase=True, normalize_digits=True)]
    [4, 3]
    """
    cased = word.lower() if lowercase else word
    forms = [cased]
    if normalize_digits and (plain := _DIGITS.sub("0", cased)) != cased:
        forms.append(plain)
    if cased.isascii():
        return forms
    forms += [form.translate(_PLAIN) for form in forms]
    forms += [unicodedata.normalize("NFC", form) for form in forms]
    return list(dict.fromkeys(forms))


def _training_form(word: str, known: Collection[str], lowercase: bool, normalize_digits: bool) -> str:
    """The form under which a word of training is counted: a pretrained one if any, else the plainest."""
    forms = lookup_forms(word, lowercase=lowercase, normalize_digits=normalize_digits)
    return next((form for form in forms if form in known), forms[-1])
