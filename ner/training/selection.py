"""How good a model is on its dev sets: the score by which the best epoch is chosen, and what is told of each corpus.

Of several corpora each counts the labels that it annotates, and all count alike, whatever their size: what is chosen by
is the mean of their F1.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import fmean
from typing import Any

from ner.evaluation.report import Report, report_spans
from ner.formats.corpus import Corpus
from ner.text.sentence import Span


@dataclass(frozen=True, slots=True)
class DevScores:
    """Precision, recall and F1, of several corpora each the mean; F1 by label and by corpus, as plain values."""

    precision: float
    recall: float
    f1: float
    labels: dict[str, dict[str, float]]
    corpora: dict[str, float]

    def mean(self) -> dict[str, float]:
        """Precision, recall and F1 as plain values."""
        return {"precision": self.precision, "recall": self.recall, "f1": self.f1}


def dev_reports(corpus: Corpus, predicted: Sequence[Sequence[Span]]) -> dict[str, Report]:
    """The report of each part of a corpus that has a dev set, by its name; none where the corpus has no parts.

    Args:
        corpus: with its dev sentences.
        predicted: the spans of all of them.
    """
    ends = list(accumulate(len(part.dev) for part in corpus.parts))
    return {
        part.name: report_spans(corpus.dev[end - len(part.dev) : end], predicted[end - len(part.dev) : end])
        for part, end in zip(corpus.parts, ends, strict=True)
        if part.dev
    }


def dev_scores(corpus: Corpus, predicted: Sequence[Sequence[Span]]) -> DevScores:
    """The scores of the dev sentences of a corpus, of which there are some, with these spans."""
    whole = report_spans(corpus.dev, predicted)
    parts = {name: report.micro for name, report in dev_reports(corpus, predicted).items()}
    counted = list(parts.values()) or [whole.micro]
    return DevScores(
        fmean(scores.precision for scores in counted),
        fmean(scores.recall for scores in counted),
        fmean(scores.f1 for scores in counted),
        whole.ratios(),
        {name: scores.f1 for name, scores in parts.items()},
    )


def corpora_table(corpora: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Lines that tell what each of several corpora annotates and how well its dev set is tagged; none of a single one.

    Args:
        corpora: as `metrics.json` has them.
    """
    rows = [["corpus", "sentences", "weight", "precision", "recall", "F1", "labels"]]
    for name, told in corpora.items():
        micro = told["dev"]["micro"] if "dev" in told else {}
        scores = [f"{100 * micro[s]:.2f}" if micro else "no dev" for s in ("precision", "recall", "f1")]
        rows.append([name, f"{told['sentences']:,}", f"{told['weight']:g}", *scores, " ".join(told["labels"])])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for name, *numbers, labels in rows if corpora else ():
        cells = [number.rjust(width) for number, width in zip(numbers, widths[1:-1], strict=True)]
        lines.append("  ".join([name.ljust(widths[0]), *cells, labels]))
    return lines
