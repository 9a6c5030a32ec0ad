"""Spans of many tag sequences at once, given by the ids of BIOES tags: what `tags_to_spans` reads, in NumPy."""

from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ner.crf.lengths import real_tokens
from ner.features.feature import Numbers
from ner.text.span import Span
from ner.text.tags import split_tag, tags_to_spans

_ROLES = ("O", "B", "I", "E", "S")
_OUTSIDE, _FIRST, _INSIDE, _LAST, _SINGLE = range(5)
# Tags, padding included, up to which Python reads them one by one in less time than NumPy sets out: of 25 in 6 µs.
_FEW = 128


class FoundSpans(NamedTuple):
    """N spans of some sequences, in the order in which they stand."""

    rows: Numbers  # (N,): of which sequence each is
    starts: Numbers  # (N,)
    ends: Numbers  # (N,), half-open
    labels: Numbers  # (N,): indices into `names`
    names: list[str]
    roles: Numbers  # (N, 4): ids of the tags B, I, E and S of each one's label

    def by_row(self, num_rows: int) -> list[list[Span]]:
        """The spans of each sequence."""
        spans: list[list[Span]] = [[] for _ in range(num_rows)]
        for row, span in zip(self.rows.tolist(), self.spans(), strict=True):
            spans[row].append(span)
        return spans

    def spans(self) -> Iterable[Span]:
        """One after the other."""
        names = map(self.names.__getitem__, self.labels.tolist())
        return map(Span, names, self.starts.tolist(), self.ends.tolist())


class _Tags(NamedTuple):
    """What K tags say, and what two of them say that follow one another; K stands for the edge of a sequence."""

    labels: Numbers  # (K,): indices into `names`; of O, one that no other tag has
    names: list[str]
    roles: Numbers  # (L, 4): ids of each name's tags B, I, E and S; -1 where there is none
    begins: npt.NDArray[np.bool_]  # (K + 1, K + 1): an entity begins at the second
    ends: npt.NDArray[np.bool_]  # (K + 1, K + 1): an entity ends at the first
    legal: npt.NDArray[np.bool_]  # (K + 1, K + 1): the scheme allows it


def read_rows(ids: Numbers, lengths: Numbers, tags: Sequence[str]) -> FoundSpans:
    """The spans of tag sequences as conlleval reads them.

    Args:
        ids: of tags (B, T), padded at their ends with anything.
        lengths: tokens of each sequence (B,).
        tags: the BIOES tag of each id.
    """
    num_rows, num_steps = ids.shape
    if ids.size <= _FEW:
        return _read_few([row[:length] for row, length in zip(ids.tolist(), lengths.tolist(), strict=True)], tags)
    stream = np.full(num_rows * (num_steps + 1) + 1, len(tags))
    # An edge stands before each sequence, and behind the last.
    rows = stream[1:].reshape(num_rows, num_steps + 1)[:, :-1]
    np.copyto(rows, ids, where=real_tokens(lengths, num_steps))
    return _read(stream, 1 + np.arange(num_rows) * (num_steps + 1), tags)


def read_lists(sequences: Sequence[Sequence[int]], tags: Sequence[str]) -> tuple[FoundSpans, bool]:
    """As `read_rows`, of sequences of any lengths; and whether all could be written back as the tags that they were."""
    edge = len(tags)
    stream, starts = [edge], []
    for sequence in sequences:
        starts.append(len(stream))
        stream += sequence
        stream.append(edge)
    ids = np.array(stream, dtype=np.int64)
    legal = bool(_table(tuple(tags)).legal[ids[:-1], ids[1:]].all())
    return _read(ids, np.array(starts, dtype=np.int64), tags), legal


def _read_few(sequences: Sequence[Sequence[int]], tags: Sequence[str]) -> FoundSpans:
    table = _table(tuple(tags))
    spans = [(row, span) for row, ids in enumerate(sequences) for span in tags_to_spans([tags[tag] for tag in ids])]
    found = np.array([(row, span.start, span.end, table.names.index(span.label)) for row, span in spans], np.int64)
    rows, starts, ends, labels = found.reshape(-1, 4).T
    return FoundSpans(rows, starts, ends, labels, table.names, table.roles[labels])


def _read(stream: Numbers, firsts: Numbers, tags: Sequence[str]) -> FoundSpans:
    """The spans of sequences that stand behind one another, an edge between; `firsts` are where each begins."""
    table = _table(tuple(tags))
    pairs = stream[:-1] * (len(tags) + 1) + stream[1:]
    begins, ends = (np.flatnonzero(part.reshape(-1)[pairs]) + 1 for part in (table.begins, table.ends))
    rows = np.searchsorted(firsts, begins, side="right") - 1
    labels, start = table.labels[stream[begins]], firsts[rows]
    return FoundSpans(rows, begins - start, ends - start, labels, table.names, table.roles[labels])


@lru_cache(maxsize=64)  # those of the models that this process reads
def _table(tags: tuple[str, ...]) -> _Tags:
    parts = [split_tag(tag) for tag in tags]
    names = sorted({label for _, label in parts})
    labels = np.array([names.index(label) for _, label in parts], dtype=np.int64)
    roles = np.array([*(_ROLES.index(prefix) for prefix, _ in parts), _OUTSIDE])
    inside, one = roles != _OUTSIDE, np.append(labels, -1)
    # Between two tokens an entity is cut where the sequence or the label changes, one closes, or another opens.
    closes, opens = np.isin(roles, (_LAST, _SINGLE)), np.isin(roles, (_FIRST, _SINGLE))
    same = one[:, None] == one
    cut = ~same | closes[:, None] | opens
    goes_on, continued = np.isin(roles, (_INSIDE, _LAST)), np.isin(roles, (_FIRST, _INSIDE))
    legal = (continued[:, None] == goes_on) & (same | ~goes_on)
    ids = {tag: index for index, tag in enumerate(tags)}
    own = np.array([[ids.get(f"{role}-{name}", -1) for role in "BIES"] for name in names], dtype=np.int64)
    return _Tags(labels, names, own, cut & inside, cut & inside[:, None], legal)
