"""Many words in few arrays: found in, and read from, a file that is mapped into memory, without an object for each.

The UTF-8 of all words stands side by side in ascending order. The first 8 bytes of a word are a number, and a binary
search among these numbers is the search for a whole batch of words at once; nine English words in ten differ there from
all others, and among those that don't the search goes on byte by byte. No hash is involved, so that no word is ever
taken for another.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Numbers = npt.NDArray[np.int64]

_KEY = 8  # bytes of a word that are compared as one number
# Of a number of 8 bytes what is left of the first 0, 1 … 8: what stands behind a shorter word is the next one.
_MASKS = np.array([(2**64 - 1) ^ (2 ** (64 - 8 * count) - 1) for count in range(_KEY + 1)], dtype=np.uint64)
# Words that begin alike are compared so many numbers deep, all at once; those that go on alike, one by one.
_DEEP = 16
_KINDS = {
    "text": ("uint8",),
    "lengths": ("uint8", "uint16", "uint32"),
    "trained": ("uint32",),
    "extra": ("uint32",),
}
_FEW = 8  # words of which each by itself is found faster than all at once
_CHUNK = 2**16  # words whose UTF-8 is checked at once


class WordTableError(ValueError):
    """Arrays that are no table of words; the message says why."""


@dataclass(frozen=True, eq=False)
class WordTable:
    """N words in ascending order of their UTF-8; `numbered` (N,) are their numbers, a permutation of 0 … N-1."""

    text: Bytes
    """The words' UTF-8 side by side, and eight bytes 0 behind it."""
    starts: Numbers
    """Where each word begins in it, and where the last ends (N + 1,)."""
    numbered: npt.NDArray[np.int32]
    keys: npt.NDArray[np.uint64]
    """The first eight bytes of each word as a number, zeros behind a shorter one (N,)."""

    def __len__(self) -> int:
        """How many words there are."""
        return len(self.keys)

    def numbers_of(self, words: Sequence[str]) -> Numbers:
        """The number of each word, -1 where it isn't here (S,)."""
        if not len(self):
            return np.full(len(words), -1, dtype=np.int64)
        # Half a surrogate pair, which a broken file may hold, is written as a character too.
        encoded = [word.encode("utf-8", errors="surrogatepass") for word in words]
        if len(encoded) < _FEW:
            return np.array([self._number_of(word) for word in encoded], dtype=np.int64)
        # NumPy cuts a longer word and fills up a shorter one with zeros.
        keys = np.array(encoded, dtype=f"S{_KEY}").view(">u8").astype(np.uint64)
        lengths = np.fromiter(map(len, encoded), dtype=np.int64, count=len(encoded))
        first = np.minimum(self.keys.searchsorted(keys), len(self) - 1)
        alike = self.keys[first] == keys
        # Of words with one key the shortest comes first, and a word within the key is nothing beyond it.
        found = alike & (lengths <= _KEY) & (self.starts[first + 1] - self.starts[first] == lengths)
        numbers = np.where(found, self.numbered[first], -1).astype(np.int64)
        rest = np.flatnonzero(alike & ~found)
        ends = self.keys.searchsorted(keys[rest], "right")
        for index, begin, end in zip(rest.tolist(), first[rest].tolist(), ends.tolist(), strict=True):
            numbers[index] = self._number_among(encoded[index], begin, end)
        return numbers

    def _number_of(self, word: bytes) -> int:
        key = np.uint64(int.from_bytes(word[:_KEY].ljust(_KEY, b"\0"), "big"))
        begin = int(self.keys.searchsorted(key))
        if begin == len(self) or self.keys[begin] != key:
            return -1
        return self._number_among(word, begin, int(self.keys.searchsorted(key, "right")))

    def _number_among(self, word: bytes, begin: int, end: int) -> int:
        """The number of a word that can only stand at these places."""
        place = begin
        if end - begin > 1:
            place = min(bisect_left(range(begin, end), word, key=self.bytes_at) + begin, end - 1)
        return int(self.numbered[place]) if self.bytes_at(place) == word else -1

    def bytes_at(self, place: int) -> bytes:
        """The UTF-8 of the word at a place of the ascending order."""
        starts = self.starts
        return self.text[starts.item(place) : starts.item(place + 1)].tobytes()


class StoredWords(Sequence[str]):
    """Words of a table that are numbered one behind the other, each made when it is read."""

    def __init__(self, table: WordTable, places: npt.NDArray[Any], first: int) -> None:
        """`places` (n,) of the ascending order are those of the words numbered from `first` on."""
        self.table = table
        self.places = places
        self.first = first

    def __len__(self) -> int:
        return len(self.places)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        """A word, or a tuple of words."""
        if isinstance(index, slice):
            return tuple(map(self._word, self.places[index].tolist()))
        return self._word(int(self.places[index]))

    def __iter__(self) -> Iterator[str]:
        return map(self._word, self.places.tolist())

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, tuple | StoredWords):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))  # as that of the tuple that it equals

    def _word(self, place: int) -> str:
        return self.table.bytes_at(place).decode("utf-8", errors="surrogatepass")


def table_behind(trained: Sequence[str], extra: Sequence[str]) -> WordTable | None:
    """The table that numbers these words, and no others, in this order; None where they are of none."""
    if not isinstance(trained, StoredWords) or not isinstance(extra, StoredWords) or trained.table is not extra.table:
        return None
    follows = (trained.first, extra.first, len(trained.table)) == (0, len(trained), len(trained) + len(extra))
    return trained.table if follows else None


def arrays_of(trained: Sequence[str], extra: Sequence[str]) -> dict[str, npt.NDArray[Any]]:
    """The arrays that `table_of` makes the same words of: `text`, `lengths` and `trained`, perhaps `extra`.

    Args:
        trained: words, each once, numbered from 0.
        extra: others, numbered behind them; in ascending order they need no array of their places.
    """
    if isinstance(trained, StoredWords) and isinstance(extra, StoredWords) and table_behind(trained, extra) is not None:
        return _arrays(trained.table, trained.places, extra.places)
    words = [word.encode("utf-8", errors="surrogatepass") for words in (trained, extra) for word in words]
    order = np.array(sorted(range(len(words)), key=words.__getitem__), dtype=np.int64)
    lengths = np.array([len(words[index]) for index in order.tolist()], dtype=np.int64)
    starts = np.concatenate(([0], np.cumsum(lengths)))
    text = np.frombuffer(b"".join([words[index] for index in order.tolist()]) + bytes(_KEY), dtype=np.uint8)
    places = np.empty_like(order)
    places[order] = np.arange(len(order))
    table = WordTable(text, starts, order.astype(np.int32), np.zeros(0, dtype=np.uint64))
    return _arrays(table, places[: len(trained)], places[len(trained) :])


def _arrays(table: WordTable, trained: npt.NDArray[Any], extra: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
    lengths = np.diff(table.starts)
    arrays: dict[str, npt.NDArray[Any]] = {
        "text": table.text,
        "lengths": lengths.astype(np.min_scalar_type(int(lengths.max(initial=0)))),
        "trained": trained.astype(np.uint32),
    }
    if (extra[1:] < extra[:-1]).any():
        arrays["extra"] = extra.astype(np.uint32)
    return arrays


def table_of(arrays: dict[str, npt.NDArray[Any]]) -> tuple[StoredWords, StoredWords]:
    """The words `trained` and `extra` of what `arrays_of` gave, all of it checked.

    Raises:
        WordTableError: an array is missing, of another kind, or not what `WordTable` says of it.
    """
    for name, kinds in _KINDS.items():
        array = arrays.get(name)
        if name == "extra" and array is None:
            continue
        if not isinstance(array, np.ndarray) or array.ndim != 1 or array.dtype.name not in kinds:
            found = f"{array.dtype} of shape {list(array.shape)}" if isinstance(array, np.ndarray) else "none"
            raise WordTableError(f"expected words.{name} to be a row of {' or '.join(kinds)}, found {found}")
    text = arrays["text"]
    starts = np.zeros(len(arrays["lengths"]) + 1, dtype=np.int64)
    np.cumsum(arrays["lengths"], dtype=np.int64, out=starts[1:])
    wanted = starts.item(-1) + _KEY
    if len(text) != wanted:
        raise WordTableError(f"expected words.text of {wanted} bytes, as words.lengths says, found {len(text)}")
    if text[-_KEY:].any():
        raise WordTableError(f"expected {_KEY} bytes 0 at the end of words.text, found others")
    numbered = _numbered(len(starts) - 1, arrays["trained"], arrays.get("extra"))
    table = WordTable(text, starts, numbered, _keys(text, starts[:-1], starts[1:]))
    _check_text(table)
    _check_order(table)
    trained, extra = arrays["trained"], arrays.get("extra")
    if extra is None:
        extra = np.flatnonzero(table.numbered >= len(trained))
    return StoredWords(table, trained, 0), StoredWords(table, extra, len(trained))


def _numbered(count: int, trained: npt.NDArray[Any], extra: npt.NDArray[Any] | None) -> npt.NDArray[np.int32]:
    """The number of each place."""
    numbered = np.full(count, -1, dtype=np.int32)
    places = trained if extra is None else np.concatenate((trained, extra))
    if places.max(initial=0) >= max(count, 1) or len(places) > count or (extra is not None and len(places) < count):
        raise WordTableError(f"expected words.trained and words.extra to be the places of {count} words, found others")
    numbered[places] = np.arange(len(places))
    missing = np.flatnonzero(numbered < 0)
    if len(missing) != count - len(places):
        raise WordTableError("expected words.trained and words.extra without repetition, found a place twice")
    numbered[missing] = np.arange(len(places), count)
    return numbered


def _keys(text: Bytes, begins: Numbers, ends: Numbers) -> npt.NDArray[np.uint64]:
    """The eight bytes from each of `begins` on as a number, those from its end on zero; all are, where it is behind."""
    # A view of the text: a number from each byte on.
    numbers: npt.NDArray[Any] = np.ndarray((len(text) - _KEY + 1,), dtype=">u8", buffer=text, strides=(1,))
    found = numbers[np.minimum(begins, len(numbers) - 1)].astype(np.uint64)
    return found & _MASKS[np.clip(ends - begins, 0, _KEY)]  # type: ignore[no-any-return]


def _check_text(table: WordTable) -> None:
    """Raise WordTableError unless each word is UTF-8."""
    starts, count = table.starts, len(table)
    for begin in range(0, count, _CHUNK):
        end = min(begin + _CHUNK, count)
        try:
            table.text[starts[begin] : starts[end]].tobytes().decode("utf-8", errors="surrogatepass")
        except UnicodeDecodeError as error:
            raise WordTableError(f"expected words.text in UTF-8, found {error.reason}") from None
    # All together are; now none may begin or end within a character.
    within = (table.text[starts[:-1]] & 0xC0 == 0x80) & (starts[1:] > starts[:-1])
    if within.any():
        raise WordTableError("expected words.text in UTF-8, found a word that begins within a character")


def _check_order(table: WordTable) -> None:
    """Raise WordTableError unless each word is greater than the one before."""
    keys, starts, lengths = table.keys, table.starts, np.diff(table.starts)
    wrong = np.flatnonzero(keys[1:] < keys[:-1])
    alike = np.flatnonzero(keys[1:] == keys[:-1])  # places of words that begin as the next does
    for depth in range(1, _DEEP + 1):
        # A word that ends here is smaller than a longer one with zeros behind.
        ended = lengths[alike] <= _KEY * depth
        wrong = np.append(wrong, alike[ended & (lengths[alike + 1] <= lengths[alike])])
        alike = alike[~ended]
        if len(wrong) or not len(alike):
            break
        begins = starts + _KEY * depth
        first, second = (_keys(table.text, begins[each], starts[each + 1]) for each in (alike, alike + 1))
        wrong = np.append(wrong, alike[(second < first) | ((second == first) & (lengths[alike + 1] <= _KEY * depth))])
        alike = alike[second == first]
    deep = (place for place in alike.tolist() if table.bytes_at(place + 1) <= table.bytes_at(place))
    place = int(wrong.min()) if len(wrong) else next(deep, None)
    if place is not None:
        words = [table.bytes_at(each).decode("utf-8", errors="surrogatepass") for each in (place, place + 1)]
        raise WordTableError(f"expected the words in ascending order, found {words[1]!r} behind {words[0]!r}")
