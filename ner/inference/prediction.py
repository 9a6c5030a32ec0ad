"""From sentences to spans, in training and in use: encoding, batches, emissions, decoding."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from ner.collector import no_search_for_cycles
from ner.crf.lengths import Array
from ner.errors import ConfigError, check_type
from ner.features.batches import Encoded, batch_rows, collate, encode
from ner.features.feature import Numbers
from ner.features.vocabulary import Vocabularies
from ner.forward.network import Network
from ner.inference.array_backend import ArrayBackend
from ner.inference.backend import Backend
from ner.inference.combining import Combiner
from ner.inference.decoding import Decoder, Decoding, ScoredSpans, check_threshold
from ner.inference.loading import Model
from ner.inference.windows import WINDOW, windowed_emissions
from ner.inference.word_cache import WordCache
from ner.text.sentence import Sentence, Span

# Padded tokens of a batch: enough to fill the matrix units of two cores, small enough for their cache.
BATCH_TOKENS = 2048
# A recurrent layer takes a step for each token, whose cost is hardly less for one sentence than for eight: so where
# fewer than eight would share that batch, they share one that only bounds the memory, at some 130 MB for all at once.
_FEWEST = 8
_LONG_BATCH_TOKENS = 16_384
# Padded tokens from which a batch is worth a thread of its own: in two batches 64 sentences of 25 words take 0.62 to
# 0.84 of the time on two cores, and 1.05 to 1.08 of it on one.
_FEW_TOKENS = 512

Result = TypeVar("Result")


class Emitted(NamedTuple):
    """Sentences that were read together."""

    rows: Numbers  # which they are (B,)
    emissions: npt.NDArray[np.floating]  # (B, T, K)
    lengths: Numbers  # (B,)


class SpanLabelling(NamedTuple):
    """One way of labelling a sentence, and the probability of the whole."""

    spans: list[Span]
    probability: float


@dataclass(frozen=True, slots=True)
class Reader:
    """What reads sentences as a model of these weights does, and keeps what it makes of words.

    Several threads may use one at once: few sentences each, and they are read together.
    """

    backend: Backend
    vocabularies: Vocabularies
    decoder: Decoder
    words: WordCache
    together: Combiner

    def spans(self, sentences: Sequence[Sentence]) -> list[list[Span]]:
        """The spans of each sentence, in order."""
        decode = self.decoder.spans
        return self._ask("spans", sentences, lambda read: decode(read.emissions, read.lengths), of_empty=())

    def scored_spans(self, sentences: Sequence[Sentence]) -> list[ScoredSpans]:
        """The spans of each sentence, those of `spans`, each with its exact probability under the CRF."""
        decode = self.decoder.scored_spans
        return self._ask("scored spans", sentences, lambda read: decode(read.emissions, read.lengths), of_empty=())

    def entropies(self, sentences: Sequence[Sentence]) -> list[float]:
        """The entropy of the distribution over the tag sequences of each sentence, natural logarithm."""
        chain = self.decoder.chain
        return self.each(sentences, lambda read: chain.entropies(read.emissions, read.lengths).tolist(), of_empty=0.0)

    def k_best(self, sentences: Sequence[Sentence], *, k: int) -> list[tuple[ScoredSpans, list[SpanLabelling]]]:
        """Of each sentence the scored spans, and the k most probable labellings, best first.

        Raises:
            ConfigError: k is less than 1.
        """
        check_type("k", k, int, "a whole number")
        if k < 1:
            raise ConfigError(f"k: expected at least 1 labelling, found {k}")
        decoder = self.decoder

        def work(read: Emitted) -> list[tuple[ScoredSpans, list[SpanLabelling]]]:
            scored = decoder.scored_spans(read.emissions, read.lengths)
            best = decoder.k_best(read.emissions, read.lengths, k=k)
            return [
                (spans, [SpanLabelling(*labelling) for labelling in labellings])
                for spans, labellings in zip(scored, best, strict=True)
            ]

        found = self._ask(("k best", k), sentences, work, of_empty=None)
        return [([], [SpanLabelling([], 1.0)]) if each is None else each for each in found]

    def candidates(self, sentences: Sequence[Sentence]) -> list[ScoredSpans]:
        """Each entity of each sentence that may be, those that overlap too, as probable as the network has it."""
        find = self.decoder.candidates
        return self.each(sentences, lambda read: find(read.emissions, read.lengths), of_empty=())

    def at(self, threshold: float | None) -> "Reader":
        """A reader of the same weights that finds each entity of at least this score; None: this one.

        Scores are those of this one, fitted to a kind of text or not; a promise doesn't hold there.

        Raises:
            ConfigError: as `check_threshold`.
        """
        if threshold is None:
            return self
        check_threshold(threshold)
        return replace(self, decoder=replace(self.decoder, decoding=self.decoder.decoding.at(threshold)))

    def marginals(self, sentences: Sequence[Sentence]) -> list[Array]:
        """The probability of each of the network's tags at each token of each sentence (T, K)."""
        chain = self.decoder.chain

        def work(read: Emitted) -> list[Array]:
            found = chain.marginals(read.emissions, read.lengths)
            return [row[:length] for row, length in zip(found, read.lengths, strict=True)]

        empty = np.zeros((0, len(self.vocabularies.tags)))
        return [empty if each is None else each for each in self._ask("marginals", sentences, work, of_empty=None)]

    def emitted(self, sentences: Sequence[Sentence]) -> Iterator[Emitted]:
        """The emissions of all sentences with a token, batch by batch."""
        if any(sentence.spelled for sentence in sentences):
            yield from emit(self.backend, encode(sentences, self.vocabularies, cache=self.words), lambda read: read)

    def _ask(
        self,
        kind: object,
        sentences: Sequence[Sentence],
        work: Callable[[Emitted], Sequence[Result]],
        *,
        of_empty: object,
    ) -> list[Result]:
        """As `each`: of few sentences together with those that other threads ask in the same moment.

        They answer as alone: those whose first sentence opens a document stand behind one another, and so do those that
        mark none. Sentences before the first mark would belong to the document of another thread.
        """
        marked = any(sentence.opens_document for sentence in sentences)
        joins = marked and not sentences[0].opens_document
        if joins or sum(len(sentence.spelled) for sentence in sentences) > BATCH_TOKENS:
            return self.each(sentences, work, of_empty=of_empty)
        kind = (kind, self.decoder.decoding, marked)
        return self.together.ask(kind, sentences, lambda them: self.each(them, work, of_empty=of_empty))

    def each(
        self, sentences: Sequence[Sentence], work: Callable[[Emitted], Sequence[Result]], *, of_empty: object
    ) -> list[Result]:
        """What `work` makes of each sentence, in their order; of an empty one, `of_empty`."""
        results: list[object] = [list(of_empty) if isinstance(of_empty, tuple) else of_empty for _ in sentences]
        if any(sentence.spelled for sentence in sentences):
            with no_search_for_cycles():
                encoded = encode(sentences, self.vocabularies, cache=self.words)
                for rows, made in emit(self.backend, encoded, lambda read: (read.rows, work(read))):
                    for row, result in zip(rows, made, strict=True):
                        results[row] = result
        return results  # type: ignore[return-value]


def make_reader(backend: Backend, vocabularies: Vocabularies, decoding: Decoding) -> Reader:
    """A reader of a model's parts."""
    decoder = Decoder(backend.chain, vocabularies, decoding)
    return Reader(backend, vocabularies, decoder, WordCache(backend, vocabularies), Combiner())


def reader_of(model: Model) -> Reader:
    """A model's reader, which decodes as its settings say, and as was fitted to a kind of text."""
    return make_reader(_backend_of(model), model.vocabularies, Decoding.of(model.config.model, model.adjustment))


def _backend_of(model: Model) -> Backend:
    if isinstance(model.network, Network):
        return ArrayBackend(model.network)
    from ner.inference.torch_backend import TorchBackend

    return TorchBackend(model.network)


def emit(
    backend: Backend, encoded: Encoded, work: Callable[[Emitted], Result], *, only: Numbers | None = None
) -> Iterator[Result]:
    """What `work` makes of the emissions of each batch; on a CPU several are worked on at once.

    An empty sentence is in none of them. One too long for the memory has a batch to itself; see `windows`.

    Args:
        backend: what computes.
        encoded: sentences.
        work: gets the emissions of each batch.
        only: these rows among the sentences; None: all.
    """

    def read(rows: Numbers) -> Result:
        lengths = encoded.lengths[rows]
        if lengths[0] > WINDOW:
            return work(Emitted(rows, windowed_emissions(backend, encoded, rows[0]), lengths))
        return work(Emitted(rows, backend.emissions(collate(encoded, rows)), lengths))

    rows = np.flatnonzero(encoded.lengths) if only is None else only[encoded.lengths[only] > 0]
    endless = encoded.lengths[rows] > WINDOW
    yield from map(read, rows[endless, None])  # one by one, each with all the memory
    yield from backend.side_by_side(
        read, list(_batches(rows[~endless], encoded.lengths, at_once=backend.batches_at_once()))
    )


def _batches(rows: Numbers, lengths: Numbers, *, at_once: int = 1) -> Iterator[Numbers]:
    """Batches of these rows, the longest first; `at_once` of them share the memory."""
    long = lengths[rows] > BATCH_TOKENS // _FEWEST
    most = max(_LONG_BATCH_TOKENS // at_once, BATCH_TOKENS)
    for group, tokens in ((rows[long], most), (rows[~long], _tokens_of(lengths[rows[~long]]))):
        for indices in batch_rows(lengths[group], size=1, tokens=tokens):
            yield group[indices]


def _tokens_of(lengths: Numbers) -> int:
    """Tokens of a batch, padding included: half of all where that is enough, so that two threads have work.

    It doesn't depend on how many threads there are, lest a last digit of a score should.
    """
    half = -(-int(lengths.max(initial=0)) * len(lengths) // 2)
    return half if _FEW_TOKENS <= half < BATCH_TOKENS else BATCH_TOKENS
