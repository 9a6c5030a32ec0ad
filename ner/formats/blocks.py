"""Files of blocks: a sentence is comment lines, one row for each token, and the blank lines behind them.

CoNLL-U and its kin (CoNLL-U Plus, UNER, GermEval, CoNLL-2012) are such files. A block keeps its lines as they stand, so
that what isn't changed can be written again byte for byte.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from ner.formats.rows import BLANKS


class Block(NamedTuple):
    """The lines of a sentence, with their ends; `rows` and `comments` are places among them, `number` the first's."""

    number: int
    lines: list[str]
    rows: list[int]
    comments: list[int]

    @property
    def raw(self) -> str:
        """All of it, as it stands in the file."""
        return "".join(self.lines)

    def comment(self, name: str) -> str | None:
        """The value of the first comment `# name = value`; an empty one for `# name`, None where there is none."""
        for place in self.comments:
            line = self.lines[place].rstrip("\r\n")
            key, equals, value = line[1:].partition("=")
            if key.strip() == name:
                return value.removeprefix(" ") if equals else ""
        return None


def read_blocks(
    lines: Iterable[str], *, is_comment: Callable[[str], bool] = lambda line: line.startswith("#"), end: str = ""
) -> Iterator[Block]:
    r"""The blocks of lines with their ends, one by one; comments and blank lines of no sentence go to one beside them.

    A line that starts with `end` belongs to the block before it.

    >>> [(b.number, b.raw) for b in read_blocks(["# a\n", "1\tx\n", "\n", "1\ty\n"])]
    [(1, '# a\n1\tx\n\n'), (4, '1\ty\n')]
    """
    block = Block(1, [], [], [])
    closed = False  # a blank line stood behind its rows
    for number, line in enumerate(lines, start=1):
        is_blank = not line.strip(BLANKS + "\r\n")
        if closed and not is_blank and not (end and line.startswith(end)):
            waiting = block
            block, closed = Block(number, [], [], []), False
            yield waiting
        if is_blank:
            closed = bool(block.rows)
        elif is_comment(line):
            block.comments.append(len(block.lines))
        else:
            block.rows.append(len(block.lines))
        block.lines.append(line)
    if block.lines:
        yield block


def lines_of(raw: str) -> list[str]:
    r"""The lines of a text with their ends; LF alone ends one.

    >>> lines_of("a\r\nb")
    ['a\r\n', 'b']
    """
    lines = [line + "\n" for line in raw.split("\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]
