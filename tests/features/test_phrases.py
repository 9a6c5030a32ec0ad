"""Phrases in sentences against every span of every sentence looked up one by one."""

import random
from collections import Counter

import pytest

from ner.features.phrases import Gazetteer, Lexicon, PhraseTable, build_lexicon, roles_of
from ner.text.sentence import sentence_from_words


def every_match(words, phrases, separator):
    """All spans whose words make a phrase, by trying each span."""
    numbers = {phrase: number for number, phrase in enumerate(phrases, start=1)}
    spans = [(start, end) for start in range(len(words)) for end in range(start + 1, len(words) + 1)]
    return [(a, b, numbers[text]) for a, b in spans if (text := separator.join(words[a:b])) in numbers]


@pytest.mark.parametrize("separator", ["", " "])
def test_matches_are_all_spans_that_make_a_phrase(separator):
    generator = random.Random(5)
    for _ in range(200):
        words = [generator.choice("abc") for _ in range(generator.randint(0, 12))]
        drawn = [[generator.choice("abc") for _ in range(generator.randint(1, 4))] for _ in range(8)]
        phrases = list(dict.fromkeys(separator.join(phrase) for phrase in drawn))
        assert list(PhraseTable(phrases, separator=separator).find(words)) == every_match(words, phrases, separator)


def test_a_phrase_may_begin_inside_no_word():
    table = PhraseTable(["New York", "York"], separator=" ")
    assert list(table.find(["New", "Yorker", "York"])) == [(2, 3, 2)]


def test_a_token_of_several_characters_counts_as_they_stand():
    assert list(PhraseTable(["IBM中国"], separator="").find(["IBM", "中", "国"])) == [(0, 3, 1)]


def test_words_of_training_come_first_by_how_often_they_stand_on_their_own():
    sentences = [sentence_from_words(text) for text in ("南京市长江大桥", "南京市长", "大桥")]
    lexicon = build_lexicon(sentences, ["火车", "南京", "南京市", "市长", "长江大桥", "大桥", "长江", "南京", ""])
    # From left to right, the longest first: 南京市 长江大桥 (市长 overlaps), 南京市 市长, 大桥.
    assert Counter(dict(zip(lexicon.words, lexicon.counts, strict=False))) == Counter(
        {"南京市": 2, "市长": 2, "大桥": 1, "长江大桥": 1, "南京": 0, "长江": 0}
    )
    assert lexicon.words[:2] == ("南京市", "市长")
    assert lexicon.words[-1] == "火车"
    assert lexicon.num_trained == 6
    assert [lexicon.count(number) for number in (1, 5, 7)] == [3, 1, 1]


def test_a_lexicon_survives_its_json_form():
    lexicon = Lexicon(("北京", "上海"), (3,))
    values = lexicon.as_dict()
    assert Lexicon(tuple(values["words"]), tuple(values["counts"])) == lexicon


def test_a_gazetteer_knows_its_names_in_capitals_too_but_not_in_lower_case():
    gazetteer = Gazetteer("places", ("New York", "Reading"))
    assert [match[:2] for match in gazetteer.find(["NEW", "YORK", "and", "New", "York"])] == [(0, 2), (3, 5)]
    assert list(gazetteer.find(["reading"])) == []


def test_every_token_of_a_match_has_one_role():
    assert [list(roles_of(0, length)) for length in (1, 2, 4)] == [
        [(0, 3)],
        [(0, 0), (1, 2)],
        [(0, 0), (1, 1), (2, 1), (3, 2)],
    ]
