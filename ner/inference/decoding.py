"""How a model decodes: what is taken of all that emissions and chain allow."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ner.crf.chain import Chain
from ner.crf.span_posteriors import ProbableSpan, choose_spans, choose_surest
from ner.errors import ConfigError, check_type
from ner.features.feature import Numbers
from ner.features.vocabulary import Vocabularies
from ner.inference.backend import Floats
from ner.inference.loading import Model
from ner.inference.tag_ids import FoundSpans, read_lists, read_rows
from ner.settings import ModelConfig
from ner.text.sentence import Span

if TYPE_CHECKING:  # of a model that was fitted to a kind of text
    from ner.evaluation.adjustment import Adjustment

ScoredSpans = list[tuple[Span, float]]
_CALIBRATION = ("use", "review", "ignore")


@dataclass(frozen=True, slots=True)
class Decoding:
    """How spans are chosen: `viterbi`, `marginals` or `threshold`, as `model.decoding` says.

    For the last, entities are of at least this probability. An adjustment, where there is one, goes before all that.
    """

    kind: str = "viterbi"
    threshold: float = 0.5
    adjustment: "Adjustment | None" = None

    @classmethod
    def of(cls, model: ModelConfig, adjustment: "Adjustment | None" = None) -> "Decoding":
        """As the settings say, and what was fitted to a kind of text."""
        return cls(model.decoding, model.threshold, adjustment)

    def at(self, threshold: float) -> "Decoding":
        """The same scores, of which at least this one is enough."""
        return Decoding("threshold", threshold, self.adjustment and self.adjustment.with_threshold(threshold))

    @property
    def one_by_one(self) -> bool:
        """Whether each entity is taken by its own probability."""
        return self.kind == "threshold" or self.adjustment is not None


@dataclass(frozen=True, slots=True)
class Decoder:
    """Spans of sentences, from emissions (B, T, K) of sentences of these lengths (B,)."""

    chain: Chain
    vocabularies: Vocabularies
    decoding: Decoding

    def spans(self, emissions: Floats, lengths: Numbers) -> list[list[Span]]:
        """The spans of each sentence, in order."""
        if self.decoding.one_by_one:
            return [[self._span(span) for span in spans] for spans in self._probable(emissions, lengths)]
        return self._best(emissions, lengths).by_row(len(lengths))

    def scored_spans(self, emissions: Floats, lengths: Numbers) -> list[ScoredSpans]:
        """The spans of each sentence, each with its exact probability under the CRF."""
        if self.decoding.one_by_one:
            found = self._probable(emissions, lengths)
            return [[(self._span(span), span.probability) for span in spans] for spans in found]
        best = self._best(emissions, lengths)
        scored: list[ScoredSpans] = [[] for _ in lengths]
        if not len(best.rows):
            return scored
        rows = best.rows
        has_span = np.zeros(len(lengths), np.bool_)
        has_span[rows] = True
        if not has_span.all():  # sums over all tag sequences of those sentences alone that an entity was found in
            emissions, lengths = emissions[has_span], lengths[has_span]
            rows = (np.cumsum(has_span) - 1)[rows]
        places = np.stack((rows, best.starts, best.ends), axis=1)
        scores = self.chain.span_posteriors(emissions, lengths, places, best.roles).tolist()
        for row, span, score in zip(best.rows.tolist(), best.spans(), scores, strict=True):
            scored[row].append((span, score))
        return scored

    def k_best(self, emissions: Floats, lengths: Numbers, *, k: int) -> list[list[tuple[list[Span], float]]]:
        """The k most probable labellings of each sentence with their probabilities, best first."""
        sequences = self.chain.k_best(emissions, lengths, k=k)
        tags = [tags for best in sequences for tags, _ in best]
        read, legal = read_lists(tags, self.vocabularies.tags)
        spans = iter(read.by_row(len(tags)))
        found = [[(next(spans), min(math.exp(value), 1.0)) for _, value in best] for best in sequences]
        return found if legal else [_joined(labellings) for labellings in found]

    def candidates(self, emissions: Floats, lengths: Numbers) -> list[ScoredSpans]:
        """Each entity that may be, those that overlap too, with its probability as the network has it."""
        from ner.evaluation.adjustment import LOWEST_PROBABILITY

        found = self._all(emissions, lengths, LOWEST_PROBABILITY)
        return [[(self._span(span), span.probability) for span in spans] for spans in found]

    def _best(self, emissions: Floats, lengths: Numbers) -> FoundSpans:
        """The spans of the tag sequences that the settings call best."""
        by_marginals = self.decoding.kind == "marginals"
        find = self.chain.best_by_marginals if by_marginals else self.chain.best
        return read_rows(find(emissions, lengths), lengths, self.vocabularies.tags)

    def _probable(self, emissions: Floats, lengths: Numbers) -> list[list[ProbableSpan]]:
        adjustment, labels = self.decoding.adjustment, self.vocabularies.labels
        if adjustment is None:
            threshold = self.decoding.threshold
            return [choose_spans(spans, threshold) for spans in self._all(emissions, lengths, threshold)]
        least = [adjustment.least(label) for label in labels]
        lowest = min(adjustment.lowest_probability(label) for label in labels)
        # A hair less: the score that is just enough is computed from the probability by rounding.
        found = self._all(emissions, lengths, lowest * (1 - 1e-9))
        return [
            [
                span
                for span in choose_surest(
                    [
                        span._replace(probability=adjustment.score(labels[span.label], span.probability))
                        for span in spans
                    ]
                )
                if span.probability >= least[span.label]
            ]
            for spans in found
        ]

    def _all(self, emissions: Floats, lengths: Numbers, lowest: float) -> list[list[ProbableSpan]]:
        roles = np.array([self.vocabularies.roles(label) for label in self.vocabularies.labels], dtype=np.int64)
        return self.chain.probable_spans(emissions, lengths, roles.reshape(-1, 4), lowest)

    def _span(self, span: ProbableSpan) -> Span:
        return Span(self.vocabularies.labels[span.label], span.start, span.end)


def _joined(labellings: Sequence[tuple[list[Span], float]]) -> list[tuple[list[Span], float]]:
    """Each way to choose spans once: without constraints several tag sequences may give the same; their chances add."""
    chances: dict[tuple[Span, ...], float] = {}
    for spans, chance in labellings:
        chances[tuple(spans)] = chances.get(tuple(spans), 0.0) + chance
    best = sorted(chances, key=lambda spans: chances[spans], reverse=True)
    return [(list(spans), min(chances[spans], 1.0)) for spans in best]


def with_threshold(model: Model, threshold: float) -> Model:
    """The same model, which takes each entity of this probability; what was measured of it before is left out.

    Raises:
        ConfigError: as `check_threshold`.
    """
    check_threshold(threshold)
    settings = model.config.model.model_copy(update={"decoding": "threshold", "threshold": threshold})
    metrics = {name: value for name, value in model.metrics.items() if name not in ("dev", "test", "seeds", "example")}
    adjustment = model.adjustment and model.adjustment.with_threshold(threshold)
    config = model.config.model_copy(update={"model": settings})
    return replace(model, config=config, metrics=metrics, adjustment=adjustment)


def as_calibrated(model: Model, calibration: str) -> Model:
    """The same model, which heeds what `ner calibrate` fitted in this way.

    Args:
        model: with or without an adjustment.
        calibration: `use`, `review` (find what is to be looked at too), or `ignore`.

    Raises:
        ConfigError: another way.
    """
    if calibration not in _CALIBRATION:
        raise ConfigError(f"calibration: expected one of {', '.join(_CALIBRATION)}, found {calibration!r}")
    if model.adjustment is None or calibration == "use":
        return model
    return replace(model, adjustment=replace(model.adjustment, review=True) if calibration == "review" else None)


def least_sure(model: Model) -> float | None:
    """The least score of an entity that a promise was made of; None where none was made."""
    adjustment = model.adjustment
    return adjustment.promise.threshold if adjustment and adjustment.promise else None


def check_threshold(threshold: float) -> None:
    """Raise ConfigError unless it is a probability above 0 and below 1."""
    check_type("threshold", threshold, int | float, "a probability")
    if not 0 < threshold < 1:
        raise ConfigError(f"threshold: expected a probability above 0 and below 1, found {threshold}")


def spans_of(found: Sequence[ScoredSpans]) -> list[list[Span]]:
    """The same spans without their probabilities."""
    return [[span for span, _ in spans] for spans in found]
