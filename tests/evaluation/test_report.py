"""The table, held against tables written by hand after the Perl script's formats, and against `conlleval`'s own."""

import json
import random

import conlleval
import pytest

from tests.written import report_tags

# printf "processed %d tokens with %d phrases; found: %d phrases; correct: %d.\n"
# printf "accuracy: %6.2f%%; precision: %6.2f%%; recall: %6.2f%%; FB1: %6.2f\n"
# printf "%17s: precision: %6.2f%%; recall: %6.2f%%; FB1: %6.2f  %d\n"
PLAIN = """\
processed 8 tokens with 3 phrases; found: 3 phrases; correct: 2.
accuracy:  87.50%; precision:  66.67%; recall:  66.67%; FB1:  66.67
              LOC: precision:   0.00%; recall:   0.00%; FB1:   0.00  0
              ORG: precision:  50.00%; recall: 100.00%; FB1:  66.67  2
              PER: precision: 100.00%; recall: 100.00%; FB1: 100.00  1"""
NOTHING_FOUND = """\
processed 2 tokens with 1 phrases; found: 0 phrases; correct: 0.
accuracy:  50.00%; precision:   0.00%; recall:   0.00%; FB1:   0.00
                X: precision:   0.00%; recall:   0.00%; FB1:   0.00  0"""
# An orphan I- opens an entity, which counts, while its tag is wrong; a long name pushes its row to the right.
ILL_FORMED = """\
processed 8 tokens with 3 phrases; found: 3 phrases; correct: 1.
accuracy:  62.50%; precision:  33.33%; recall:  33.33%; FB1:  33.33
                Z: precision:   0.00%; recall:   0.00%; FB1:   0.00  1
location-bus-stop-x: precision:  50.00%; recall:  33.33%; FB1:  40.00  2"""
LONG = "location-bus-stop-x"


@pytest.mark.parametrize(
    ("gold", "predicted", "table"),
    [
        ("B-PER I-PER O B-LOC O|B-ORG O O", "B-PER I-PER O B-ORG O|B-ORG O O", PLAIN),
        ("B-X O", "O O", NOTHING_FOUND),
        (f"B-{LONG} I-{LONG} B-{LONG} O|B-{LONG}|O O O", f"B-{LONG} I-{LONG} I-{LONG} O|I-{LONG}|O O B-Z", ILL_FORMED),
    ],
)
def test_the_table_is_the_perl_scripts_to_the_character(gold, predicted, table):
    split = [[sentence.split() for sentence in tags.split("|")] for tags in (gold, predicted)]
    assert str(report_tags(*split)) == table


def test_the_digits_are_those_of_hundredfold_counts_as_the_perl_script_has_them():
    # 100 * 23 / 160 is 14.375, which both sides of a tie can print: the script's printf gives 14.38, a
    # hundredfold 23 / 160 would give 14.37.
    gold = [["B-X"]] * 160
    predicted = [["B-X"]] * 23 + [["B-Y"]] * 137
    assert str(report_tags(gold, predicted)) == (
        "processed 160 tokens with 160 phrases; found: 160 phrases; correct: 23.\n"
        "accuracy:  14.38%; precision:  14.38%; recall:  14.38%; FB1:  14.38\n"
        "                X: precision: 100.00%; recall:  14.38%; FB1:  25.14  23\n"
        "                Y: precision:   0.00%; recall:   0.00%; FB1:   0.00  137"
    )


def test_the_table_is_the_one_that_the_package_conlleval_prints():
    generator = random.Random(17)
    for prefixes in ("BI", "BI", "BIES", "BIES"):
        tags = ["O", *(f"{prefix}-{label}" for prefix in prefixes for label in ("PER", "a-b", "x"))]
        gold = [[generator.choice(tags) for _ in range(6)] for _ in range(40)]
        predicted = [[g if generator.random() < 0.7 else generator.choice(tags) for g in sentence] for sentence in gold]
        lines = []
        for g, p in zip(gold, predicted, strict=True):
            lines += [*(f"w {a} {b}" for a, b in zip(g, p, strict=True)), ""]
        # Where a label was never found the package prints a precision of 100, the Perl script 0; here all are found.
        assert str(report_tags(gold, predicted)) + "\n" == conlleval.report(conlleval.evaluate(lines))


def test_the_dict_is_plain_json_with_every_promised_key():
    report = report_tags([["B-PER", "I-PER", "O", "B-a-b"]], [["B-PER", "I-PER", "O", "O"]], seconds=0.5)
    values = report.as_dict()
    assert json.loads(json.dumps(values)) == values
    assert values == {
        "micro": {"precision": 1.0, "recall": 0.5, "f1": 2 / 3, "support": 2, "found": 1, "correct": 1},
        "labels": {
            "PER": {"precision": 1.0, "recall": 1.0, "f1": 1.0, "support": 1, "found": 1, "correct": 1},
            "a-b": {"precision": 0.0, "recall": 0.0, "f1": 0.0, "support": 1, "found": 0, "correct": 0},
        },
        "accuracy": 0.75,
        "sentences": 1,
        "tokens": 4,
        "seconds": 0.5,
        "tokens_per_second": 8.0,
    }
    assert {type(value) for value in values["micro"].values()} == {float, int}


def test_without_a_time_there_is_no_speed():
    values = report_tags([["O"]], [["O"]]).as_dict()
    assert values["seconds"] is values["tokens_per_second"] is None


def test_nothing_at_all_makes_a_report_of_zeros():
    report = report_tags([], [])
    assert str(report) == (
        "processed 0 tokens with 0 phrases; found: 0 phrases; correct: 0.\n"
        "accuracy:   0.00%; precision:   0.00%; recall:   0.00%; FB1:   0.00"
    )
    assert json.loads(json.dumps(report.as_dict()))["sentences"] == 0
