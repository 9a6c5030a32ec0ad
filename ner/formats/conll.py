"""Column files as a format: documents of their sentences, and back.

Its texts are made: words with single spaces between, a line for each sentence.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.column_writer import line_writer
from ner.formats.columns import read_tagged
from ner.formats.format import Format, Losses, Sample
from ner.formats.row_reader import RowReader
from ner.formats.rows import DOCUMENT_START
from ner.formats.sentences import tagged_of, tell_what_tags_lose
from ner.formats.streams import stream_columns
from ner.text.document import Document, document_from_sentences
from ner.text.sentence import Sentence
from ner.text.tags import OUTSIDE

_TAG = re.compile(r"O|[BIESLUM][-_]\S+")  # as most files spell them


def looks_like_columns(sample: Sample) -> bool:
    """Whether a file that is taken for text surely is a word and its tag a line.

    Most lines then end in a cell that is a tag, and some are blank or another tag than `O`.
    """
    rows = [line.split() for line in sample.lines if line.strip() and not line.startswith(("#", DOCUMENT_START))]
    tags = [cells[-1] for cells in rows if len(cells) > 1 and _TAG.fullmatch(cells[-1])]
    return len(tags) >= 3 and len(tags) > 0.9 * len(rows) and any(tag != OUTSIDE for tag in tags)


def read(path: Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """A document for each that the file marks; where it marks none, one for each sentence."""
    return documents_of(stream_columns(path, data, losses))


def documents_of(sentences: Iterable[Sentence]) -> Iterator[Document]:
    """Documents of the sentences of a file: those that it marks, or each sentence by itself where it marks none."""
    waiting: list[Sentence] = []
    marked = False
    for sentence in sentences:
        if waiting and (sentence.opens_document or not marked):
            yield _document(waiting)
            waiting = []
        marked |= sentence.opens_document
        waiting.append(sentence)
    if waiting:
        yield _document(waiting)


def _document(sentences: list[Sentence]) -> Document:
    return document_from_sentences(sentences, source=sentences[0].source)


def write(documents: Iterable[Document], data: DataConfig, losses: Losses) -> Iterator[str]:
    """Words and tags, a space between them, a blank line behind each sentence, a `-DOCSTART-` before each document.

    Documents of one sentence are written without a mark until there is one that has more, or a marked one.
    """
    lines = line_writer(data)
    mark = f"{DOCUMENT_START}{data.separator or ' '}{OUTSIDE}\n\n"
    marked = False
    first = True
    for document in documents:
        sentences = tagged_of(document, data, losses)
        tell_what_tags_lose(document, sentences, losses)
        if not sentences:
            losses.add("documents without a token: left out", document.name)
            continue
        marked |= len(sentences) > 1 or document.is_marked
        piece = mark if marked else ""
        try:
            piece += "".join("\n".join(lines(sentence)) + "\n\n" for sentence in sentences)
        except DataError as error:
            raise DataError(f"{document.name}: {error}") from None
        # A reader takes a first U+FEFF for a byte-order mark, so a word that opens with one gets it twice.
        yield ("\ufeff" if first and piece.startswith("\ufeff") else "") + piece
        first = False


FORMAT = Format(
    about="one token a line in columns, a blank line between sentences (CoNLL-2002, -2003 and their kin)",
    suffixes=(".conll", ".bio", ".iob", ".iob2", ".tsv"),
    settings=(
        "word_column",
        "tag_column",
        "separator",
        "scheme",
        "tag_pattern",
        "label",
        "unknown_tag",
        "sentence_column",
        "comment",
        "empty_words",
        "encoding",
        "word_pattern",
        "document_sentences",
    ),
    read=read,
    write=write,
    read_sentences=read_tagged,
    line_reader=lambda where, data, losses: RowReader(where, data, losses, tagged=True),
)
