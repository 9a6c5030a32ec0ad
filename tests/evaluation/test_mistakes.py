"""Mistakes by kind: cases counted by hand, and sums that must hold for any tags."""

import random
from collections import Counter

import pytest

from ner.evaluation.mistakes import KINDS, NONE, count_kinds, f1_without, find_mistakes, frequent_strings
from ner.evaluation.scores import score_spans
from ner.text.sentence import Span, sentence_from_words
from ner.text.tags import tags_to_spans


def spans(tags):
    return tags_to_spans(tags.split())


@pytest.mark.parametrize(
    ("gold", "predicted", "kinds"),
    [
        ("B-X I-X O", "B-X I-X O", []),
        ("B-X I-X O", "O O O", ["missed"]),
        ("O O O", "O B-X O", ["invented"]),
        ("B-X I-X O", "B-X O O", ["wrong boundary"]),
        ("B-X I-X O", "O B-X I-X", ["wrong boundary"]),
        ("B-X I-X O", "B-Y I-Y O", ["wrong label"]),
        ("B-X I-X O", "B-Y I-Y I-Y", ["both wrong"]),
        ("B-X I-X I-X", "B-X O B-X", ["split"]),
        ("B-X I-X I-X", "B-X B-Y I-Y", ["split"]),
        ("B-X O B-X", "B-X I-X I-X", ["merged"]),
        ("B-X B-Y O", "B-Y I-Y I-Y", ["merged"]),
        ("B-X O B-X", "O B-X O", ["missed", "invented", "missed"]),
        ("B-X I-X B-Y I-Y", "B-X I-X I-X B-Y", ["wrong boundary", "wrong boundary"]),
        ("B-X I-X O B-Y O", "B-X O O B-X B-Y", ["wrong boundary", "wrong label", "invented"]),
    ],
)
def test_a_case_of_each_kind_is_called_what_a_reader_calls_it(gold, predicted, kinds):
    mistakes, _ = find_mistakes([spans(gold)], [spans(predicted)])
    assert [mistake.kind for mistake in mistakes] == kinds


def random_spans(generator, sentences=40):
    tags = ["O", "O", "B-X", "I-X", "I-X", "B-Y", "I-Y"]
    return [tags_to_spans(generator.choices(tags, k=generator.randint(1, 12))) for _ in range(sentences)]


@pytest.mark.parametrize("seed", range(20))
def test_every_entity_that_is_not_right_is_in_just_one_mistake(seed):
    generator = random.Random(seed)
    gold, predicted = random_spans(generator), random_spans(generator)
    mistakes, confusion = find_mistakes(gold, predicted)
    for side, mine, theirs in (("gold", gold, predicted), ("predicted", predicted, gold)):
        wrong = Counter(
            (n, s) for n, pair in enumerate(zip(mine, theirs, strict=True)) for s in pair[0] if s not in pair[1]
        )
        assert Counter((m.sentence, s) for m in mistakes for s in getattr(m, side)) == wrong
    # In the matrix each gold entity is in its label's row once; predicted ones that answer none are in the last.
    names = (*confusion.labels, NONE)
    support = Counter(s.label for sentence in gold for s in sentence)
    assert {n: sum(row) for n, row in zip(names[:-1], confusion.rows, strict=False)} == support
    counts = Counter(s.label for sentence in predicted for s in sentence)
    assert {n: sum(row[i] for row in confusion.rows) for i, n in enumerate(names[:-1])} == counts
    assert confusion.rows[-1][-1] == 0


@pytest.mark.parametrize("seed", range(5))
def test_what_mending_a_kind_brings_is_the_f1_of_tags_with_that_kind_mended(seed):
    generator = random.Random(seed)
    gold, predicted = random_spans(generator), random_spans(generator)
    mistakes, _ = find_mistakes(gold, predicted)
    told = f1_without(score_spans(gold, predicted)[0], mistakes)
    assert set(told) == set(KINDS)
    for kind, f1 in told.items():
        mended = [set(sentence) for sentence in predicted]
        for mistake in mistakes:
            if mistake.kind == kind:
                mended[mistake.sentence] = mended[mistake.sentence] - set(mistake.predicted) | set(mistake.gold)
        # Sorted, since scores ask for spans in order.
        tags = [sorted(sentence, key=lambda s: (s.start, s.end)) for sentence in mended]
        assert score_spans(gold, tags)[0].f1 == pytest.approx(f1, abs=1e-12)
    assert sum(count_kinds(mistakes).values()) == len(mistakes)


def test_labels_taken_for_each_other_are_counted_by_hand():
    gold = [spans("B-PER I-PER O B-LOC O B-ORG"), spans("B-LOC I-LOC I-LOC")]
    predicted = [spans("B-PER O O B-ORG B-PER O"), spans("B-ORG O B-LOC")]
    _, confusion = find_mistakes(gold, predicted)
    assert confusion.as_dict() == {
        "LOC": {"LOC": 1, "ORG": 1, "PER": 0, "none": 0},  # of the split one, the half with the right label answers
        "ORG": {"LOC": 0, "ORG": 0, "PER": 0, "none": 1},
        "PER": {"LOC": 0, "ORG": 0, "PER": 1, "none": 0},
        "none": {"LOC": 0, "ORG": 1, "PER": 1, "none": 0},
    }


def test_the_strings_that_go_wrong_most_come_first_with_both_sides():
    words = [["Jordan", "won"], ["Jordan", "lost"], ["in", "北", "京"]]
    tags = [("B-PER O", "B-LOC O"), ("B-PER O", "B-LOC O"), ("O B-LOC I-LOC", "O B-LOC B-LOC")]
    mistakes, _ = find_mistakes([spans(gold) for gold, _ in tags], [spans(predicted) for _, predicted in tags])
    assert frequent_strings(mistakes, [sentence_from_words(w) for w in words]) == [
        {"count": 2, "kind": "wrong label", "gold": "Jordan (PER)", "predicted": "Jordan (LOC)"},
        {"count": 1, "kind": "split", "gold": "北京 (LOC)", "predicted": "北 (LOC) + 京 (LOC)"},
    ]
    assert len(frequent_strings(mistakes, [sentence_from_words(w) for w in words], most=1)) == 1


def test_a_mistake_carries_the_scores_of_what_was_found():
    mistakes, _ = find_mistakes([spans("B-X O B-X")], [spans("B-Y O B-X")], scores=[[0.25, 0.75]])
    assert [mistake.scores for mistake in mistakes] == [(0.25,)]
    assert mistakes[0].labels == ["X", "Y"]
    assert mistakes[0].gold == (Span("X", 0, 1),)
