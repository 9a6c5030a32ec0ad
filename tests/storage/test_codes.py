"""Vectors in a byte for several numbers: as near as k-means of another make brings them, and no further off twice."""

from itertools import pairwise

import numpy as np
import pytest

from ner.storage.codes import decode_rows, encode_rows, part_bounds


def rows_of(count: int, dim: int, *, seed: int = 1) -> np.ndarray:
    random = np.random.default_rng(seed)
    # Some near each other, as vectors of words are.
    centres = random.standard_normal((40, dim))
    return (centres[random.integers(0, 40, count)] + 0.4 * random.standard_normal((count, dim))).astype(np.float32)


def plain_k_means(numbers: np.ndarray, count: int) -> np.ndarray:
    """The centroid of each row by Lloyd's algorithm as it is written in textbooks, in double precision."""
    centroids = numbers[:count].astype(np.float64)
    for _ in range(12):
        nearest = ((numbers[:, None, :] - centroids[None]) ** 2).sum(axis=2).argmin(axis=1)
        for index in range(count):
            if (nearest == index).any():
                centroids[index] = numbers[nearest == index].mean(axis=0)
    return centroids[((numbers[:, None, :] - centroids[None]) ** 2).sum(axis=2).argmin(axis=1)]


def error(rows: np.ndarray, decoded: np.ndarray) -> float:
    return float(((rows - decoded.astype(np.float64)) ** 2).sum() / (rows.astype(np.float64) ** 2).sum())


@pytest.mark.parametrize(("dim", "width"), [(4, 4), (3, 2)])
def test_what_is_lost_is_what_plain_k_means_loses(dim: int, width: int) -> None:
    rows = rows_of(1200, dim)
    codes, centroids = encode_rows(rows, width)
    decoded = decode_rows(codes, centroids)
    parts = [rows[:, start:end] for start, end in pairwise(part_bounds(dim, codes.shape[1]))]
    truth = np.concatenate([plain_k_means(part, 256) for part in parts], axis=1)
    assert error(rows, decoded) < 1.1 * error(rows, truth)
    assert 0 < error(rows, decoded) < 0.1


def test_each_part_is_the_nearest_of_its_centroids() -> None:
    rows = rows_of(1500, 10)
    codes, centroids = encode_rows(rows, 4)
    assert (codes.shape, codes.dtype, centroids.dtype, centroids.shape[1]) == ((1500, 3), "uint8", "float16", 10)
    halves, bounds = rows.astype(np.float16).astype(np.float64), [0, 4, 7, 10]
    for part, (start, end) in enumerate(pairwise(bounds)):
        table = centroids[:, start:end].astype(np.float64)
        distances = ((halves[:, None, start:end] - table[None]) ** 2).sum(axis=2)
        chosen = distances[np.arange(len(rows)), codes[:, part]]
        assert np.allclose(chosen, distances[:, np.unique(codes[:, part])].min(axis=1), atol=1e-5)


@pytest.mark.parametrize(("dim", "width"), [(8, 4), (7, 4), (6, 2), (3, 2), (3, 1)])
def test_what_was_decoded_is_encoded_without_loss(dim: int, width: int) -> None:
    codes, centroids = encode_rows(rows_of(3000, dim), width)
    decoded = decode_rows(codes, centroids)
    for rows in (decoded, decoded.astype(np.float32)):
        again, tables = encode_rows(rows, width)
        assert np.array_equal(again, codes)
        assert np.array_equal(tables, centroids)


def test_few_distinct_rows_are_kept_as_they_are() -> None:
    rows = np.array([[0.5, -0.0, 2, 1], [1, 2, 3, 4], [0.5, 0, 2, 1]] * 300, dtype=np.float16)
    codes, centroids = encode_rows(rows, 4)
    assert len(centroids) == 2
    assert np.array_equal(decode_rows(codes, centroids), rows)


def test_the_same_rows_give_the_same_bytes_whatever_was_drawn_before() -> None:
    first = encode_rows(rows_of(1000, 4), 4)
    np.random.default_rng().random(5)
    second = encode_rows(rows_of(1000, 4), 4)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


@pytest.mark.parametrize("count", [0, 1, 511, 512, 513, 20_000])
def test_few_and_many_rows_are_decoded_alike(count: int) -> None:
    random = np.random.default_rng(3)
    centroids = random.standard_normal((7, 10)).astype(np.float16)
    codes = random.integers(0, 7, (count, 3)).astype(np.uint8)
    decoded = decode_rows(codes, centroids)
    assert decoded.shape == (count, 10)
    for row in range(0, count, 97):
        a, b, c = codes[row]
        assert decoded[row].tolist() == [*centroids[a, :4], *centroids[b, 4:7], *centroids[c, 7:]]
