"""Apache OpenNLP's training files for names: a sentence a line, `<START:person> Bob <END> ran .`

Read as `NameSampleDataStream` reads them: blanks part tokens, an empty line opens a document, a mark without a type is
of type `default`. Entities of one type that touch are kept apart. A type can't hold a colon, `>` or a blank.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from ner.collector import no_search_for_cycles
from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.conll import documents_of
from ner.formats.format import Format, Losses, Sample
from ner.formats.rows import short
from ner.formats.sentences import tagged_of, tell_what_tags_lose
from ner.formats.streams import at_least_one
from ner.text.document import Document
from ner.text.documents import mark_documents
from ner.text.encoding import read_lines
from ner.text.sentence import Sentence, sentence_from_words, sentence_with_spans
from ner.text.span import Span

_END = "<END>"
_start = re.compile(r"<START(?::([^:>\s]*))?>").fullmatch
_NO_TYPE = "default"  # what OpenNLP calls it
_has_blank = re.compile(r"\s").search
# A mark with text around it is no mark to OpenNLP either, but most likely meant as one.
_glued = re.compile(r"<START(:[^:>\s]*)?>|<END>").search


def read(path: Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """A document for each that the file marks; where it marks none, one for each sentence."""
    return documents_of(_sentences(path, data))


def read_sentences(path: Path, data: DataConfig, losses: Losses) -> list[Sentence]:
    """The tagged sentences of a file, tags as IOB2."""
    with no_search_for_cycles():
        return list(_sentences(path, data))


def _sentences(path: Path, data: DataConfig) -> Iterator[Sentence]:
    """The tagged sentences of a file, as they are needed."""
    return at_least_one(mark_documents(_as_marked(path, data), data.document_sentences), path)


def _as_marked(path: Path, data: DataConfig) -> Iterator[Sentence]:
    """Sentences; the first opens a document where a single blank line parts the first two documents.

    Two of them say that what stands before isn't one document, but sentences by themselves.
    """
    opens = _first_opens(path, data)
    for number, line in enumerate(read_lines(path, data.encoding), start=1):
        if line.strip():
            yield replace(_sentence(line, f"{path}:{number}"), opens_document=opens)
        opens = not line.strip()


def _first_opens(path: Path, data: DataConfig) -> bool:
    """Whether the first sentence opens a document."""
    blank_lines, seen = 0, False
    for line in read_lines(path, data.encoding):
        if not line.strip():
            if not seen:
                return True
            blank_lines += 1
        elif blank_lines:
            return blank_lines == 1
        seen = True
    return False


def _sentence(line: str, source: str) -> Sentence:
    words: list[str] = []
    spans: list[Span] = []
    label, begin = "", 0
    for part in line.split():
        if found := _start(part):
            if label:
                raise DataError(f"{source}: expected {_END} before the next {part}, found none: {short(line.strip())}")
            label, begin = found[1] or _NO_TYPE, len(words)
        elif part == _END:
            if not label or begin == len(words):
                raise DataError(
                    f"{source}: expected <START:type> and a word before {_END}, found none: {short(line.strip())}"
                )
            spans.append(Span(label, begin, len(words)))
            label = ""
        elif _glued(part):
            raise DataError(f"{source}: expected blanks around <START:type> and {_END}, found {short(part)}")
        else:
            words.append(part)
    if label:
        raise DataError(f"{source}: expected {_END} on the line of its <START>, found none: {short(line.strip())}")
    return sentence_with_spans(sentence_from_words(words, source=source), spans)


def recognizes(sample: Sample) -> bool:
    """Whether a line has a whole pair of its marks."""
    return any(
        _END in line.split() and any(map(_start, line.split()[: line.split().index(_END)])) for line in sample.lines
    )


def write(documents: Iterable[Document], data: DataConfig, losses: Losses) -> Iterator[str]:
    """A line for each sentence, a blank line before each document that is marked or has several.

    Raises:
        DataError: a word with a blank or one that is a mark, or a label that is no type.
    """
    marked = written = False
    for document in documents:
        sentences = tagged_of(document, data, losses)
        tell_what_tags_lose(document, sentences, losses)
        lines = [_line(sentence, document.name) for sentence in sentences if sentence.spelled]
        if not lines:
            losses.add("documents without a token: left out", document.name)
            continue
        opens = len(sentences) > 1 or document.is_marked
        # Two blank lines behind sentences that are documents by themselves.
        piece = "\n" * (2 if opens and not marked and written else marked or opens)
        marked |= opens
        written = True
        yield piece + "".join(lines)


def _line(sentence: Sentence, name: str) -> str:
    for word in sentence.spelled:
        if _has_blank(word) or _glued(word) or not word:
            raise DataError(f"{name}: expected a word without blanks and marks of OpenNLP, found {word!r}")
    parts = list(sentence.spelled)
    for span in sentence.spans:
        if not _start(f"<START:{span.label}>"):
            raise DataError(f"{name}: expected a label without colon, > and blanks for OpenNLP, found {span.label!r}")
        parts[span.start] = f"<START:{span.label}> {parts[span.start]}"
        parts[span.end - 1] += f" {_END}"
    return " ".join(parts) + "\n"


FORMAT = Format(
    about="Apache OpenNLP: a sentence a line, <START:person> Bob <END>",
    suffixes=(".opennlp",),
    settings=("encoding", "document_sentences"),
    recognizes=recognizes,
    read=read,
    write=write,
    read_sentences=read_sentences,
)
