"""Which words a pretrained encoder reads together: windows over a document, each word kept from one of them.

A document that fits is read whole. A longer one is cut at ends of sentences into parts of three quarters of what the
encoder reads at once, and each part is read with the words around it; a sentence that is longer than such a part is cut
between words. So every sentence has neighbours on both sides, no word is left out, and words are read 1.3 times at
most.
"""

from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

_MARGIN = 8  # one part in so many of a window is there for the words before it, and as much for those behind it


class Window(NamedTuple):
    """Words `start` to `end` are read, those of `first` to `last` are kept (both half-open)."""

    start: int
    end: int
    first: int
    last: int


def most_pieces(room: int) -> int:
    """Pieces of a single word that are read, at most: as many as a part of a window that is kept."""
    return max(room - 2 * (room // _MARGIN), 1)


def windows_of(sizes: Sequence[int], ends: Sequence[int], room: int) -> Iterator[Window]:
    """The windows of a document, in order; what they keep covers it once.

    Args:
        sizes: pieces of each word, at most `most_pieces(room)`.
        ends: behind which words its sentences end, ascending; the last is their number.
        room: pieces of a window, at most.

    >>> list(windows_of([1, 2, 1], [2, 3], room=8))
    [Window(start=0, end=3, first=0, last=3)]
    >>> list(windows_of([1] * 14, [5, 10, 14], room=8))[1]
    Window(start=4, end=12, first=5, last=10)
    """
    before = [0, *accumulate(sizes)]  # pieces before each word
    count, kept, margin = len(sizes), most_pieces(room), room // _MARGIN
    if before[-1] <= room:
        if count:
            yield Window(0, count, 0, count)
        return
    first, next_end = 0, 0
    while first < count:
        last = first
        while next_end < len(ends) and before[ends[next_end]] - before[first] <= kept:
            last = ends[next_end]
            next_end += 1
        if last == first:  # a sentence that doesn't fit
            last += 1
            while last < count and before[last + 1] - before[first] <= kept:
                last += 1
        start, end = first, last
        for most_left in (margin, room):  # a margin on the left, all there is room for on the right, the rest left
            while start and before[last] - before[start - 1] <= room and before[first] - before[start - 1] <= most_left:
                if before[end] - before[start - 1] > room:
                    break
                start -= 1
            while end < count and before[end + 1] - before[start] <= room:
                end += 1
        yield Window(start, end, first, last)
        first = last
