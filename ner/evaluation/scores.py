"""Precision, recall and F1 of entities.

An entity counts where label and both ends agree. Tags are read as conlleval reads them; who wants strict scores,
as seqeval's strict mode has them (Nakayama 2018), leaves the ill-formed entities out before (`text.tags.well_formed`).
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import eq
from typing import NamedTuple

from ner.errors import counted
from ner.evaluation.alignment import pair_spans
from ner.text.sentence import Sentence, Span

Tags = Sequence[Sequence[str]]
Spans = Sequence[Sequence[Span]]


@dataclass(frozen=True, slots=True)
class Scores:
    """Precision, recall and F1 as fractions of 1; how many entities are gold, predicted, correct.

    `support` counts the gold ones, `found` the predicted ones.
    """

    precision: float
    recall: float
    f1: float
    support: int
    found: int
    correct: int

    def as_dict(self) -> dict[str, float | int]:
        """Plain JSON values."""
        return {name: getattr(self, name) for name in ("precision", "recall", "f1", "support", "found", "correct")}

    def __str__(self) -> str:
        """Percentages in conlleval's layout, computed in its order, so that they round alike."""
        precision = 100 * self.correct / self.found if self.found else 0.0
        recall = 100 * self.correct / self.support if self.support else 0.0
        f1 = 2 * precision * recall / (precision + recall) if self.correct else 0.0
        return f"precision: {precision:6.2f}%; recall: {recall:6.2f}%; FB1: {f1:6.2f}"


def scores_of(support: int, found: int, correct: int) -> Scores:
    """The scores of these counts; 0 where nothing is predicted, or nothing is gold.

    >>> scores_of(4, 2, 1)
    Scores(precision=0.5, recall=0.25, f1=0.3333333333333333, support=4, found=2, correct=1)
    """
    precision = correct / found if found else 0.0
    recall = correct / support if support else 0.0
    f1 = 2 * precision * recall / (precision + recall) if correct else 0.0
    return Scores(precision, recall, f1, support, found, correct)


def score_spans(gold: Spans, predicted: Spans) -> tuple[Scores, dict[str, Scores]]:
    """Micro scores, and those of each label in alphabetic order.

    Args:
        gold: the spans of each sentence.
        predicted: those of as many sentences.
    """
    correct: Counter[str] = Counter()
    for gold_spans, predicted_spans in zip(gold, predicted, strict=True):
        if gold_spans and predicted_spans:
            same = gold_spans == predicted_spans
            correct.update(_labels(gold_spans if same else set(gold_spans).intersection(predicted_spans)))
    support = Counter(span.label for spans in gold for span in spans)
    found = Counter(span.label for spans in predicted for span in spans)
    labels = sorted(support.keys() | found.keys())
    micro = scores_of(support.total(), found.total(), correct.total())
    return micro, {label: scores_of(support[label], found[label], correct[label]) for label in labels}


def score_overlaps(gold: Spans, predicted: Spans) -> Scores:
    """Micro scores where any token in common with a gold entity of the same label will do.

    Each entity answers one at most, so the two halves of a split one count once.

    Args:
        gold: the spans of each sentence, in order.
        predicted: those of as many sentences.
    """
    correct = 0
    for gold_spans, predicted_spans in zip(gold, predicted, strict=True):
        if gold_spans == predicted_spans:
            correct += len(gold_spans)
        elif gold_spans and predicted_spans:
            for label in set(_labels(gold_spans)).intersection(_labels(predicted_spans)):
                gold_ones = [span for span in gold_spans if span.label == label]
                correct += len(pair_spans(gold_ones, [span for span in predicted_spans if span.label == label]))
    return scores_of(sum(map(len, gold)), sum(map(len, predicted)), correct)


def score_boundaries(gold: Spans, predicted: Spans) -> Scores:
    """Micro scores where both ends must agree and the label needn't.

    Args:
        gold: the spans of each sentence.
        predicted: those of as many sentences.
    """
    correct = sum(
        len(_ends(gold_spans) & _ends(predicted_spans))
        for gold_spans, predicted_spans in zip(gold, predicted, strict=True)
    )
    return scores_of(sum(map(len, gold)), sum(map(len, predicted)), correct)


class Relaxed(NamedTuple):
    """A way of counting that is less strict than conlleval's: its name on a page and in text, and what it needs."""

    score: Callable[[Spans, Spans], Scores]
    title: str
    line: str
    needs: str


# The relaxed ways of counting that an analysis shows, by their names in JSON. Another one is one more row.
RELAXED = {
    "overlap": Relaxed(score_overlaps, "overlap", "overlap and label", "right label, a common token"),
    "boundaries": Relaxed(score_boundaries, "both ends", "both ends", "right tokens, any label"),
}


def macro_f1(labels: Iterable[Scores]) -> float:
    """The mean F1 of labels, frequent or not, as a fraction of 1; 0 where there are none."""
    scores = [label.f1 for label in labels]
    return sum(scores) / len(scores) if scores else 0.0


def token_accuracy(gold: Tags, predicted: Tags) -> float:
    """Share of tokens whose two tags are the same, as they are written; 0 where there are no tokens."""
    _check_lengths(gold, predicted)
    total = sum(map(len, gold))
    return sum(sum(map(eq, *pair)) for pair in zip(gold, predicted, strict=True)) / total if total else 0.0


def span_accuracy(gold: Spans, predicted: Spans, tokens: int) -> float:
    """Share of tokens whose two IOB2 tags would be the same; 0 where there are no tokens.

    Args:
        gold: the spans of each sentence.
        predicted: those of as many sentences.
        tokens: of all sentences.

    >>> span_accuracy([[Span("X", 0, 2)]], [[Span("X", 1, 2)]], 4)
    0.5
    """
    wrong = 0
    for gold_spans, predicted_spans in zip(gold, predicted, strict=True):
        if gold_spans != predicted_spans:
            wrong += len({index for index, *_ in _marks(gold_spans) ^ _marks(predicted_spans)})
    return (tokens - wrong) / tokens if tokens else 0.0


def _marks(spans: Iterable[Span]) -> set[tuple[int, str, bool]]:
    """Each token of a span, the span's label, and whether the token is its first: what an IOB2 tag says."""
    return {(index, span.label, index == span.start) for span in spans for index in range(span.start, span.end)}


def check_spans(sentences: Sequence[Sentence], predicted: Spans) -> None:
    """Raise ValueError unless each sentence has its spans, and these are of its tokens.

    Args:
        sentences: any.
        predicted: the spans of as many, each sentence's in order.
    """
    if len(sentences) != len(predicted):
        raise ValueError(f"expected spans of {len(sentences)} sentences, found {len(predicted)}")
    for number, (sentence, spans) in enumerate(zip(sentences, predicted, strict=True), start=1):
        if spans and (spans[-1].end > len(sentence.spelled) or spans[0].start < 0):
            raise ValueError(f"sentence {number}: expected spans of its {len(sentence.spelled)} tokens, found {spans}")


def _check_lengths(gold: Tags, predicted: Tags) -> None:
    if len(gold) != len(predicted):
        raise ValueError(f"expected tags of {len(gold)} sentences, found {len(predicted)}")
    for number, pair in enumerate(zip(gold, predicted, strict=True), start=1):
        expected, found = map(len, pair)
        if expected != found:
            raise ValueError(f"sentence {number}: expected {counted(expected, 'tag')}, found {found}")


def _ends(spans: Iterable[Span]) -> set[tuple[int, int]]:
    return {(span.start, span.end) for span in spans}


def _labels(spans: Iterable[Span]) -> list[str]:
    return [span.label for span in spans]
