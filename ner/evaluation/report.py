"""A report: the scores of tagged sentences as conlleval's table, or as plain JSON values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ner.errors import counted
from ner.evaluation.scores import Scores, Spans, check_spans, score_spans, span_accuracy
from ner.text.inventory import annotated_spans
from ner.text.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Report:
    """How well sentences were tagged.

    `micro` counts all entities alike, `labels` those of each label; `accuracy` is the share of equal tags.
    Scores are fractions of 1. `seconds` is the time that tagging took, None where nothing was tagged.
    """

    micro: Scores
    labels: dict[str, Scores]
    accuracy: float
    sentences: int
    tokens: int
    seconds: float | None = None

    def as_dict(self) -> dict[str, Any]:
        """The report as plain JSON values."""
        return {
            "micro": self.micro.as_dict(),
            "labels": {label: scores.as_dict() for label, scores in self.labels.items()},
            "accuracy": self.accuracy,
            "sentences": self.sentences,
            "tokens": self.tokens,
            "seconds": self.seconds,
            "tokens_per_second": self.tokens / self.seconds if self.seconds else None,
        }

    def __repr__(self) -> str:
        """One line; `str` gives the table."""
        return f"Report({self.in_short()})"

    def in_short(self) -> str:
        """The scores of all entities, and how much was scored, without an end of line."""
        total = self.micro
        sizes = ", ".join(
            counted(number, thing)
            for number, thing in ((len(self.labels), "label"), (total.support, "entity"), (self.sentences, "sentence"))
        )
        scores = f"F1 {100 * total.f1:.2f}, precision {100 * total.precision:.2f}, recall {100 * total.recall:.2f}"
        return f"{scores}; {sizes}"

    def ratios(self) -> dict[str, dict[str, float]]:
        """Precision, recall and F1 of each label, as plain values."""
        names = ("precision", "recall", "f1")
        return {label: {name: getattr(scores, name) for name in names} for label, scores in self.labels.items()}

    def __str__(self) -> str:
        """Conlleval's table, to the character."""
        total = self.micro
        # The script divides a hundredfold count; a hundredfold fraction rounds differently now and then.
        accuracy = 100 * round(self.accuracy * self.tokens) / self.tokens if self.tokens else 0.0
        lines = [
            f"processed {self.tokens} tokens with {total.support} phrases; "
            f"found: {total.found} phrases; correct: {total.correct}.",
            f"accuracy: {accuracy:6.2f}%; {total}",
            *(f"{label:>17}: {scores}  {scores.found}" for label, scores in self.labels.items()),
        ]
        return "\n".join(lines)


def report_spans(
    sentences: Sequence[Sentence], predicted: Spans, *, accuracy: float | None = None, seconds: float | None = None
) -> Report:
    """The report of predicted spans held against those of tagged sentences, of the labels that each annotates.

    Args:
        sentences: the gold ones.
        predicted: the spans of as many sentences.
        accuracy: the share of tokens whose tags are the same as they are written, from 0 to 1; None: as they would be
            in IOB2.
        seconds: how long tagging took, if it did.

    Raises:
        DataError: a sentence without tags, or with unknown ones.
        ValueError: the sentences aren't as many, or a span is of none of its sentence's tokens.
    """
    check_spans(sentences, predicted)
    gold = [sentence.spans for sentence in sentences]
    predicted = [tuple(annotated_spans(sentence, own)) for sentence, own in zip(sentences, predicted, strict=True)]
    tokens = sum(len(sentence.spelled) for sentence in sentences)
    micro, labels = score_spans(gold, predicted)
    if accuracy is None:
        accuracy = span_accuracy(gold, predicted, tokens)
    return Report(micro, labels, accuracy, len(sentences), tokens, seconds)
