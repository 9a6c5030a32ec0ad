"""A sentence a line, as `word:TAG word:TAG`."""

from collections.abc import Callable

from ner.errors import DataError
from ner.formats.rows import DOCUMENT_START, Row, read_tag, split_blanks
from ner.settings import DataConfig
from ner.text.spelling import tag_reader


def list_reader(where: str, data: DataConfig) -> Callable[[int, str], list[Row]]:
    """What makes rows of a line's number and the line, where a line is a sentence, as `word:TAG word:TAG`.

    The last separator of a token parts word and tag; a blank row ends the sentence.

    Raises:
        DataError: a token without a word, a tag that is none or another scheme's.
    """
    separator = data.separator or ":"
    read_cell = tag_reader(data.scheme, data.tag_pattern, data.unknown_tag)
    known: dict[str, str] = {}  # written tags, and what they are here

    def read(number: int, line: str) -> list[Row]:
        line = (line.partition(data.trailer)[0] if data.trailer else line).strip(" \t\r")
        if not line or (data.comment and line.startswith(data.comment)):
            return []
        if line.startswith(DOCUMENT_START):
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
