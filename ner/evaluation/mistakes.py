"""What kind of mistakes were made: each gold or predicted span that is not correct is in just one of them.

The kinds are those of `group_spans`: a span answers none of the other side, one, or several.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import east_asian_width

from ner.evaluation.alignment import Group, group_spans
from ner.evaluation.scores import Scores, scores_of
from ner.text.sentence import Sentence, Span

# In the order of reports, each with what it means.
KINDS = {
    "missed": "nothing was found where an entity is",
    "invented": "an entity was found where there is none",
    "wrong boundary": "the right label, another start or end",
    "wrong label": "the right start and end, another label",
    "both wrong": "they overlap; label and an end differ",
    "split": "one entity, found as several",
    "merged": "several entities, found as one",
}
NONE = "none"  # in a confusion matrix: no entity on the other side
_NO_SCORES: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Mistake:
    """A mistake in a sentence, by its number from 0: the gold spans and the predicted ones that don't agree.

    `scores` are those of the predicted spans; empty where none are known.
    """

    kind: str
    sentence: int
    gold: tuple[Span, ...]
    predicted: tuple[Span, ...]
    scores: tuple[float, ...] = _NO_SCORES

    @property
    def labels(self) -> list[str]:
        """The labels of either side, each once, in alphabetic order."""
        return sorted({span.label for span in (*self.gold, *self.predicted)})


@dataclass(frozen=True, slots=True)
class Confusion:
    """How often a gold label (row) was answered by a predicted one (column); the last of both is "none"."""

    labels: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values: gold label → predicted label → count."""
        names = (*self.labels, NONE)
        return {name: dict(zip(names, row, strict=True)) for name, row in zip(names, self.rows, strict=True)}


def find_mistakes(
    gold: Sequence[Sequence[Span]],
    predicted: Sequence[Sequence[Span]],
    *,
    scores: Sequence[Sequence[float]] | None = None,
) -> tuple[list[Mistake], Confusion]:
    """Every mistake in the order of the sentences, and the labels that were taken for each other.

    In the confusion each gold entity counts once, beside the predicted one that agrees with it most; so does each
    predicted one that answers none.

    Args:
        gold: the spans of each sentence, in order.
        predicted: those of as many sentences.
        scores: one for each predicted span.
    """
    mistakes: list[Mistake] = []
    pairs: Counter[tuple[str, str]] = Counter()
    for number, (gold_spans, predicted_spans) in enumerate(zip(gold, predicted, strict=True)):
        if gold_spans == predicted_spans:
            pairs.update((span.label, span.label) for span in gold_spans)
            continue
        known = dict(zip(predicted_spans, scores[number], strict=True)) if scores else {}
        for group in group_spans(gold_spans, predicted_spans):
            kind = _kind(group)
            one, other = group.best
            pairs[one.label if one else NONE, other.label if other else NONE] += 1
            pairs.update((span.label, NONE) for span in group.gold if span != one)
            pairs.update((NONE, span.label) for span in group.predicted if span != other)
            if kind:
                told = tuple(known[span] for span in group.predicted) if known else _NO_SCORES
                mistakes.append(Mistake(kind, number, group.gold, group.predicted, told))
    labels = tuple(sorted({span.label for side in (gold, predicted) for spans in side for span in spans}))
    names = (*labels, NONE)
    return mistakes, Confusion(labels, tuple(tuple(pairs[row, column] for column in names) for row in names))


def count_kinds(mistakes: Iterable[Mistake]) -> dict[str, int]:
    """How many mistakes there are of each kind."""
    counts = Counter(mistake.kind for mistake in mistakes)
    return {kind: counts[kind] for kind in KINDS}


def f1_without(micro: Scores, mistakes: Iterable[Mistake]) -> dict[str, float]:
    """For each kind the F1 that would come out if all mistakes of this kind were mended and no other."""
    gold: Counter[str] = Counter()
    predicted: Counter[str] = Counter()
    for mistake in mistakes:
        gold[mistake.kind] += len(mistake.gold)
        predicted[mistake.kind] += len(mistake.predicted)
    return {
        kind: scores_of(micro.support, micro.found - predicted[kind] + gold[kind], micro.correct + gold[kind]).f1
        for kind in KINDS
    }


def frequent_strings(
    mistakes: Iterable[Mistake], sentences: Sequence[Sentence], *, most: int = 20
) -> list[dict[str, Any]]:
    """The strings that go wrong most often, each with its labels on both sides, how often, and of which kind."""
    counts = Counter(
        (
            mistake.kind,
            _sides(sentences[mistake.sentence], mistake.gold),
            _sides(sentences[mistake.sentence], mistake.predicted),
        )
        for mistake in mistakes
    )
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]
    return [
        {"count": count, "kind": kind, "gold": gold, "predicted": predicted}
        for (kind, gold, predicted), count in ranked
    ]


def mistake_as_dict(mistake: Mistake, sentence: Sentence, *, document: int) -> dict[str, Any]:
    """A mistake as plain JSON values, with the sentence that it stands in.

    Args:
        mistake: in this sentence.
        sentence: its words are the context.
        document: the number of its document; 0 where no documents are known.
    """
    words = sentence.words
    gold = [span_as_dict(span, words) for span in mistake.gold]
    predicted = [span_as_dict(span, words) for span in mistake.predicted]
    for span, score in zip(predicted, mistake.scores, strict=False):
        span["score"] = score
    return {
        "kind": mistake.kind,
        "where": sentence.source,
        "sentence": mistake.sentence + 1,
        "document": document or None,
        "gold": gold,
        "predicted": predicted,
        "words": words,
    }


def span_as_dict(span: Span, words: Sequence[str]) -> dict[str, Any]:
    """A span as plain JSON values, with its text."""
    text = join_words(words[span.start : span.end])
    return {"label": span.label, "text": text, "start": span.start, "end": span.end}


def lay_out(words: Sequence[str]) -> tuple[str, list[int]]:
    """The words as one string, and where each begins in it.

    A space stands between two words, but between two of Chinese, Japanese or Korean.

    >>> lay_out(["in", "北", "京"])
    ('in 北京', [0, 3, 4])
    """
    pieces, starts, length, last = [], [], 0, ""
    for word in words:
        if last and word and not (_is_wide(last) and _is_wide(word[0])):
            pieces.append(" ")
            length += 1
        pieces.append(word)
        starts.append(length)
        length += len(word)
        last = word[-1:]
    return "".join(pieces), starts


def join_words(words: Sequence[str]) -> str:
    """The words as one string, as `lay_out` has it.

    >>> join_words(["Angela", "Merkel", "在", "北", "京"])
    'Angela Merkel 在北京'
    """
    return lay_out(words)[0]


def _is_wide(character: str) -> bool:
    return east_asian_width(character) in "WF"


def _kind(group: Group) -> str:
    """The kind of mistake; empty where there is none."""
    if not group.predicted:
        return "missed"
    if not group.gold:
        return "invented"
    if len(group.predicted) > 1:
        return "split"
    if len(group.gold) > 1:
        return "merged"
    gold, predicted = group.gold[0], group.predicted[0]
    same_ends = (gold.start, gold.end) == (predicted.start, predicted.end)
    if gold.label == predicted.label:
        return "" if same_ends else "wrong boundary"
    return "wrong label" if same_ends else "both wrong"


def _sides(sentence: Sentence, spans: Sequence[Span]) -> str:
    words = sentence.words
    return " + ".join(f"{join_words(words[span.start : span.end])} ({span.label})" for span in spans)
