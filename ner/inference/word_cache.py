"""What a trained network makes of distinct words, kept for when they come again."""

import os
from collections.abc import Sequence
from threading import Lock
from weakref import WeakSet

import numpy as np
import torch

from ner.features.vocabulary import Vocabularies
from ner.features.words import KnownWords, number_words
from ner.network.model import BiLSTMCRF

# Words that a cache holds at most: 26 MB at 130 numbers a word. Running text repeats itself, so few are ever missing.
_MOST = 50_000
# Their characters at most, beyond what one call asks for: a stream of endless words must not fill the memory.
_MOST_CHARACTERS = 2_000_000
# New words whose characters are encoded at once.
_TOGETHER = 1024


class WordCache:
    """What a network makes of the words that it met, as long as its weights stay what they are.

    Several threads may use one, and so may forked processes. Which words were new together can change the last digit of
    an encoding, as it does with the sentences of a batch.
    """

    def __init__(self, network: BiLSTMCRF, vocabularies: Vocabularies) -> None:
        """The network is in eval mode wherever it is asked."""
        self._network = network
        self._vocabularies = vocabularies
        self.start()
        _CACHES.add(self)

    def start(self) -> None:
        """Knows nothing, and nobody waits for it."""
        self._lock = Lock()
        self._forget()

    def _forget(self) -> None:
        self._rows: dict[str, int] = {}
        self._characters = 0  # of the words in `_rows`
        self._known: KnownWords | None = None  # its first rows are those of `_rows`, behind them is room

    @torch.inference_mode()
    def look_up(self, words: Sequence[str]) -> KnownWords:
        """These distinct words, in their order."""
        with self._lock:
            new = [word for word in words if word not in self._rows]
            if len(self._rows) + len(new) > _MOST:
                # The table is filled anew: another one would be another 26 MB.
                self._rows, self._characters, new = {}, 0, list(words)
            if new:
                self._add(new)
            rows = np.array([self._rows[word] for word in words], dtype=np.int64)
            assert self._known is not None  # of no words, nobody asks
            numbers, cases, encodings = self._known
            places = torch.from_numpy(rows).to(encodings.device)
            # Copies, for another thread may fill the table anew.
            found = KnownWords(numbers[rows], cases[rows], encodings.index_select(0, places))
            if len(self._rows) > _MOST or self._characters > _MOST_CHARACTERS:
                self._forget()
            return found

    def _add(self, words: list[str]) -> None:
        # Short words with short ones: the longest decides how wide the spellings of all are.
        words = sorted(words, key=len)
        needed = len(self._rows) + len(words)
        for start in range(0, len(words), _TOGETHER):
            some = words[start : start + _TOGETHER]
            known = self._encode(some)
            used = len(self._rows)
            if self._known is None or needed > len(self._known.words):
                self._known = _with_room(self._known, used, max(min(2 * needed, _MOST), needed), like=known)
            _put(self._known, used, known)
            self._rows.update(zip(some, range(used, used + len(some)), strict=True))
        self._characters += sum(map(len, words))

    def _encode(self, words: Sequence[str]) -> KnownWords:
        numbers = number_words(words, self._vocabularies)
        device = self._network.projection.weight.device
        tensors = (torch.from_numpy(part).to(device) for part in (numbers.words, *numbers[2:]))
        return KnownWords(numbers.words, numbers.cases, self._network.embedding.encode_words(*tensors))


_CACHES: WeakSet[WordCache] = WeakSet()


def _start_all() -> None:
    for cache in list(_CACHES):
        cache.start()


if hasattr(os, "register_at_fork"):
    # A lock that another thread held in that moment is never released in the child.
    os.register_at_fork(after_in_child=_start_all)


def _with_room(known: KnownWords | None, used: int, room: int, *, like: KnownWords) -> KnownWords:
    """Tables of so many rows, the first `used` those of `known`."""
    words, cases = np.zeros(room, dtype=np.int64), np.zeros(room, dtype=np.int64)
    grown = KnownWords(words, cases, like.encodings.new_zeros(room, like.encodings.shape[1]))
    if known is not None:
        _put(grown, 0, KnownWords(known.words[:used], known.cases[:used], known.encodings[:used]))
    return grown


def _put(known: KnownWords, start: int, part: KnownWords) -> None:
    end = start + len(part.words)
    known.words[start:end], known.cases[start:end], known.encodings[start:end] = part
