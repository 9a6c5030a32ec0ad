"""Scores against two tools that count by themselves: the package `conlleval`, and seqeval."""

import random
from itertools import product

import conlleval
import pytest
from hypothesis import given
from hypothesis import strategies as st
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities
from seqeval.scheme import IOB2, IOBES

from ner.evaluation.analysis import analyse
from ner.evaluation.report import report_spans
from ner.evaluation.scores import Scores, span_accuracy, token_accuracy
from ner.text.sentence import Span, sentence_from_words
from ner.text.tags import convert_tags, tags_to_spans
from tests.evaluation.strict import score_strictly
from tests.written import score_entities

NOTHING = Scores(precision=0.0, recall=0.0, f1=0.0, support=0, found=0, correct=0)


def counts(scores: Scores) -> tuple[int, int, int]:
    return scores.support, scores.found, scores.correct


def ratios(support: int, found: int, correct: int) -> tuple[float, float, float]:
    """Precision, recall and F1 by their definitions; 0 where there is nothing, as the Perl script has it."""
    precision = correct / found if found else 0.0
    recall = correct / support if support else 0.0
    return precision, recall, 2 * correct / (found + support) if correct else 0.0


def conlleval_lines(gold, predicted) -> list[str]:
    lines = []
    for g, p in zip(gold, predicted, strict=True):
        lines += [*(f"w {a} {b}" for a, b in zip(g, p, strict=True)), ""]
    return lines


def conlleval_counts(gold, predicted) -> dict[str, tuple[int, int, int]]:
    """(gold, found, correct) of each label, and of all under the empty name, counted by `conlleval`."""
    summary = conlleval.evaluate(conlleval_lines(gold, predicted))
    slots = {"": summary["overall"]["chunks"], **summary["slots"]["chunks"]}
    return {
        label: (slot["stats"]["gold"], slot["stats"]["pred"], slot["stats"]["correct"]) for label, slot in slots.items()
    }


def check_against_conlleval(gold, predicted):
    micro, labels = score_entities(gold, predicted)
    assert {"": counts(micro), **{label: counts(s) for label, s in labels.items()}} == conlleval_counts(gold, predicted)
    for scores in (micro, *labels.values()):
        assert (scores.precision, scores.recall, scores.f1) == pytest.approx(ratios(*counts(scores)), abs=1e-12)
    assert list(labels) == sorted(labels)


def random_tags(generator: random.Random, tags: list[str], num_sentences: int) -> list[list[str]]:
    return [[generator.choice(tags) for _ in range(5 + row % 7)] for row in range(num_sentences)]


@pytest.mark.parametrize("prefixes", ["BI", "BIES"])
@pytest.mark.parametrize(
    "labels", [["PER", "LOC"], ["a-b", "a", "-a", "a-", "b", "-", "_", "--", "a_", "O", "c", "d", "e"]]
)
def test_random_corpora_are_counted_as_conlleval_counts(prefixes, labels):
    generator = random.Random(3)
    tags = ["O", "O", *(f"{prefix}-{label}" for prefix in prefixes for label in labels)]
    for _ in range(10):
        gold = random_tags(generator, tags, 30)
        predicted = [[g if generator.random() < 0.7 else generator.choice(tags) for g in s] for s in gold]
        check_against_conlleval(gold, predicted)


def test_every_pair_of_short_sequences_is_counted_as_conlleval_counts():
    tags = ["O", "B-X", "I-X", "B-Y", "I-Y"]
    for size in (1, 2):
        for gold, predicted in product(product(tags, repeat=size), repeat=2):
            check_against_conlleval([gold], [predicted])
    every = list(product(tags, repeat=3))
    for gold in every:
        check_against_conlleval([gold] * len(every), every)


def test_random_corpora_are_counted_as_lenient_seqeval_counts():
    generator = random.Random(5)
    tags = ["O", "B-X", "I-X", "E-X", "S-X", "B-Y", "I-Y"]
    for _ in range(20):
        gold, predicted = random_tags(generator, tags, 8), random_tags(generator, tags, 8)
        gold_spans, predicted_spans = set(get_entities(gold)), set(get_entities(predicted))
        micro, _ = score_entities(gold, predicted)
        assert counts(micro) == (len(gold_spans), len(predicted_spans), len(gold_spans & predicted_spans))


def test_the_scheme_of_either_side_changes_no_score():
    generator = random.Random(7)
    tags = ["O", "B-X", "I-X", "B-Y", "I-Y"]
    gold, predicted = random_tags(generator, tags, 20), random_tags(generator, tags, 20)
    expected = score_entities(gold, predicted)
    for one, other in product(["iob1", "iob2", "bioes", "bmes"], repeat=2):
        assert score_entities([convert_tags(g, one) for g in gold], [convert_tags(p, other) for p in predicted]) == (
            expected
        )


# Strict scores.


def strict_spans(tags, scheme: str) -> set[tuple[str, int, int]]:
    """The well-formed entities, from the definition of the scheme."""
    found = set()
    for start in range(len(tags)):
        for end in range(start + 1, len(tags) + 1):
            label = tags[start][2:]
            if scheme == "iob2":
                form = [f"B-{label}", *[f"I-{label}"] * (end - start - 1)]
                whole = end == len(tags) or tags[end] != f"I-{label}"
            else:
                inside = "M" if scheme == "bmes" else "I"
                last = end - start - 2
                form = [f"S-{label}"] if last < 0 else [f"B-{label}", *[f"{inside}-{label}"] * last, f"E-{label}"]
                whole = True
            if label and whole and list(tags[start:end]) == form:
                found.add((label, start, end))
    return found


@pytest.mark.parametrize(
    ("scheme", "prefixes", "length"), [("iob2", "BI", 4), ("bioes", "BIES", 3), ("bmes", "BMES", 3)]
)
def test_only_well_formed_entities_count_strictly_in_every_short_sequence(scheme, prefixes, length):
    tags = ["O", *(f"{prefix}-{label}" for prefix in prefixes for label in "XY")]
    every = list(product(tags, repeat=length))
    gold = [convert_tags(predicted, scheme) for predicted in reversed(every)]
    gold_spans = [strict_spans(sequence, scheme) for sequence in gold]
    predicted_spans = [strict_spans(sequence, scheme) for sequence in every]
    micro, labels = score_strictly(gold, every, scheme)

    def counted(keep: str) -> tuple[int, int, int]:
        kept = [[{s for s in spans if s[0] in keep} for spans in side] for side in (gold_spans, predicted_spans)]
        correct = sum(len(g & p) for g, p in zip(*kept, strict=True))
        return sum(map(len, kept[0])), sum(map(len, kept[1])), correct

    assert counts(micro) == counted("XY")
    assert {label: counts(scores) for label, scores in labels.items()} == {"X": counted("X"), "Y": counted("Y")}


@pytest.mark.parametrize(("scheme", "kind", "prefixes"), [("iob2", IOB2, "BI"), ("bioes", IOBES, "BIES")])
def test_strict_scores_are_those_of_strict_seqeval(scheme, kind, prefixes):
    generator = random.Random(11)
    tags = ["O", *(f"{prefix}-{label}" for prefix in prefixes for label in ("PER", "a-b"))]
    for _ in range(5):
        gold = [convert_tags(sequence, scheme) for sequence in random_tags(generator, tags, 20)]
        predicted = [[g if generator.random() < 0.8 else generator.choice(tags) for g in s] for s in gold]
        micro, _ = score_strictly(gold, predicted, scheme)
        told = [
            measure(gold, predicted, mode="strict", scheme=kind)
            for measure in (precision_score, recall_score, f1_score)
        ]
        assert [micro.precision, micro.recall, micro.f1] == pytest.approx(told, abs=1e-12)


def test_bilou_is_scored_strictly_as_bioes_is():
    gold = ["B-X", "I-X", "L-X", "U-Y", "O"]
    assert counts(score_strictly([gold], [gold], "bioes")[0]) == (2, 2, 2)
    assert counts(score_strictly([gold], [["B-X", "I-X", "I-X", "U-Y", "O"]], "bioes")[0]) == (2, 1, 1)


def test_a_wrong_end_letter_counts_as_conlleval_counts_and_not_strictly():
    # The design's example: seqeval's default calls this 1.0 too.
    gold, predicted = [["B-X", "I-X", "E-X"]], [["B-X", "I-X", "I-X"]]
    assert score_entities(gold, predicted)[0].f1 == 1.0
    assert score_strictly(gold, predicted, "bioes")[0] == Scores(0.0, 0.0, 0.0, 1, 0, 0)


def test_iob1_has_no_ill_formed_entity():
    for gold, predicted in product(product(["O", "B-X", "I-X", "I-Y"], repeat=3), repeat=2):
        if predicted[0] == gold[0]:
            assert score_strictly([gold], [predicted], "iob1") == score_entities([gold], [predicted])


@pytest.mark.parametrize("label", ["-", "_", "-x", "x-", "--", "O", "B-x", "a.b", "北京", "0", "000000001"])
@pytest.mark.parametrize("scheme", ["iob1", "iob2", "bioes", "bmes"])
def test_a_label_keeps_its_name_beside_one_that_seqeval_takes_for_the_same(label, scheme):
    gold = [convert_tags([f"B-{label}", "O", "B-x"], scheme)]
    predicted = [convert_tags(["B-x", "O", "B-x"], scheme)]
    for micro, labels in (score_entities(gold, predicted), score_strictly(gold, predicted, scheme)):
        assert counts(micro) == (2, 2, 1)
        assert {name: counts(scores) for name, scores in labels.items()} == {label: (1, 0, 0), "x": (1, 2, 1)}


# Nothing.


@pytest.mark.parametrize("sentences", [[], [[]], [["O"]], [["O", "O"], [], ["O"]]])
@pytest.mark.parametrize("scheme", ["iob1", "iob2", "bioes", "bmes"])
def test_without_entities_every_score_is_zero(sentences, scheme):
    assert score_entities(sentences, sentences) == (NOTHING, {})
    assert score_strictly(sentences, sentences, scheme) == (NOTHING, {})


def test_what_is_only_found_or_only_gold_scores_zero():
    assert score_entities([["O"]], [["B-X"]]) == (Scores(0.0, 0.0, 0.0, 0, 1, 0), {"X": Scores(0.0, 0.0, 0.0, 0, 1, 0)})
    assert score_entities([["B-X"]], [["O"]]) == (Scores(0.0, 0.0, 0.0, 1, 0, 0), {"X": Scores(0.0, 0.0, 0.0, 1, 0, 0)})


TAGS = st.sampled_from(["O", "B-X", "I-X", "B-Y"])


@given(st.lists(st.lists(st.tuples(TAGS, TAGS), max_size=6), max_size=5))
def test_every_number_is_a_plain_one(sentences):
    gold = [[g for g, _ in sentence] for sentence in sentences]
    predicted = [[p for _, p in sentence] for sentence in sentences]
    micro, labels = score_entities(gold, predicted)
    for scores in (micro, *labels.values()):
        assert {type(x) for x in (scores.precision, scores.recall, scores.f1)} == {float}
        assert {type(x) for x in counts(scores)} == {int}
        assert scores.correct <= min(scores.support, scores.found)


def test_accuracy_is_the_share_of_tags_that_conlleval_calls_equal():
    generator = random.Random(13)
    tags = ["O", "B-X", "I-X", "B-Y", "I-Y"]
    gold, predicted = random_tags(generator, tags, 20), random_tags(generator, tags, 20)
    told = conlleval.evaluate(conlleval_lines(gold, predicted))["overall"]["tags"]["stats"]
    assert token_accuracy(gold, predicted) == told["correct"] / told["gold"]
    assert token_accuracy([], []) == token_accuracy([[]], [[]]) == 0.0


@pytest.mark.parametrize(
    ("predicted", "message"),
    [
        ([["O"], ["O", "O"]], "sentence 2: expected 1 tag, found 2"),
        ([["O"]], "expected tags of 2 sentences, found 1"),
    ],
)
def test_as_many_tags_as_gold_ones_or_the_sentence_is_named(predicted, message):
    gold = [["O"], ["O"]]
    with pytest.raises(ValueError) as error:
        token_accuracy(gold, predicted)
    assert str(error.value) == message


def test_the_accuracy_of_spans_is_that_of_their_iob2_tags():
    generator = random.Random(29)
    tags = ["O", "O", "B-X", "I-X", "B-Y", "I-Y"]
    for _ in range(200):
        sides = [[convert_tags(s, "iob2") for s in random_tags(generator, tags, 5)] for _ in range(2)]
        spans = [[tags_to_spans(s) for s in side] for side in sides]
        assert span_accuracy(*spans, sum(map(len, sides[0]))) == token_accuracy(*sides)
    assert span_accuracy([], [], 0) == span_accuracy([[]], [[]], 0) == 0.0


@pytest.mark.parametrize(
    ("predicted", "message"),
    [
        ([[]], "expected spans of 2 sentences, found 1"),
        (
            [[], [Span("X", 1, 3)]],
            "sentence 2: expected spans of its 2 tokens, found [Span(label='X', start=1, end=3)]",
        ),
        (
            [[Span("X", -1, 1)], []],
            "sentence 1: expected spans of its 1 tokens, found [Span(label='X', start=-1, end=1)]",
        ),
    ],
)
def test_spans_of_as_many_sentences_and_of_their_tokens_or_the_sentence_is_named(predicted, message):
    sentences = [sentence_from_words(["w"], ["O"]), sentence_from_words(["w", "x"], ["O", "O"])]
    for count in (report_spans, analyse):
        with pytest.raises(ValueError) as error:
            count(sentences, predicted)
        assert str(error.value) == message


def test_without_tags_as_written_the_strict_scores_are_those_of_all_entities():
    sentences = [sentence_from_words(["w", "x", "y"], ["B-X", "I-X", "B-Y"])]
    analysis = analyse(sentences, [[Span("X", 0, 2), Span("X", 2, 3)]])
    assert (
        analysis.strict == analysis.report.micro == score_entities([["B-X", "I-X", "B-Y"]], [["B-X", "I-X", "B-X"]])[0]
    )
    assert (analysis.scheme, analysis.report.accuracy) == ("iob2", 2 / 3)
