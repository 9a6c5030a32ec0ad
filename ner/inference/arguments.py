"""What callers hand over in place of texts, words or sentences: refused by name, before it is read as something else.

A string is a sequence of strings, one a character, so that a text where a list is meant would be tagged letter by
letter; and a table's empty cell is `None` or a float.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from ner.errors import ConfigError, DataError, check_type, shown
from ner.text.document import Document
from ner.text.sentence import Sentence

Item = TypeVar("Item")


def checked_text(text: str) -> str:
    """The same text.

    Raises:
        DataError: it isn't one.
    """
    if not isinstance(text, str):
        raise DataError(f"text: expected a string, found {shown(text)}")
    return text


def checked_texts(texts: Iterable[str]) -> Iterable[str]:
    """The same texts, each checked when it is needed.

    Raises:
        ConfigError: one text in place of several.
        DataError: one isn't a string; names its position, the first is 0.
    """
    return _checked("texts", texts, str, "a string", "tag(TEXT) takes one text")


def checked_documents(documents: Iterable[Document]) -> Iterable[Document]:
    """The same documents, each checked when it is needed.

    Raises:
        ConfigError: a text in place of documents.
        DataError: one isn't a Document; names its position, the first is 0.
    """
    return _checked("documents", documents, Document, "a Document", "ner.Document(TEXT) makes a document of a text")


def checked_sentences(sentences: Sequence[Sentence]) -> Sequence[Sentence]:
    """The same sentences.

    Raises:
        ConfigError: a text in place of sentences.
        DataError: one isn't a Sentence; names its position, the first is 0.
    """
    way_out = "split(TEXT) makes sentences of a text, and tag_words(WORDS) takes words"
    for _ in _checked("sentences", sentences, Sentence, "a Sentence", way_out):
        pass
    return sentences


def checked_words(words: Sequence[str]) -> Sequence[str]:
    """The same words.

    Raises:
        ConfigError: a text in place of words.
        DataError: one isn't a string; names its position, the first is 0.
    """
    for _ in _checked("words", words, str, "a string", "tag(TEXT) takes a text"):
        pass
    return words


def check_tagged(sentences: Sequence[Sentence]) -> None:
    """Raise DataError unless all are tagged: before they are tagged in vain."""
    for sentence in checked_sentences(sentences):
        _ = sentence.spans


def _checked(name: str, items: Iterable[Item], kind: type[Item], wanted: str, way_out: str) -> Iterable[Item]:
    if isinstance(items, str | bytes):
        raise ConfigError(f"{name}: expected a list of them, found the text {shown(items)}; {way_out}")
    check_type(name, items, Iterable, "a list of them")
    return _each(name, items, kind, wanted, way_out)


def _each(name: str, items: Iterable[Item], kind: type[Item], wanted: str, way_out: str) -> Iterator[Item]:
    for position, item in enumerate(items):
        if not isinstance(item, kind):
            hint = f"; {way_out}" if isinstance(item, str) else ""
            raise DataError(f"{name}[{position}]: expected {wanted}, found {shown(item)}{hint}")
        yield item


def checked_tagged(sentences: Sequence[Sentence]) -> Sequence[Sentence]:
    """The same sentences: before they are tagged in vain.

    Raises:
        DataError: one has no tags; as `checked_sentences`.
    """
    for sentence in checked_sentences(sentences):
        _ = sentence.spans
    return sentences
