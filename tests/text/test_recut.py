"""Corpora that were cut otherwise than text will be, against corpora that were not."""

import sys

import pytest

from ner.text.recut import Recut, natural_cut, recut
from ner.text.sentence import Sentence, sentence_from_words
from ner.text.tokenizer import split_sentences

PLAIN = [
    "Ann",
    "Low",
    ",",
    "of",
    "Kiel",
    "(",
    "Holstein",
    ")",
    ",",
    "did",
    "n't",
    "say",
    "it",
    "'s",
    '"',
    "late",
    '"',
    ".",
]

UNSPACED = "this script has no blanks between words: put some there, by what cut this corpus into words"


def corpus(*lines: str, copies: int = 10) -> list[Sentence]:
    """Sentences of words between blanks; those that end in * are in entities."""
    sentences = []
    for number, line in enumerate(lines * copies, start=1):
        cells = line.split()
        tags = ["B-X" if cell.endswith("*") else "O" for cell in cells]
        words = [cell.removesuffix("*").replace("~", " ") for cell in cells]
        sentences.append(sentence_from_words(words, tags, source=f"f:{number}"))
    return sentences


def found_in(sentences: list[Sentence], cut: str = "words") -> Recut:
    found = recut(sentences, cut)  # type: ignore[arg-type]
    assert found is not None
    return found


def test_a_corpus_cut_as_text_is_has_nothing_to_tell():
    assert recut([sentence_from_words(PLAIN, ["B-X"] * len(PLAIN))] * 10, "words") is None
    assert recut(corpus("中* 国* 人 说 好 。", "去 北* 京* 了"), "characters") is None


def test_too_few_words_tell_nothing():
    assert recut(corpus("Ann ran to Kiel.*", copies=4), "words") is None
    assert recut(corpus("Ann ran to Kiel.*", copies=5), "words") is not None


def test_punctuation_glued_to_words_is_told_with_shares_examples_and_the_way_out():
    found = found_in(corpus("Ann* Low,* sat in Kiel.*", "Leo* ran home"))
    assert (found.words, found.entity_words, found.otherwise, found.entity_otherwise) == (80, 40, 20, 20)
    assert found.found == (
        '25% of 80 words, 50% of those in entities, come out otherwise where text is cut with data.tokenizer = "words"'
    )
    assert found.examples == (("f:1", "'Low,' comes out as 'Low' ','"), ("f:1", "'Kiel.' comes out as 'Kiel' '.'"))
    assert found.remedy == 'set data.tokenizer = "spaces": with it 0% of the words come out otherwise'
    assert recut(corpus("Ann* Low,* sat in Kiel.*", "Leo* ran home"), "spaces") is None


def test_a_corpus_of_words_that_is_to_be_cut_by_character_is_told():
    found = found_in(corpus("Ann* ran in Kiel* ."), "characters")
    assert found.remedy == 'set data.tokenizer = "words": with it 0% of the words come out otherwise'


def test_chinese_words_are_told_and_what_cuts_nearer():
    pytest.importorskip("rjieba", reason="the extra zh isn't installed")
    found = found_in(corpus("陈静* 离开 武汉* 。"))
    assert found.remedy == 'set data.tokenizer = "words-zh": with it 0% of the words come out otherwise'


def test_chinese_words_are_told_where_the_segmenter_is_missing(monkeypatch):
    monkeypatch.setitem(sys.modules, "rjieba", None)
    assert found_in(corpus("陈静* 离开 武汉* 。")).remedy == (
        "pip install 'bilstm-crf-ner[zh]' and set data.tokenizer = \"words-zh\", which may come nearer"
    )


@pytest.mark.parametrize(
    ("line", "how"),
    [
        ("เขา อยู่ ใน กรุงเทพ*", UNSPACED),
        ("ລາວ ຢູ່ ວຽງຈັນ*", UNSPACED),
        ("គាត់ នៅ ភ្នំពេញ*", UNSPACED),
        ("သူ ရန်ကုန်* မှာ", UNSPACED),
        ("かれ は とうきょう* へ いった", UNSPACED),
        ("Ông sống_ở Hà_Nội* .", "join the syllables of each word by _, as this corpus does"),
        ("New~York* ist~gross und~weit", "put blanks between the words, by what cut this corpus"),
    ],
)  # fmt: skip
def test_where_no_way_of_cutting_helps_the_way_out_is_said_in_words(line, how):
    assert found_in(corpus(line)).remedy == (
        f'{how}, in each text before it is tagged; with data.tokenizer = "spaces" they are cut there alone'
    )


def test_digits_glued_to_characters_have_a_pattern_of_their_own():
    assert (
        found_in(corpus("男0* 人1* 好0")).remedy
        == r"part the digits that are glued to the words: data.word_pattern = '(.+)\d$'"
    )


def test_a_sentence_of_a_text_is_taken_as_it_stands_there():
    text = "He saw U.N. -based men , and left . " * 5  # which as words alone would be glued together
    sentences = [
        Sentence(None, ("O",) * len(s.spelled), spelled=s.spelled, starts=s.starts) for s in split_sentences(text)
    ]
    assert recut(sentences, "words") is None
    moved = Sentence(None, ("B-X",) * 24, spelled=("ab",) * 24, starts=tuple(range(7, 55, 2)))
    assert found_in([moved]).examples == (("", f"'ab' comes out as '{'ab' * 20}…'"),)


def test_a_corpus_is_cut_by_character_where_as_good_as_all_its_words_are_one():
    assert natural_cut(["中"] * 200 + ["URL"]) == "characters"
    assert natural_cut(["中"] * 90 + ["URL"]) == "words"
