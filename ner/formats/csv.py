"""Tables with quotes, one token a row, as spreadsheets and data frames write them (Kaggle's `ner_dataset.csv`).

A row may also hold a sentence, its words and its tags as lists that a program printed into cells.

The `csv` module reads them, so nothing is made of `NA`, `null` or `None`: they are words, where pandas reads none. What
parts cells is told from the content; which columns hold what, from the first row, or else from `[data]`.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path

from ner.collector import no_search_for_cycles
from ner.data_settings import DataConfig
from ner.errors import ConfigError, DataError
from ner.formats.columns import sentences_as_written
from ner.formats.conll import documents_of
from ner.formats.format import Format, Losses, Sample
from ner.formats.headers import Header, read_header
from ner.formats.printed_lists import looks_printed, read_printed
from ner.formats.row_reader import SKIPPED
from ner.formats.rows import Row, as_iob2, is_document_mark, read_tag, short
from ner.formats.sentences import tagged_of, tell_what_tags_lose
from ner.formats.streams import stream_rows
from ner.text.document import Document
from ner.text.encoding import read_table_lines
from ner.text.sentence import Sentence
from ner.text.spelling import tag_reader, tag_writer
from ner.text.tags import OUTSIDE, spans_to_tags

_SEPARATORS = (",", ";", "\t")
_MOST_SEEN = 1_000  # rows that tell what parts cells
_TEXTS = frozenset({"text", "sentence", "sentences"})
_ANNOTATIONS = frozenset(
    {"entities", "entity", "spans", "labels", "label", "annotations", "tags", "ner", "word_labels"}
)
_NAMES = ("Document #", "Sentence #", "Word", "Tag")


def read(path: Path, data: DataConfig, losses: Losses) -> Iterator[Document]:
    """A document for each that the file marks; where it marks none, one for each sentence."""
    return documents_of(stream_rows(lambda told: _rows_of(path, data, told), path, data, losses))


def read_sentences(path: Path, data: DataConfig, losses: Losses) -> list[Sentence]:
    """The tagged sentences of a file, tags as IOB2."""
    sentences, scheme = sentences_as_written(_rows_of(path, data, losses), str(path), data)
    with no_search_for_cycles():
        return [as_iob2(sentence, scheme) for sentence in sentences]


def _rows_of(path: Path, data: DataConfig, losses: Losses) -> Iterator[Row]:
    lines = read_table_lines(path, data.encoding)
    # A CR ends a row too, as in the file that the `csv` module would open.
    parts = (part for line in lines for part in (io.StringIO(line, newline="") if "\r" in line[:-2] else (line,)))
    return read_rows(parts, str(path), data, losses)


def read_rows(lines: Iterable[str], where: str, data: DataConfig, losses: Losses) -> Iterator[Row]:
    """The rows of a table, with a break where the column of sentences says so.

    Args:
        lines: with their line ends.
        where: opens every message.
        data: describes the table.
        losses: is told which rows are left out.

    Raises:
        ConfigError: `data.separator` is more than one character.
        DataError: too few cells, an empty word, a tag that is none, quotes that don't close, texts in place of words.
    """
    rest = iter(lines)
    head = list(islice(rest, _MOST_SEEN))
    separator, blank_behind = _layout(head, where, data)
    read_cell = tag_reader(data.scheme, data.tag_pattern, data.unknown_tag, label=data.label)
    word, tag, sentence, document = data.word_column, data.tag_column, data.sentence_column, None
    last: dict[int, str] = {}  # what the columns of sentences and documents said last
    is_first = True
    for number, cells in _cells(chain(head, rest), separator, where, blank_behind=blank_behind):
        if not any(cells):
            yield Row(number, "", "blank")
            continue
        line = separator.join(cells)
        if is_document_mark(cells):
            yield Row(number, line, "document")
            continue
        if is_first:
            is_first = False
            _refuse_texts(cells, f"{where}:{number}")
            if header := read_header(cells):
                word, tag, sentence, document = _columns(header, data)
                continue
        used = [column for column in (word, tag, sentence, document) if column is not None]
        if not all(-len(cells) <= column < len(cells) for column in used):
            wanted = max(column + 1 if column >= 0 else -column for column in used)
            raise DataError(f"{where}:{number}: expected at least {wanted} cells, found {len(cells)}: {short(line)}")
        for column, kind in ((document, "document"), (sentence, "break")):
            if column is not None and (cell := cells[column].strip()) and cell != last.get(column):
                if kind == "document" or column in last:
                    yield Row(number, "", kind)
                last[column] = cell
        place, tags = f"{where}:{number}", cells[tag].strip()
        is_list = looks_printed(tags)
        for token, known in _lists(cells[word].strip(), tags, place) if is_list else ((cells[word], tags),):
            if "\n" in token or "\r" in token:
                raise DataError(
                    f"{place}: expected a word, found lines: {short(token)}; is a quote not closed? "
                    'A word of one quote is written """"'
                )
            if not token.strip(" \t"):
                if data.empty_words == "error":
                    raise DataError(
                        f"{place}: expected a word in column {word}, found none: {short(line)}; "
                        'data.empty_words = "skip" leaves such rows out'
                    )
                losses.add(SKIPPED, place)
                continue
            yield Row(number, line, "token", token, read_tag(known, read_cell, place, line))
        if is_list:
            yield Row(number, "", "break")


def _lists(words: str, tags: str, place: str) -> Iterator[tuple[str, str]]:
    """The words of a row that is a sentence, each with its tag, where a program printed lists of them into cells."""
    found = [read_printed(cell) for cell in (words, tags)]
    for cell, strings in zip((words, tags), found, strict=True):
        if strings is None:
            raise DataError(
                f"{place}: expected lists of words and of tags, such as ['Bob', 'ran'] or ['Bob' 'ran'], found "
                f"{short(cell)}; make an object a line of them, "
                '{"tokens": ["Bob", "ran"], "ner_tags": ["B-PER", "O"]}, which is format jsonl'
            )
    one, other = (strings or [] for strings in found)
    if len(one) != len(other):
        raise DataError(f"{place}: expected as many tags as words, found {len(other)} for {len(one)}")
    return zip(one, other, strict=True)


def _columns(header: Header, data: DataConfig) -> tuple[int, int, int | None, int | None]:
    """The columns of words, tags, sentences and documents: those of the settings, where they aren't the defaults."""
    word, tag, sentence, document = header
    if (data.word_column, data.tag_column) != (DataConfig().word_column, DataConfig().tag_column):
        word, tag = data.word_column, data.tag_column
    return word, tag, sentence if data.sentence_column is None else data.sentence_column, document


def _cells(lines: Iterable[str], separator: str, where: str, *, blank_behind: bool) -> Iterator[tuple[int, list[str]]]:
    """The cells of each row, and the line on which it ends."""
    rows = csv.reader(lines, delimiter=separator, skipinitialspace=blank_behind, strict=True)
    while True:
        try:
            yield rows.line_num + 1, next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            raise DataError(
                f"{where}:{rows.line_num}: expected cells whose quotes close and are doubled within: {error}"
            ) from None


def _refuse_texts(names: Sequence[str], place: str) -> None:
    """Raise DataError where the first row names a text and its entities: then a row is no token."""
    found = {name.strip().casefold() for name in names}
    if not found.isdisjoint(_TEXTS) and not found.isdisjoint(_ANNOTATIONS):
        raise DataError(
            f"{place}: expected a word and its tag in each row, found texts with their entities "
            f"({', '.join(names)[:60]}); make an object a line of them, "
            '{"text": …, "entities": [{"start": 0, "end": 3, "label": "PER"}]}, which is format jsonl'
        )


def _layout(lines: list[str], where: str, data: DataConfig) -> tuple[str, bool]:
    """What parts cells, and whether a blank stands behind it that is of no cell."""
    if data.separator is not None and len(data.separator) != 1:
        raise ConfigError(f"data.separator: expected one character for csv, found {data.separator!r}")
    head = "".join(lines)
    best, width = data.separator, 0
    for separator in () if best else _SEPARATORS:
        rows = _head_rows(head, separator)
        widths = {len(row) for row in rows}
        if len(widths) == 1 and max(widths) > width:
            best, width = separator, max(widths)
    if best is None or (width < 2 and not data.separator):
        # No layout fits all rows; the first row, which names the columns, says which is meant.
        first = head.partition("\n")[0]
        best = max(_SEPARATORS, key=first.count)
        if best not in first:
            raise DataError(f"{where}:1: expected cells parted by , ; or TAB, found {short(first)}; set data.separator")
    cells = [cell for row in _head_rows(head, best) for cell in row[1:] if cell]
    return best, bool(cells) and all(cell.startswith(" ") for cell in cells)


def _head_rows(head: str, separator: str) -> list[list[str]]:
    """The rows at a file's head that aren't blank; what the quotes of a cut one swallow is left out."""
    try:
        return [row for row in csv.reader(io.StringIO(head, newline=""), delimiter=separator) if any(row)]
    except csv.Error:
        return []


def recognizes(sample: Sample) -> bool:
    """Whether its rows, of , or ; and all of one width, are below names of columns, or end in tags.

    TABs part the columns of `conll` too: such a file is `csv` where that is said.
    """
    lines = sample.lines
    head = "\n".join(lines[:_MOST_SEEN])
    is_cut = not sample.is_whole or len(lines) > _MOST_SEEN
    for separator in _SEPARATORS[:2]:
        rows = _head_rows(head, separator)
        if is_cut and len(rows) > 2:
            del rows[-1]  # its cells may go on
        if len(rows) < 2 or len(rows[0]) < 2:
            continue
        names = {name.strip().casefold() for name in rows[0]}
        if not names.isdisjoint(_TEXTS) and not names.isdisjoint(_ANNOTATIONS):
            return True
        if len({len(row) for row in rows}) > 1:
            continue
        if read_header(rows[0]):
            return True
        tags = {row[-1].strip() for row in rows}
        if tags != {OUTSIDE} and all(map(_is_tag, tags)):
            return True
    return False


def _is_tag(cell: str) -> bool:
    try:
        return bool(tag_reader("auto")(cell))
    except ValueError:
        return False


def write(documents: Iterable[Document], data: DataConfig, losses: Losses) -> Iterator[str]:
    """A row for each token: number of the document, where documents are marked, and of the sentence, word, tag."""
    scheme = "iob2" if data.scheme == "auto" else data.scheme
    spell = tag_writer(scheme, data.tag_pattern, label=data.label)
    buffer = io.StringIO(newline="")
    table = csv.writer(buffer, delimiter=data.separator or ",", lineterminator="\n")
    table.writerow(_NAMES)
    marked, marks, number = False, 0, 0
    for document in documents:
        sentences = tagged_of(document, data, losses)
        tell_what_tags_lose(document, sentences, losses)
        if not any(sentence.spelled for sentence in sentences):
            losses.add("documents without a token: left out", document.name)
            continue
        marked |= len(sentences) > 1 or document.is_marked
        marks += marked
        for sentence in sentences:
            number += 1
            try:
                tags = map(spell, spans_to_tags(sentence.spans, len(sentence.spelled), scheme))
                rows = list(zip(map(_checked, sentence.spelled), tags, strict=True))
            except ValueError as error:
                raise DataError(f"{document.name}: {error}") from None
            table.writerows((marks or "", number, *row) for row in rows)
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _checked(word: str) -> str:
    if "\n" in word or "\r" in word or not word.strip(" \t"):
        raise ValueError(f"expected a word that fits in a cell, found {word!r}")
    if is_document_mark([word]):
        raise ValueError(f"expected a word that isn't read as a mark of documents, found {word!r}")
    return word


FORMAT = Format(
    about="one token a row of a table with quotes and names of columns (Kaggle's, spreadsheets)",
    suffixes=(".csv",),
    settings=(
        *("word_column", "tag_column", "sentence_column", "separator", "scheme", "tag_pattern", "label", "unknown_tag"),
        *("empty_words", "encoding", "document_sentences"),
    ),
    recognizes=recognizes,
    read=read,
    write=write,
    read_sentences=read_sentences,
)
