"""How a file that can't be read may be meant: settings and formats are tried on it, and one that reads all is advised.

An advice holds only where a training would start with it: the whole file is read, it has labels that look like some,
and words that are no index. Where nothing does, it is said what the lines hold.
"""

import shlex
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import ValidationError

from ner.errors import DataError, NerError
from ner.formats.columns import spelling_that_reads
from ner.formats.format import Losses
from ner.formats.rows import split_cells
from ner.formats.sentences import read_sentences
from ner.formats.table import name_for_reading, readable
from ner.settings import DataConfig
from ner.text.encoding import read_text
from ner.text.partial import labels_of
from ner.text.sentence import Sentence
from ner.text.spelling import PREFIX_ALONE
from ner.text.tags import OUTSIDE, PREFIXES, split_tag

_SAMPLE = 200  # lines that tell whether a column may hold tags
_MOST = 0.9  # of them
_SEPARATORS = (", ", "\t", ",", ";", "|", None)  # the last: any run of blanks
_COMMENTS = ("# ", "#")  # the first leaves a hashtag a token
_COLUMNS = (-1, *range(1, 10), 0)
_WORD_COLUMNS = (0, 1, 2, 3)
_MOST_LABELS = 100  # as many different ones are words
_LEAST_READ = 0.5  # of the lines that aren't blank; a comment's sign must not take the rest


def advise(path: str, data: DataConfig, *, unreadable: int = 0) -> str:
    """The way out for a file that can't be read as it is described, tried on the file.

    Args:
        path: of the file.
        data: describes it.
        unreadable: how many of its lines can't be read; 0 where nobody knows.
    """
    if proposal := propose(path, data):
        return proposal
    filled = _filled(_lines_of(path, data))
    if 0 < unreadable < len(filled) / 2:
        right = len(filled) - unreadable
        return f"mend them: no setting or format was found that reads them, and the other {right:,} are right"
    return f"no setting or format was found that reads it; {_described(filled[:_SAMPLE], data)}"


def propose(path: str, data: DataConfig) -> str:
    """Settings that read all of a file that can't be read as it is described; empty where none were found."""
    lines = _lines_of(path, data)
    filled = _filled(lines)
    for settings in _candidates(lines, filled[:_SAMPLE], data):
        if _reads(path, data, settings, len(filled)):
            told = " ".join(f"--set {shlex.quote(f'data.{name}={_written(v)}')}" for name, v in settings.items())
            named = "; data.label names its entities" if settings.get("tag_pattern") == PREFIX_ALONE else ""
            number = "this setting" if len(settings) == 1 else "these settings"
            return f"with {number} all of the file is read: {told}{named}"
    return ""


def _lines_of(path: str, data: DataConfig) -> list[str]:
    try:
        return read_text(path, data.encoding).split("\n")
    except DataError:
        return []


def _filled(lines: Sequence[str]) -> list[str]:
    return [line for line in lines if line.strip(" \t\r")]


def _candidates(lines: Sequence[str], sample: Sequence[str], data: DataConfig) -> Iterator[dict[str, Any]]:
    """Settings to try, those that change least first."""
    spelling = spelling_that_reads(lines, data)
    if spelling and spelling[0] == "tag_pattern":
        yield {spelling[0]: spelling[1]}
    if not data.tag_pattern:
        yield {"tag_pattern": PREFIX_ALONE}
    comments: list[dict[str, Any]] = [{}]
    if any(line.startswith("#") for line in sample):
        comments += [{"comment": sign} for sign in _COMMENTS if sign != data.comment]
    yield from comments[1:]
    if data.empty_words == "error":
        yield {"empty_words": "skip"}
    for name in readable():
        if name not in (data.format, "conll", "csv"):
            yield {"format": name}
    separators = list(dict.fromkeys((data.separator, *_SEPARATORS)))
    for comment in comments:
        rest = [line for line in sample if not (comment and line.startswith(comment["comment"]))]
        # Where a label holds a blank, blanks part it too, and leave rows of many widths.
        for separator in sorted(separators, key=lambda separator: not _is_even(rest, separator)):
            part = comment | ({} if separator == data.separator else {"separator": separator})
            cells = [split_cells(line, separator) for line in rest]
            for tag_column in _COLUMNS:
                spelled: dict[str, Any] = {}
                if not data.tag_pattern and _holds_prefixes(cells, tag_column):
                    spelled = {"tag_pattern": PREFIX_ALONE}
                elif not _holds_tags(cells, tag_column):
                    continue
                for word_column in dict.fromkeys((data.word_column, *_WORD_COLUMNS)):
                    columns = {"word_column": word_column, "tag_column": tag_column}
                    changed = {name: column for name, column in columns.items() if column != getattr(data, name)}
                    if (changed or part or spelled) and not _counts(cells, word_column):
                        yield changed | part | spelled
            if part and not spelling and (found := spelling_that_reads(lines, data.model_copy(update=part))):
                yield part | {found[0]: found[1]}
    if data.format != "csv":  # which reads most tables, also those that are columns of one setting less
        yield {"format": "csv"}
        if not data.tag_pattern:
            yield {"format": "csv", "tag_pattern": PREFIX_ALONE}
    if spelling:  # labels alone, which the last column of any table may be taken for
        yield {spelling[0]: spelling[1]}
    if data.format not in ("auto", "conll"):
        yield {"format": "auto"}


def _reads(path: str, data: DataConfig, settings: dict[str, Any], filled: int) -> bool:
    """Whether a training on the whole file would start with these settings, and learn what looks like labels."""
    try:
        described = DataConfig.model_validate(data.model_dump() | settings)
        sentences = read_sentences(path, described, Losses())
        in_lines = name_for_reading(path, described) == "conll"
    except (NerError, ValidationError):
        return False
    labels = {label for sentence in sentences for label in labels_of(sentence.tags or ())}
    if not labels or len(labels) > _MOST_LABELS or labels & PREFIXES:
        return False
    return not in_lines or (
        sum(len(sentence.spelled) for sentence in sentences) >= _LEAST_READ * filled and not _is_counted(sentences)
    )


def _is_counted(sentences: Sequence[Sentence]) -> bool:
    """Whether the words are the numbers of the tokens, or tags."""
    words = [sentence.spelled for sentence in sentences]
    as_index = (
        [str(place + first) for place in range(len(spelled))] == list(spelled) for spelled in words for first in (0, 1)
    )
    return sum(as_index) > len(words) / 2 or all(_is_tag(word) for spelled in words for word in spelled)


def _is_even(lines: Sequence[str], separator: str | None) -> bool:
    """Whether a separator parts as good as all lines into the same number of cells, two at least."""
    widths = Counter(len(split_cells(line, separator)) for line in lines)
    (width, count), *_ = widths.most_common(1) or [(0, 0)]
    return width > 1 and count >= _MOST * len(lines)


def _counts(cells: Sequence[Sequence[str]], column: int) -> bool:
    """Whether as good as all cells of a column are numbers, or tags, or aren't there: no words."""
    found = [row[column] if -len(row) <= column < len(row) else "" for row in cells]
    return sum(not cell or cell.isdecimal() or _is_tag(cell) for cell in found) > _MOST * len(found)


def _holds_tags(cells: Sequence[Sequence[str]], column: int) -> bool:
    found = [row[column] if -len(row) <= column < len(row) and len(row) > 1 else "" for row in cells]
    return any("-" in cell for cell in found) and sum(map(_is_tag, found)) >= _MOST * len(found)


def _holds_prefixes(cells: Sequence[Sequence[str]], column: int) -> bool:
    """Whether all cells of a column are prefixes without a label, or `O`, and both are there."""
    found = {row[column] if -len(row) <= column < len(row) and len(row) > 1 else "" for row in cells}
    return found > {OUTSIDE} and found <= {OUTSIDE, *PREFIXES}


def _is_tag(cell: str) -> bool:
    try:
        split_tag(cell)
    except ValueError:
        return False
    return True


def _described(sample: Sequence[str], data: DataConfig) -> str:
    """What the lines hold, where nothing reads them."""
    if not sample:
        return "it holds no text"
    widths = sorted({len(split_cells(line, data.separator)) for line in sample})
    columns = f"{widths[0]}" if len(widths) == 1 else f"{widths[0]} to {widths[-1]}"
    line = sample[0].removesuffix("\r")
    shown = repr(line if len(line) <= 60 else line[:57] + "...")
    return f"its lines hold {columns} column{'' if widths == [1] else 's'}, the first is {shown}; see `ner formats`"


def _written(value: Any) -> str:
    r"""A value as `--set` takes it: nothing unsets, and what isn't printable is escaped.

    >>> _written("\t"), _written("# "), _written(None), _written(3)
    ('"\\t"', '# ', '', '3')
    """
    if value is None:
        return ""
    return str(value) if not isinstance(value, str) or value.isprintable() else f'"{repr(value)[1:-1]}"'
