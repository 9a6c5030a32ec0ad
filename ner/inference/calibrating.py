"""A model fitted to a kind of text by some of its sentences, annotated: what `ner calibrate` does.

The network stays as it is. What is fitted, and how: `ner.evaluation.adjustment` and `ner.evaluation.promise`.
"""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from ner.errors import DataError
from ner.evaluation.adjustment import (
    Adjustment,
    Candidate,
    adjusted,
    fit_scales,
    fit_thresholds,
    without_overlaps,
)
from ner.evaluation.promise import check_promise, fewest_entities, find_promise
from ner.features.feature import Numbers
from ner.inference.prediction import Reader
from ner.text.inventory import annotates
from ner.text.sentence import Sentence

# Documents that a text needs for them to be what is counted: of fewer, nothing is known of how they differ.
_FEWEST_DOCUMENTS = 20


def find_candidates(reader: Reader, sentences: Sequence[Sentence]) -> list[Candidate]:
    """Each entity of tagged sentences that may be, with its probability and whether it is right.

    Those of labels that a sentence doesn't annotate are left out. Units are documents where at least twenty are
    marked, else sentences.
    """
    units = units_of(sentences)
    candidates = []
    for row, (sentence, found) in enumerate(zip(sentences, reader.candidates(sentences), strict=True)):
        gold = set(sentence.spans)
        candidates += [
            Candidate(int(units[row]), row, span.start, span.end, span.label, score, span in gold)
            for span, score in found
            if annotates(sentence, span.label)
        ]
    return candidates


def units_of(sentences: Sequence[Sentence], *, fewest: int = _FEWEST_DOCUMENTS) -> Numbers:
    """The number of the document of each sentence (N,), or its own where fewer documents than that are marked."""
    marked = np.array([sentence.opens_document for sentence in sentences], dtype=np.bool_)
    if marked.sum() < fewest:
        return np.arange(len(sentences))
    marked[:1] = True  # what stands before the first mark is one, too
    documents: Numbers = np.cumsum(marked) - 1
    return documents


def calibrate(
    reader: Reader,
    sentences: Sequence[Sentence],
    *,
    source: str,
    precision: float | None = None,
    confidence: float = 0.9,
) -> Adjustment:
    """What is fitted of a model to a kind of text.

    Args:
        reader: of the model.
        sentences: tagged, of that kind; the model wasn't trained on them.
        source: what they are called in messages.
        precision: to be promised; None: nothing is.
        confidence: of the promise.

    Raises:
        ConfigError: precision or confidence isn't between 0 and 1.
        DataError: none of the model's labels is among the entities, or they are too few or too often wrong for the
            promise.
    """
    if precision is not None:
        check_promise(precision, confidence)
    labels = reader.vocabularies.labels
    gold = Counter(span.label for sentence in sentences for span in sentence.spans)
    if not any(gold[label] for label in labels):
        there = f"found {', '.join(sorted(gold))}" if gold else "found none"
        raise DataError(f"{source}: expected entities of the model's labels ({', '.join(labels)}), {there}")
    candidates = find_candidates(reader, sentences)
    scales = fit_scales(without_overlaps(candidates))
    taken = without_overlaps(adjusted(candidates, scales))
    threshold, thresholds = fit_thresholds(taken, {label: gold[label] for label in labels if gold[label]})
    promise = None
    if precision is not None:
        unit = "sentence" if len({c.unit for c in taken}) == len({c.sentence for c in taken}) else "document"
        columns = ([c.unit for c in taken], [c.score for c in taken], [c.correct for c in taken])
        promise = find_promise(*columns, precision=precision, confidence=confidence, unit=unit)
        if promise is None:
            raise DataError(_why_no_promise(taken, source, precision=precision, confidence=confidence))
    return Adjustment(scales, threshold, thresholds, promise, source, len(sentences), sum(gold.values()))


def _why_no_promise(taken: Sequence[Candidate], source: str, *, precision: float, confidence: float) -> str:
    wanted = (
        f"{source}: expected entities by which precision {precision:g} can be promised at confidence {confidence:g}"
    )
    likely = [candidate.correct for candidate in taken if candidate.score >= 0.5]
    fewest = fewest_entities(precision, confidence)
    if len(likely) < fewest:
        return f"{wanted}, at least {fewest}, found {len(likely)}; annotate more"
    share = sum(likely) / len(likely)
    return (
        f"{wanted}, found {len(likely)} of which {share:.3f} are right; ask for less --precision or --confidence, or "
        "annotate more"
    )
