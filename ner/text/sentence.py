"""The values that travel through the package: Token, Sentence, Span and Entity.

All are frozen. A span is a range of tokens, an entity a range of characters; both half-open.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Token:
    """One token: a word and where it stands, `text[start:end]`, in characters of its source text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Span:
    """A labelled range of tokens, `start` to `end` (half-open)."""

    label: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Entity:
    """A labelled range of characters: `source[start:end] == text`.

    `score` is the probability of exactly this entity under the model; None where none was computed.
    """

    label: str
    text: str
    start: int
    end: int
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """One way of tagging a sentence: its entities, and the probability of the whole."""

    probability: float
    entities: tuple[Entity, ...]


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of tokens, with IOB2 tags where they are known.

    `opens_document` is True where a `-DOCSTART-` stood before it; `where` is `file:line` of its first
    token, for messages. `where` takes no part in comparisons.
    """

    tokens: tuple[Token, ...]
    tags: tuple[str, ...] | None = None
    opens_document: bool = False
    where: str = field(default="", compare=False)

    @property
    def words(self) -> list[str]:
        """The words, one a token."""
        return [token.text for token in self.tokens]


def sentence_from_words(
    words: Sequence[str], tags: Sequence[str] | None = None, *, opens_document: bool = False, where: str = ""
) -> Sentence:
    """A sentence of these words, with offsets as if they were joined by single spaces.

    >>> sentence_from_words(["Angela", "Merkel"]).tokens[1]
    Token(text='Merkel', start=7, end=13)
    """
    tokens, start = [], 0
    for word in words:
        end = start + len(word)
        tokens.append(Token(word, start, end))
        start = end + 1
    return Sentence(tuple(tokens), None if tags is None else tuple(tags), opens_document, where)


def number_documents(sentences: Sequence[Sentence]) -> list[int]:
    """For each sentence the number of its document, from 1; 0 for all where no document was marked.

    Sentences before the first mark are a document of their own.
    """
    numbers, number = [], 0
    for sentence in sentences:
        number += sentence.opens_document or not number
        numbers.append(number)
    return numbers if any(sentence.opens_document for sentence in sentences) else [0] * len(numbers)
