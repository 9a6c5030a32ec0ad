"""Calibration against slow and obvious transcriptions of its definitions."""

import json
import random

import pytest

import ner
from ner.evaluation.calibration import (
    NUM_BINS,
    measure_calibration,
    measure_thresholds,
    thin,
    threshold_for,
)
from ner.text.inventory import with_labels


def plain_ece(scores, correct):
    total = 0.0
    for number in range(NUM_BINS):
        low, high = number / NUM_BINS, (number + 1) / NUM_BINS
        inside = [n for n, s in enumerate(scores) if low <= s < high or (number == NUM_BINS - 1 and s == 1)]
        if inside:
            confidence = sum(scores[n] for n in inside) / len(inside)
            accuracy = sum(correct[n] for n in inside) / len(inside)
            total += len(inside) / len(scores) * abs(confidence - accuracy)
    return total


def plain_auroc(scores, correct):
    pairs = [
        (a, b) for a, x in zip(scores, correct, strict=True) if x for b, y in zip(scores, correct, strict=True) if not y
    ]
    return sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in pairs) / len(pairs)


@pytest.mark.parametrize("seed", range(5))
def test_error_and_area_are_what_their_definitions_say(seed):
    generator = random.Random(seed)
    scores = [generator.choice([generator.random(), 1.0, 0.5]) for _ in range(80)]
    correct = [generator.random() < score for score in scores]
    found = measure_calibration(scores, correct)
    assert found.ece == pytest.approx(plain_ece(scores, correct), abs=1e-9)
    assert found.auroc == pytest.approx(plain_auroc(scores, correct), abs=1e-9)
    assert sum(b.count for b in found.bins) == found.entities == 80
    json.dumps(found.as_dict())


def test_area_is_undefined_where_all_are_correct():
    assert measure_calibration([0.5, 0.9], [True, True]).auroc is None
    assert str(measure_calibration([1.0], [True])) == "calibration of 1 entity: ECE 0.0000 (15 bins), AUROC undefined"


def test_no_entities_have_no_calibration():
    with pytest.raises(ner.NerError) as caught:
        measure_calibration([], [])
    assert str(caught.value) == "expected entities to measure the calibration of, found none"


@pytest.mark.parametrize("seed", range(5))
def test_a_threshold_tells_what_keeping_the_entities_above_it_brings(seed):
    generator = random.Random(seed)
    scores = [generator.choice([0.1, 0.5, 0.9, generator.random()]) for _ in range(60)]
    correct = [generator.random() < score for score in scores]
    thresholds = measure_thresholds(scores, correct, support=50)
    assert [t.score for t in thresholds] == sorted(set(scores), reverse=True)
    for threshold in thresholds:
        kept = [r for s, r in zip(scores, correct, strict=True) if s >= threshold.score]
        assert threshold.kept == len(kept)
        assert threshold.precision == pytest.approx(sum(kept) / len(kept))
        assert threshold.recall == pytest.approx(sum(kept) / 50)


def test_the_threshold_of_a_precision_keeps_as_many_as_it_can():
    thresholds = measure_thresholds([0.9, 0.8, 0.7, 0.6], [True, False, True, True], support=4)
    assert threshold_for(thresholds, 0.75) == thresholds[3]
    assert threshold_for(thresholds, 0.8) == thresholds[0]
    assert threshold_for(measure_thresholds([0.9], [False], support=1), 0.5) is None


def test_a_threshold_is_written_so_that_it_still_lets_its_own_entities_in():
    threshold = measure_thresholds([0.7779219], [True], support=1)[0]
    assert str(threshold) == "--min-score 0.777921: precision 100.00%, recall 100.00%, 1 entity kept"


def test_a_thinned_curve_keeps_its_ends():
    thresholds = measure_thresholds([n / 1000 for n in range(1000)], [True] * 1000, support=1000)
    thinned = thin(thresholds, 50)
    assert len(thinned) == 50
    assert (thinned[0], thinned[-1]) == (thresholds[0], thresholds[-1])
    assert thin(thresholds[:3]) == thresholds[:3]


def test_entities_of_labels_that_a_sentence_does_not_annotate_are_neither_right_nor_wrong(tagger, sample_en):
    sentences = ner.read_conll(sample_en / "dev.conll")
    partly = [with_labels(sentence, {"PER"}) for sentence in sentences]
    pairs = [
        (score, span in sentence.spans)
        for sentence, spans in zip(sentences, tagger.find_spans(sentences), strict=True)
        for span, score in spans
        if span.label == "PER"
    ]
    wanted = measure_calibration(*map(list, zip(*pairs, strict=True)))
    assert tagger.calibration(partly) == wanted
    assert tagger.calibration(sentences).entities > wanted.entities
