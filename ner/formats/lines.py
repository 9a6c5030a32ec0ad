"""A sentence a line, as `word:TAG word:TAG`."""

from collections.abc import Callable

from ner.errors import DataError
from ner.formats.rows import DOCUMENT_START, Row, check_tag, split_blanks
from ner.settings import DataConfig
from ner.text.partial import read_unknown


def list_reader(where: str, data: DataConfig) -> Callable[[int, str], list[Row]]:
    """What makes rows of a line's number and the line, where a line is a sentence, as `word:TAG word:TAG`.

    The last separator of a token parts word and tag; a blank row ends the sentence.

    Raises:
        DataError: a token without a word, a tag that is none or another scheme's.
    """
    separator = data.separator or ":"
    known: set[str] = set()

    def read(number: int, line: str) -> list[Row]:
        line = (line.partition(data.trailer)[0] if data.trailer else line).strip(" \t\r")
        if not line or (data.comment and line.startswith(data.comment)):
            return []
        if line.startswith(DOCUMENT_START):
            return [Row(number, line, "document")]
        rows: list[Row] = []
        for token in split_blanks(line):
            word, _, tag = token.rpartition(separator)
            if not word:
                raise DataError(f"{where}:{number}: expected word{separator}TAG, found {token!r}")
            if tag not in known:
                check_tag(tag, data, f"{where}:{number}", token)
                known.add(tag)
            rows.append(Row(number, token, "token", word, read_unknown(tag, data.unknown_tag)))
        return [*rows, Row(number, "", "blank")]

    return read
