"""Lines of a column file become rows: the only module that knows what such lines do in the wild.

`-DOCSTART-` lines of any spelling with anything behind them, separators made of one TAB, comments and tokens that look
like them, a line that names the columns, sentences told by a column, rows without a word, CRLF and CR CR LF, ragged
columns, words that are themselves exotic spaces. Only the declared separator splits.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, starmap

from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.format import Losses
from ner.formats.headers import Header, read_header
from ner.formats.rows import BLANKS, Row, is_document_mark, read_tag, short, split_cells
from ner.text.spelling import tag_reader

SKIPPED = "rows without a word: left out"
TOKENS = "lines that open as comments do, with a tag and as many columns as the others: read as tokens"
COMMENTS = "lines that open as comments do, with a tag but not as many columns as the others: read as comments"
_END_OF_SENTENCE = "EndOfSentence"
# What else stands in a column of flags (HIPE 2020 and 2022).
_FLAGS = re.compile(r"_|(.*\|)?(EndOfSentence|EndOfLine|NoSpaceAfter|SpaceAfter|PySBDSegment|LED[\d.]*)(\|.*)?")


def read_rows(
    lines: Iterable[str], where: str, data: DataConfig, *, tagged: bool, losses: Losses | None = None
) -> Iterator[Row]:
    """Each line of a column file as a `Row`; nothing is left out, so the file can be written again.

    Args:
        lines: with or without their line ends (LF, CRLF).
        where: opens every message.
        data: describes the columns.
        tagged: whether the tag column must be there.
        losses: is told which rows are left out, and which lines may be read otherwise than they are meant.

    Raises:
        DataError: too few columns, an empty word, a tag that is none or another scheme's.
    """
    return chain.from_iterable(_parts(lines, RowReader(where, data, losses or Losses(), tagged=tagged)))


def _parts(lines: Iterable[str], reader: "RowReader") -> Iterator[Iterable[Row]]:
    numbered = enumerate(lines, start=1)
    for number, line in numbered:
        yield reader(number, line)
        if reader.is_plain:
            # From here on a line is a row, and nothing hangs on the lines before: one call a line.
            yield starmap(reader.read, numbered)
            return
    yield reader.finish()


class RowReader:
    """What makes rows of a line's number and the line, for the lines of a file one after another.

    Before the first row of columns it is not known how many columns there are, so lines that open as comments do wait
    for it, and what stands behind them too.
    """

    def __init__(self, where: str, data: DataConfig, losses: Losses, *, tagged: bool) -> None:
        self._where, self._data, self._losses, self._tagged = where, data, losses, tagged
        self.read = token_reader(where, data, losses, tagged=tagged)
        self.is_plain = False
        self._waiting: list[tuple[int, str]] = []
        self._width = 0  # 0: not known yet
        self._sentence = ""  # what the sentence's column said last
        self._ended = False  # a flag said that the sentence ends
        self._has_flags: bool | None = None
        self._is_tag = tag_reader(data.scheme, data.tag_pattern, data.unknown_tag, label=data.label)

    def __call__(self, number: int, line: str) -> list[Row]:
        """The rows of this line, behind those that waited for it.

        Raises:
            DataError: as `read_rows`.
        """
        if line.startswith(self._data.comments):
            if self._width:
                return self._comment_or_token(number, line)
            self._waiting.append((number, line))
            return []
        if not self._width:
            return self._first(number, line)
        return self._with_break(self.read(number, line))

    def finish(self) -> list[Row]:
        """The rows of the lines that still wait, at the end of the file."""
        waiting, self._waiting = self._waiting, []
        return [row for number, line in waiting for row in self._comment_or_token(number, line)]

    def _first(self, number: int, line: str) -> list[Row]:
        ended = line.rstrip("\r\n")
        if not ended.strip(BLANKS):
            return self._wait_or(Row(number, ended, "blank"))
        cells = split_cells(ended, self._data.separator)
        names = ended.split("\t") if self._data.separator is None and "\t" in ended else cells  # `Sentence #`
        if header := read_header(names):
            cells = names
            self._describe(header, ended)
            row = Row(number, ended, "comment")
        else:
            row = self.read(number, line)
            if row.kind != "token":
                return self._wait_or(row)
        self._width = len(cells)
        self.is_plain = not self._data.comments and self._data.sentence_column is None
        return [*self.finish(), *self._with_break(row)]

    def _wait_or(self, row: Row) -> list[Row]:
        if not self._waiting:
            return [row]
        self._waiting.append((row.number, row.line))
        return []

    def _describe(self, header: Header, line: str) -> None:
        """Take the columns that are named so, where the settings don't say which."""
        default = DataConfig()
        data, update = self._data, dict[str, object]()
        if (data.word_column, data.tag_column) == (default.word_column, default.tag_column):
            update = {"word_column": header.word, "tag_column": header.tag}
        if data.sentence_column is None and header.sentence not in (None, *update.values()):
            update["sentence_column"] = header.sentence
        if data.separator is None and "\t" in line:
            update["separator"] = "\t"  # of cells that may be empty
        self._data = data.model_copy(update=update)
        self.read = token_reader(self._where, self._data, self._losses, tagged=self._tagged)

    def _comment_or_token(self, number: int, line: str) -> list[Row]:
        data, ended = self._data, line.rstrip("\r\n")
        if not line.startswith(data.comments):
            return [self.read(number, line)]  # it stood behind a line that waited
        cells = split_cells(ended, data.separator) if ended.strip(BLANKS) else []
        place = f"{self._where}:{number}: {short(ended)}"
        if len(cells) > 1 and -len(cells) <= data.tag_column < len(cells) and self._holds_tag(cells[data.tag_column]):
            if len(cells) == self._width:
                self._losses.add(TOKENS, place)
                return self._with_break(self.read(number, line))
            self._losses.add(COMMENTS, place)
        return [Row(number, ended, "comment")]

    def _holds_tag(self, cell: str) -> bool:
        try:
            return bool(self._is_tag(cell.strip()))
        except ValueError:
            return False

    def _with_break(self, row: Row) -> list[Row]:
        column = self._data.sentence_column
        if row.kind != "token" or column is None:
            return [row]
        cells = split_cells(row.line, self._data.separator)
        if not -len(cells) <= column < len(cells):
            raise DataError(
                f"{self._where}:{row.number}: expected a sentence in column {column} (data.sentence_column), "
                f"found {len(cells)} columns: {short(row.line)}"
            )
        cell = cells[column].strip()
        if self._has_flags is None:
            self._has_flags = bool(_FLAGS.fullmatch(cell))
        if self._has_flags:
            begins, self._ended = self._ended, _END_OF_SENTENCE in cell.split("|")
        else:
            begins = bool(cell and self._sentence and cell != self._sentence)
            self._sentence = cell or self._sentence
        return [Row(row.number, "", "break"), row] if begins else [row]


def token_reader(where: str, data: DataConfig, losses: Losses, *, tagged: bool) -> Callable[[int, str], Row]:
    """What makes a `Row` of a line's number and a line that is no comment; arguments and errors as in `read_rows`."""
    first_of_word = re.compile(data.word_pattern).match if data.word_pattern else None
    word_column, tag_column = data.word_column, data.tag_column
    columns = (word_column, tag_column) if tagged else (word_column,)
    wanted = max(column + 1 if column >= 0 else -column for column in columns)
    # Columns counted from both ends meet in a short line: in `word` alone, column 0 is column -1.
    wanted += len({column % wanted for column in columns}) < len(columns)
    separator = data.separator
    read_cell = tag_reader(data.scheme, data.tag_pattern, data.unknown_tag, label=data.label)
    known: dict[str, str] = {}  # written tags, and what they are here

    def without_word(number: int, line: str) -> Row:
        if data.empty_words == "error":
            raise DataError(
                f"{where}:{number}: expected a word in column {word_column}, found none: {short(line)}; "
                'data.empty_words = "skip" leaves such rows out'
            )
        losses.add(SKIPPED, f"{where}:{number}")
        return Row(number, line, "comment")

    def read(number: int, line: str) -> Row:
        line = line.rstrip("\r\n")  # CR CR LF is what is left of CRLF that was written as text
        if not line.strip(BLANKS):
            return Row(number, line, "blank")
        cells = split_cells(line, separator)
        # Few lines hold what all spellings of the mark share, and the look at every cell takes long.
        if ("TART" in line or "tart" in line) and is_document_mark(cells):
            return Row(number, line, "document")
        if len(cells) < wanted:
            if not separator and word_column == 0 and line[0] in BLANKS:
                return without_word(number, line)
            found = f"{wanted} columns, found {len(cells)}: {short(line)}"
            raise DataError(f"{where}:{number}: expected at least {found}")
        word = cells[word_column]
        if first_of_word and (match := first_of_word(word)):
            word = match[1]
        if not word:
            return without_word(number, line)
        if not tagged:
            return Row(number, line, "token", word)
        tag = known.get(cells[tag_column])
        if tag is None:
            cell = cells[tag_column].strip()
            tag = known[cells[tag_column]] = read_tag(cell, read_cell, f"{where}:{number}", line)
        return Row(number, line, "token", word, tag)

    return read
