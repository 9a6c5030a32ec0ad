"""What is fitted on the dev set after training: a temperature, and a threshold.

The temperature makes probabilities calibrated (Guo et al. 2017): it divides all scores of the CRF, so it changes how
sure the model is, never what it predicts. The threshold is the least probability of an entity that gives the best F1;
on the same sentences that is half of this F1 at most (Lipton et al. 2014).
"""

import math
from collections.abc import Sequence

import numpy as np
import torch

from ner.crf.chain import Chain
from ner.crf.layer import CRF
from ner.crf.span_posteriors import choose_spans
from ner.evaluation.adjustment import FEWEST_FOR_THRESHOLD
from ner.features.vocabulary import Vocabularies
from ner.inference.prediction import Emitted
from ner.text.inventory import annotates, unannotated
from ner.text.partial import possible_tags
from ner.text.sentence import Sentence
from ner.text.tags import spans_to_tags

# Between a quarter and four times as sure; a model outside that has other troubles.
_LOWEST, _HIGHEST = 0.25, 4.0
_SEARCH_STEPS = 24  # of golden-section search: the interval shrinks to a hundred-thousandth, finer than the rounding

# Thresholds: in steps as coarse as this, a few dev entities more or less hardly change which is best.
_THRESHOLD_STEPS = 20
# The lowest threshold, which goes with an F1 of 40: a model that is worse has more to learn than its threshold.
_LOWEST_THRESHOLD = 0.2


def fit_temperature(
    crf: CRF, vocabularies: Vocabularies, sentences: Sequence[Sentence], emitted: Sequence[Emitted]
) -> float:
    """The temperature under which the gold tags of these sentences are most probable; 1 where there are none.

    Sentences with a label that the model doesn't know are left out. Where one doesn't annotate all of the model's
    labels, all tag sequences that agree with it are to be probable together.

    Args:
        crf: of the network.
        vocabularies: the model's.
        sentences: whose tags are known.
        emitted: their emissions.
    """
    known = set(vocabularies.labels)
    partly = any(unannotated(sentence, vocabularies.labels) for sentence in sentences)
    gold = {
        row: _allowed_tags(sentence, vocabularies) if partly else _tags(sentence, vocabularies)
        for row, sentence in enumerate(sentences)
        if sentence.spelled and {span.label for span in sentence.spans} <= known
    }
    if not gold:
        return 1.0
    device, batches = crf.transitions.device, []
    for rows, emissions, lengths in emitted:
        usable = [index for index, row in enumerate(rows) if row in gold]
        shape = emissions.shape[1:] if partly else emissions.shape[1:2]
        tags = torch.zeros((len(usable), *shape), dtype=torch.bool if partly else torch.long)
        for row, index in zip(tags, usable, strict=True):
            known_tags = gold[rows[index]]
            row[: len(known_tags)] = known_tags
        if usable:
            mask = torch.arange(emissions.shape[1]) < torch.from_numpy(lengths[usable]).unsqueeze(1)
            parts = (torch.from_numpy(emissions[usable]), tags, mask)
            batches.append(tuple(part.to(device) for part in parts))

    def loss(temperature: float) -> float:
        crf.temperature = temperature
        with torch.no_grad():
            if partly:
                found = (crf.partial_log_likelihood(*batch, tempered=True) for batch in batches)  # type: ignore[arg-type]
                return -sum(map(float, found))
            return -sum(float(crf.tempered_log_likelihood(*batch)) for batch in batches)

    before = crf.temperature
    low, high = math.log(_LOWEST), math.log(_HIGHEST)
    share = (math.sqrt(5) - 1) / 2
    left, right = high - share * (high - low), low + share * (high - low)
    at_left, at_right = loss(math.exp(left)), loss(math.exp(right))
    for _ in range(_SEARCH_STEPS):
        # The better of the two inner points stays one, which is what the golden section is for.
        if at_left < at_right:
            high, right, at_right = right, left, at_left
            left = high - share * (high - low)
            at_left = loss(math.exp(left))
        else:
            low, left, at_left = left, right, at_right
            right = low + share * (high - low)
            at_right = loss(math.exp(right))
    crf.temperature = before
    return round(math.exp((low + high) / 2), 4)


def fit_threshold(
    chain: Chain, vocabularies: Vocabularies, sentences: Sequence[Sentence], emitted: Sequence[Emitted]
) -> float:
    """The threshold, a multiple of 0.05 from 0.2 on, of the best F1 on these tagged sentences; 0.5 where none is right.

    Of equals, the one nearest to 0.5. Entities of labels that a sentence doesn't annotate aren't counted.

    Args:
        chain: of the network, with its temperature.
        vocabularies: the model's.
        sentences: whose tags are known.
        emitted: their emissions.
    """
    first = round(_LOWEST_THRESHOLD * _THRESHOLD_STEPS)
    thresholds = [step / _THRESHOLD_STEPS for step in range(first, _THRESHOLD_STEPS)]
    gold = [{(span.start, span.end, span.label) for span in s.spans} for s in sentences]
    predicted = dict.fromkeys(thresholds, 0)
    correct = dict.fromkeys(thresholds, 0)
    labels = vocabularies.labels
    roles = np.array([vocabularies.roles(label) for label in labels], dtype=np.int64).reshape(-1, 4)
    for rows, emissions, lengths in emitted:
        probable = chain.probable_spans(emissions, lengths, roles, thresholds[0])
        for row, spans in zip(rows, probable, strict=True):
            for threshold in thresholds:
                chosen = [s for s in choose_spans(spans, threshold) if annotates(sentences[row], labels[s.label])]
                predicted[threshold] += len(chosen)
                correct[threshold] += sum((s.start, s.end, labels[s.label]) in gold[row] for s in chosen)
    if not any(correct.values()):
        return 0.5
    num_gold = sum(map(len, gold))
    scores = {threshold: 2 * correct[threshold] / (predicted[threshold] + num_gold) for threshold in thresholds}
    return max(thresholds, key=lambda threshold: (scores[threshold], -abs(threshold - 0.5)))


def why_no_threshold(sentences: Sequence[Sentence], *, found: bool) -> str | None:
    """Why no threshold can be fitted on these tagged sentences, as a line for the user; None: it can.

    Args:
        sentences: the dev set.
        found: whether any of its entities was found in training.
    """
    num_gold = sum(len(sentence.spans) for sentence in sentences)
    if num_gold >= FEWEST_FOR_THRESHOLD and found:
        return None
    wanted = f"at least {FEWEST_FOR_THRESHOLD} entities in the dev set, found {num_gold}"
    if num_gold >= FEWEST_FOR_THRESHOLD:
        wanted = "entities of the dev set to be found in training, and none was"
    return f"training.calibrate: to fit a threshold, expected {wanted}; so model.decoding is viterbi"


def _tags(sentence: Sentence, vocabularies: Vocabularies) -> torch.Tensor:
    named = spans_to_tags(sentence.spans, len(sentence.spelled), "bioes")
    return torch.tensor([vocabularies.tag_id(tag) for tag in named])


def _allowed_tags(sentence: Sentence, vocabularies: Vocabularies) -> torch.Tensor:
    """Which tags agree with a sentence (T, K)."""
    possible = possible_tags(sentence.tags or (), unannotated(sentence, vocabularies.labels))
    allowed = torch.zeros((len(possible), len(vocabularies.tags)), dtype=torch.bool)
    for row, tags in zip(allowed, possible, strict=True):
        row[[vocabularies.tag_id(tag) for tag in tags or vocabularies.tags]] = True
    return allowed
