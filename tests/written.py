"""Tags held against each other as `ner score` does it, for tests that know tags alone."""

from dataclasses import replace
from typing import Any

from ner.evaluation.analysis import Analysis, analyse
from ner.evaluation.files import as_written
from ner.evaluation.report import Report, report_spans
from ner.evaluation.scores import Scores, Tags, score_spans, token_accuracy
from ner.text.sentence import Sentence, sentence_from_words
from ner.text.tags import tags_to_spans


def report_tags(gold: Tags, predicted: Tags, *, seconds: float | None = None) -> Report:
    sentences = [sentence_from_words(["w"] * len(tags), tags) for tags in gold]
    found = [tags_to_spans(tags) for tags in predicted]
    return report_spans(sentences, found, accuracy=token_accuracy(gold, predicted), seconds=seconds)


def score_entities(gold: Tags, predicted: Tags) -> tuple[Scores, dict[str, Scores]]:
    return score_spans([tags_to_spans(tags) for tags in gold], [tags_to_spans(tags) for tags in predicted])


def analyse_tags(gold: list[Sentence], predicted: Tags, scheme: str, **known: Any) -> Analysis:
    found = [replace(sentence, tags=tuple(tags)) for sentence, tags in zip(gold, predicted, strict=True)]
    return analyse(gold, [s.spans for s in found], written=as_written(gold, found, scheme), **known)
