"""A linear chain that decodes, without PyTorch: what every tagger asks of a conditional random field.

Checks what comes in, and knows the temperature; the algorithms are in the modules beside it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ner.crf import span_posteriors
from ner.crf.entropy import entropies
from ner.crf.expected_counts import ExpectedCounts, expected_counts
from ner.crf.forward_backward import Scores, forward_backward
from ner.crf.k_best import k_best
from ner.crf.lengths import Array, real_tokens
from ner.crf.span_posteriors import ProbableSpan
from ner.crf.viterbi import to_lists, viterbi


class NotFiniteError(ValueError):
    """Emissions hold NaN or infinity."""


@dataclass(frozen=True, slots=True, eq=False)
class Chain:
    """A linear chain's own scores in NumPy; a forbidden start, transition or end is -inf.

    Everywhere, `emissions` are the scores (B, T, K) of each tag at each token, in float32 or float64, sentences padded
    at their ends with anything, and `lengths` the tokens of each sentence (B,). All methods compute in the precision
    of the emissions, what is a small difference of large sums in double precision, and raise ValueError where shapes,
    precision or lengths don't fit, NotFiniteError, which is one, where a real token holds NaN or infinity.
    """

    start: Array  # (K,)
    transitions: Array  # (K, K), from row to column
    end: Array  # (K,)
    # Divides all scores before they become the probabilities of marginals, posteriors and k-best lists
    # (Guo et al. 2017); the best sequence knows nothing of it.
    temperature: float = 1.0

    def best(self, emissions: Array, lengths: Array) -> Array:
        """The most probable legal tags of each sentence (B, T), by the Viterbi algorithm; padding holds anything."""
        return viterbi(self._scores(emissions, lengths), lengths)

    def best_by_marginals(self, emissions: Array, lengths: Array) -> Array:
        """The legal tags (B, T) of which most are expected to be correct (maximum expected accuracy), as `best`."""
        scores = self._tempered(emissions, lengths)
        if not scores.emissions.size:
            return np.zeros(scores.emissions.shape[:2], np.int64)
        weights = forward_backward(scores, lengths).marginals.transpose(1, 0, 2)
        flat = (np.where(part == -math.inf, part, 0) for part in scores[1:])
        return viterbi(Scores(weights, *flat), lengths)

    def decode(self, emissions: Array, lengths: Array) -> list[list[int]]:
        """`best` as lists, each as long as its sentence."""
        return to_lists(self.best(emissions, lengths), lengths)

    def decode_by_marginals(self, emissions: Array, lengths: Array) -> list[list[int]]:
        """`best_by_marginals` as lists, each as long as its sentence."""
        return to_lists(self.best_by_marginals(emissions, lengths), lengths)

    def marginals(self, emissions: Array, lengths: Array) -> Array:
        """The probability of each tag at each token (B, T, K), 0 at padding."""
        scores = self._tempered(emissions, lengths)
        if not scores.emissions.size:
            return scores.emissions
        return forward_backward(scores, lengths).marginals.transpose(1, 0, 2)

    def expected_counts(self, emissions: Array, lengths: Array) -> ExpectedCounts:
        """The marginals (B, T, K), 0 at padding, and how often each transition is expected in a sentence (B, K, K)."""
        scores = self._tempered(emissions, lengths)
        if not scores.emissions.size:
            return ExpectedCounts(scores.emissions, np.zeros((len(lengths), *self.transitions.shape), emissions.dtype))
        return expected_counts(scores, lengths)

    def log_partitions(self, emissions: Array, lengths: Array) -> Array:
        """The log of the summed weight of all tag sequences of each sentence (B,), in double precision; 0 of none."""
        scores = self._tempered(emissions, lengths)
        return forward_backward(scores, lengths).log_partition if scores.emissions.size else np.zeros(len(lengths))

    def entropies(self, emissions: Array, lengths: Array) -> Array:
        """The entropy of the distribution over all tag sequences of each sentence (B,), natural logarithm, double."""
        scores = self._tempered(emissions, lengths)
        return entropies(scores, lengths) if scores.emissions.size else np.zeros(len(lengths))

    def span_posteriors(
        self, emissions: Array, lengths: Array, spans: Sequence[tuple[int, int, int]] | Array, roles: Array
    ) -> Array:
        """The probability (N,) that an entity stands at exactly each of N spans.

        Args:
            emissions: as everywhere.
            lengths: as everywhere.
            spans: sentence, first token and end (half-open) of each (N, 3).
            roles: ids of the tags B, I, E, S of each span's label (N, 4).
        """
        scores = self._tempered(emissions, lengths)
        if not len(spans):
            return np.zeros(0, emissions.dtype)
        sums = forward_backward(scores, lengths)
        logs = span_posteriors.span_log_posteriors(scores, sums, np.asarray(spans), np.asarray(roles))
        # Rounding may carry a certain one a hair above 1.
        return np.minimum(np.exp(logs), 1).astype(emissions.dtype)

    def probable_spans(
        self, emissions: Array, lengths: Array, roles: Array, threshold: float
    ) -> list[list[ProbableSpan]]:
        """All spans of each sentence of at least this probability, those that overlap too, in the order of their ends.

        Args:
            emissions: as everywhere.
            lengths: as everywhere.
            roles: ids of the tags B, I, E, S of each label (L, 4).
            threshold: above 0.
        """
        scores = self._tempered(emissions, lengths)
        if not scores.emissions.size:
            return [[] for _ in lengths]
        sums = forward_backward(scores, lengths)
        return span_posteriors.probable_spans(scores, sums, lengths, np.asarray(roles), threshold)

    def k_best(self, emissions: Array, lengths: Array, *, k: int) -> list[list[tuple[list[int], float]]]:
        """The k most probable legal tag sequences of each sentence with their log-probabilities, best first.

        A sentence of fewer legal sequences gives them all; an empty one gives the empty sequence.

        Raises:
            ValueError: k is less than 1, or as everywhere.
        """
        if k < 1:
            raise ValueError(f"k: expected at least 1 tag sequence, found {k}")
        # In double precision: a probability is the difference of two sums as long as the sentence.
        scores = Scores(*(part.astype(np.float64, copy=False) for part in self._tempered(emissions, lengths)))
        if not scores.emissions.size:
            return [[([], 0.0)] for _ in lengths]
        return k_best(scores, lengths, forward_backward(scores, lengths).log_partition, k)

    def _tempered(self, emissions: Array, lengths: Array) -> Scores:
        scores = self._scores(emissions, lengths)
        return scores if self.temperature == 1 else Scores(*(part / self.temperature for part in scores))

    def _scores(self, emissions: Array, lengths: Array) -> Scores:
        """The scores in the emissions' precision, checked; emissions with zeros at padding, time first in memory."""
        if emissions.ndim != 3 or emissions.shape[2] != len(self.start):
            raise ValueError(f"expected emissions of 3 dimensions, the last {len(self.start)}, found {emissions.shape}")
        if emissions.dtype not in (np.float32, np.float64):
            raise ValueError(f"expected emissions in float32 or float64, found {emissions.dtype}")
        num_rows, num_steps, _ = emissions.shape
        if lengths.shape != (num_rows,):
            raise ValueError(f"expected lengths of shape {(num_rows,)}, found {lengths.shape}")
        if num_rows and not (lengths.min() >= 0 and lengths.max() <= num_steps):
            row = int(np.flatnonzero((lengths < 0) | (lengths > num_steps))[0])
            raise ValueError(f"sentence {row}: expected a length from 0 to {num_steps}, found {lengths[row]}")
        by_step = emissions.transpose(1, 0, 2)  # (T, B, K)
        if num_rows and lengths.min() < num_steps:
            by_step = by_step.copy()
            by_step[~real_tokens(lengths, num_steps).T] = 0
        else:
            by_step = np.ascontiguousarray(by_step)
        # One sum tells of any NaN or infinity; where it overflowed without one, the second look clears it.
        with np.errstate(all="ignore"):
            total = float(by_step.sum())
        if not math.isfinite(total) and not np.isfinite(by_step).all():
            row, token = np.argwhere(~np.isfinite(by_step).all(2).T)[0].tolist()
            raise NotFiniteError(f"sentence {row}, token {token}: expected finite emissions, found NaN or infinity")
        parts = (self.start, self.transitions, self.end)
        return Scores(by_step.transpose(1, 0, 2), *(part.astype(emissions.dtype, copy=False) for part in parts))
