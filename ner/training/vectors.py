"""Pretrained vectors meet a vocabulary: which rows go where, and how much of a corpus they cover."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from ner.config import Config
from ner.errors import VectorsError
from ner.features.batches import Encoded
from ner.features.phrases import Gazetteer, Lexicon, build_lexicon
from ner.features.vocabulary import UNKNOWN, Vocabularies, WordVocabulary, lookup_forms
from ner.network.embedding import WordEmbedding
from ner.resources.named_vectors import open_vectors
from ner.resources.vector_files import Vectors
from ner.resources.word_lists import read_names
from ner.text.sentence import Sentence
from ner.text.tokenizer import tokenize


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


def check_width(vectors: Vectors, dim: int, key: str) -> None:
    """Nothing, where the vectors are as wide as the setting of this key says.

    Raises:
        VectorsError: they are not.
    """
    width = vectors.matrix.shape[1]
    if width != dim:
        raise VectorsError(
            f"{vectors.name}: expected vectors of {dim} numbers ({key}), found {width}; set {key} = {width}"
        )


def add_features(
    vocabularies: Vocabularies, config: Config, sentences: Sequence[Sentence]
) -> tuple[Vocabularies, Vectors | None]:
    """The vocabularies with what the settings want known besides the corpus, and the lexicon's vectors.

    Raises:
        VectorsError: the lexicon is missing, damaged or of another width.
        DataError: a gazetteer can't be read.
    """
    features, vectors = config.features, None
    if features.lexicon:
        vectors = open_vectors(features.lexicon)
        check_width(vectors, features.lexicon_dim, "features.lexicon_dim")
        vocabularies = replace(vocabularies, lexicon=build_lexicon(sentences, vectors.words))
    # Names are cut as text will be.
    mode: Literal["words", "characters"] = "characters" if config.data.tokenizer == "characters" else "words"
    gazetteers = []
    for path in map(Path, features.gazetteer):
        names = (" ".join(token.text for token in tokenize(name, mode=mode)) for name in read_names(path))
        gazetteers.append(Gazetteer(path.stem, tuple(names)))
    return replace(vocabularies, gazetteers=tuple(gazetteers)), vectors


def place_lexicon(vectors: Vectors, lexicon: Lexicon, embedding: WordEmbedding) -> None:
    """Writes the vector of each word of a lexicon into both tables of its embedding."""
    rows = {word: row for row, word in enumerate(vectors.words)}
    places = np.array([rows[word] for word in lexicon.words], dtype=np.int64)
    trained = np.asarray(vectors.matrix[places[: lexicon.num_trained]], dtype=np.float32)
    with torch.no_grad():
        embedding.trained.weight[1:] = torch.from_numpy(trained)
        embedding.extra = torch.from_numpy(np.array(vectors.matrix[places[lexicon.num_trained :]]))


def place_vectors(vectors: Vectors, words: WordVocabulary, embedding: WordEmbedding) -> np.ndarray:
    """Writes each word's vector into both tables of an embedding.

    Returns:
        For each trained number the vectors' row, -1 where there is none (N,).
    """
    rows = {word: row for row, word in enumerate(vectors.words)}
    places = np.full(words.num_trained, -1, dtype=np.int64)
    for number, word in enumerate(words.trained, start=UNKNOWN + 1):
        # Without `lowercase`, the lower-case word's vector is a better start than a random one.
        forms = [word, *lookup_forms(word, lowercase=True, normalize_digits=words.normalize_digits)]
        places[number] = next((rows[form] for form in forms if form in rows), -1)
    known = np.flatnonzero(places >= 0)
    extra = np.array([rows[word] for word in words.extra], dtype=np.int64)
    with torch.no_grad():
        found = np.asarray(vectors.matrix[places[known]], dtype=np.float32)
        embedding.trained.weight[torch.from_numpy(known)] = torch.from_numpy(found)
        if len(extra):
            # As they are stored: half precision, or single where that would overflow or vanish.
            embedding.extra = torch.from_numpy(np.array(vectors.matrix[extra]))
    return places


def measure_coverage(vectors: Vectors, places: np.ndarray, encoded: Encoded) -> Coverage:
    """The share of an encoded training corpus whose words have a row among these places."""
    rows = places[encoded.words]
    return Coverage(
        name=vectors.name,
        tokens=len(rows),
        covered_tokens=int((rows >= 0).sum()),
        predicted_tokens=int((rows >= vectors.measured).sum()),
        words=len(places) - UNKNOWN - 1,
        covered_words=int((places >= 0).sum()),
    )
