"""Lines of columns for tagged sentences: what is written comes back, or is refused."""

import re
from collections.abc import Callable
from typing import NoReturn

from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.rows import is_document_mark
from ner.text.partial import is_partial
from ner.text.sentence import Sentence
from ner.text.spelling import tag_writer
from ner.text.tags import OUTSIDE, spans_to_tags

TAB_HINT = '; data.separator = "\\t" parts columns at TABs alone'
_MOST_KEPT = 100_000  # words that are known to fit; with more, memory would grow with the file
# What would not come back: line ends part words, a NUL is refused, a half surrogate has no UTF-8; without a separator
# of the file's own, blanks part words too.
_UNWRITABLE = re.compile(r"[\r\n\0\ud800-\udfff]").search
_UNWRITABLE_OR_BLANK = re.compile(r"[ \t\r\n\0\ud800-\udfff]").search


def line_writer(data: DataConfig, *, parts_at_blanks: bool = False) -> Callable[[Sentence], list[str]]:
    """What makes lines, without ends, of a tagged sentence: `data`'s separator, scheme (`auto`: IOB2) and tag pattern.

    A word or label may hold a blank where the separator is another, unless blanks part the lines (`parts_at_blanks`);
    there the last separator parts word and tag, so that a word may hold some.

    It raises DataError, without saying where, for a sentence without tags, or a word or label that would not come back.
    """
    scheme = "iob2" if data.scheme == "auto" else data.scheme
    spell = tag_writer(scheme, data.tag_pattern, label=data.label)
    spelled: dict[str, str] = {OUTSIDE: OUTSIDE}
    fitting: set[str] = set()  # most words come again
    separator = data.separator or " "
    unwritable = _UNWRITABLE if data.separator and not parts_at_blanks else _UNWRITABLE_OR_BLANK

    def write(sentence: Sentence) -> list[str]:
        if sentence.tags is None:
            raise DataError(f"expected tagged sentences, found one without tags: {sentence.words[:5]}")
        if is_partial(sentence.tags) and scheme != "iob2":
            raise DataError(f"expected scheme iob2 for partly known tags, found {scheme}")
        tags = (
            sentence.tags if is_partial(sentence.tags) else spans_to_tags(sentence.spans, len(sentence.spelled), scheme)
        )
        for tag in tags:
            if tag in spelled:
                continue
            try:
                cell = spell(tag)
            except ValueError as error:
                raise DataError(str(error)) from None
            check(cell)
            if separator in cell:
                refuse(cell)
            if cell != cell.strip():
                raise DataError(f"expected a tag without blanks around it, found {cell!r}")
            spelled[tag] = cell
        words, cells = sentence.spelled, [spelled[tag] for tag in tags]
        if not fitting.issuperset(words):
            for word in words:
                if word not in fitting:
                    check(word)
                    if separator in word and not parts_at_blanks:
                        refuse(word)
            if len(fitting) < _MOST_KEPT:
                fitting.update(words)
        return [f"{word}{separator}{cell}" for word, cell in zip(words, cells, strict=True)]

    def check(cell: str) -> None:
        if not cell or unwritable(cell) or (cell[0] == "-" and is_document_mark([cell])):
            refuse(cell)

    def refuse(cell: str) -> NoReturn:
        # Another separator is the way out where a blank alone doesn't fit.
        fits = not parts_at_blanks and not data.separator and not unwritable(cell.replace(" ", "_"))
        told = TAB_HINT if fits and cell.strip() else ""
        raise DataError(f"expected a word or tag that fits in a column, found {cell!r}{told}")

    return write
