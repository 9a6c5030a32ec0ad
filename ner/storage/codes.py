"""Product quantisation (Jégou, Douze & Schmid 2011): rows of numbers in a byte for each few of them.

A row is cut into parts of a few numbers. Among the parts at one place of all rows k-means finds 256 centroids; what is
stored is which is the nearest. Rows decoded and encoded again are the same bytes, so that a model which is loaded and
saved loses nothing a second time.
"""

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]
Halves = npt.NDArray[np.float16]
Codes = npt.NDArray[np.uint8]

MOST_CENTROIDS = 256  # as many as a byte tells apart
WIDEST_PART = 4  # numbers a code stands for, at most: what decoding takes of memory is bounded by the file's size
_SAMPLE = 32_768  # rows of which k-means learns
_ROUNDS = 12
_FEW = 512  # rows of which all parts are decoded in one step, and more of them part by part, as is faster
_TOGETHER = 4_096  # rows that are encoded or decoded at once, since they then stay in the processor's cache


def encode_rows(rows: npt.NDArray[np.floating], width: int) -> tuple[Codes, Halves]:
    """Codes (N, M) and the centroids (K, D) that they choose from, of rows (N, D) that are finite in half precision.

    Args:
        rows: at least one.
        width: numbers of a part, at most `WIDEST_PART`; the last parts may have one less.
    """
    count, dim = rows.shape
    bounds = part_bounds(dim, -(-dim // width))
    codes = np.empty((count, len(bounds) - 1), dtype=np.uint8)
    tables = []
    for part in range(len(bounds) - 1):
        # Half precision, as centroids are stored; added to 0, there is one zero.
        numbers = rows[:, bounds[part] : bounds[part + 1]].astype(np.float16) + np.float16(0)
        few = len(np.unique(_keys(numbers[: 4 * MOST_CENTROIDS]))) <= MOST_CENTROIDS
        table, codes_of_part = _distinct(numbers) if few else (numbers, np.zeros(0, dtype=np.intp))
        if len(table) > MOST_CENTROIDS:
            table, codes_of_part = _k_means(numbers, np.random.default_rng(part))
        codes[:, part] = codes_of_part
        tables.append(table)
    centroids = np.zeros((max(map(len, tables)), dim), dtype=np.float16)
    for part, table in enumerate(tables):
        centroids[: len(table), bounds[part] : bounds[part + 1]] = table
    return codes, centroids


def decode_rows(codes: Codes, centroids: Halves) -> Halves:
    """The rows (N, D) that codes (N, M), each the number of one of K centroids (K, D), stand for."""
    dim, count = centroids.shape[1], codes.shape[1]
    if len(codes) <= _FEW:
        parts, columns = _layout(dim, count)
        return centroids[codes[:, parts], columns]
    bounds = part_bounds(dim, count)
    tables = [np.ascontiguousarray(centroids[:, bounds[part] : bounds[part + 1]]) for part in range(count)]
    decoded = np.empty((len(codes), dim), dtype=np.float16)
    for start in range(0, len(codes), _TOGETHER):
        some = slice(start, start + _TOGETHER)
        for part, table in enumerate(tables):
            decoded[some, bounds[part] : bounds[part + 1]] = table.take(codes[some, part], axis=0)
    return decoded


@lru_cache(maxsize=16)
def _layout(dim: int, parts: int) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Of each number of a row the part that it is in, and its own place (D,)."""
    return np.repeat(np.arange(parts), np.diff(part_bounds(dim, parts))), np.arange(dim)


def part_bounds(dim: int, parts: int) -> list[int]:
    """Where each part of a row begins, and where the last one ends; the first are one longer where it doesn't divide.

    >>> part_bounds(10, 4)
    [0, 3, 6, 8, 10]
    """
    return [0, *np.cumsum([len(part) for part in np.array_split(np.arange(dim), parts)]).tolist()]


def _keys(numbers: Halves) -> npt.NDArray[np.uint64]:
    """Of each part a number of its own, made of its bits."""
    bits = numbers.view(np.uint16).astype(np.uint64)
    shifts = 16 * np.arange(numbers.shape[1], dtype=np.uint64)
    return (bits << shifts).sum(axis=1, dtype=np.uint64)  # type: ignore[no-any-return]


def _distinct(numbers: Halves) -> tuple[Halves, npt.NDArray[np.intp]]:
    """The distinct parts in the order of their keys, and which each is."""
    _, first, inverse = np.unique(_keys(numbers), return_index=True, return_inverse=True)
    return numbers[first], inverse.reshape(-1)


def _k_means(numbers: Halves, random: np.random.Generator) -> tuple[Halves, npt.NDArray[np.intp]]:
    """At most 256 centroids by Lloyd's algorithm, in the order of their keys, and which is the nearest to each part."""
    sample = numbers[np.sort(random.permutation(len(numbers))[:_SAMPLE])].astype(np.float32)
    centroids = sample[random.choice(len(sample), MOST_CENTROIDS, replace=False)]
    for _ in range(_ROUNDS):
        nearest = _nearest(sample, centroids)
        counts = np.bincount(nearest, minlength=MOST_CENTROIDS)
        sums = [np.bincount(nearest, weights=column, minlength=MOST_CENTROIDS) for column in sample.T]
        centroids = (np.stack(sums, axis=1) / np.maximum(counts, 1)[:, None]).astype(np.float32)
        # One that no part is near to begins anew somewhere.
        empty = np.flatnonzero(counts == 0)
        centroids[empty] = sample[random.choice(len(sample), len(empty))]
    table, _ = _distinct(centroids.astype(np.float16) + np.float16(0))
    nearest = _nearest(numbers, table)
    used = np.bincount(nearest, minlength=len(table)) > 0
    return table[used], (np.cumsum(used) - 1)[nearest]


def _nearest(numbers: npt.NDArray[np.floating], centroids: npt.NDArray[np.floating]) -> npt.NDArray[np.intp]:
    """Which centroid is the nearest to each row (N,)."""
    table = centroids.astype(np.float32)
    found = np.empty(len(numbers), dtype=np.intp)
    for start in range(0, len(numbers), _TOGETHER):
        some = numbers[start : start + _TOGETHER].astype(np.float32)
        # Of |row - centroid|², without what doesn't depend on the centroid.
        found[start : start + _TOGETHER] = (some @ table.T - 0.5 * (table * table).sum(axis=1)).argmax(axis=1)
    return found
