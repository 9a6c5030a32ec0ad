import numpy as np
import pytest

from ner.errors import VectorsError
from ner.resources.compact import Vectors
from ner.resources.completion import complete


def linear_pair(count: int, missing: list[int]) -> tuple[Vectors, Vectors, np.ndarray]:
    """A narrow set, the image of it under a known linear map without some words, and the whole image."""
    generator = np.random.default_rng(7)
    narrow = generator.normal(size=(count, 4))
    image = narrow @ generator.normal(size=(4, 6)) + generator.normal(size=6)
    words = [f"word{rank}" for rank in range(count)]
    kept = [rank for rank in range(count) if rank not in missing]
    return (
        Vectors("wide", [words[rank] for rank in kept], image[kept].astype(np.float32), len(kept)),
        Vectors("narrow", words, narrow.astype(np.float32), count),
        image,
    )


def test_an_exact_linear_relation_is_recovered_and_missing_words_follow_the_measured():
    missing = [0, 5, 400, 2500, 4999]
    wide, narrow, image = linear_pair(5000, missing)
    found, cosines = complete(wide, narrow)
    assert found.measured == 4995
    assert found.words == wide.words + [f"word{rank}" for rank in missing]
    np.testing.assert_allclose(found.matrix[4995:], image[missing], atol=1e-4)
    np.testing.assert_array_equal(found.matrix[:4995], wide.matrix)
    assert cosines == {"1-2000": 1.0, "2001-5000": 1.0, "all": 1.0}


def test_each_range_of_frequencies_has_a_map_of_its_own():
    wide, narrow, _ = linear_pair(5000, [10, 3000])
    turned = wide.matrix.copy()
    turned[1999:] *= -1  # from rank 2,000 on (one word is missing before) the opposite relation holds
    found, cosines = complete(Vectors("wide", wide.words, turned, len(wide.words)), narrow)
    _, _, image = linear_pair(5000, [10, 3000])
    np.testing.assert_allclose(found.matrix[-2], image[10], atol=1e-4)
    np.testing.assert_allclose(found.matrix[-1], -image[3000], atol=1e-4)
    assert cosines["all"] == 1.0


def test_where_nothing_relates_the_sets_the_cosine_says_so():
    wide, narrow, _ = linear_pair(3000, [1])
    noise = np.random.default_rng(1).normal(size=wide.matrix.shape).astype(np.float32)
    _, cosines = complete(Vectors("wide", wide.words, noise, len(wide.words)), narrow)
    assert abs(cosines["all"]) < 0.2


def test_predicted_rows_take_no_part_in_another_completion():
    wide, narrow, image = linear_pair(3000, [3, 8])
    once, _ = complete(wide, narrow)
    once.matrix[once.measured :] = 99.0
    twice, _ = complete(once, narrow)
    assert twice.words == once.words
    np.testing.assert_allclose(twice.matrix[2998:], image[[3, 8]], atol=1e-4)


def test_sets_that_share_too_few_words_are_refused():
    wide, narrow, _ = linear_pair(40, [1])
    with pytest.raises(VectorsError) as error:
        complete(wide, narrow)
    assert str(error.value) == "wide: expected 50 or more words shared with narrow, found 39; use a larger set"
