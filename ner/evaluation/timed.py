"""What a model answers, timed and held against what is known: it comes here as functions that predict."""

import time
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from ner.data_settings import DataConfig
from ner.evaluation.analysis import Analysis, analyse_scored
from ner.evaluation.calibration import Calibration, measure_calibration
from ner.evaluation.documents import with_scores
from ner.evaluation.report import Report, report_spans
from ner.evaluation.training_entities import Training
from ner.text.document import Document
from ner.text.inventory import annotates
from ner.text.sentence import Sentence, Span

Answer = TypeVar("Answer")
Find = Callable[[Sequence[Sentence]], list[list[tuple[Span, float]]]]


def evaluate(sentences: Sequence[Sentence], predict: Callable[[Sequence[Sentence]], list[list[Span]]]) -> Report:
    """The report on tagged sentences, whose spans are predicted here."""
    predicted, seconds = _timed(lambda: predict(sentences))
    return report_spans(sentences, predicted, seconds=seconds)


def analyse(sentences: Sequence[Sentence], find: Find, training: Training) -> Analysis:
    """The analysis of tagged sentences, whose spans are found here with their probabilities."""
    predicted, seconds = _timed(lambda: find(sentences))
    return analyse_scored(sentences, predicted, training=training, seconds=seconds)


def analyse_documents(
    documents: Sequence[Document],
    tag: Callable[[Sequence[Document]], Iterable[Document]],
    training: Training,
    *,
    data: DataConfig,
    labels: Collection[str] | None = None,
) -> Analysis:
    """The analysis of texts and their entities, which are tagged here without being shown these; of `labels`, if given.

    Raises:
        DataError: an entity isn't one of whole tokens, or shares a character, where `[data]` makes that an error.
    """
    tagged, seconds = _timed(lambda: list(tag([replace(document, entities=()) for document in documents])))
    gold, predicted = with_scores(documents, tagged, data)
    return analyse_scored(gold, predicted, labels=labels, training=training, seconds=seconds)


def calibration(sentences: Sequence[Sentence], find: Find) -> Calibration:
    """How well calibrated the probabilities are on tagged sentences; what a sentence doesn't annotate isn't counted.

    Raises:
        DataError: no entity is predicted in any.
    """
    predicted = zip(find(sentences), sentences, strict=True)
    pairs = [
        (score, span in set(sentence.spans))
        for spans, sentence in predicted
        for span, score in spans
        if annotates(sentence, span.label)
    ]
    return measure_calibration([score for score, _ in pairs], [correct for _, correct in pairs])


def _timed(answer: Callable[[], Answer]) -> tuple[Answer, float]:
    """An answer, and the seconds it took."""
    start = time.perf_counter()
    answered = answer()
    return answered, time.perf_counter() - start
