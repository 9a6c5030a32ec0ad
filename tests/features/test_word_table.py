"""Words in arrays: found as a dictionary finds them, read back as they were, and refused where they are damaged."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ner.features import word_table
from ner.features.feature import UNKNOWN
from ner.features.word_table import StoredWords, WordTableError, arrays_of, table_of
from ner.features.words import WordVocabulary, lookup_forms

# Few letters, so that words begin alike; zeros, which a shorter word is filled up with; halves of surrogate pairs.
LETTERS = "ab\0é语🙂\ud800"
WORDS = st.lists(st.text(LETTERS, max_size=20), unique=True, max_size=30)
ALIKE = ("a", "a\0", "a\0\0", "", "abcdefgh", "abcdefgh\0", "abcdefghi", "abcdefgh" * 40, "abcdefgh" * 40 + "b", "ä")


def stored(trained: tuple[str, ...], extra: tuple[str, ...] = ()) -> tuple[StoredWords, StoredWords]:
    return table_of(arrays_of(trained, extra))


@given(WORDS, st.integers(0, 30), st.lists(st.text(LETTERS, max_size=20), max_size=20))
def test_words_are_found_as_a_dictionary_finds_them(words: list[str], cut: int, others: list[str]) -> None:
    trained, extra = stored(tuple(words[:cut]), tuple(words[cut:]))
    assert (trained, extra) == (tuple(words[:cut]), tuple(words[cut:]))
    truth = {word: number for number, word in enumerate(words)}
    asked = [*words, *others, *(word + "a" for word in words), *(word[:-1] for word in words)]
    wanted = [truth.get(word, -1) for word in asked]
    assert trained.table.numbers_of(asked).tolist() == wanted
    assert [number for word in asked for number in trained.table.numbers_of([word]).tolist()] == wanted


@pytest.mark.parametrize("alone", [True, False], ids=["one by one", "all at once"])
def test_words_that_begin_alike_are_told_apart(alone: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word_table, "_FEW", 10**9 if alone else 0)
    trained, _ = stored(ALIKE)
    near = ("a\0\0\0", "abcdefg", "abcdefghj", "abcdefgh" * 40 + "a", "abcdefgh" * 41, "b")
    assert trained.table.numbers_of(ALIKE + near).tolist() == [*range(len(ALIKE)), *[-1] * len(near)]


def test_no_words_are_a_table_too() -> None:
    trained, extra = stored(())
    assert (len(trained), tuple(extra), trained.table.numbers_of(["a", ""]).tolist()) == (0, (), [-1, -1])
    assert trained.table.numbers_of([]).tolist() == []


@given(
    st.lists(st.text("aA1٣é’\u0301\ud800", max_size=6), unique=True, max_size=20),
    st.lists(st.text("aA1٣é’\u0301\ud800", max_size=6), max_size=20),
    st.booleans(),
    st.booleans(),
)
def test_a_stored_vocabulary_gives_the_ids_of_the_first_known_form(
    words: list[str], asked: list[str], lowercase: bool, normalize_digits: bool
) -> None:
    """Against the rule as it is written, form by form."""
    ids = {word: number for number, word in enumerate(words, start=2)}
    forms = [
        lookup_forms(word, lowercase=lowercase, normalize_digits=normalize_digits)
        + lookup_forms(word, lowercase=True, normalize_digits=normalize_digits)
        for word in asked
    ]
    wanted = [next((ids[form] for form in each if form in ids), UNKNOWN) for each in forms]
    half = len(words) // 2
    for trained, extra in (
        (tuple(words[:half]), tuple(words[half:])),
        stored(tuple(words[:half]), tuple(words[half:])),
    ):
        vocabulary = WordVocabulary(trained, extra, lowercase, normalize_digits)
        assert vocabulary.ids_of(asked).tolist() == wanted
        assert [vocabulary.id_of(word) for word in asked] == wanted


def test_stored_words_are_a_sequence_of_strings() -> None:
    trained, extra = stored(("b", "é", "a"), ("d", "c"))
    assert (trained[0], trained[-2], trained[1:], list(extra), "é" in trained) == (
        "b",
        "é",
        ("é", "a"),
        ["d", "c"],
        True,
    )
    same: tuple[str, ...] = ("b", "é", "a")
    assert (trained == same, same == trained) == (True, True)
    assert trained not in (("b", "é"), ("b", "é", "c"), extra)
    assert trained != ["b", "é", "a"]  # as a tuple isn't a list
    assert hash(trained) == hash(("b", "é", "a"))
    with pytest.raises(IndexError):
        trained[3]


def test_a_vocabulary_without_its_extra_words_finds_none_of_them() -> None:
    trained, extra = stored(("b", "a"), ("c",))
    whole, seen = WordVocabulary(trained, extra), WordVocabulary(trained)
    assert (whole.ids_of(["a", "b", "c"]).tolist(), seen.ids_of(["a", "b", "c"]).tolist()) == ([3, 2, 4], [3, 2, 1])
    assert (len(whole), len(seen)) == (3, 2)
    other = WordVocabulary(trained, ("d",))  # as many as the table has, but others
    assert other.ids_of(["a", "b", "c", "d"]).tolist() == [3, 2, 1, 4]
    swapped = WordVocabulary(extra, trained)
    assert swapped.ids_of(["a", "b", "c"]).tolist() == [4, 3, 2]


def test_a_stored_vocabulary_is_copied_and_pickled() -> None:
    whole = WordVocabulary(*stored(("b", "a"), ("c",)))
    for other in (copy.deepcopy(whole), pickle.loads(pickle.dumps(whole))):
        assert other == whole
        assert other.ids_of(["a", "c", "d"]).tolist() == [3, 4, 1]


def test_arrays_of_stored_words_are_those_they_were_made_of() -> None:
    for extra in (("d", "c"), ("c", "d"), ()):
        arrays = arrays_of(("b", "é", "a"), extra)
        again = arrays_of(*table_of(arrays))
        assert again.keys() == arrays.keys()
        assert all(np.array_equal(again[name], arrays[name]) for name in arrays)
        assert all(again[name].dtype == arrays[name].dtype for name in arrays)
        assert ("extra" in arrays) == (extra == ("d", "c"))  # words in ascending order need no places


@pytest.mark.parametrize(("length", "dtype"), [(255, "uint8"), (256, "uint16"), (70_000, "uint32")])
def test_a_long_word_is_kept_whole(length: int, dtype: str) -> None:
    word = "x" * length
    arrays = arrays_of((word, "y"), ())
    assert str(arrays["lengths"].dtype) == dtype
    trained, _ = table_of(arrays)
    assert (trained[0] == word, trained.table.numbers_of([word, word + "x", word[1:]]).tolist()) == (True, [0, -1, -1])


def arrays_with(**changed: Any) -> dict[str, Any]:
    """`a`, `abcdefghij`, `abcdefghik`, `é`; numbered from the last but one on."""
    arrays: dict[str, Any] = arrays_of(("abcdefghik", "é", "a"), ("abcdefghij",))
    return {name: array for name, array in {**arrays, **changed}.items() if array is not None}


def text_of(*words: bytes) -> dict[str, Any]:
    text = np.frombuffer(b"".join(words) + bytes(8), dtype=np.uint8)
    return {"text": text, "lengths": np.array(list(map(len, words)), dtype=np.uint8)}


def indices(*values: int) -> np.ndarray[Any, Any]:
    return np.array(values, dtype=np.uint32)


PLACES = "expected words.trained and words.extra to be the places of 4 words, found others"
TWICE = "expected words.trained and words.extra without repetition, found a place twice"
LONG = b"x" * 200


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"text": None}, "expected words.text to be a row of uint8, found none"),
        ({"text": "abc"}, "expected words.text to be a row of uint8, found none"),
        (
            {"lengths": indices(1, 2)[None]},
            "expected words.lengths to be a row of uint8 or uint16 or uint32, found uint32 of shape [1, 2]",
        ),
        ({"trained": np.zeros(3)}, "expected words.trained to be a row of uint32, found float64 of shape [3]"),
        ({"extra": np.zeros(1)}, "expected words.extra to be a row of uint32, found float64 of shape [1]"),
        ({"lengths": indices(1, 10, 10)}, "expected words.text of 29 bytes, as words.lengths says, found 31"),
        ({"text": np.zeros(0, dtype=np.uint8)}, "expected words.text of 31 bytes, as words.lengths says, found 0"),
        ({"text": np.full(31, 97, dtype=np.uint8)}, "expected 8 bytes 0 at the end of words.text, found others"),
        ({"trained": indices(2, 3, 4)}, PLACES),
        ({"trained": indices(0, 1, 2, 3, 3)}, PLACES),
        ({"extra": indices()}, PLACES),
        ({"trained": indices(2, 3, 3)}, TWICE),
        ({"extra": indices(3)}, TWICE),
        (text_of(b"a", b"b\xff", b"c", b"d"), "expected words.text in UTF-8, found invalid start byte"),
        (
            text_of(b"a", b"b\xc3", b"\xa9", b"d"),
            "expected words.text in UTF-8, found a word that begins within a character",
        ),
        (text_of(b"a", b"b", b"b", b"d"), "expected the words in ascending order, found 'b' behind 'b'"),
        (text_of(b"a", b"c", b"b", b"d"), "expected the words in ascending order, found 'b' behind 'c'"),
        (text_of(b"a", b"b\0", b"b", b"d"), "expected the words in ascending order, found 'b' behind 'b\\x00'"),
        (
            text_of(b"12345678\0" + b"\0" * 8, b"12345678\0", b"b", b"d"),
            "expected the words in ascending order, found "
            "'12345678\\x00' behind '12345678\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00'",
        ),
        (
            text_of(b"abcdefghik", b"abcdefghij", b"b", b"d"),
            "expected the words in ascending order, found 'abcdefghij' behind 'abcdefghik'",
        ),
        (
            text_of(b"a", LONG + b"b", LONG + b"a", b"z"),
            f"expected the words in ascending order, found '{LONG.decode()}a' behind '{LONG.decode()}b'",
        ),
        (
            text_of(b"a", LONG, LONG, b"z"),
            f"expected the words in ascending order, found '{LONG.decode()}' behind '{LONG.decode()}'",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_damaged_arrays_are_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(WordTableError) as error:
        table_of(arrays_with(**changed))
    assert str(error.value) == message


def test_places_of_extra_words_may_be_left_out() -> None:
    _, extra = table_of(arrays_with(extra=None))
    assert extra == ("abcdefghij",)
