"""Pretrained vectors meet a vocabulary: which rows go where, and how much of a corpus they cover."""

from dataclasses import dataclass

import numpy as np
import torch

from ner.features.batches import Encoded
from ner.features.feature import UNKNOWN
from ner.features.phrases import Lexicon
from ner.features.words import WordVocabulary, lookup_forms
from ner.network.tables import WordEmbedding
from ner.resources.vector_files import Vectors


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a training corpus has a pretrained vector; `predicted` of the tokens' are not published ones."""

    name: str
    tokens: int
    covered_tokens: int
    predicted_tokens: int
    words: int
    covered_words: int

    def __str__(self) -> str:
        """One line for the user."""
        line = (
            f"{self.name} covers {self.covered_tokens / max(self.tokens, 1):.1%} of {self.tokens:,} training tokens, "
            f"{self.covered_words / max(self.words, 1):.1%} of {self.words:,} distinct words"
        )
        if self.predicted_tokens:
            line += f" ({self.predicted_tokens / self.tokens:.1%} of the tokens by predicted vectors)"
        return line


def place_lexicon(vectors: Vectors, lexicon: Lexicon, embedding: WordEmbedding) -> None:
    """Writes the vector of each word of a lexicon into both tables of its embedding."""
    rows = {word: row for row, word in enumerate(vectors.words)}
    indices = np.array([rows[word] for word in lexicon.words], dtype=np.int64)
    trained = np.asarray(vectors.matrix[indices[: lexicon.num_trained]], dtype=np.float32)
    with torch.no_grad():
        embedding.trained.weight[1:] = torch.from_numpy(trained)
        embedding.extra = torch.from_numpy(np.array(vectors.matrix[indices[lexicon.num_trained :]]))


def place_vectors(vectors: Vectors, words: WordVocabulary, embedding: WordEmbedding) -> np.ndarray:
    """Writes each word's vector into both tables of an embedding.

    Returns:
        For each trained id the vectors' row, -1 where there is none (N,).
    """
    rows = {word: row for row, word in enumerate(vectors.words)}
    row_of = np.full(words.num_trained, -1, dtype=np.int64)
    for word_id, word in enumerate(words.trained, start=UNKNOWN + 1):
        # Without `lowercase`, the lower-case word's vector is a better start than a random one.
        forms = [word, *lookup_forms(word, lowercase=True, normalize_digits=words.normalize_digits)]
        row_of[word_id] = next((rows[form] for form in forms if form in rows), -1)
    known = np.flatnonzero(row_of >= 0)
    extra = np.array([rows[word] for word in words.extra], dtype=np.int64)
    with torch.no_grad():
        pretrained = np.asarray(vectors.matrix[row_of[known]], dtype=np.float32)
        embedding.trained.weight[torch.from_numpy(known)] = torch.from_numpy(pretrained)
        if len(extra):
            # As they are stored: half precision, or single where that would overflow or vanish.
            embedding.extra = torch.from_numpy(np.array(vectors.matrix[extra]))
    return row_of


def measure_coverage(vectors: Vectors, row_of: np.ndarray, encoded: Encoded) -> Coverage:
    """The share of an encoded training corpus whose words have a row there."""
    rows = row_of[encoded.words]
    return Coverage(
        name=vectors.name,
        tokens=len(rows),
        covered_tokens=int((rows >= 0).sum()),
        predicted_tokens=int((rows >= vectors.measured).sum()),
        words=len(row_of) - UNKNOWN - 1,
        covered_words=int((row_of >= 0).sum()),
    )
