"""Spans of many tag sequences at once, given by the ids of BIOES tags: what `tags_to_spans` reads, in NumPy."""

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ner.features.feature import Numbers
from ner.text.span import Span
from ner.text.tags import split_tag

_ROLES = ("O", "B", "I", "E", "S")
_OUTSIDE, _FIRST, _INSIDE, _LAST, _SINGLE = range(5)


class SpansOfSequences(NamedTuple):
    """The spans of each sequence, and whether each could be written back as the tags that it was read from."""

    spans: list[list[Span]]
    legal: bool


class _Tags(NamedTuple):
    """What each of K tags says."""

    roles: Numbers  # (K,): an index into `_ROLES`
    labels: Numbers  # (K,): an index into `names`; of O, one that no other tag has
    names: list[str]


def read_spans(sequences: Sequence[Sequence[int]], tags: Sequence[str]) -> SpansOfSequences:
    """The spans of tag sequences as conlleval reads them.

    Args:
        sequences: ids of tags, of any lengths.
        tags: the BIOES tag of each id.
    """
    table = _table(tuple(tags))
    lengths = np.array([len(sequence) for sequence in sequences], dtype=np.int64)
    ids = np.fromiter(chain.from_iterable(sequences), np.int64, int(lengths.sum()))  # (N,), all behind one another
    roles, labels = table.roles[ids], table.labels[ids]
    begins_sequence = np.zeros(len(ids) + 1, np.bool_)
    starts = np.cumsum(lengths) - lengths
    begins_sequence[starts] = True  # an empty sequence begins where the next does
    begins_sequence[-1] = True
    # Between two tokens an entity is cut where the sequence or the label changes, one closes, or another opens.
    closes, opens = np.isin(roles, (_LAST, _SINGLE)), np.isin(roles, (_FIRST, _SINGLE))
    cut = begins_sequence.copy()
    cut[1:-1] |= (labels[1:] != labels[:-1]) | closes[:-1] | opens[1:]
    inside = roles != _OUTSIDE
    first, last = inside & cut[:-1], inside & cut[1:]
    begins, ends = np.flatnonzero(first), np.flatnonzero(last) + 1
    rows = np.searchsorted(starts, begins, side="right") - 1
    spans: list[list[Span]] = [[] for _ in sequences]
    found = (rows, table.labels[ids[begins]], begins - starts[rows], ends - starts[rows])
    for row, label, start, end in zip(*(part.tolist() for part in found), strict=True):
        spans[row].append(Span(table.names[label], start, end))
    wanted = np.select([~inside, first & last, first, last], [_OUTSIDE, _SINGLE, _FIRST, _LAST], _INSIDE)
    return SpansOfSequences(spans, bool((roles == wanted).all()))


@lru_cache(maxsize=64)  # those of the models that this process reads
def _table(tags: tuple[str, ...]) -> _Tags:
    parts = [split_tag(tag) for tag in tags]
    names = sorted({label for _, label in parts})
    numbers = {name: number for number, name in enumerate(names)}
    roles: npt.NDArray[np.int64] = np.array([_ROLES.index(prefix) for prefix, _ in parts], dtype=np.int64)
    return _Tags(roles, np.array([numbers[label] for _, label in parts], dtype=np.int64), names)
