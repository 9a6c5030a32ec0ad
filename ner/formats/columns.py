"""Column files in and out: one token a line, blank lines between sentences, as in the CoNLL shared tasks.

With `rows`, the only module that knows what such files do in the wild: `-DOCSTART-` lines with anything behind them,
separators made of one TAB, comments, CRLF, byte-order marks, ragged columns, words that are themselves
exotic spaces. Only the declared separator splits, and only LF or CRLF ends a line.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import chain, count
from pathlib import Path

from ner.collector import no_search_for_cycles
from ner.config import parse_config
from ner.errors import DataError
from ner.formats.lines import list_reader
from ner.formats.rows import BLANKS, DOCUMENT_START, Row, check_tag, sentences_of_rows, short, split_cells
from ner.settings import DataConfig
from ner.text.documents import count_documents
from ner.text.encoding import read_text
from ner.text.partial import is_partial, known_runs, read_unknown, to_iob2
from ner.text.sentence import Sentence
from ner.text.tags import OUTSIDE, Scheme, convert_tags, detect_scheme

_DEFAULT = DataConfig()
# What would not come back: blanks and line ends part words, a NUL is refused, a half surrogate has no UTF-8.
_UNWRITABLE = re.compile(r"[ \t\r\n\0\ud800-\udfff]").search


def read_conll(
    path: str | Path,
    *,
    word_column: int = _DEFAULT.word_column,
    tag_column: int = _DEFAULT.tag_column,
    separator: str | None = _DEFAULT.separator,
    scheme: str = _DEFAULT.scheme,
    comment: str | None = _DEFAULT.comment,
    encoding: str = _DEFAULT.encoding,
    document_sentences: int | None = _DEFAULT.document_sentences,
) -> list[Sentence]:
    """The tagged sentences of a column file, tags as IOB2 whatever the file's scheme.

    The arguments are the settings of `[data]` with the same names.

    Raises:
        ConfigError: an argument of the wrong type or value.
        DataError: the file is missing, empty, binary, in another encoding, or a line isn't as described.
    """
    settings = {
        "word_column": word_column,
        "tag_column": tag_column,
        "separator": separator,
        "scheme": scheme,
        "comment": comment,
        "encoding": encoding,
        "document_sentences": document_sentences,
    }
    return read_tagged(path, parse_config({"data": settings}, "read_conll").data)


def read_tagged(path: str | Path, data: DataConfig) -> list[Sentence]:
    """The tagged sentences of a file described by `[data]`, tags as IOB2.

    Raises:
        DataError: as `read_conll`.
    """
    sentences, scheme = read_as_written(path, data)
    return [replace(sentence, tags=tuple(to_iob2(sentence.tags or (), scheme))) for sentence in sentences]


def read_as_written(path: str | Path, data: DataConfig) -> tuple[list[Sentence], Scheme]:
    """The tagged sentences of a file described by `[data]`, tags as they stand there, and their scheme.

    Raises:
        DataError: as `read_conll`.
    """
    # Not splitlines(): that also cuts at U+2028, U+0085 and others, which may stand in a word.
    lines = read_text(path, data.encoding).split("\n")
    if data.layout == "lines":
        rows: Iterable[Row] = chain.from_iterable(map(list_reader(str(path), data), count(1), lines))
    else:
        rows = read_rows(lines, str(path), data, tagged=True)
    with no_search_for_cycles():
        sentences = list(count_documents(sentences_of_rows(rows, str(path), tagged=True), data.document_sentences))
    if not sentences:
        raise DataError(f"{path}: expected tagged sentences, found none; is it the right file?")
    if data.scheme != "auto":
        return sentences, data.scheme
    try:
        return sentences, detect_scheme(run for sentence in sentences for run in known_runs(sentence.tags or ()))
    except ValueError as error:
        raise DataError(f"{path}: {error}; set data.scheme to learn which line is wrong") from None


def read_rows(lines: Iterable[str], where: str, data: DataConfig, *, tagged: bool) -> Iterator[Row]:
    """Each line of a column file as a `Row`; nothing is left out, so the file can be written again.

    Args:
        lines: with or without their line ends (LF, CRLF).
        where: opens every message.
        data: describes the columns.
        tagged: whether the tag column must be there.

    Raises:
        DataError: too few columns, an empty word, a tag that is none or another scheme's.
    """
    return map(row_reader(where, data, tagged=tagged), count(1), lines)


def row_reader(where: str, data: DataConfig, *, tagged: bool) -> Callable[[int, str], Row]:
    """What makes a `Row` of a line's number and the line; the arguments and errors are those of `read_rows`."""
    first_of_word = re.compile(data.word_pattern).match if data.word_pattern else None
    word_column, tag_column = data.word_column, data.tag_column
    columns = (word_column, tag_column) if tagged else (word_column,)
    wanted = max(column + 1 if column >= 0 else -column for column in columns)
    # Columns counted from both ends meet in a short line: in `word` alone, column 0 is column -1.
    wanted += len({column % wanted for column in columns}) < len(columns)
    separator, comment = data.separator, data.comment
    known: dict[str, str] = {}  # written tags, and what they are here

    def read(number: int, line: str) -> Row:
        line = line.removesuffix("\n").removesuffix("\r")
        if not line.strip(BLANKS):
            return Row(number, line, "blank")
        if comment and line.startswith(comment):
            return Row(number, line, "comment")
        cells = split_cells(line, separator)
        # Other columns of a -DOCSTART- line are filled in any way, or missing.
        if DOCUMENT_START in line and (cells[0].startswith(DOCUMENT_START) or DOCUMENT_START in cells):
            return Row(number, line, "document")
        if len(cells) < wanted:
            found = f"{wanted} columns, found {len(cells)}: {short(line)}"
            raise DataError(f"{where}:{number}: expected at least {found}")
        word = cells[word_column]
        if first_of_word and (match := first_of_word(word)):
            word = match[1]
        if not word:
            raise DataError(f"{where}:{number}: expected a word in column {word_column}, found none")
        if not tagged:
            return Row(number, line, "token", word)
        tag = known.get(cells[tag_column])
        if tag is None:
            check_tag(cells[tag_column], data, f"{where}:{number}", line)
            tag = known[cells[tag_column]] = read_unknown(cells[tag_column], data.unknown_tag)
        return Row(number, line, "token", word, tag)

    return read


def write_conll(path: str | Path, sentences: Iterable[Sentence], *, scheme: Scheme = "iob2") -> None:
    """Writes words and tags, a space between them, a blank line after each sentence.

    Documents are kept as `-DOCSTART- O`. The file appears whole or not at all.

    Raises:
        DataError: a sentence without tags, or a word or label that would not come back.
    """
    lines: list[str] = []
    for sentence in sentences:
        if sentence.tags is None:
            raise DataError(f"{path}: expected tagged sentences, found one without tags: {sentence.words[:5]}")
        if sentence.opens_document:
            lines += [f"{DOCUMENT_START} {OUTSIDE}", ""]
        if is_partial(sentence.tags) and scheme != "iob2":
            raise DataError(f"{path}: expected scheme iob2 for partly known tags, found {scheme}")
        tags = sentence.tags if is_partial(sentence.tags) else convert_tags(sentence.tags, scheme)
        for word, tag in zip(sentence.words, tags, strict=True):
            for cell in (word, tag):
                if not cell or _UNWRITABLE(cell) or cell.startswith(DOCUMENT_START):
                    raise DataError(f"{path}: expected a word or tag that fits in a column, found {cell!r}")
            lines.append(f"{word} {tag}")
        lines.append("")
    # A reader takes a first U+FEFF for a byte-order mark, so a word that opens with one gets it twice.
    mark = "\ufeff" if lines and lines[0].startswith("\ufeff") else ""
    part = Path(f"{path}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes((mark + "\n".join(lines)).encode("utf-8"))
    part.replace(path)
