"""Sentences written otherwise: in another case, without punctuation, misread, mistyped, with other names.

Entities stay where they are: words are changed one by one, and where words go or come, spans move with them. All draws
come from a generator that is given. Which characters are taken for each other when a page is read by a machine: the
commonest pairs of Nguyen et al. 2019 ("Deep statistical analysis of OCR errors"); which are mistyped: neighbours on a
QWERTY keyboard, and the four slips of Damerau 1964 (a character too many, too few, another one, two exchanged).
"""

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from ner.text.partial import is_partial
from ner.text.sentence import Sentence, sentence_from_words, sentence_with_spans
from ner.text.span import Span

Draws = np.random.Generator
_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_MISREAD = {
    "l": "1iI", "1": "lI", "I": "l1", "i": "l", "O": "0", "0": "O", "o": "0c", "c": "e", "e": "c", "h": "b", "b": "h",
    "S": "5", "5": "S", "s": "5", "B": "8", "8": "B", "u": "n", "n": "u", "a": "o", "t": "f", "f": "t", "g": "q",
    "q": "g", "Z": "2", "v": "y", "y": "v", "E": "F", "D": "O", "G": "C",
}  # fmt: skip
_JOINED = {"rn": "m", "m": "rn", "cl": "d", "w": "vv", "in": "m", "li": "h"}
_LETTERS = "abcdefghijklmnopqrstuvwxyz"


def titled(word: str) -> str:
    """The word with a capital, as each is in a headline.

    >>> titled("mcDonald")
    'McDonald'
    """
    return word[:1].upper() + word[1:]


def respelled(sentence: Sentence, spell: Callable[[str], str]) -> Sentence:
    """The same sentence, tags or spans and all, with its words spelled so."""
    return Sentence(
        None,
        sentence.tags,
        sentence.opens_document,
        sentence.source,
        spelled=tuple(spell(word) or word for word in sentence.spelled),
        starts=sentence.starts,
        spans=sentence.spans if sentence.tags is None else None,
        annotated=sentence.annotated,
    )


def is_punctuation(word: str) -> bool:
    """Whether a word is made of punctuation and signs alone.

    >>> [is_punctuation(word) for word in ("...", "U.S.", "。", "$", "3")]
    [True, False, True, True, False]
    """
    return all(unicodedata.category(character)[0] in "PS" for character in word)


def without_punctuation(sentence: Sentence) -> Sentence:
    """The sentence without its words that are punctuation; an entity loses those in it, unless it has no other.

    A sentence with unknown tags, and one of punctuation alone, stays as it is.
    """
    if sentence.tags is None or is_partial(sentence.tags):
        return sentence
    kept = [not is_punctuation(word) for word in sentence.spelled]
    for span in sentence.spans:
        if not any(kept[span.start : span.end]):
            kept[span.start : span.end] = [True] * (span.end - span.start)
    if all(kept) or not any(kept):
        return sentence
    before = np.cumsum([0, *kept]).tolist()
    spans = [Span(span.label, before[span.start], before[span.end]) for span in sentence.spans]
    words = [word for word, stays in zip(sentence.spelled, kept, strict=True) if stays]
    return _made(sentence, words, spans)


def mistyped(word: str, rate: float, rng: Draws) -> str:
    """The word, in which each letter is mistyped with this probability.

    >>> mistyped("Merkel", 0.0, np.random.default_rng(1))
    'Merkel'
    """
    hits = (rng.random(len(word)) < rate).tolist()
    if not any(hits):
        return word
    letters = list(word)
    index = 0
    while index < len(letters):
        if hits[index] and letters[index].isalpha():
            slip = rng.integers(4)
            if slip == 0:
                letters[index] = _neighbour(letters[index], rng)
            elif slip == 1 and len(letters) > 1:
                del letters[index], hits[index]
                continue
            elif slip == 2:
                letters.insert(index, _neighbour(letters[index], rng))
                hits.insert(index, False)
                index += 1
            elif index + 1 < len(letters):
                letters[index], letters[index + 1] = letters[index + 1], letters[index]
                index += 1
        index += 1
    return "".join(letters)


def misread(word: str, rate: float, rng: Draws) -> str:
    """The word, in which each character that looks like another is taken for it with this probability."""
    read, index = [], 0
    while index < len(word):
        hit = rng.random() < rate
        two, one = word[index : index + 2], word[index]
        if hit and two in _JOINED:
            read.append(_JOINED[two])
            index += 2
            continue
        if hit and one in _MISREAD:
            one = _MISREAD[one][rng.integers(len(_MISREAD[one]))]
        elif hit:
            one = _JOINED.get(one, one)
        read.append(one)
        index += 1
    return "".join(read)


def with_other_names(sentence: Sentence, names: Mapping[str, Sequence[tuple[str, ...]]], rng: Draws) -> Sentence:
    """The sentence with another name of the same label in place of each entity; a label without names keeps its own.

    Args:
        sentence: tagged.
        names: the words of each name, by label.
        rng: draws.
    """
    words: list[str] = []
    spans = []
    end = 0
    for span in sentence.spans:
        words += sentence.spelled[end : span.start]
        start, some = len(words), names.get(span.label, ())
        words += some[int(rng.integers(len(some)))] if some else sentence.spelled[span.start : span.end]
        spans.append(Span(span.label, start, len(words)))
        end = span.end
    return _made(sentence, [*words, *sentence.spelled[end:]], spans) if spans else sentence


def names_of(sentences: Iterable[Sentence]) -> dict[str, list[tuple[str, ...]]]:
    """The names that tagged sentences have of each label, each once, in the order in which they come."""
    found: dict[str, dict[tuple[str, ...], None]] = {}
    for sentence in sentences:
        for span in sentence.spans:
            found.setdefault(span.label, {})[sentence.spelled[span.start : span.end]] = None
    return {label: list(names) for label, names in found.items()}


def _made(sentence: Sentence, words: Sequence[str], spans: Sequence[Span]) -> Sentence:
    made = sentence_from_words(words, opens_document=sentence.opens_document, source=sentence.source)
    made = sentence_with_spans(made, spans)
    return Sentence(
        None,
        None,
        made.opens_document,
        made.source,
        spelled=made.spelled,
        starts=made.starts,
        spans=made.spans,
        annotated=sentence.annotated,
    )


def _neighbour(letter: str, rng: Draws) -> str:
    """A letter beside this one on a keyboard, in its case; of one that isn't on it, any."""
    small = letter.lower()
    for row in _KEYBOARD:
        place = row.find(small) if len(small) == 1 else -1
        if place >= 0:
            near = row[max(place - 1, 0) : place] + row[place + 1 : place + 2]
            found = near[rng.integers(len(near))]
            return found.upper() if letter.isupper() else found
    return _LETTERS[rng.integers(len(_LETTERS))]
