"""The rows of a file with one token a line, or one sentence: what a line holds, and sentences of them."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from typing import NamedTuple

from ner.errors import DataError
from ner.text.partial import is_partial, to_iob2
from ner.text.sentence import Sentence, sentence_from_words, sentence_with_spans

DOCUMENT_START = "-DOCSTART-"
BLANKS = " \t"
TAG_HINT = "are data.tag_column and data.scheme right?"
PREFIXES_READ = 'data.tag_pattern = "{prefix}" reads the file, and data.label names its entities'
split_blanks = re.compile(r"[ \t]+").split
# `-DOCSTART-`, `--DOCSTART--`, `-docstart-`, and a number or more glued on: `-DOCSTART-1`.
_opens_with_mark = re.compile(r"-+docstart(?![a-z])", re.IGNORECASE).match
_is_mark = re.compile(r"-+docstart-*", re.IGNORECASE).fullmatch


class Row(NamedTuple):
    """One line of a column file: its number from 1, its text without the line end, and what it holds.

    `kind` is `token`, `blank`, `comment` (also a line that names the columns, or whose row is left out), `document`, or
    `break`: a sentence ends before the next token, and no line says so. `word` and `tag` are set for a token, `tag`
    only where tags were asked for.
    """

    number: int
    line: str
    kind: str
    word: str = ""
    tag: str = ""


def is_document_mark(cells: Sequence[str]) -> bool:
    """Whether a line with these cells opens a document; its other cells are filled in any way, or missing.

    >>> is_document_mark(["-DOCSTART-", "-X-", "O"]), is_document_mark(["--docstart--"]), is_document_mark(["-X-"])
    (True, True, False)
    """
    return bool(_opens_with_mark(cells[0])) or any(map(_is_mark, cells))


def split_cells(line: str, separator: str | None) -> list[str]:
    """The cells of a line that isn't blank; no separator: any run of spaces or TABs."""
    if separator:
        return line.split(separator)
    cells = line.split(" ")
    # Most files have one space between cells, and the regular expression takes as long as all the rest of a line.
    return split_blanks(line.strip(BLANKS)) if "" in cells or "\t" in line else cells


def sentences_of_rows(rows: Iterable[Row], where: str, *, tagged: bool) -> Iterator[Sentence]:
    """Sentences, cut at blank lines and at document boundaries; tags as they stand in the file."""
    words: list[str] = []
    tags: list[str] = []
    first = 0
    opens_document = False
    for row in chain(rows, [Row(0, "", "blank")]):  # the end of the file ends the last sentence
        if row.kind == "token":
            first = first or row.number
            words.append(row.word)
            tags.append(row.tag)
        elif row.kind != "comment" and words:
            known = tags if tagged else None
            yield sentence_from_words(words, known, opens_document=opens_document, source=f"{where}:{first}")
            words, tags, first, opens_document = [], [], 0, False
        opens_document |= row.kind == "document"


def as_iob2(sentence: Sentence, scheme: str) -> Sentence:
    """The same tagged sentence in IOB2, where its tags stand as in a file of this scheme."""
    if is_partial(sentence.tags or ()):
        return replace(sentence, tags=tuple(to_iob2(sentence.tags or (), scheme)))
    return sentence_with_spans(sentence, sentence.spans)


def read_tag(cell: str, read: Callable[[str], str], place: str, line: str) -> str:
    """What `read` makes of a cell of a line at this place; its ValueError becomes a DataError that says where."""
    try:
        return read(cell)
    except ValueError as error:
        raise DataError(f"{place}: {error} in {short(line)}; {TAG_HINT}") from None


def short(line: str) -> str:
    """A line for a message, its end left out where it is long."""
    return repr(line if len(line) <= 60 else line[:57] + "...")
