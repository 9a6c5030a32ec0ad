"""What a trained network makes of distinct words, kept for when they come again."""

from collections.abc import Sequence
from threading import Lock
from typing import Any
from weakref import WeakSet

import numpy as np

from ner.features.batches import KnownWords, encode_words
from ner.features.feature import Arrays
from ner.features.vocabulary import Vocabularies
from ner.inference.backend import Backend, Floats
from ner.threads import after_fork

# Words that a cache holds at most: 26 MB at 130 numbers a word. Running text repeats itself, so few are ever missing.
_MOST = 50_000
# Their characters at most, beyond what one call asks for: a stream of endless words must not fill the memory.
_MOST_CHARACTERS = 2_000_000
# New words whose characters are encoded together; so many at once as there are threads.
TOGETHER = 256


class WordCache:
    """What a network makes of the words that it met, as long as its weights stay what they are.

    Several threads may use one, and so may forked processes. Which words were new together can change the last digit of
    an encoding, as it does with the sentences of a batch.
    """

    def __init__(self, backend: Backend, vocabularies: Vocabularies) -> None:
        self._backend = backend
        self._features = vocabularies.features
        self.start()
        _CACHES.add(self)

    def start(self) -> None:
        """Knows nothing, and nobody waits for it."""
        self._lock = Lock()
        self._forget()

    def _forget(self) -> None:
        self._rows: dict[str, int] = {}
        self._characters = 0  # of the words in `_rows`
        # The first rows are those of `_rows`, behind them is room.
        self._arrays: Arrays = {}
        self._encodings: Floats | None = None

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
            assert self._encodings is not None  # of no words, nobody asks
            # Copies, for another thread may fill the table anew.
            arrays = {name: array[rows] for name, array in self._arrays.items()}
            found = KnownWords(arrays, self._encodings[rows], self._backend.of_words)
            if len(self._rows) > _MOST or self._characters > _MOST_CHARACTERS:
                self._forget()
            return found

    def _add(self, words: list[str]) -> None:
        # Short words with short ones: the longest decides how wide the spellings of all are. They come last, lest one
        # thread be at long ones when the others have nothing left.
        words = sorted(words, key=len, reverse=True)
        needed = len(self._rows) + len(words)
        chunks = [words[start : start + TOGETHER] for start in range(0, len(words), TOGETHER)]
        for some, (arrays, encodings) in zip(chunks, self._backend.side_by_side(self._encode, chunks), strict=True):
            # What a feature says of a word in one id is kept too; spellings are in the encodings.
            arrays = {name: array for name, array in arrays.items() if array.ndim == 1}
            used = len(self._rows)
            end = used + len(some)
            if self._encodings is None or needed > len(self._encodings):
                room = max(min(2 * needed, _MOST), needed)
                self._encodings = _with_room(self._encodings, used, room, like=encodings)
                self._arrays = {
                    name: _with_room(self._arrays.get(name), used, room, like=array) for name, array in arrays.items()
                }
            self._encodings[used:end] = encodings
            for name, array in arrays.items():
                self._arrays[name][used:end] = array
            self._rows.update(zip(some, range(used, end), strict=True))
        self._characters += sum(map(len, words))

    def _encode(self, words: Sequence[str]) -> tuple[Arrays, Floats]:
        arrays = encode_words(self._features, words)
        return arrays, self._backend.encode_words(arrays)


_CACHES: WeakSet[WordCache] = WeakSet()


def _start_all() -> None:
    for cache in list(_CACHES):
        cache.start()


# A lock that another thread held in that moment is never released in the child.
after_fork(_start_all)


def _with_room(
    known: np.ndarray[Any, Any] | None, used: int, room: int, *, like: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """A table of so many rows, the first `used` those of `known`."""
    grown = np.zeros((room, *like.shape[1:]), dtype=like.dtype)
    if known is not None:
        grown[:used] = known[:used]
    return grown
