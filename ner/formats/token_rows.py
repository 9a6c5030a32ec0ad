"""What the rows of a block say, for CoNLL-U and its kin: words, the blanks between them, tags, and which row is whose.

A token is a word with a place in the text. Where several words were written as one (CoNLL-U's `3-4`), each is a token
if their forms together are what was written (`do` + `n't`), or else all are one (`du` for `de` + `le`). Empty
nodes (`8.1`) were never written and are no tokens.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from ner.data_settings import DataConfig
from ner.errors import DataError
from ner.formats.blocks import Block
from ner.formats.format import Losses
from ner.formats.misc_column import unescaped_value, value_of
from ner.formats.rows import read_tag, short
from ner.text.span import Span
from ner.text.spelling import tag_writer
from ner.text.tags import OUTSIDE, spans_to_tags, split_tag, tags_to_spans

_MOST_KEPT = 100_000  # distinct cells of MISC whose meaning is remembered; many files have one for each row
# What would not come back: TABs and line ends part cells, a NUL is refused, a half surrogate has no UTF-8.
_UNWRITABLE = re.compile(r"[\t\r\n\0\ud800-\udfff]").search


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Which column holds what; None where a file has no such column.

    Args:
        width: how many columns a row has.
        word: the column of the words.
        tags: the columns of tags, one for each layer; the first is the one that sentences have.
        number: the column of a token's number, which may be `3-4` or `8.1`.
        misc: the column of `SpaceAfter=No` and other `key=value|key=value`.
        key: where tags stand in `misc` and not in a column, the key; empty: there are no tags.
    """

    width: int
    word: int
    tags: tuple[int, ...] = ()
    number: int | None = None
    misc: int | None = None
    key: str = ""


@dataclass(slots=True)
class Parsed:
    """A block as tokens: words, what stands behind each (None: nothing was said), spans of each layer, rows of each.

    `rows` are places among the block's rows; `before` is what stands before the first word.
    """

    words: list[str] = field(default_factory=list)
    blanks: list[str | None] = field(default_factory=list)
    spans: list[list[Span]] = field(default_factory=list)
    rows: list[tuple[int, ...]] = field(default_factory=list)
    before: str = ""


class RowReader:
    """Makes tokens of blocks; it remembers what cells mean, and so serves a whole file."""

    def __init__(self, layout: Layout, read_cell: Callable[[str], str], losses: Losses) -> None:
        self.layout, self._read_cell, self._losses = layout, read_cell, losses
        self._tags: dict[str, str] = {}
        self._miscs: dict[str, tuple[str | None, str | None]] = {}

    def parse(self, block: Block, where: str) -> Parsed:
        """The tokens of a block.

        Raises:
            DataError: a row with other columns, without a word, with a tag that is none, or out of order.
        """
        layout = self.layout
        width, word_column, number_column, misc_column = layout.width, layout.word, layout.number, layout.misc
        words: list[str] = []  # the syntactic ones
        blanks: list[str | None] = []
        rows: list[int] = []
        tags: list[list[str]] = [[] for _ in layout.tags] if not layout.key else [[]]
        wide: list[tuple[int, int, int]] = []  # of those written as one: the first, behind the last, their row
        found: Parsed = Parsed()
        for place, at in enumerate(block.rows):
            line = block.lines[at].rstrip("\r\n")
            cells = line.split("\t")
            if len(cells) != width:
                raise DataError(
                    f"{where}:{block.number + at}: expected {width} columns with TABs between, found "
                    f"{len(cells)}: {short(line)}"
                )
            if number_column is not None and not cells[number_column].isdecimal():
                if last := self._last_of_range(cells[number_column], len(words), f"{where}:{block.number + at}", line):
                    wide.append((len(words), last, place))
                elif layout.key and (self._misc(cells[misc_column or 0])[0] or OUTSIDE) != OUTSIDE:
                    self._losses.add(
                        "entities of words that were never written: left out", f"{where}:{block.number + at}"
                    )
                continue
            word = cells[word_column]
            if not word:
                raise DataError(f"{where}:{block.number + at}: expected a word in column {word_column}, found none")
            words.append(word)
            rows.append(place)
            said = self._misc(cells[misc_column]) if misc_column is not None else (None, None)
            blanks.append(said[1])
            if layout.key:
                tags[0].append(self._tag(said[0] or OUTSIDE, where, block.number + at, line))
            else:
                for column, known in zip(layout.tags, tags, strict=True):
                    known.append(self._tag(cells[column], where, block.number + at, line))
            if misc_column is not None and "SpacesBefore" in cells[misc_column] and len(words) == 1:
                found.before = unescaped_value(cells[misc_column], "SpacesBefore") or ""
        if wide:
            self._join(found, block, where, words, blanks, rows, tags, wide)
        else:
            found.words, found.blanks = words, blanks
            found.rows = [(place,) for place in rows]
            found.spans = [tags_to_spans(known) for known in tags]
        return found

    def _last_of_range(self, number: str, words: int, place: str, line: str) -> int:
        """Behind which word a row of several words ends; 0 for one of an empty node."""
        first, hyphen, last = number.partition("-")
        if hyphen and first.isdecimal() and last.isdecimal() and int(first) == words + 1 and int(last) >= int(first):
            return int(last)
        whole, dot, part = number.partition(".")
        if dot and whole.isdecimal() and part.isdecimal():
            return 0
        raise DataError(f"{place}: expected the number of a word ({words + 1}), found {number!r} in {short(line)}")

    def _misc(self, cell: str) -> tuple[str | None, str | None]:
        """The tag and the blanks behind that a cell of MISC tells."""
        said = self._miscs.get(cell)
        if said is None:
            if len(self._miscs) >= _MOST_KEPT:
                self._miscs.clear()
            after = "" if "SpaceAfter=No" in cell.split("|") else None
            if "SpacesAfter" in cell and (spaces := unescaped_value(cell, "SpacesAfter")) is not None:
                after = spaces
            said = self._miscs[cell] = (value_of(cell, self.layout.key) if self.layout.key else None, after)
        return said

    def _tag(self, cell: str, where: str, number: int, line: str) -> str:
        tag = self._tags.get(cell)
        if tag is None:
            tag = self._tags[cell] = read_tag(cell, self._read_cell, f"{where}:{number}", line)
        return tag

    def _join(
        self,
        found: Parsed,
        block: Block,
        where: str,
        words: list[str],
        blanks: list[str | None],
        rows: list[int],
        tags: list[list[str]],
        wide: list[tuple[int, int, int]],
    ) -> None:
        """Fill in the tokens of words of which some were written as one."""
        tokens: list[int] = []  # of each word, its token
        ranges = {first: (last, place) for first, last, place in wide}
        at = 0
        while at < len(words):
            last, place = ranges.get(at, (at + 1, -1))
            last = min(last, len(words))
            number = block.number + block.rows[place if place >= 0 else rows[at]]
            cells = block.lines[block.rows[place]].rstrip("\r\n").split("\t") if place >= 0 else []
            if cells:
                form, (tag, after) = cells[self.layout.word], self._misc(cells[self.layout.misc or 0])
                if self.layout.key and tag:
                    self._spread(self._tag(tag, where, number, "\t".join(cells)), tags[0], at, last)
                if at == 0:
                    found.before = unescaped_value(cells[self.layout.misc or 0], "SpacesBefore") or ""
            if not cells or "".join(words[at:last]) == form:
                for word in range(at, last):
                    tokens.append(len(found.words))
                    found.words.append(words[word])
                    found.rows.append((rows[word],))
                    found.blanks.append("" if cells else blanks[word])
            else:
                tokens += [len(found.words)] * (last - at)
                found.words.append(form)
                found.rows.append(tuple(rows[at:last]))
                found.blanks.append(None)
            if cells:
                found.blanks[-1] = after
            at = last
        for known in tags:
            spans: list[Span] = []
            for span in tags_to_spans(known):
                start, end = tokens[span.start], tokens[span.end - 1] + 1
                cuts = (span.start and tokens[span.start - 1] == start) or tokens[span.end : span.end + 1] == [end - 1]
                line = block.number + block.rows[rows[span.start]]
                if spans and spans[-1].end > start:
                    self._losses.add("entities within one written word with another: left out", f"{where}:{line}")
                    continue
                if cuts:
                    self._losses.add(
                        "entities that end within a written word: they grow to all of it", f"{where}:{line}"
                    )
                spans.append(Span(span.label, start, end))
            found.spans.append(spans)

    @staticmethod
    def _spread(tag: str, tags: list[str], first: int, last: int) -> None:
        """Give the words of a row of several its tag, where they have none of their own."""
        if tag != OUTSIDE and all(known == OUTSIDE for known in tags[first:last]):
            prefix, label = split_tag(tag)
            tags[first:last] = [f"{'B' if prefix in 'BSU' else 'I'}-{label}", *[f"I-{label}"] * (last - first - 1)]


def tags_wanted(rows: Sequence[tuple[int, ...]], spans: Iterable[Span], data: DataConfig) -> dict[int, str]:
    """For each row of a block's tokens its tag as the file spells it: the words of one token share its entity."""
    places = [place for of_token in rows for place in of_token]
    firsts = list(accumulate(map(len, rows), initial=0))
    wide = [Span(span.label, firsts[span.start], firsts[span.end]) for span in spans]
    return dict(zip(places, spelled_tags(wide, len(places), data), strict=True))


def spelled_tags(spans: Iterable[Span], length: int, data: DataConfig) -> list[str]:
    """The tags of spans in `data`'s scheme (`auto`: IOB2) and spelling.

    Raises:
        DataError: a label that would not come back.
    """
    scheme = "iob2" if data.scheme == "auto" else data.scheme
    spell = tag_writer(scheme, data.tag_pattern, label=data.label)
    try:
        return [tag if tag == OUTSIDE else spell(tag) for tag in spans_to_tags(list(spans), length, scheme)]
    except ValueError as error:
        raise DataError(str(error)) from None


def fitting(cell: str, others: str = "") -> str:
    """The same cell.

    Args:
        cell: a word or a tag.
        others: characters besides TAB and line ends that part it from others.

    Raises:
        DataError: it would not come back from between TABs.
    """
    if not cell or _UNWRITABLE(cell) or any(other in cell for other in others):
        raise DataError(f"expected a word or tag that fits in a column, found {cell!r}")
    return cell
