"""The whole evaluation of tagged sentences: conlleval's table, and what lies behind it.

One engine for the tags of our models and for anybody's files.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ner.evaluation.report import Report
from ner.evaluation.scores import (
    Scores,
    macro_f1,
    score_boundaries,
    score_overlaps,
    score_spans,
    token_accuracy,
)
from ner.text.sentence import Sentence
from ner.text.tags import Scheme, tags_to_spans, well_formed_spans

_COMPARABLE = (
    "to compare with a paper: its F1 on CoNLL data with line 2's FB1 (micro, exact, by conlleval); seqeval's strict "
    "mode with the strict line; a macro F1 with the macro line; the relaxed lines with nothing but their like"
)


@dataclass(frozen=True, slots=True)
class Analysis:
    """How well sentences were tagged, counted in every way in use.

    `report` counts as conlleval, `strict` takes an ill-formed entity of this `scheme` for none, `overlap` asks
    for a common token and the label, `boundaries` for both ends and no label, `macro` is the mean F1 of labels.
    """

    report: Report
    strict: Scores
    scheme: Scheme
    overlap: Scores
    boundaries: Scores

    @property
    def macro(self) -> float:
        """The mean F1 of all labels, gold or found."""
        return macro_f1(self.report.labels.values())

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values: the keys of `Report.as_dict`, and more."""
        return {
            **self.report.as_dict(),
            "scheme": self.scheme,
            "strict": {name: getattr(self.strict, name) for name in ("precision", "recall", "f1", "support")},
            "relaxed": {"overlap": self.overlap.as_dict(), "boundaries": self.boundaries.as_dict()},
            "macro": {"f1": self.macro, "labels": len(self.report.labels)},
        }

    def __str__(self) -> str:
        """Conlleval's table, and below it what it doesn't say."""
        lines = [
            str(self.report),
            f"strict ({self.scheme}): {self.strict}",
            f"relaxed, overlap and label: {self.overlap}",
            f"relaxed, both ends: {self.boundaries}",
            f"macro over {len(self.report.labels)} labels: FB1: {100 * self.macro:6.2f}",
        ]
        return "\n".join([*lines, *self._remarks(), _COMPARABLE])

    def _remarks(self) -> list[str]:
        """What makes a figure mean less than it seems to."""
        remarks = []
        if not self.report.micro.support:
            remarks.append("remark: no entity in the gold tags, so every score is 0")
        only_gold = [label for label, scores in self.report.labels.items() if not scores.found]
        only_found = [label for label, scores in self.report.labels.items() if not scores.support]
        if self.report.micro.support and only_gold:
            remarks.append(f"remark: never found: {', '.join(only_gold)}")
        if self.report.micro.support and only_found:
            remarks.append(f"remark: found, but not in the gold tags: {', '.join(only_found)}")
        return remarks


def analyse(
    gold: Sequence[Sentence], predicted: Sequence[Sequence[str]], *, scheme: Scheme, seconds: float | None = None
) -> Analysis:
    """The analysis of predicted tags.

    Args:
        gold: tagged sentences.
        predicted: as many tag sequences, each with as many tags as its sentence, in the same scheme.
        scheme: that scheme.
        seconds: how long tagging took, if it did.

    Raises:
        ValueError: sentences or tags aren't as many.
    """
    tags = [sentence.tags or () for sentence in gold]
    accuracy = token_accuracy(tags, predicted)
    wanted, found = [tags_to_spans(t) for t in tags], [tags_to_spans(t) for t in predicted]
    micro, labels = score_spans(wanted, found)
    strict, _ = score_spans(
        [well_formed_spans(t, scheme) for t in tags], [well_formed_spans(t, scheme) for t in predicted]
    )
    return Analysis(
        Report(micro, labels, accuracy, len(gold), sum(map(len, tags)), seconds),
        strict,
        scheme,
        score_overlaps(wanted, found),
        score_boundaries(wanted, found),
    )
