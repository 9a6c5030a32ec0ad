"""Which predicted span answers which gold one, where the two don't agree.

Spans of one side never overlap one another, so "overlaps" links the two sides into chains, and walking them
from left to right pairs as many as can be paired.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from ner.text.sentence import Span


@dataclass(frozen=True, slots=True)
class Group:
    """Spans that answer each other: one against one, one against none, or one against several."""

    gold: tuple[Span, ...]
    predicted: tuple[Span, ...]

    @property
    def best(self) -> tuple[Span | None, Span | None]:
        """The pair that agrees most: in label, then in tokens, then the first; None for a side without spans."""
        if not self.gold or not self.predicted:
            return (*self.gold, None)[0], (*self.predicted, None)[0]
        pairs = [(one, other) for one in self.gold for other in self.predicted]
        return max(pairs, key=lambda pair: (pair[0].label == pair[1].label, _shared(*pair)))


def pair_spans(gold: Sequence[Span], predicted: Sequence[Span]) -> list[tuple[Span, Span]]:
    """As many pairs of overlapping spans as there can be, each span in one at most.

    Args:
        gold: in order, no two with a token in common.
        predicted: as well.

    >>> pair_spans([Span("A", 0, 3), Span("A", 3, 6)], [Span("B", 2, 5), Span("B", 5, 6)])
    [(Span(label='A', start=0, end=3), Span(label='B', start=2, end=5)), \
(Span(label='A', start=3, end=6), Span(label='B', start=5, end=6))]
    """
    pairs = []
    one = other = 0
    while one < len(gold) and other < len(predicted):
        mine, theirs = gold[one], predicted[other]
        if _shared(mine, theirs) > 0:
            pairs.append((mine, theirs))
            one, other = one + 1, other + 1
        elif mine.end <= theirs.start:
            one += 1
        else:
            other += 1
    return pairs


def group_spans(gold: Sequence[Span], predicted: Sequence[Span]) -> list[Group]:
    """Groups in the order of the sentence, each span in just one of them.

    Spans are paired first; one that is left over joins the pair of the span it shares most tokens with.

    Args:
        gold: in order, no two with a token in common.
        predicted: as well.
    """
    pairs = pair_spans(gold, predicted)
    groups: list[tuple[list[Span], list[Span]]] = [([mine], [theirs]) for mine, theirs in pairs]
    of_gold = {mine: number for number, (mine, _) in enumerate(pairs)}
    of_predicted = {theirs: number for number, (_, theirs) in enumerate(pairs)}
    for span in gold:
        if span not in of_gold:
            # Whatever it overlaps is in a pair, or the two would be one.
            near = _overlapping(span, predicted)
            if near:
                groups[of_predicted[near]][0].append(span)
            else:
                groups.append(([span], []))
    for span in predicted:
        if span not in of_predicted:
            near = _overlapping(span, gold)
            if near:
                groups[of_gold[near]][1].append(span)
            else:
                groups.append(([], [span]))
    made = [Group(tuple(sorted(g, key=_start)), tuple(sorted(p, key=_start))) for g, p in groups]
    return sorted(made, key=lambda group: min(map(_start, (*group.gold, *group.predicted))))


def _overlapping(span: Span, others: Sequence[Span]) -> Span | None:
    """The one of these spans, which stand in order, that shares most tokens with this one; the first of equals."""
    first = bisect_right(others, span.start, key=lambda other: other.end)
    last = bisect_left(others, span.end, key=_start)
    return max(others[first:last], key=lambda other: _shared(span, other), default=None)


def _start(span: Span) -> int:
    return span.start


def _shared(one: Span, other: Span) -> int:
    """Tokens that two spans have in common; below zero where they lie apart."""
    return min(one.end, other.end) - max(one.start, other.start)
