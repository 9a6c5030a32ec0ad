"""A sentence a line, as `word:TAG word:TAG`."""

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from ner.collector import no_search_for_cycles
from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.column_writer import line_writer
from ner.formats.columns import read_as_written
from ner.formats.conll import documents_of
from ner.formats.format import Format, Losses, Sample
from ner.formats.rows import DOCUMENT_START, Row, as_iob2, is_document_mark, read_tag, split_blanks
from ner.formats.sentences import tagged_of, tell_what_tags_lose
from ner.formats.streams import stream_columns
from ner.text.document import Document
from ner.text.sentence import Sentence
from ner.text.spelling import tag_reader
from ner.text.tags import OUTSIDE, split_tag

_SEPARATOR = ":"
_MOST_SEEN = 1_000  # lines that tell the format
_MOST = 0.9  # of their tokens; the others are what is wrong with the file


def list_reader(where: str, data: DataConfig, losses: Losses) -> Callable[[int, str], list[Row]]:
    """What makes rows of a line's number and the line, where a line is a sentence, as `word:TAG word:TAG`.

    The last separator of a token parts word and tag; a blank row ends the sentence.

    Raises:
        DataError: a token without a word, a tag that is none or another scheme's.
    """
    separator = data.separator or _SEPARATOR
    read_cell = tag_reader(data.scheme, data.tag_pattern, data.unknown_tag, label=data.label)
    known: dict[str, str] = {}  # written tags, and what they are here

    def read(number: int, line: str) -> list[Row]:
        line = (line.partition(data.trailer)[0] if data.trailer else line).strip(" \t\r")
        if not line or line.startswith(data.comments):
            return []
        if is_document_mark([line]):
            return [Row(number, line, "document")]
        rows: list[Row] = []
        for token in split_blanks(line):
            word, _, cell = token.rpartition(separator)
            if not word:
                raise DataError(f"{where}:{number}: expected word{separator}TAG, found {token!r}")
            if cell not in known:
                known[cell] = read_tag(cell, read_cell, f"{where}:{number}", token)
            rows.append(Row(number, token, "token", word, known[cell]))
        return [*rows, Row(number, "", "blank")]

    return read


def read(path: Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """A document for each that the file marks; where it marks none, one for each line."""
    return documents_of(stream_columns(path, data, losses, list_reader))


def read_sentences(path: Path, data: DataConfig, losses: Losses) -> list[Sentence]:
    """The tagged sentences of a file, tags as IOB2."""
    sentences, scheme = read_as_written(path, data, list_reader, losses=losses)
    with no_search_for_cycles():
        return [as_iob2(sentence, scheme) for sentence in sentences]


def write(documents: Iterable[Document], data: DataConfig, losses: Losses) -> Iterator[str]:
    """A line for each sentence; a `-DOCSTART-` before each document that is marked or has several."""
    lines = line_writer(data.model_copy(update={"separator": data.separator or _SEPARATOR}), parts_at_blanks=True)
    marked = False
    for document in documents:
        sentences = tagged_of(document, data, losses)
        tell_what_tags_lose(document, sentences, losses)
        marked |= len(sentences) > 1 or document.is_marked
        try:
            rows = "".join(" ".join(lines(sentence)) + "\n" for sentence in sentences if sentence.spelled)
        except DataError as error:
            raise DataError(f"{document.name}: {error}") from None
        yield (f"{DOCUMENT_START}\n" if marked else "") + rows


def recognizes(sample: Sample) -> bool:
    """Whether nearly all of its first tokens are `word:TAG`, with a tag other than `O` among them."""
    lines = [line.strip(" \t") for line in sample.lines[:_MOST_SEEN]]
    tokens = [t for line in lines if line and not is_document_mark([line]) for t in split_blanks(line) if t]
    tags = [cell for word, _, cell in (token.rpartition(_SEPARATOR) for token in tokens) if word and _is_tag(cell)]
    return len(tags) > _MOST * len(tokens) and any(tag != OUTSIDE for tag in tags)


def _is_tag(cell: str) -> bool:
    try:
        split_tag(cell)
    except ValueError:
        return False
    return True


FORMAT = Format(
    about="a sentence a line, as word:TAG word:TAG",
    settings=("separator", "scheme", "tag_pattern", "label", "unknown_tag", "comment", "trailer", "encoding"),
    recognizes=recognizes,
    read=read,
    write=write,
    read_sentences=read_sentences,
    line_reader=list_reader,
)
