"""What `ner data check` says of files whose faults are known."""

from pathlib import Path

import pytest

from ner.errors import DataError
from ner.settings import DataConfig
from ner.text.survey import survey_file


@pytest.fixture
def survey(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def check(content: str, **described):
        Path("f").write_text(content, encoding="utf-8")
        return survey_file("f", DataConfig(**described))

    return check


def test_everything_is_counted(survey):
    found = survey("-DOCSTART- O\n\na B-X\nb I-X\nc B-Y\n\nd B-X\n\n-DOCSTART- O\ne O\n")
    assert (found.path, found.scheme) == ("f", "iob2")
    assert (found.documents, found.sentences, found.tokens) == (2, 3, 5)
    assert found.labels == {"X": 2, "Y": 1}
    assert found.remarks == ()


def test_the_text_for_the_user_is_as_documented(survey):
    assert str(survey("a B-X\n\nb I-X\n\nc B-X\n")) == (
        "f: 3 sentences, 3 tokens, 3 entities, 0 document marks, scheme iob2\n"
        "  labels: X 3\n"
        "  f:3: I-X at 'b' (token 1) is read as B-X"
    )
    assert str(survey("a O\n" * 1_200)) == (
        "f: 1 sentences, 1,200 tokens, 0 entities, 0 document marks, scheme iob2\n"
        "  labels: none\n"
        "  f:1: 1,200 tokens in one sentence"
    )


@pytest.mark.parametrize(
    ("content", "remark"),
    [
        ("a I-X\nb B-Y\n\nc I-X\n\nd I-X\n", "f:1: B-Y at 'b' (token 2) is read as I-Y"),
        ("a O\n\nb O\nc M-X\nd E-X\n", "f:3: M-X at 'c' (token 2) is read as B-X"),
        ("a S-X\n\nb B-X\nc I-X\n", "f:3: I-X at 'c' (token 2) is read as E-X"),
        ("a U-X\n\nb B-X\nc I-X\n", "f:3: I-X at 'c' (token 2) is read as E-X"),
    ],
)
def test_an_ill_formed_tag_is_told_with_its_place_and_how_it_is_read(survey, content, remark):
    assert survey(content).remarks == (remark,)


@pytest.mark.parametrize(
    "content",
    [
        "a I-X\nb B-X\nc I-Y\n",
        "a B-X\nb I-X\nc B-Y\n",
        "a B-X\nb E-X\nc S-Y\n",
        "a B-X\nb I-X\nc L-X\nd U-Y\n",
        "a B-X\nb M-X\nc E-X\nd S-Y\n",
    ],
)
def test_a_well_formed_file_of_any_scheme_gets_no_remark(survey, content):
    assert survey(content).remarks == ()


def test_two_hundred_tokens_are_no_remark_and_one_more_is(survey):
    assert survey("a O\n" * 200).remarks == ()
    assert survey("a O\n" * 201).remarks == ("f:1: 201 tokens in one sentence",)


def test_the_same_words_tagged_in_two_ways_are_told(survey):
    found = survey("a B-X\nb O\n\na B-X\nb O\n\na O\nb O\n\nb O\na O\n")
    assert found.remarks == ("f:7: the words of f:1, tagged otherwise",)


def test_at_most_ten_such_sentences_are_told(survey):
    assert len(survey("a B-X\n\n" + "a O\n\n" * 12).remarks) == 10


def test_a_file_that_cannot_be_read_is_refused_as_the_reader_refuses_it(survey):
    with pytest.raises(DataError) as error:
        survey("a\n")
    assert str(error.value) == "f:1: expected at least 2 columns, found 1: 'a'"
