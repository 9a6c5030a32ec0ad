"""Column files in and out: one token a line, blank lines between sentences, as in the CoNLL shared tasks.

With `rows`, the only module that knows what such files do in the wild: `-DOCSTART-` lines with anything behind them,
separators made of one TAB, comments, CRLF, byte-order marks, ragged columns, words that are themselves
exotic spaces. Only the declared separator splits, and only LF or CRLF ends a line.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, count
from pathlib import Path

from ner.collector import no_search_for_cycles
from ner.config import parse_config
from ner.data_settings import DataConfig
from ner.errors import ConfigError, DataError
from ner.formats.rows import (
    BLANKS,
    DOCUMENT_START,
    TAG_HINT,
    LineReader,
    Row,
    as_iob2,
    read_tag,
    sentences_of_rows,
    short,
    split_cells,
)
from ner.schemes import SCHEMES, find_scheme
from ner.text.documents import count_documents
from ner.text.encoding import read_text
from ner.text.partial import is_partial, known_runs
from ner.text.sentence import Sentence
from ner.text.spelling import HYPHEN, tag_reader, tag_writer
from ner.text.tags import OUTSIDE, detect_scheme, spans_to_tags

_DEFAULT = DataConfig()
_JOINERS = "_:/|"  # of prefix and label, besides the hyphen, where a file isn't read and others are tried
# OntoNotes has 18 labels and Few-NERD 66, while a few pages of text have more different words; and in a sample of a
# few sentences labels come again already, words hardly.
_MOST_LABELS = 100
_COMES_AGAIN = 2
# What would not come back: blanks and line ends part words, a NUL is refused, a half surrogate has no UTF-8.
_UNWRITABLE = re.compile(r"[ \t\r\n\0\ud800-\udfff]").search


def read_conll(
    path: str | Path,
    *,
    word_column: int = _DEFAULT.word_column,
    tag_column: int = _DEFAULT.tag_column,
    separator: str | None = _DEFAULT.separator,
    scheme: str = _DEFAULT.scheme,
    tag_pattern: str | None = _DEFAULT.tag_pattern,
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
        "tag_pattern": tag_pattern,
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
    with no_search_for_cycles():
        return [as_iob2(sentence, scheme) for sentence in sentences]


def read_as_written(
    path: str | Path, data: DataConfig, line_reader: LineReader | None = None
) -> tuple[list[Sentence], str]:
    """The tagged sentences of a file described by `[data]`, tags in the file's scheme, and that scheme.

    Args:
        path: of the file.
        data: describes it.
        line_reader: makes rows of a line; None: a line is a row of columns.

    Raises:
        DataError: as `read_conll`.
    """
    # Not splitlines(): that also cuts at U+2028, U+0085 and others, which may stand in a word.
    lines = read_text(path, data.encoding).split("\n")
    try:
        return _read_lines(lines, str(path), data, line_reader)
    except DataError as error:
        message = str(error)
        if message.endswith(TAG_HINT) and (found := spelling_that_reads(lines, data, line_reader)):
            raise DataError(f'{message.removesuffix(TAG_HINT)}data.{found[0]} = "{found[1]}" reads the file') from None
        raise


def _read_lines(
    lines: Sequence[str], path: str, data: DataConfig, line_reader: LineReader | None
) -> tuple[list[Sentence], str]:
    rows: Iterable[Row] = (
        chain.from_iterable(map(line_reader(path, data), count(1), lines))
        if line_reader
        else read_rows(lines, path, data, tagged=True)
    )
    with no_search_for_cycles():
        sentences = list(count_documents(sentences_of_rows(rows, path, tagged=True), data.document_sentences))
    if not sentences:
        raise DataError(f"{path}: expected tagged sentences, found none; is it the right file?")
    if data.scheme != "auto":
        return sentences, data.scheme
    try:
        return sentences, detect_scheme(run for sentence in sentences for run in known_runs(sentence.tags or ()))
    except ValueError as error:
        raise DataError(f"{path}: {error}; set data.scheme to learn which line is wrong") from None


def spelling_that_reads(
    lines: Sequence[str], data: DataConfig, line_reader: LineReader | None = None
) -> tuple[str, str] | None:
    """A setting of `[data]` and its value with which all lines can be read that can't be without it.

    Labels alone (`scheme`: `io`) are found only where they look like labels and not like words: with `O` among
    them, few, and come again. None: no such setting was found.
    """
    patterns = [HYPHEN, *(f"{{prefix}}{joiner}{{label}}" for joiner in _JOINERS)]
    patterns += [f"{{label}}{joiner}{{prefix}}" for joiner in ("-", *_JOINERS)]
    bare = [] if data.tag_pattern else [name for name, scheme in SCHEMES.items() if scheme.is_bare]
    tried = [*(("tag_pattern", pattern) for pattern in patterns), *(("scheme", name) for name in bare)]
    for key, value in tried:
        if value == (getattr(data, key) or HYPHEN):
            continue
        try:
            sentences, scheme = _read_lines(lines, "", data.model_copy(update={key: value}), line_reader)
        except DataError:
            continue
        tags = Counter(tag for sentence in sentences for tag in sentence.tags or ())
        few = len(tags) <= _MOST_LABELS and tags[OUTSIDE] and tags.total() >= _COMES_AGAIN * len(tags)
        if few or not find_scheme(scheme).is_bare:
            return key, value
    return None


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
    read_cell = tag_reader(data.scheme, data.tag_pattern, data.unknown_tag)
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
            tag = known[cells[tag_column]] = read_tag(cells[tag_column], read_cell, f"{where}:{number}", line)
        return Row(number, line, "token", word, tag)

    return read


def write_conll(
    path: str | Path, sentences: Iterable[Sentence], *, scheme: str = "iob2", tag_pattern: str | None = None
) -> None:
    """Writes words and tags, a space between them, a blank line after each sentence.

    Documents are kept as `-DOCSTART- O`. The file appears whole or not at all.

    Args:
        path: of the file; its folder is made.
        sentences: tagged ones, tags in any scheme.
        scheme: the scheme to write; IO doesn't part entities of one label that touch.
        tag_pattern: how to join prefix and label, as the setting `data.tag_pattern`.

    Raises:
        ConfigError: no such scheme, or a pattern that is none.
        DataError: a sentence without tags, or a word or label that would not come back.
    """
    data = parse_config({"data": {"scheme": scheme, "tag_pattern": tag_pattern}}, "write_conll").data
    if data.scheme == "auto":
        raise ConfigError(f"write_conll: expected one of the schemes {', '.join(SCHEMES)}, found 'auto'")
    lines: list[str] = []
    write = line_writer(data)
    try:
        for sentence in sentences:
            if sentence.opens_document:
                lines += [f"{DOCUMENT_START} {OUTSIDE}", ""]
            lines += [*write(sentence), ""]
    except DataError as error:
        raise DataError(f"{path}: {error}") from None
    # A reader takes a first U+FEFF for a byte-order mark, so a word that opens with one gets it twice.
    mark = "\ufeff" if lines and lines[0].startswith("\ufeff") else ""
    part = Path(f"{path}.part")
    part.parent.mkdir(parents=True, exist_ok=True)
    part.write_bytes((mark + "\n".join(lines)).encode("utf-8"))
    part.replace(path)


def line_writer(data: DataConfig) -> Callable[[Sentence], list[str]]:
    """What makes lines, without ends, of a tagged sentence: `data`'s separator, scheme (`auto`: IOB2) and tag pattern.

    It raises DataError, without saying where, for a sentence without tags, or a word or label that would not come back.
    """
    scheme = "iob2" if data.scheme == "auto" else data.scheme
    spell = tag_writer(scheme, data.tag_pattern)
    spelled: dict[str, str] = {OUTSIDE: OUTSIDE}
    separator = data.separator or " "

    def write(sentence: Sentence) -> list[str]:
        if sentence.tags is None:
            raise DataError(f"expected tagged sentences, found one without tags: {sentence.words[:5]}")
        if is_partial(sentence.tags) and scheme != "iob2":
            raise DataError(f"expected scheme iob2 for partly known tags, found {scheme}")
        tags = (
            sentence.tags if is_partial(sentence.tags) else spans_to_tags(sentence.spans, len(sentence.spelled), scheme)
        )
        for tag in set(tags) - spelled.keys():
            try:
                spelled[tag] = spell(tag)
            except ValueError as error:
                raise DataError(str(error)) from None
        lines = []
        for word, tag in zip(sentence.words, tags, strict=True):
            for cell in (word, spelled[tag]):
                if not cell or _UNWRITABLE(cell) or separator in cell or cell.startswith(DOCUMENT_START):
                    raise DataError(f"expected a word or tag that fits in a column, found {cell!r}")
            lines.append(f"{word}{separator}{spelled[tag]}")
        return lines

    return write
