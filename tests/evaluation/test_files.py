"""`ner score` on files in a temporary folder, beside what the package `conlleval` says of the same lines."""

import json
import random
from pathlib import Path

import conlleval
import pytest

from ner.config import override_data
from ner.errors import ConfigError, DataError
from ner.evaluation.files import read_training, score_files
from ner.evaluation.tables import details_of
from ner.evaluation.training_entities import origin_of
from ner.schemes import SCHEMES
from ner.settings import DataConfig


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(name: str, content: str) -> Path:
        Path(name).write_text(content, encoding="utf-8")
        return Path(name)

    return write


@pytest.mark.parametrize("prefixes", ["BI", "BIES"])
def test_one_file_with_two_tag_columns_is_scored_as_conlleval_scores_it(file, prefixes):
    generator = random.Random(19)
    tags = ["O", *(f"{prefix}-{label}" for prefix in prefixes for label in ("PER", "LOC"))]
    lines = []
    for number in range(300):
        gold = generator.choice(tags)
        lines.append(f"w{number} POS {gold} {gold if generator.random() < 0.7 else generator.choice(tags)}")
        if number % 7 == 0:
            lines.append("")
    # Noise like this has no scheme to detect; declared, the accuracy too compares the tags as they stand.
    data = DataConfig(scheme={"BI": "iob2", "BIES": "bioes"}[prefixes])
    comparison = score_files(file("both", "\n".join(lines)), None, data)
    assert str(comparison.report) + "\n" == conlleval.report(conlleval.evaluate(lines))


GOLD = "EU I-ORG\nrejects O\n\nPeter I-PER\nBlackburn I-PER\nParis I-LOC\n"


def test_two_files_of_different_schemes_are_compared_by_their_entities(file):
    predicted = "EU S-ORG\nrejects O\n\nPeter B-PER\nBlackburn E-PER\nParis O\n"
    comparison = score_files(file("gold", GOLD), file("predicted", predicted), DataConfig())
    assert str(comparison) == (
        "processed 5 tokens with 3 phrases; found: 2 phrases; correct: 2.\n"
        "accuracy:  80.00%; precision: 100.00%; recall:  66.67%; FB1:  80.00\n"
        "              LOC: precision:   0.00%; recall:   0.00%; FB1:   0.00  0\n"
        "              ORG: precision: 100.00%; recall: 100.00%; FB1: 100.00  1\n"
        "              PER: precision: 100.00%; recall: 100.00%; FB1: 100.00  1\n"
        "strict (bioes): precision: 100.00%; recall:  66.67%; FB1:  80.00\n"
        "relaxed, overlap and label: precision: 100.00%; recall:  66.67%; FB1:  80.00\n"
        "relaxed, both ends: precision: 100.00%; recall:  66.67%; FB1:  80.00\n"
        "macro over 3 labels: FB1:  66.67\n"
        "95% interval of FB1: 66.67 to 100.00 (bootstrap over 2 sentences)\n"
        "mistakes: 1 missed\n"
        "remark: never found: LOC\n"
        "to compare with a paper: its F1 on CoNLL data with line 2's FB1 (micro, exact, by conlleval); seqeval's "
        "strict mode with the strict line; a macro F1 with the macro line; the relaxed lines with nothing but "
        "their like"
    )


@pytest.mark.parametrize(
    ("predicted", "line"),
    [
        # Gold is EU, Peter Blackburn and Paris; each file finds all three in conlleval's eyes.
        ("I-ORG O I-PER I-PER I-LOC", "strict (iob1): precision: 100.00%; recall: 100.00%; FB1: 100.00"),
        ("B-ORG O B-PER I-PER I-LOC", "strict (iob2): precision: 100.00%; recall:  66.67%; FB1:  80.00"),
        ("S-ORG O B-PER I-PER S-LOC", "strict (bioes): precision: 100.00%; recall:  66.67%; FB1:  80.00"),
        ("U-ORG O B-PER L-PER U-LOC", "strict (bilou): precision: 100.00%; recall: 100.00%; FB1: 100.00"),
        ("M-ORG O B-PER E-PER S-LOC", "strict (bmes): precision: 100.00%; recall:  66.67%; FB1:  80.00"),
    ],
)
def test_an_ill_formed_entity_counts_as_found_but_not_strictly(file, predicted, line):
    words = GOLD.split("\n")
    tags = iter(predicted.split())
    written = "\n".join(f"{row.split()[0]} {next(tags)}" if row else "" for row in words)
    comparison = score_files(file("gold", GOLD), file("predicted", written), DataConfig())
    assert comparison.report.micro.f1 == 1.0
    assert line in str(comparison).split("\n")


def test_the_dict_is_plain_json_with_strict_scores_beside(file):
    comparison = score_files(file("both", "EU B-ORG I-ORG\nrejects B-X B-X\nx O O\n"), None, DataConfig())
    values = comparison.as_dict()
    assert json.loads(json.dumps(values)) == values
    assert values["micro"]["f1"] == 1.0
    assert values["accuracy"] == 2 / 3
    assert values["strict"] == {"precision": 1.0, "recall": 0.5, "f1": 2 / 3, "support": 2}
    assert set(values) >= {
        "micro", "labels", "accuracy", "sentences", "tokens", "seconds", "tokens_per_second", "strict",
    }  # fmt: skip


def test_files_without_an_entity_score_zero(file):
    comparison = score_files(file("gold", "a O\n"), file("predicted", "a O\n"), DataConfig())
    assert comparison.report.micro.f1 == comparison.strict.f1 == 0.0


def test_a_description_holds_for_both_files(file):
    gold, predicted = file("gold", "# c\nB-X,a\nI-X,b\n"), file("predicted", "B-X,a\n# d\nI-X,b\n")
    data = DataConfig(word_column=1, tag_column=0, separator=",", comment="#")
    assert score_files(gold, predicted, data).strict.f1 == 1.0


@pytest.mark.parametrize(
    ("predicted", "message"),
    [
        ("EU O\nrejects O\n",
         "predicted: expected the 2 sentences of gold, found 1; gold:4 is the first that stands alone"),
        ("EU O\nrejects O\n\nPeter O\nBlackburn O\nParis O\n\nx O\n",
         "predicted: expected the 2 sentences of gold, found 3; predicted:8 is the first that stands alone"),
        ("\nEU O\nrejected O\n\nPeter O\nBlackburn O\nParis O\n",
         "predicted:3: expected the words of gold:2, found 'rejected' where that has 'rejects'"),
        # A comment between is no token.
        ("EU O\n# c\nrejected O\n\nPeter O\nBlackburn O\nParis O\n",
         "predicted:3: expected the words of gold:2, found 'rejected' where that has 'rejects'"),
        # A blank line too few, or too many, is told where it happens.
        ("EU O\nrejects O\nPeter O\nBlackburn O\nParis O\n",
         "predicted:3: expected the words of gold:3, found 'Peter' where that has ''"),
        ("EU O\nrejects O\n\nPeter O\n\nBlackburn O\nParis O\n",
         "predicted:5: expected the words of gold:5, found '' where that has 'Blackburn'"),
    ],
)  # fmt: skip
def test_files_of_different_words_are_refused_with_the_place(file, predicted, message):
    with pytest.raises(DataError) as error:
        score_files(file("gold", GOLD), file("predicted", predicted), DataConfig(comment="#"))
    assert str(error.value) == message


def test_of_one_sentence_a_line_the_line_is_named(file):
    gold, predicted = file("gold", "a:O b:O\n\nc:O\n"), file("predicted", "a:O b:O\nd:O\n")
    with pytest.raises(DataError) as error:
        score_files(gold, predicted, DataConfig(format="lines"))
    assert str(error.value) == "predicted:2: expected the words of gold:3, found 'd' where that has 'c'"


def test_one_file_with_its_tags_first_has_no_gold_column(file):
    with pytest.raises(ConfigError) as error:
        score_files(file("both", "B-X a\n"), None, DataConfig(tag_column=0, word_column=1))
    assert str(error.value) == (
        "data.tag_column: expected the predicted tags' column, the gold tags' just before, found 0"
    )


def test_one_file_with_one_tag_column_is_refused(file):
    with pytest.raises(DataError) as error:
        score_files(file("one", "EU B-ORG\n"), None, DataConfig())
    assert str(error.value) == "one:1: expected at least 3 columns, found 2: 'EU B-ORG'"


@pytest.mark.parametrize(
    ("gold", "predicted", "remark"),
    [
        ("a O\n", "a O\n", "remark: no entity in the gold tags, so every score is 0"),
        ("a O\n", "a B-X\n", "remark: no entity in the gold tags, so every score is 0"),
        ("a B-X\n", "a O\n", "remark: no entity was found, so every score is 0"),
        ("a B-X\nb B-Y\n", "a B-X\nb O\n", "remark: never found: Y"),
        ("a B-X\nb O\n", "a B-X\nb B-Z\n", "remark: found, but not in the gold tags: Z"),
    ],
)
def test_what_makes_a_figure_mean_less_than_it_seems_is_said(file, gold, predicted, remark):
    analysis = score_files(file("gold", gold), file("predicted", predicted), DataConfig())
    assert analysis.remarks() == [remark]
    assert remark in str(analysis).split("\n")
    json.dumps(analysis.as_dict())
    assert details_of(analysis)


def test_labels_on_both_sides_alone_are_both_said(file):
    analysis = score_files(file("gold", "a B-X\nb O\n"), file("predicted", "a O\nb B-Z\n"), DataConfig())
    assert analysis.remarks() == ["remark: never found: X", "remark: found, but not in the gold tags: Z"]


def test_an_empty_file_is_refused(file):
    with pytest.raises(DataError) as error:
        score_files(file("gold", GOLD), file("predicted", ""), DataConfig())
    assert str(error.value) == "predicted: expected tagged sentences, found none; is it the right file?"


def test_labels_alone_are_scored_against_labels_alone_and_touching_entities_count_as_one(file):
    gold = file("gold", "a PER\nb PER\nc O\nd LOC\n")
    comparison = score_files(gold, file("predicted", "a PER\nb PER\nc O\nd PER\n"), DataConfig(scheme="io"))
    assert (comparison.report.micro.support, comparison.report.micro.found, comparison.report.micro.correct) == (
        2,
        2,
        1,
    )
    assert comparison.scheme == "io"


def test_an_unknown_scheme_is_refused():
    with pytest.raises(ConfigError) as error:
        override_data(DataConfig(), ["data.scheme=iob3"])
    known = ", ".join(SCHEMES)
    assert str(error.value) == f"--set data.scheme=iob3: data.scheme should be one of auto, {known}, found 'iob3'"


def test_a_training_file_tells_which_words_and_entities_are_known(file):
    training = read_training(file("train", "Rome B-LOC\n\nin O\n"), DataConfig())
    assert training.memory.seen(["Rome"], "LOC") == "with that label"
    assert origin_of("IN", training.words) == "training"
    assert origin_of("Oslo", training.words) == "nowhere"
