"""The document: a text with its sentences and entities, whatever file it came from and wherever it goes.

This module alone knows how the three hang together: offsets of tokens and entities are places in the text, counted in
characters of a Python string (code points), and what isn't so is refused when the document is made.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any

from ner.data_settings import Cut
from ner.errors import ConfigError, DataError, check_type, shortened, shown
from ner.text.alignment import Misaligned, Overlaps, align, entities_of
from ner.text.rendering import render
from ner.text.sentence import Entity, Sentence
from ner.text.tokenizer import split_sentences


@dataclass(frozen=True, slots=True)
class Document:
    """A text, its sentences and its entities; `text[e.start:e.end] == e.text` for each entity `e`.

    `sentences` are in order, their tokens places in the text; without any it hasn't been cut yet. `entities` are as
    they were annotated or found: they may overlap, and in tagged sentences stand those that tags can say. `id` names
    the document in its file, None where it has no name; `meta` is what else its format keeps, by name. `source` is
    `file:line` of it, for messages, and takes no part in comparisons.

    Raises:
        ConfigError: a text that is no string, or what is no sentence or entity among those.
        DataError: an entity or a token that isn't in the text as it says.
    """

    text: str
    sentences: tuple[Sentence, ...] = ()
    entities: tuple[Entity, ...] = ()
    id: str | None = None
    meta: Mapping[str, Any] = field(default_factory=dict, hash=False)
    source: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        check_type("text", self.text, str, "a string")
        check_type("meta", self.meta, Mapping, "a mapping")
        object.__setattr__(self, "meta", dict(self.meta))
        for name, kind, wanted in (("sentences", Sentence, "sentences"), ("entities", Entity, "entities")):
            values = getattr(self, name)
            check_type(name, values, Iterable, f"a list of {wanted}")
            values = tuple(values)
            for number, value in enumerate(values):
                if not isinstance(value, kind):
                    raise ConfigError(f"{name}[{number}]: expected a ner.{kind.__name__}, found {shown(value)}")
            object.__setattr__(self, name, values)
        for entity in self.entities:
            start, end = entity.start, entity.end
            if not 0 <= start <= end <= len(self.text) or self.text[start:end] != entity.text:
                raise DataError(
                    f"{self.name}: expected {entity.label} {entity.text!r} at characters {start} to {end} of the text, "
                    f"found {self.text[max(start, 0) : max(end, 0)]!r}; "
                    "ranges are half-open and count the characters of a Python string"
                )
        behind = 0
        for sentence in self.sentences:
            for word, start in zip(sentence.spelled, sentence.starts, strict=True):
                if start < behind or not self.text.startswith(word, start):
                    where = f"{sentence.source}: " if sentence.source else ""
                    raise DataError(
                        f"{self.name}: {where}expected the token {word!r} at character {start} of the text, behind the "
                        f"token before it, found {self.text[start : start + len(word)]!r}; document_from_sentences "
                        "makes a text of the tokens"
                    )
                behind = start + len(word)

    def __repr__(self) -> str:
        """One line: the text, as far as it fits, and the entities.

        >>> Document("Anna left.", entities=(Entity("PER", "Anna", 0, 4),))
        Document('Anna left.': PER Anna)
        """
        told = ", ".join(f"{entity.label} {entity.text}" for entity in self.entities) or "no entities"
        named = "" if self.id is None else f"{self.id!r}, "
        return f"Document({named}{shortened(self.text)!r}: {shortened(told)})"

    def _repr_html_(self) -> str:
        """What a notebook shows: the text with its entities marked."""
        return render(self.text, self.entities)

    @property
    def name(self) -> str:
        """What messages call it."""
        if self.source:
            return self.source
        return "document" if self.id is None else f"document {self.id!r}"

    @property
    def is_marked(self) -> bool:
        """Whether a mark stood before it in its file."""
        return bool(self.sentences) and self.sentences[0].opens_document

    def tagged_sentences(self) -> list[Sentence]:
        """Its sentences with tags, the first and no other marked as opening a document.

        Where a sentence has no tags, the entities are laid over all of them: what is in none is outside.

        Raises:
            DataError: a sentence has no tags, and an entity isn't one of whole tokens; `ner.text.alignment.align` can
                make it fit.
        """
        sentences: Sequence[Sentence] = self.sentences or split_sentences(self.text)
        if any(sentence.tags is None for sentence in sentences):
            sentences = align(self.entities, sentences, text=self.text, overlaps="error", name=self.name).sentences
        return mark_first(sentences)


def mark_first(sentences: Iterable[Sentence]) -> list[Sentence]:
    """The same sentences, the first and no other marked as opening a document."""
    return [
        sentence if sentence.opens_document == (not index) else replace(sentence, opens_document=not index)
        for index, sentence in enumerate(sentences)
    ]


def document_from_text(
    text: str,
    entities: Iterable[Entity] = (),
    *,
    mode: Cut = "words",
    misaligned: Misaligned = "error",
    overlaps: Overlaps = "error",
    id: str | None = None,
) -> Document:
    """The document of a text and its entities: sentences cut and tagged, the entities as they are given.

    Args:
        text: any string.
        entities: in any order, of ranges in the text.
        mode: how it is cut into tokens, as in `split_sentences`.
        misaligned: what happens to an entity that isn't one of whole tokens, as in `align`.
        overlaps: which of two entities with a character in common the tags have, as in `align`.
        id: names the document.

    Raises:
        DataError: an entity isn't in the text as it says, or doesn't fit, where that is an error.
        ConfigError: as `align`.

    >>> document_from_text("Angela Merkel left.", [Entity("PER", "Angela Merkel", 0, 13)]).sentences[0].tags
    ('B-PER', 'I-PER', 'O', 'O')
    """
    document = Document(text, entities=tuple(entities), id=id)
    aligned = align(
        document.entities,
        split_sentences(text, mode=mode),
        text=text,
        misaligned=misaligned,
        overlaps=overlaps,
        name=document.name,
    )
    return replace(document, sentences=aligned.sentences)


def document_from_sentences(sentences: Iterable[Sentence], *, id: str | None = None, source: str = "") -> Document:
    """The document of sentences that have no text, as in column files: words joined by spaces, sentences by newlines.

    Args:
        sentences: their entities are those of their tags; without tags a sentence has none.
        id: names the document.
        source: `file:line` of it.

    Raises:
        DataError: a sentence with unknown tags, which a document can't hold.

    >>> document_from_sentences([Sentence(spelled=("Rome", "!"), starts=(0, 5), tags=("B-LOC", "O"))]).entities
    (Entity(label='LOC', text='Rome', start=0, end=4, score=None),)
    """
    made: list[Sentence] = []
    begin = 0
    lines = []
    for sentence in sentences:
        line = " ".join(sentence.spelled)
        starts = tuple(accumulate((len(word) + 1 for word in sentence.spelled[:-1]), initial=begin))
        made.append(_moved(sentence, starts if sentence.spelled else ()))
        begin += len(line) + 1
        lines.append(line)
    text = "\n".join(lines)
    tagged = (sentence for sentence in made if sentence.tags is not None)
    return Document(text, tuple(made), entities_of(text, tagged), id, source=source)


def _moved(sentence: Sentence, starts: tuple[int, ...]) -> Sentence:
    """The same sentence with its tokens at other places."""
    known = (sentence.opens_document, sentence.source)
    spans = None if sentence.tags is None else sentence.spans
    return Sentence(None, sentence.tags, *known, spelled=sentence.spelled, starts=starts, spans=spans)
