"""The least probability of an entity: the one that gives the best F1 on the dev set, or one that is asked for."""

import copy
from dataclasses import replace

import torch

from ner.crf.span_posteriors import choose_spans
from ner.errors import ConfigError
from ner.learning.checkpoint import Model
from ner.learning.prediction import over_batches
from ner.network.model import BiLSTMCRF
from ner.text.sentence import Sentence
from ner.text.tags import tags_to_spans
from ner.text.vocabulary import Vocabularies

# In steps as coarse as this, a few dev entities more or less hardly move the choice.
_STEPS = 20


def fit_threshold(network: BiLSTMCRF, vocabularies: Vocabularies, sentences: list[Sentence]) -> float:
    """The threshold, a multiple of 0.05, of the best F1 on these tagged sentences; 0.5 where none finds anything.

    Of equals, the one nearest to 0.5.
    """
    thresholds = [step / _STEPS for step in range(1, _STEPS)]
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


def with_threshold(model: Model, threshold: float) -> Model:
    """The same model, which takes each entity of this probability; what was measured of it before is left out.

    Raises:
        ConfigError: as `check_threshold`.
    """
    check_threshold(threshold)
    settings = model.config.model.model_copy(update={"decoding": "threshold", "threshold": threshold})
    network = copy.copy(model.network)  # the weights are the same ones
    network.decoding = network.decoding._replace(kind="threshold", threshold=threshold)
    metrics = {name: value for name, value in model.metrics.items() if name not in ("dev", "test", "seeds")}
    config = model.config.model_copy(update={"model": settings})
    return replace(model, config=config, network=network, metrics=metrics)


def check_threshold(threshold: float) -> None:
    """Nothing, where it is a probability that can be asked for.

    Raises:
        ConfigError: it isn't above 0 and below 1.
    """
    if not 0 < threshold < 1:
        raise ConfigError(f"threshold: expected a probability above 0 and below 1, found {threshold}")
