"""The values that travel through the package: Token, Sentence, Span and Entity.

All are frozen. A span is a range of tokens, an entity a range of characters; both half-open.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate


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


@dataclass(frozen=True, slots=True, init=False)
class Sentence:
    """A sentence of tokens, with IOB2 tags where they are known.

    `opens_document` is True where a `-DOCSTART-` stood before it, where it is the first of a text, or by count;
    `where` is `file:line` of its first token, for messages, and takes no part in comparisons.
    """

    # Not the tokens: making those of a whole corpus, and Python's looking after them, takes as long as reading it.
    spelled: tuple[str, ...]
    starts: tuple[int, ...]
    tags: tuple[str, ...] | None
    opens_document: bool
    where: str = field(compare=False)
    _tokens: tuple[Token, ...] | None = field(init=False, repr=False, compare=False)

    def __init__(
        self,
        tokens: Iterable[Token] | None = None,
        tags: tuple[str, ...] | None = None,
        opens_document: bool = False,
        where: str = "",
        *,
        spelled: tuple[str, ...] | None = None,
        starts: tuple[int, ...] | None = None,
    ) -> None:
        """Of tokens; or, without them, of `spelled`, their words, and `starts`, where each starts in the text."""
        made = None
        if tokens is not None or spelled is None or starts is None:
            made = tuple(tokens or ())
            spelled, starts = tuple(token.text for token in made), tuple(token.start for token in made)
        values = (spelled, starts, tags, opens_document, where, made)
        for name, value in zip(self.__slots__, values, strict=True):
            object.__setattr__(self, name, value)

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens, in order."""
        if self._tokens is None:
            made = (
                Token(word, start, start + len(word)) for word, start in zip(self.spelled, self.starts, strict=True)
            )
            object.__setattr__(self, "_tokens", tuple(made))
        return self._tokens or ()

    @property
    def words(self) -> list[str]:
        """The words, one a token."""
        return list(self.spelled)


def sentence_from_words(
    words: Sequence[str], tags: Sequence[str] | None = None, *, opens_document: bool = False, where: str = ""
) -> Sentence:
    """A sentence of these words, with offsets as if they were joined by single spaces.

    >>> sentence_from_words(["Angela", "Merkel"]).tokens[1]
    Token(text='Merkel', start=7, end=13)
    """
    starts = tuple(accumulate(map(len, words[:-1]), _behind_space, initial=0)) if words else ()
    known = None if tags is None else tuple(tags)
    return Sentence(None, known, opens_document, where, spelled=tuple(words), starts=starts)


def _behind_space(start: int, length: int) -> int:
    return start + length + 1
