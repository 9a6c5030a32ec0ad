"""What is fitted on the dev set after training: a temperature, and a threshold.

The temperature makes probabilities honest (Guo et al. 2017): it divides all scores of the CRF, so it changes how sure
the model is, never what it finds. The threshold is the least probability of an entity that gives the best F1.
"""

import math

import torch

from ner.crf.span_posteriors import choose_spans
from ner.features.vocabulary import Vocabularies
from ner.inference.prediction import over_batches
from ner.network.model import BiLSTMCRF
from ner.text.sentence import Sentence
from ner.text.tags import convert_tags, tags_to_spans

# Between a quarter and four times as sure; a model outside that has other troubles.
_LOWEST, _HIGHEST = 0.25, 4.0
_SEARCH_STEPS = 24  # of golden-section search: the interval shrinks to a hundred-thousandth, finer than the rounding

# Thresholds: in steps as coarse as this, a few dev entities more or less hardly move the choice.
_THRESHOLD_STEPS = 20


def fit_temperature(network: BiLSTMCRF, vocabularies: Vocabularies, sentences: list[Sentence]) -> float:
    """The temperature under which the gold tags of these sentences are most probable; 1 where there are none.

    Sentences with a label that the model doesn't know are left out.
    """
    known = set(vocabularies.labels)
    gold = {
        row: torch.tensor([vocabularies.tag_number(tag) for tag in convert_tags(sentence.tags or (), "bioes")])
        for row, sentence in enumerate(sentences)
        if sentence.spelled and {span.label for span in tags_to_spans(sentence.tags or ())} <= known
    }
    if not gold:
        return 1.0
    batches = []
    # All of them are read: a sentence's document may say something of it.
    for rows, emissions, mask in over_batches(network, vocabularies, sentences, lambda batch: batch):
        usable = [place for place, row in enumerate(rows) if row in gold]
        tags = torch.zeros((len(usable), mask.shape[1]), dtype=torch.long)
        for row, place in zip(tags, usable, strict=True):
            known_tags = gold[rows[place]]
            row[: len(known_tags)] = known_tags
        if usable:
            batches.append((emissions[usable], tags.to(mask.device), mask[usable]))

    def loss(temperature: float) -> float:
        network.crf.temperature = temperature
        with torch.no_grad():
            return -sum(float(network.crf.tempered_log_likelihood(*batch)) for batch in batches)

    before = network.crf.temperature
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
    network.crf.temperature = before
    return round(math.exp((low + high) / 2), 4)


def fit_threshold(network: BiLSTMCRF, vocabularies: Vocabularies, sentences: list[Sentence]) -> float:
    """The threshold, a multiple of 0.05, of the best F1 on these tagged sentences; 0.5 where none finds anything.

    Of equals, the one nearest to 0.5.
    """
    thresholds = [step / _THRESHOLD_STEPS for step in range(1, _THRESHOLD_STEPS)]
    gold = [{(span.start, span.end, span.label) for span in tags_to_spans(s.tags or ())} for s in sentences]
    found = dict.fromkeys(thresholds, 0)
    right = dict.fromkeys(thresholds, 0)
    roles = torch.tensor(network.decoding.roles).view(-1, 4)
    batches = over_batches(
        network,
        vocabularies,
        sentences,
        lambda b: (b.rows, network.crf.probable_spans(b.emissions, b.mask, roles, thresholds[0])),
    )
    for rows, probable in batches:
        for row, spans in zip(rows, probable, strict=True):
            for threshold in thresholds:
                chosen = choose_spans(spans, threshold)
                found[threshold] += len(chosen)
                right[threshold] += sum((s.start, s.end, vocabularies.labels[s.label]) in gold[row] for s in chosen)
    if not any(right.values()):
        return 0.5
    wanted = sum(map(len, gold))
    scores = {threshold: 2 * right[threshold] / (found[threshold] + wanted) for threshold in thresholds}
    return max(thresholds, key=lambda threshold: (scores[threshold], -abs(threshold - 0.5)))
