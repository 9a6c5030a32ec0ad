"""Sentences that are read again and again by a network that changes: encoded once, their words anew each time."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ner.features.batches import Encoded, encode, encode_words
from ner.features.feature import Arrays, Numbers
from ner.features.vocabulary import Vocabularies
from ner.inference.backend import Backend, Floats, Result
from ner.inference.prediction import Emitted, emit
from ner.inference.word_cache import TOGETHER
from ner.text.sentence import Sentence


@dataclass(frozen=True, slots=True)
class Prepared:
    """Sentences as numbers; nothing where none has a token. `chunks` are distinct words in `order`: long ones first."""

    size: int
    encoded: Encoded | None = None
    order: np.ndarray[tuple[int], np.dtype[np.int64]] | None = None
    chunks: tuple[Arrays, ...] = ()

    def emitted(self, backend: Backend) -> Iterator[Emitted]:
        """The emissions of all sentences with a token, batch by batch."""
        return self.emit(backend, lambda read: read)

    def emit(
        self, backend: Backend, work: Callable[[Emitted], Result], *, only: Numbers | None = None
    ) -> Iterator[Result]:
        """What `work` makes of the emissions of each batch; `only`: of these sentences, None: of all."""
        if self.encoded is None or self.order is None:
            return
        order, chunks = self.order, self.chunks
        if only is not None:
            order, chunks = self._words_of(only, self.encoded, order)
            if not chunks:  # no sentence, or none with a token
                return
        made = np.concatenate(list(backend.side_by_side(backend.encode_words, chunks)))
        encodings: Floats = np.empty((len(self.order), made.shape[1]), dtype=made.dtype)
        encodings[order] = made
        features = {n: feature for n, feature in self.encoded.features.items() if n not in backend.of_words}
        yield from emit(backend, replace(self.encoded, features=features, encodings=encodings), work, only=only)

    def _words_of(self, rows: Numbers, encoded: Encoded, order: Numbers) -> tuple[Numbers, tuple[Arrays, ...]]:
        """The order and the chunks of the words of these sentences alone."""
        chosen = np.zeros(len(encoded.lengths), dtype=np.bool_)
        chosen[rows] = True
        wanted = np.zeros(len(order), dtype=np.bool_)
        wanted[encoded.where[np.repeat(chosen, encoded.lengths)]] = True
        kept = [wanted[order[start : start + TOGETHER]] for start in range(0, len(order), TOGETHER)]
        chunks = tuple(
            {name: array[keep] for name, array in chunk.items()}
            for chunk, keep in zip(self.chunks, kept, strict=True)
            if keep.any()
        )
        return order[wanted[order]], chunks


def prepare(sentences: Sequence[Sentence], vocabularies: Vocabularies) -> Prepared:
    """These sentences, prepared."""
    if not any(sentence.spelled for sentence in sentences):
        return Prepared(len(sentences))
    sentences = vocabularies.seen(sentences)
    encoded = encode(sentences, vocabularies)
    words = list(dict.fromkeys(word for sentence in sentences for word in sentence.spelled))
    order = np.array(sorted(range(len(words)), key=lambda index: -len(words[index])), dtype=np.int64)
    chunks = tuple(
        encode_words(vocabularies.features, [words[index] for index in order[start : start + TOGETHER]])
        for start in range(0, len(order), TOGETHER)
    )
    return Prepared(len(sentences), encoded, order, chunks)
