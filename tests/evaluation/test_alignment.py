"""Pairs and groups of spans, against the best of all pairings and against cases counted by hand."""

from itertools import combinations, groupby, product

import pytest

from ner.evaluation.alignment import Group, group_spans, pair_spans
from ner.evaluation.scores import score_boundaries, score_overlaps, scores_of
from ner.text.sentence import Span
from ner.text.tags import tags_to_spans

SEQUENCES = [tags_to_spans(tags) for tags in product(["O", "B-X", "I-X"], repeat=4)]


def overlap(one, other):
    return min(one.end, other.end) > max(one.start, other.start)


def most_pairs(gold, predicted):
    """The size of the largest set of overlapping pairs without a span in two of them, by trying all sets."""
    pairs = [(one, other) for one in gold for other in predicted if overlap(one, other)]
    for size in range(min(len(gold), len(predicted)), 0, -1):
        for chosen in combinations(pairs, size):
            if len({one for one, _ in chosen}) == len({other for _, other in chosen}) == size:
                return size
    return 0


def test_no_pairing_has_more_pairs():
    for gold, predicted in product(SEQUENCES, repeat=2):
        pairs = pair_spans(gold, predicted)
        assert all(overlap(one, other) for one, other in pairs)
        assert len({one for one, _ in pairs}) == len({other for _, other in pairs}) == len(pairs)
        assert len(pairs) == most_pairs(gold, predicted)


def test_every_span_is_in_one_group_and_every_group_has_one_span_on_one_side():
    for gold, predicted in product(SEQUENCES, repeat=2):
        groups = group_spans(gold, predicted)
        assert sorted((s for g in groups for s in g.gold), key=lambda s: s.start) == gold
        assert sorted((s for g in groups for s in g.predicted), key=lambda s: s.start) == predicted
        for group in groups:
            assert 1 in (len(group.gold), len(group.predicted))
            assert all(overlap(one, other) for one in group.gold for other in group.predicted)
            if not group.gold:
                assert not any(overlap(one, group.predicted[0]) for one in gold)
            if not group.predicted:
                assert not any(overlap(group.gold[0], other) for other in predicted)


@pytest.mark.parametrize(
    ("gold", "predicted", "groups"),
    [
        ("AA.", "AA.", ["AA/AA"]),
        ("AA.", "...", ["AA/"]),
        ("...", ".AA", ["/AA"]),
        ("AAAA", "BB.A", ["AAAA/BB+A"]),  # split
        ("AABB", "CCCC", ["AA+BB/CCCC"]),  # merged
        ("AAABBB", "CCDDDD", ["AAA/CC", "BBB/DDDD"]),
        ("A..BB", ".C.BB", ["A/", "/C", "BB/BB"]),
        # The third predicted one is left over and shares tokens with the second gold one alone.
        ("AAABBB", "CCCCDE", ["AAA/CCCC", "BBB/D+E"]),
    ],
)
def test_groups_are_those_that_a_hand_draws(gold, predicted, groups):
    def spans(text):
        runs = [(label, [n for n, _ in run]) for label, run in groupby(enumerate(text), key=lambda pair: pair[1])]
        return [Span(label, places[0], places[-1] + 1) for label, places in runs if label != "."]

    made = [
        "/".join("+".join(s.label * (s.end - s.start) for s in side) for side in (group.gold, group.predicted))
        for group in group_spans(spans(gold), spans(predicted))
    ]
    assert made == groups


def test_the_best_pair_of_a_group_agrees_in_its_label_before_its_length():
    whole, long, short = Span("PER", 0, 5), Span("ORG", 0, 3), Span("PER", 4, 5)
    assert Group((whole,), (long, short)).best == (whole, short)
    assert Group((whole,), (long,)).best == (whole, long)
    assert Group((whole,), ()).best == (whole, None)
    assert Group((), (short,)).best == (None, short)


def test_relaxed_scores_of_a_sentence_counted_by_hand():
    gold = [[Span("PER", 0, 4), Span("LOC", 5, 6), Span("ORG", 7, 9)], []]
    predicted = [[Span("PER", 0, 1), Span("PER", 2, 3), Span("ORG", 5, 6), Span("ORG", 8, 10)], [Span("X", 0, 1)]]
    # Overlap with the label: PER once though both halves touch it, ORG; LOC has the wrong label.
    assert score_overlaps(gold, predicted) == scores_of(3, 5, 2)
    # Both ends: the one at 5.
    assert score_boundaries(gold, predicted) == scores_of(3, 5, 1)
