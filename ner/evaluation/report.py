"""A report: the scores of tagged sentences as conlleval's table, or as plain JSON values."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ner.evaluation.scores import Scores, score_entities, token_accuracy


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


def report_tags(
    gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]], *, seconds: float | None = None
) -> Report:
    """The report of predicted tags held against gold ones, both written in one scheme, whichever.

    Args:
        gold: one tag sequence a sentence.
        predicted: as many sentences of as many tags.
        seconds: how long tagging took, if it did.
    """
    micro, labels = score_entities(gold, predicted)
    num_tokens = sum(len(tags) for tags in gold)
    return Report(micro, labels, token_accuracy(gold, predicted), len(gold), num_tokens, seconds)
