"""The whole network in NumPy, from the weights of a model directory."""

from collections.abc import Callable, Mapping

import numpy as np

from ner.crf.chain import Chain
from ner.errors import ConfigError
from ner.features.batches import Batch
from ner.features.document_context import DocumentContext
from ner.features.feature import Arrays
from ner.features.vocabulary import Vocabularies
from ner.forward.cells import CELLS
from ner.forward.encoder import Encoder, GlobalContext, NumPyEncoder, encoder_shapes
from ner.forward.features import DocumentContextScores, WordVectors, vectors_of, vectors_type
from ner.forward.weights import Array, Floats, Shapes, Weight, arrays_in, named, part_of
from ner.settings import ModelConfig
from ner.text.tags import legal_transitions

MakeEncoder = Callable[[ModelConfig, Mapping[str, Array]], Encoder]


class Network:
    """A network that reads; several threads may ask it at once."""

    def __init__(
        self,
        config: ModelConfig,
        vocabularies: Vocabularies,
        weights: Mapping[str, Weight],
        *,
        make_encoder: MakeEncoder = NumPyEncoder,
    ) -> None:
        """`weights` are of the names and shapes that `weight_shapes` gives."""
        self.weights = weights
        self._vectors = vectors_of(vocabularies.features, part_of(weights, "embedding"))
        arrays = arrays_in(weights)
        self.chain = chain_of(config, vocabularies, part_of(arrays, "crf"))
        # What is of the word alone stands first, up to here (the capitalisation only where no bigrams are before it).
        known = next((i for i, each in enumerate(self._vectors) if not each.of_words), len(self._vectors))
        self._of_words, self._others = self._vectors[:known], self._vectors[known:]
        self.of_words = frozenset(each.name for each in self._of_words)
        words = self._vectors[0]
        assert isinstance(words, WordVectors)  # the table's first row
        self._table = words.table
        self._context = (
            GlobalContext(config, part_of(arrays, "encoder.context")) if config.context == "global" else None
        )
        self._encoder = make_encoder(config, arrays)
        document = part_of(arrays, "document_context")
        self._document = DocumentContextScores(document) if "document_context" in vocabularies.features else None

    def encode_words(self, words: Arrays) -> Floats:
        """Vectors of S distinct words, side by side (S, E), from what features say of them (S, …)."""
        return np.concatenate([each.encode_words(words) for each in self._of_words], axis=-1)

    def emissions(self, batch: Batch) -> Floats:
        """Scores of every tag at every token, before the CRF (B, T, K)."""
        tokens = self._tokens(batch)  # (T, B, D)
        if self._context is not None:
            tokens = self._context.beside(tokens, batch.lengths)
        scores = self._encoder(tokens, batch.lengths)  # (T, B, K)
        if self._document is not None:
            self._document.add_to(scores, batch, self._table)
        return scores.swapaxes(0, 1)

    def _tokens(self, batch: Batch) -> Floats:
        if batch.encodings is None or batch.where is None:
            return np.concatenate([each.of_tokens(batch) for each in self._vectors], axis=-1)
        known = batch.encodings[batch.where.T]
        if not self._others:
            return known
        return np.concatenate([known, *(each.of_tokens(batch) for each in self._others)], axis=-1)


def check_cell(cell: str) -> None:
    """Raise ConfigError where there is no such cell here; one of a user's own is PyTorch's alone."""
    if cell not in CELLS:
        raise ConfigError(
            f"model.cell: expected one of {', '.join(CELLS)}, found {cell!r}; "
            'a cell of your own runs on runtime "torch"'
        )


def weight_shapes(config: ModelConfig, vocabularies: Vocabularies) -> Shapes:
    """The shapes of all weights of a network of these settings and vocabularies, by their names in a model directory.

    All are float32 but `extra` vectors of words, which are float16.

    Raises:
        ConfigError: as `check_cell`.
    """
    check_cell(config.cell)
    shapes: Shapes = {}
    width, num_tags = 0, len(vocabularies.tags)
    for name, feature in vocabularies.features.items():
        if isinstance(feature, DocumentContext):
            shapes |= named(name, DocumentContextScores.shapes(feature, num_tags))
            continue
        kind = vectors_type(feature)
        assert kind is not None
        shapes |= named(f"embedding.{name}", kind.shapes(feature))
        width += kind.width(feature)
    shapes |= encoder_shapes(config, width, num_tags)
    ends = {"start_transitions": (num_tags,), "end_transitions": (num_tags,), "transitions": (num_tags, num_tags)}
    return shapes | named("crf", ends)


def chain_of(config: ModelConfig, vocabularies: Vocabularies, weights: Mapping[str, Array]) -> Chain:
    """The CRF's own scores, with what the constraints forbid."""
    parts = [weights[name] for name in ("start_transitions", "transitions", "end_transitions")]
    if config.constraints:
        allowed = legal_transitions(vocabularies.tags)
        parts = [np.where(np.array(legal), part, -np.inf) for part, legal in zip(parts, allowed, strict=True)]
        parts = [part.astype(np.float32) for part in parts]
    start, transitions, end = parts
    return Chain(start, transitions, end, config.temperature)
