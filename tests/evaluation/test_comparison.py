"""`ner compare`'s engine: cases counted by hand; the tests of difference are tested in `test_certainty`."""

import json
from statistics import mean, stdev

import pytest

from ner.errors import ConfigError, DataError
from ner.evaluation.comparison import System, compare_systems
from ner.evaluation.files import read_answers
from ner.formats.columns import read_conll
from ner.settings import DataConfig
from ner.text.sentence import sentence_from_words
from ner.text.tags import tags_to_spans

GOLD = [
    sentence_from_words(["Rome", "is", "old"], ["B-LOC", "O", "O"]),
    sentence_from_words(["Ann", "Lee", "left"], ["B-PER", "I-PER", "O"]),
    sentence_from_words(["Bob"], ["B-PER"]),
]


def spans(*sentences):
    return [tags_to_spans(tags.split()) for tags in sentences]


FIRST = spans("B-LOC O O", "B-PER O O", "B-PER")
SECOND = spans("B-PER O O", "B-PER I-PER O", "B-PER")
THIRD = spans("B-LOC O O", "B-PER I-PER O", "B-PER")


def test_systems_stand_by_their_scores_and_each_pair_is_tested():
    found = compare_systems(GOLD, [System("a", (FIRST,)), System("b", (SECOND,)), System("c", (THIRD,))])
    assert [standing.runs[0].f1 for standing in found.standings] == pytest.approx([2 / 3, 2 / 3, 1.0])
    assert [(c.first, c.second, round(c.difference.f1, 4)) for c in found.contests] == [
        ("a", "b", 0.0),
        ("a", "c", 0.3333),
        ("b", "c", 0.3333),
    ]
    assert (found.unit, found.count, found.support) == ("sentence", 3, 3)
    text = str(found)
    assert "these p-values aren't corrected for the number of pairs" in text
    assert "c less a: +33.33 (95% interval " in text


def test_the_sentences_on_which_two_systems_differ_are_told_with_the_better_one():
    found = compare_systems(GOLD, [System("a", (FIRST,)), System("b", (SECOND,))])
    assert [(d.sentence.words[0], d.better) for d in found.disagreements] == [("Rome", "a"), ("Ann", "b")]
    values = found.as_dict()
    assert json.loads(json.dumps(values)) == values
    assert values["disagreements"][1] == {
        "where": "",
        "better": "b",
        "gold": [{"label": "PER", "text": "Ann Lee", "start": 0, "end": 2}],
        "first": [{"label": "PER", "text": "Ann", "start": 0, "end": 1}],
        "second": [{"label": "PER", "text": "Ann Lee", "start": 0, "end": 2}],
        "words": ["Ann", "Lee", "left"],
    }
    assert "tagged differently: 2 sentences, 1 better by a, 1 better by b" in str(found)


def test_several_runs_of_one_system_give_mean_deviation_and_range():
    found = compare_systems(GOLD, [System("a,b,c", (FIRST, SECOND, THIRD))])
    f1 = [2 / 3, 2 / 3, 1.0]
    assert found.as_dict()["systems"][0]["f1"] == pytest.approx(
        {"mean": mean(f1), "sd": stdev(f1), "lowest": 2 / 3, "highest": 1.0}
    )
    assert "a,b,c: FB1 77.78 ± 19.25 (66.67 to 100.00, 3 runs)" in str(found)
    assert found.contests == found.disagreements == ()


def test_systems_of_several_runs_are_tested_by_their_means():
    found = compare_systems(GOLD, [System("a", (FIRST, SECOND)), System("b", (THIRD, SECOND))])
    assert found.contests[0].difference.f1 == pytest.approx((1 + 2 / 3) / 2 - 2 / 3)


def test_systems_of_different_numbers_of_runs_are_refused():
    with pytest.raises(ConfigError) as error:
        compare_systems(GOLD, [System("a", (FIRST, SECOND)), System("b", (THIRD,))])
    assert str(error.value) == "b: expected as many runs as of a, 2, found 1"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("Rome B-LOC\n", "answers: expected the 2 sentences of gold, found 1; gold:3 is the first that stands alone"),
        ("Rome B-LOC\n\nBob B-PER\n", "answers:3: expected the words of gold:3, found 'Bob' where that has 'Ann'"),
    ],
)
def test_answers_to_other_words_are_refused(tmp_path, monkeypatch, content, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gold").write_text("Rome B-LOC\n\nAnn B-PER\n")
    (tmp_path / "answers").write_text(content)
    with pytest.raises(DataError) as error:
        read_answers("answers", read_conll("gold"), "gold", DataConfig())
    assert str(error.value) == message


def test_answers_with_unknown_tags_are_refused(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gold").write_text("Rome B-LOC\n")
    (tmp_path / "answers").write_text("Rome ?\n")
    with pytest.raises(DataError) as error:
        read_answers("answers", read_conll("gold"), "gold", DataConfig(unknown_tag="?"))
    assert str(error.value) == "answers:1: expected known tags, found unknown ones; only training takes those"
