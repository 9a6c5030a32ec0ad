"""The whole evaluation of tagged sentences: conlleval's table, and what lies behind it.

One engine for the spans of our models and for anybody's files, whose tags add how well they are written.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ner.errors import counted
from ner.evaluation.calibration import Calibration, Threshold, measure_calibration, measure_thresholds, thin
from ner.evaluation.certainty import RESAMPLES, Interval, bootstrap_intervals
from ner.evaluation.mistakes import (
    Confusion,
    Mistake,
    count_kinds,
    f1_without,
    find_mistakes,
    frequent_strings,
    mistake_as_dict,
)
from ner.evaluation.report import Report, report_spans
from ner.evaluation.scores import RELAXED, Scores, Spans, macro_f1, score_spans
from ner.evaluation.slices import Slice, count_parts, questions_about, slices_of
from ner.evaluation.training_entities import Training
from ner.text.documents import number_documents
from ner.text.inventory import annotates, with_labels
from ner.text.sentence import Sentence, Span

COMPARABLE = (
    "to compare with a paper: its F1 on CoNLL data with line 2's FB1 (micro, exact, by conlleval); seqeval's strict "
    "mode with the strict line; a macro F1 with the macro line; the relaxed lines with nothing but their like"
)


@dataclass(frozen=True, slots=True)
class AsWritten:
    """What two sides' tags say beyond their spans: the scheme, the share of equal tags, the well-formed spans."""

    scheme: str
    accuracy: float
    gold: Spans
    predicted: Spans


@dataclass(frozen=True, slots=True)
class Certainty:
    """95% intervals of F1, of all entities and of each label, over `count` units: sentences, or documents."""

    unit: str
    count: int
    micro: Interval | None
    labels: dict[str, Interval | None]

    def as_dict(self) -> dict[str, Any]:
        """Plain JSON values; an interval is a pair."""
        pairs = {label: _pair(interval) for label, interval in self.labels.items()}
        counts = {"unit": self.unit, "units": self.count, "resamples": RESAMPLES}
        return {**counts, "micro": _pair(self.micro), "labels": pairs}


@dataclass(frozen=True, slots=True)
class Analysis:
    """How well sentences were tagged, counted in every way in use, and what lies behind the figures.

    `report` counts as conlleval, `strict` takes an ill-formed entity of this `scheme` for none, `relaxed` has the
    scores of each row of `scores.RELAXED`, `macro` is the mean F1 of labels.
    `calibration` is None and `thresholds` empty where the predicted entities have no scores.
    """

    sentences: tuple[Sentence, ...]
    report: Report
    strict: Scores
    scheme: str
    relaxed: dict[str, Scores]
    certainty: Certainty
    mistakes: tuple[Mistake, ...]
    confusion: Confusion
    slices: tuple[Slice, ...]
    calibration: Calibration | None
    thresholds: tuple[Threshold, ...]

    @property
    def macro(self) -> float:
        """The mean F1 of all labels, gold or predicted."""
        return macro_f1(self.report.labels.values())

    def __repr__(self) -> str:
        """One line; `str` gives the table."""
        return f"Analysis({self.report.in_short()}; {counted(len(self.mistakes), 'mistake')})"

    def errors(self) -> Iterator[dict[str, Any]]:
        """Every mistake with its sentence, as plain JSON values."""
        documents = number_documents(self.sentences)
        for mistake in self.mistakes:
            index = mistake.sentence
            yield mistake_as_dict(mistake, self.sentences[index], document=documents[index])

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values: the keys of `Report.as_dict`, and more."""
        kinds = count_kinds(self.mistakes)
        mended = f1_without(self.report.micro, self.mistakes)
        return {
            **self.report.as_dict(),
            "scheme": self.scheme,
            "strict": {name: getattr(self.strict, name) for name in ("precision", "recall", "f1", "support")},
            "relaxed": {name: scores.as_dict() for name, scores in self.relaxed.items()},
            "macro": {"f1": self.macro, "labels": len(self.report.labels)},
            "certainty": self.certainty.as_dict(),
            "kinds": {kind: {"count": count, "f1_without": mended[kind]} for kind, count in kinds.items()},
            "confusion": self.confusion.as_dict(),
            "frequent": frequent_strings(self.mistakes, self.sentences),
            "slices": [piece.as_dict() for piece in self.slices],
            "calibration": self.calibration.as_dict() if self.calibration else None,
            "thresholds": [threshold.as_dict() for threshold in thin(self.thresholds)],
            "errors": list(self.errors()),
        }

    def __str__(self) -> str:
        """Conlleval's table, and below it what it doesn't say."""
        certainty = self.certainty
        kinds = ", ".join(f"{count} {kind}" for kind, count in count_kinds(self.mistakes).items() if count)
        lines = [
            str(self.report),
            f"strict ({self.scheme}): {self.strict}",
            *(f"relaxed, {RELAXED[name].line}: {scores}" for name, scores in self.relaxed.items()),
            f"macro over {len(self.report.labels)} labels: FB1: {100 * self.macro:6.2f}",
        ]
        if certainty.micro:
            lines.append(f"95% interval of FB1: {certainty.micro} (bootstrap over {certainty.count} {certainty.unit}s)")
        lines.append(f"mistakes: {kinds or 'none'}")
        return "\n".join([*lines, *self.remarks(), COMPARABLE])

    def remarks(self) -> list[str]:
        """What makes a figure mean less than it seems to."""
        if not self.report.micro.support:
            return ["remark: no entity in the gold tags, so every score is 0"]
        if not self.report.micro.found:
            return ["remark: no entity was found, so every score is 0"]
        never = [label for label, scores in self.report.labels.items() if not scores.found]
        only = [label for label, scores in self.report.labels.items() if not scores.support]
        remarks = [f"remark: never found: {', '.join(never)}"] if never else []
        return [*remarks, f"remark: found, but not in the gold tags: {', '.join(only)}"] if only else remarks


def analyse(
    gold: Sequence[Sentence],
    predicted: Spans,
    *,
    written: AsWritten | None = None,
    scores: Sequence[Sequence[float]] | None = None,
    training: Training | None = None,
    seconds: float | None = None,
) -> Analysis:
    """The analysis of predicted spans.

    Args:
        gold: tagged sentences.
        predicted: the spans of as many sentences, each sentence's in order.
        written: what the tags of both say beyond their spans; None: they would be written in IOB2 without a fault.
        scores: for each sentence one of each predicted entity, in order.
        training: what is known of the training corpus.
        seconds: how long tagging took, if it did.

    Raises:
        DataError: a sentence without tags, or with unknown ones.
        ValueError: the sentences aren't as many, or a span is of none of its sentence's tokens.
    """
    report = report_spans(gold, predicted, accuracy=written.accuracy if written else None, seconds=seconds)
    gold_spans, predicted = [sentence.spans for sentence in gold], list(map(tuple, predicted))
    mistakes, confusion = find_mistakes(gold_spans, predicted, scores=scores)
    certainty, slices = _parts(gold, predicted, list(report.labels), training)
    calibration, thresholds = _calibration(gold_spans, predicted, scores)
    return Analysis(
        sentences=tuple(gold),
        report=report,
        strict=score_spans(written.gold, written.predicted)[0] if written else report.micro,
        scheme=written.scheme if written else "iob2",
        relaxed={name: way.score(gold_spans, predicted) for name, way in RELAXED.items()},
        certainty=certainty,
        mistakes=tuple(mistakes),
        confusion=confusion,
        slices=tuple(slices),
        calibration=calibration,
        thresholds=tuple(thresholds),
    )


def analyse_scored(
    gold: Sequence[Sentence],
    predicted: Sequence[Sequence[tuple[Span, float]]],
    *,
    labels: Collection[str] | None = None,
    training: Training | None = None,
    seconds: float | None = None,
) -> Analysis:
    """The analysis of spans with their scores, as a model predicts them; otherwise as `analyse`.

    With `labels`, entities of these alone count, on both sides; without, those that a sentence annotates.
    """
    if labels is not None:
        gold = [with_labels(sentence, labels) for sentence in gold]
    pairs = list(zip(gold, predicted, strict=True))
    spans = [[span for span, _ in each if annotates(sentence, span.label)] for sentence, each in pairs]
    scores = [[score for span, score in each if annotates(sentence, span.label)] for sentence, each in pairs]
    return analyse(gold, spans, scores=scores, training=training, seconds=seconds)


def units_of(sentences: Sequence[Sentence]) -> tuple[str, list[int]]:
    """What is drawn as a whole where chance is measured, `document` or `sentence`, and the unit of each sentence.

    Units count from 0; documents are units where there are at least two.
    """
    documents = number_documents(sentences)
    if max(documents, default=0) > 1:
        return "document", [document - 1 for document in documents]
    return "sentence", list(range(len(sentences)))


def _parts(
    sentences: Sequence[Sentence], predicted: Spans, labels: list[str], training: Training | None
) -> tuple[Certainty, list[Slice]]:
    """The intervals, and the scores of each slice."""
    unit, units = units_of(sentences)
    gold = [sentence.spans for sentence in sentences]
    questions = questions_about(sentences, gold, training)
    counts = count_parts(gold, predicted, questions, labels=labels, units=units)
    intervals = bootstrap_intervals(counts)
    first = 1 + len(labels)
    certainty = Certainty(unit, len(counts), intervals[0], dict(zip(labels, intervals[1:first], strict=True)))
    return certainty, slices_of(counts, questions, first=first, intervals=intervals)


def _calibration(
    gold: Spans, predicted: Spans, scores: Sequence[Sequence[float]] | None
) -> tuple[Calibration | None, list[Threshold]]:
    """Calibration and thresholds, where there are predicted entities and they have scores."""
    values = [score for sentence in scores or () for score in sentence]
    if not values:
        return None, []
    correct = [span in own for own, spans in zip(gold, predicted, strict=True) for span in spans]
    return measure_calibration(values, correct), measure_thresholds(values, correct, support=sum(map(len, gold)))


def _pair(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]
