"""Emissions of a sentence of any length in bounded memory: windows that overlap, joined behind the encoder.

A window is read with a margin on both sides, whose emissions are thrown away: the forward states have warmed up on
what stands before, the backward states on what follows. The emissions that are kept stand side by side, and one
CRF decodes them all, so no entity and no probability knows of a window's edge.

What is exact: everything behind the emissions (tags, spans, probabilities, k-best labellings), in double precision,
since the score of a tag sequence grows with its length; a word's characters and its bigram; where a sentence begins and
ends. What is approximate: what a recurrent state would have carried across the margin. On the models measured it fades
by a factor of ten every 75 to 130 tokens (docs/reliability.md), to less than 3 in 100,000 of the emissions' spread at
the margin.
A model with `model.context = "global"` sees the summary of its window in place of the whole sentence's.
"""

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ner.features.batches import Encoded, collate
from ner.inference.backend import Backend

# Tokens that a window holds at most; a sentence up to this long is read whole. A token takes some 8 kB on its way
# through the network. The longest sentence of CoNLL-2003 has 124 tokens.
WINDOW = 10_000
# Tokens on each side whose emissions are thrown away: at 500 the worst emission was off by 0.0001 where their spread
# is 4, at 200 by 0.06, at 100 by 0.4. Reading these tokens twice costs an eighth of the time.
MARGIN = 500
# Windows begin and end at multiples of it, counted from the sentence's own ends: a clockwork cell whose periods
# divide it ticks as it would without windows.
_PHASE = 64


class Window(NamedTuple):
    """Tokens `start` to `end` are read, the emissions of `first` to `last` are kept (both half-open)."""

    start: int
    end: int
    first: int
    last: int


def windows_of(length: int) -> Iterator[Window]:
    """The windows of a sentence of at least one token, in order; what they keep covers it once.

    >>> list(windows_of(7))
    [Window(start=0, end=7, first=0, last=7)]
    """
    step = WINDOW - 2 * (MARGIN + _PHASE) if length > WINDOW else length
    for first in range(0, length, step):
        last = min(first + step, length)
        start = max(first - MARGIN, 0) // _PHASE * _PHASE
        end = length - max(length - last - MARGIN, 0) // _PHASE * _PHASE
        yield Window(start, end, first, last)


def windowed_emissions(backend: Backend, encoded: Encoded, row: int) -> npt.NDArray[np.float64]:
    """Emissions (1, T, K) of one sentence, in double precision.

    Args:
        backend: computes those of each window.
        encoded: sentences as numbers.
        row: which of them.
    """
    start = int(encoded.starts[row])
    parts = []
    for window in windows_of(int(encoded.lengths[row])):
        first_token, length = np.array([start + window.start]), np.array([window.end - window.start])
        batch = collate(replace(encoded, starts=first_token, lengths=length, tags=None), np.array([0]))
        emissions = backend.emissions(batch)
        parts.append(emissions[:, window.first - window.start : window.last - window.start].astype(np.float64))
    return np.concatenate(parts, axis=1)
