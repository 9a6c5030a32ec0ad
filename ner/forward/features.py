"""What makes vectors, or scores, of a feature's numbers in NumPy: a class for each row of `settings.FEATURES`.

Those that say an id of a token share one.
The modules of `ner/network/features` say what each computes, and why.
"""

from collections.abc import Mapping

import numpy as np

from ner.features.batches import Batch
from ner.features.characters import Characters
from ner.features.document_context import DocumentContext
from ner.features.feature import Arrays, Feature, IdFeature
from ner.features.gazetteers import Gazetteers
from ner.features.lexicon import LexiconMatches
from ner.features.words import Words
from ner.forward.characters import encoder_shapes, encoders_of, output_dim
from ner.forward.vectors import Vectors
from ner.forward.weights import Array, Floats, Shapes, Weight, arrays_in, linear_shapes, named, part_of
from ner.storage.rows import StoredRows

_SETS = 4  # of lexicon matches of a token; of neighbours of another occurrence


class WordTable:
    """Word vectors: those that were trained, behind them those that never change, in as few bits as they are stored."""

    def __init__(self, weights: Mapping[str, Weight]) -> None:
        self.trained, self.extra = in_rows(weights["trained.weight"]), in_rows(weights["extra"])
        self.num_trained = self.trained.shape[0]

    def look_up(self, ids: Array) -> Floats:
        """Vectors (…, D) of ids (…)."""
        flat = ids.reshape(-1)
        beyond = flat >= self.num_trained
        if not beyond.any():
            vectors = self.trained.rows(flat)
        else:
            vectors = self.trained.rows(np.where(beyond, 0, flat))
            vectors[beyond] = self.extra.rows(flat[beyond] - self.num_trained)
        return vectors.reshape(*ids.shape, self.trained.shape[1])


def in_rows(weight: Weight) -> StoredRows:
    """A table of which rows are asked for."""
    return weight if isinstance(weight, StoredRows) else StoredRows(weight, str(weight.dtype))


def table_shapes(num_trained: int, num_extra: int, dim: int) -> Shapes:
    """Those of a word table."""
    return {"trained.weight": (num_trained, dim), "extra": (num_extra, dim)}


class WordVectors(Vectors):
    """A row of the word table each."""

    of_words = True

    def __init__(self, feature: Words, weights: Mapping[str, Weight]) -> None:
        super().__init__(feature, weights)
        self.table = WordTable(weights)

    @classmethod
    def shapes(cls, feature: Words) -> Shapes:
        """As `Vectors.shapes`."""
        return table_shapes(feature.vocabulary.num_trained, len(feature.vocabulary.extra), feature.dim)

    @classmethod
    def width(cls, feature: Words) -> int:
        """As `Vectors.width`."""
        return feature.dim

    def encode_words(self, words: Arrays) -> Floats:
        """As `Vectors.encode_words`."""
        return self.table.look_up(words["words"])


class CharacterVectors(Vectors):
    """What encoders make of the spellings, side by side."""

    of_words = True

    def __init__(self, feature: Characters, weights: Mapping[str, Weight]) -> None:
        super().__init__(feature, weights)
        self.encoders = encoders_of(feature, arrays_in(weights))

    @classmethod
    def shapes(cls, feature: Characters) -> Shapes:
        """As `Vectors.shapes`."""
        return encoder_shapes(feature)

    @classmethod
    def width(cls, feature: Characters) -> int:
        """As `Vectors.width`."""
        return output_dim(feature)

    def encode_words(self, words: Arrays) -> Floats:
        """As `Vectors.encode_words`."""
        spellings, lengths = words["characters.spellings"], words["characters.lengths"]
        return np.concatenate([encode(spellings, lengths) for encode in self.encoders], axis=-1)

    def of_tokens(self, batch: Batch) -> Floats:
        """As `Vectors.of_tokens`, each distinct spelling once."""
        return self.encode_words(batch.arrays)[batch.arrays["characters.where"].T]


class IdVectors(Vectors):
    """A row of a table for each id."""

    def __init__(self, feature: IdFeature, weights: Mapping[str, Weight]) -> None:
        super().__init__(feature, weights)
        self.table: Floats = arrays_in(weights)["table.weight"]
        self.of_words = type(feature).encode is Feature.encode

    @classmethod
    def shapes(cls, feature: IdFeature) -> Shapes:
        """As `Vectors.shapes`."""
        return {"table.weight": (feature.num_ids, feature.dim)}

    @classmethod
    def width(cls, feature: IdFeature) -> int:
        """As `Vectors.width`."""
        return feature.dim

    def encode_words(self, words: Arrays) -> Floats:
        """The rows of ids of any shape."""
        return self.table[words[self.name]]


class GazetteerMarks(Vectors):
    """The marks as they are."""

    @classmethod
    def shapes(cls, feature: Gazetteers) -> Shapes:
        """None: nothing is learned."""
        return {}

    @classmethod
    def width(cls, feature: Gazetteers) -> int:
        """As `Vectors.width`."""
        return feature.num_marks

    def of_tokens(self, batch: Batch) -> Floats:
        """As `Vectors.of_tokens`."""
        return batch.arrays[self.name].swapaxes(0, 1)


class SoftLexicon(Vectors):
    """The mean of each set of lexicon matches of a token."""

    def __init__(self, feature: LexiconMatches, weights: Mapping[str, Weight]) -> None:
        super().__init__(feature, weights)
        self.words = WordTable(part_of(weights, "words"))

    @classmethod
    def shapes(cls, feature: LexiconMatches) -> Shapes:
        """As `Vectors.shapes`."""
        known = feature.lexicon
        trained = known.num_trained
        return named("words", table_shapes(trained + 1, len(known.words) - trained, feature.dim))

    @classmethod
    def width(cls, feature: LexiconMatches) -> int:
        """As `Vectors.width`."""
        return _SETS * feature.dim

    def of_tokens(self, batch: Batch) -> Floats:
        """As `Vectors.of_tokens`."""
        rows, steps = batch.mask.shape
        sums = _sums(self.words, batch.arrays, self.name, rows * steps * _SETS)
        return sums.reshape(rows, steps, -1).swapaxes(0, 1)


class DocumentContextScores:
    """Scores of tags from the words around a token's other occurrences, by one hidden layer."""

    def __init__(self, weights: Mapping[str, Array]) -> None:
        self.hidden: Floats = weights["hidden.weight"].T
        self.hidden_bias: Floats = weights["hidden.bias"]
        self.scores: Floats = weights["scores.weight"].T

    @classmethod
    def shapes(cls, feature: DocumentContext, num_tags: int) -> Shapes:
        """Those of its weights."""
        hidden = named("hidden", linear_shapes(feature.hidden_dim, _SETS * feature.word_dim))
        return hidden | named("scores", linear_shapes(num_tags, feature.hidden_dim, bias=False))

    def add_to(self, scores: Floats, batch: Batch, words: WordTable) -> None:
        """Adds its scores to those of the encoder (T, B, K), in place, where a token has another occurrence."""
        tokens = batch.arrays.get("document_context.tokens")  # (R,), of B·T
        if tokens is None:
            return
        around = _sums(words, batch.arrays, "document_context", len(tokens) * _SETS).reshape(len(tokens), -1)
        hidden = np.tanh(around @ self.hidden + self.hidden_bias)
        row, step = np.divmod(tokens, scores.shape[0])
        scores[step, row] += hidden @ self.scores


def _sums(words: WordTable, arrays: Arrays, name: str, count: int) -> Floats:
    """The weighted sums of so many sets of words (count, D)."""
    sets = arrays[f"{name}.sets"]  # (L,), from 0 to count - 1
    sizes = np.bincount(sets, minlength=count)
    # Sets of one size behind one another: the sum over each is one over an axis, several times as fast as `reduceat`.
    order = np.lexsort((sets, sizes[sets]))
    vectors = words.look_up(arrays[f"{name}.words"][order])  # (L, D)
    vectors *= arrays[f"{name}.weights"][order, None]
    sums = np.zeros((count, vectors.shape[1]), np.float32)
    begin = 0
    for size in np.unique(sizes[sizes > 0]).tolist():
        alike = np.flatnonzero(sizes == size)
        end = begin + size * len(alike)
        sums[alike] = vectors[begin:end].reshape(len(alike), size, -1).sum(1)
        begin = end
    return sums


_VECTORS: dict[str, type[Vectors]] = {
    "words": WordVectors,
    "characters": CharacterVectors,
    "ids": IdVectors,
    "lexicon": SoftLexicon,
    "gazetteers": GazetteerMarks,
}


def vectors_type(feature: Feature | type[Feature]) -> type[Vectors] | None:
    """The class for a feature; None for one that gives scores."""
    if feature.name == "contextual":
        from ner.forward.contextual import ContextualVectors  # with its encoder, which few models have

        return ContextualVectors
    return _VECTORS.get(feature.twin or feature.name)


def vectors_of(features: Mapping[str, Feature], weights: Mapping[str, Weight]) -> list[Vectors]:
    """What makes vectors of these features, in their order; those that give scores aside."""
    kinds = ((vectors_type(feature), name, feature) for name, feature in features.items())
    return [kind(feature, part_of(weights, name)) for kind, name, feature in kinds if kind is not None]
