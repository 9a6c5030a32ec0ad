"""The values that travel through the package: Token, Sentence, Span and Entity.

All are frozen. A span is a range of tokens, an entity a range of characters; both half-open. What is known of a
sentence is its spans; tags are how files and networks write them, and either is made from the other when it is
asked for.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from ner.errors import DataError, shortened
from ner.text.highlight import highlight
from ner.text.partial import is_partial
from ner.text.span import Span
from ner.text.tags import spans_to_tags, tags_to_spans

__all__ = ["Entity", "Labelling", "Sentence", "Span", "Token", "sentence_from_words", "sentence_with_spans"]


@dataclass(frozen=True, slots=True)
class Token:
    """One token: a word and where it stands, `text[start:end]`, in characters of its source text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Entity:
    """A labelled range of characters: `source[start:end] == text`.

    `score` is the probability of exactly this entity under the model; None where none was computed. `review` is True
    where somebody should look at it: the model finds it less sure than it was promised to be.
    """

    label: str
    text: str
    start: int
    end: int
    score: float | None = None
    review: bool = field(default=False, repr=False)

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values: label, text, start, end, score; `review` where it is true.

        >>> Entity("LOC", "Rome", 0, 4).as_dict()
        {'label': 'LOC', 'text': 'Rome', 'start': 0, 'end': 4, 'score': None}
        """
        # Written out, for `dataclasses.asdict` copies each value and takes longer than finding the entity.
        values: dict[str, Any] = {"label": self.label, "text": self.text, "start": self.start, "end": self.end}
        values["score"] = self.score
        if self.review:
            values["review"] = True
        return values

    def _repr_html_(self) -> str:
        """What a notebook shows: the text, marked, with label and score."""
        return highlight(self.text, self.label, self.score)


@dataclass(frozen=True, slots=True)
class Labelling:
    """One way of tagging a sentence: its entities, and the probability of the whole."""

    probability: float
    entities: tuple[Entity, ...]


@dataclass(frozen=True, slots=True, init=False)
class Sentence:
    """A sentence of tokens, with IOB2 tags where they are known.

    `spans` are the labelled spans of its tags, read once as conlleval reads them; to ask for those of a sentence
    without tags, or with unknown ones, is a DataError. `tags` is None where nothing is known of the sentence.
    `annotated` are the labels that its annotators looked for, None: all; outside its entities a token may be part of
    an entity of any other label (`ner.text.inventory`).
    `opens_document` is True where a `-DOCSTART-` stood before it, where it is the first of a text, or by count;
    `source` is `file:line` of its first token, for messages, and takes no part in comparisons.
    """

    # Not the tokens: making those of a whole corpus, and Python's looking after them, takes as long as reading it.
    spelled: tuple[str, ...]
    starts: tuple[int, ...]
    tags: tuple[str, ...] | None
    opens_document: bool
    source: str = field(compare=False)
    annotated: frozenset[str] | None
    _tokens: tuple[Token, ...] = field(init=False, repr=False, compare=False)
    spans: tuple[Span, ...] = field(init=False, repr=False, compare=False)

    def __init__(
        self,
        tokens: Iterable[Token] | None = None,
        tags: tuple[str, ...] | None = None,
        opens_document: bool = False,
        source: str = "",
        *,
        spelled: tuple[str, ...] | None = None,
        starts: tuple[int, ...] | None = None,
        spans: tuple[Span, ...] | None = None,
        annotated: frozenset[str] | None = None,
    ) -> None:
        """Of tokens; or, without them, of `spelled`, their words, and `starts`, where each starts in the text.

        With `spans`, which must be as `sentence_with_spans` has them, no tags are needed.
        """
        put = object.__setattr__
        if tokens is not None or spelled is None or starts is None:
            made = tuple(tokens or ())
            spelled, starts = tuple(token.text for token in made), tuple(token.start for token in made)
            put(self, "_tokens", made)
        put(self, "spelled", spelled)
        put(self, "starts", starts)
        put(self, "opens_document", opens_document)
        put(self, "source", source)
        if spans is not None:
            put(self, "spans", spans)
        if spans is None or tags is not None:
            put(self, "tags", tags)
        if annotated is not None:
            put(self, "annotated", annotated)

    if not TYPE_CHECKING:  # or a type checker would take any name for an attribute

        def __getattr__(self, name: str) -> Any:
            """What was not known when the sentence was made: Python asks here for a slot that is still empty."""
            if name == "spans":
                value: Any = self._read_spans()
            elif name == "tags":
                value = tuple(spans_to_tags(self.spans, len(self.spelled)))
            elif name == "annotated":
                value = None
            elif name == "_tokens":
                pairs = zip(self.spelled, self.starts, strict=True)
                value = tuple(Token(word, start, start + len(word)) for word, start in pairs)
            else:
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            object.__setattr__(self, name, value)
            return value

    def __repr__(self) -> str:
        """One line: the words, as far as they fit, and the entities.

        >>> sentence_from_words(["Anna", "left"], ["B-PER", "O"])
        Sentence('Anna left': PER Anna)
        """
        if self.tags is None:
            told = "no tags"
        elif is_partial(self.tags):
            told = "some tags unknown"
        else:
            told = ", ".join(f"{s.label} {' '.join(self.spelled[s.start : s.end])}" for s in self.spans)
        return f"Sentence({shortened(' '.join(self.spelled))!r}: {shortened(told or 'no entities')})"

    def __reduce__(self) -> tuple[Any, ...]:
        # Of what it was made, as Python's own way would ask each sentence for its spans.
        made = partial(Sentence, spelled=self.spelled, starts=self.starts, annotated=self.annotated)
        return made, (None, self.tags, self.opens_document, self.source)

    def _read_spans(self) -> tuple[Span, ...]:
        if not self.spelled:
            return ()
        if self.tags is None or is_partial(self.tags):
            found = "without tags" if self.tags is None else "with unknown tags"
            where = f"{self.source}: " if self.source else ""
            raise DataError(f"{where}expected tagged sentences, found one {found}: {self.words[:5]}")
        return tuple(tags_to_spans(self.tags))

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The tokens, in order."""
        return self._tokens

    @property
    def words(self) -> list[str]:
        """The words, one a token."""
        return list(self.spelled)


def sentence_from_words(
    words: Sequence[str], tags: Sequence[str] | None = None, *, opens_document: bool = False, source: str = ""
) -> Sentence:
    """A sentence of these words, with offsets as if they were joined by single spaces.

    >>> sentence_from_words(["Angela", "Merkel"]).tokens[1]
    Token(text='Merkel', start=7, end=13)
    """
    starts = tuple(accumulate(map(len, words[:-1]), _behind_space, initial=0)) if words else ()
    known = None if tags is None else tuple(tags)
    return Sentence(None, known, opens_document, source, spelled=tuple(words), starts=starts)


def sentence_with_spans(sentence: Sentence, spans: Iterable[Span]) -> Sentence:
    """The same sentence with these spans, in any order, in place of what was known of it.

    Raises:
        DataError: a span without a token, one that isn't in the sentence, or two with a token in common.

    >>> sentence_with_spans(sentence_from_words(["Angela", "Merkel"]), [Span("PER", 0, 2)]).tags
    ('B-PER', 'I-PER')
    """
    ordered = tuple(sorted(spans, key=lambda span: span.start))
    end = 0
    for span in ordered:
        if not end <= span.start < span.end <= len(sentence.spelled):
            where = f"{sentence.source}: " if sentence.source else ""
            raise DataError(
                f"{where}expected spans apart from each other, each of one of the {len(sentence.spelled)} tokens at "
                f"least, found {span}; ner.text.alignment.align makes such spans of any entities"
            )
        end = span.end
    known = (sentence.opens_document, sentence.source)
    words = sentence.spelled, sentence.starts
    annotated = sentence.annotated
    return Sentence(None, None, *known, spelled=words[0], starts=words[1], spans=ordered, annotated=annotated)


def _behind_space(start: int, length: int) -> int:
    return start + length + 1
