"""The sentences of a file with a tag a token, as they are needed: memory doesn't grow with the file.

Which scheme a file's tags are in shows only at its end (IOB1 and IOB2 hold the same letters), so the file is read
twice, unless `data.scheme` says it.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import chain, count
from pathlib import Path

from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.columns import advised, scheme_of
from ner.formats.format import LineReader, Losses
from ner.formats.row_reader import read_rows
from ner.formats.rows import Row, as_iob2, sentences_of_rows
from ner.text.documents import mark_documents
from ner.text.encoding import read_table_lines
from ner.text.sentence import Sentence


def stream_columns(
    path: Path, data: DataConfig, losses: Losses, line_reader: LineReader | None = None
) -> Iterator[Sentence]:
    """The tagged sentences of a file of lines described by `[data]`, tags as IOB2.

    Args:
        path: of the file.
        data: describes it.
        losses: is told what is left out, or may be meant otherwise.
        line_reader: makes rows of a line; None: a line is a row of columns.

    Raises:
        DataError: as `columns.read_conll`, before the first sentence where `data.scheme` is `auto`.
    """

    def rows(told: Losses) -> Iterable[Row]:
        lines = (line.removesuffix("\n") for line in read_table_lines(path, data.encoding))
        if line_reader:
            return chain.from_iterable(map(line_reader(str(path), data, told), count(1), lines))
        return read_rows(lines, str(path), data, tagged=True, losses=told)

    try:
        yield from stream_rows(rows, path, data, losses)
    except DataError as error:
        raise advised(error, path, data, line_reader) from None


def stream_rows(
    rows: Callable[[Losses], Iterable[Row]], path: Path, data: DataConfig, losses: Losses
) -> Iterator[Sentence]:
    """The tagged sentences of the rows of a file, tags as IOB2.

    Args:
        rows: reads the file from its beginning.
        path: of the file.
        data: describes it.
        losses: is told what is left out; once, though the file may be read twice.

    Raises:
        DataError: no sentence, or tags of several schemes or with two prefixes.
    """
    scheme = data.scheme
    if scheme == "auto":
        scheme = scheme_of(sentences_of_rows(rows(Losses()), str(path), tagged=True), str(path))
    sentences = mark_documents(sentences_of_rows(rows(losses), str(path), tagged=True), data.document_sentences)
    yield from (as_iob2(sentence, scheme) for sentence in at_least_one(sentences, path))


def at_least_one(sentences: Iterable[Sentence], path: Path) -> Iterator[Sentence]:
    """The same sentences.

    Raises:
        DataError: there is none.
    """
    found = False
    for sentence in sentences:
        found = True
        yield sentence
    if not found:
        raise DataError(f"{path}: expected tagged sentences, found none; is it the right file?")
