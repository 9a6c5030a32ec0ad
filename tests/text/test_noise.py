"""Sentences written otherwise: the entities stay those that they were."""

import numpy as np
import pytest

from ner.text.noise import misread, mistyped, names_of, respelled, with_other_names, without_punctuation
from ner.text.sentence import sentence_from_words

SENTENCE = sentence_from_words(
    ["(", "Dr", ".", "Who", ")", "met", "Ann", ",", "twice", "!"],
    ["O", "B-PER", "I-PER", "I-PER", "O", "O", "B-PER", "O", "O", "O"],
    opens_document=True,
    source="a:1",
)


def named(sentence):
    return [(span.label, " ".join(sentence.spelled[span.start : span.end])) for span in sentence.spans]


def test_without_punctuation_entities_lose_their_dots_and_nothing_else():
    bare = without_punctuation(SENTENCE)
    assert bare.words == ["Dr", "Who", "met", "Ann", "twice"]
    assert named(bare) == [("PER", "Dr Who"), ("PER", "Ann")]
    assert (bare.opens_document, bare.source) == (True, "a:1")


def test_an_entity_of_punctuation_alone_stays_and_so_does_a_sentence_of_it():
    odd = sentence_from_words(["!!!", "sang", "."], ["B-ORG", "O", "O"])
    assert (without_punctuation(odd).words, named(without_punctuation(odd))) == (["!!!", "sang"], [("ORG", "!!!")])
    dots = sentence_from_words(["...", "!"], ["O", "O"])
    assert without_punctuation(dots) == dots
    unknown = sentence_from_words(["a", "."], ["?", "O"])
    assert without_punctuation(unknown) == unknown


def test_other_names_have_the_same_labels_in_the_same_order():
    rng = np.random.default_rng(2)
    other = with_other_names(SENTENCE, {"PER": [("Mary", "Jane", "Kelly")], "LOC": [("Rome",)]}, rng)
    assert other.words == ["(", "Mary", "Jane", "Kelly", ")", "met", "Mary", "Jane", "Kelly", ",", "twice", "!"]
    assert named(other) == [("PER", "Mary Jane Kelly")] * 2
    assert with_other_names(SENTENCE, {"LOC": [("Rome",)]}, rng).words == SENTENCE.words
    assert names_of([SENTENCE, SENTENCE]) == {"PER": [("Dr", ".", "Who"), ("Ann",)]}


def test_slips_come_at_the_rate_that_is_asked_for_and_never_empty_a_word():
    rng = np.random.default_rng(1)
    words = ["abcdefghij"] * 3000
    typed = [mistyped(word, 0.05, rng) for word in words]
    changed = sum(a != b for a, b in zip(words, typed, strict=True)) / len(words)
    assert changed == pytest.approx(1 - 0.95**10, abs=0.03)
    assert all(mistyped("a", 1.0, rng) for _ in range(50))
    assert {mistyped("1234", 1.0, rng) for _ in range(20)} == {"1234"}
    assert mistyped("Ann", 0.0, rng) == misread("Ann", 0.0, rng) == "Ann"


def test_characters_are_misread_as_those_that_look_like_them():
    rng = np.random.default_rng(1)
    assert misread("rn", 1.0, rng) == "m"
    assert misread("O5", 1.0, rng) == "0S"
    assert misread("xyz", 1.0, rng) == "xvz"
    read = [misread("illness", 0.02, rng) for _ in range(2000)]
    assert 0.05 < sum(word != "illness" for word in read) / 2000 < 0.2


def test_a_word_that_a_spelling_would_empty_stays():
    assert respelled(SENTENCE, lambda word: "").words == SENTENCE.words
