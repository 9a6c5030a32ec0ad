"""What a lexicon's words around a token say of it: SoftLexicon (Ma et al. 2020)."""

from dataclasses import dataclass
from typing import Any, Self

from ner.config import Config
from ner.features.checks import texts
from ner.features.feature import Arrays, Feature, Material, TokenIndices, Tokens
from ner.features.phrase_features import WordSets, match_lexicon
from ner.features.phrases import Lexicon, build_lexicon


@dataclass(frozen=True)
class LexiconMatches(Feature):
    """Of each token four sets of lexicon matches: words that begin with it, have it inside, end with it, are it.

    In a batch, `lexicon.words` (L,) are word ids, `lexicon.weights` (L,) floats, and `lexicon.sets` (L,) tells in
    which of its B·T·4 sets each is. The network has a vector of `dim` numbers for each word.
    """

    name = "lexicon"

    lexicon: Lexicon
    dim: int

    @classmethod
    def fit(cls, material: Material) -> Self | None:
        """The words of the vectors that `features.lexicon` names, those ahead that training has.

        Raises:
            VectorsError: the vectors are missing, damaged or of another width.
        """
        features = material.config.features
        if not features.lexicon:
            return None
        vectors = material.vectors(features.lexicon, features.lexicon_dim, "features.lexicon_dim")
        return cls(build_lexicon(material.sentences, vectors.words), features.lexicon_dim)

    def encode(self, tokens: Tokens, of_words: Arrays) -> Arrays:
        """The lexicon matches of all tokens, as `WordSets` holds them."""
        return match_lexicon(tokens.sentences, self.lexicon).as_arrays(self.name)

    def collate(self, encoded: Arrays, indices: TokenIndices) -> Arrays:
        """As the class says."""
        words, weights, sets = WordSets.from_arrays(encoded, self.name).of(indices.tokens, indices.mask)
        return {"lexicon.words": words, "lexicon.weights": weights, "lexicon.sets": sets}

    def as_dict(self) -> dict[str, Any]:
        """As `Feature.as_dict`."""
        return self.lexicon.as_dict()

    @classmethod
    def from_dict(cls, values: dict[str, Any], config: Config) -> Self:
        """As `Feature.from_dict`."""
        counts = values.get("counts")
        if not isinstance(counts, list):
            raise ValueError("expected lexicon to be words and their counts")
        words = texts(values, "words", distinct=False)
        if set(map(type, counts)) - {int} or len(counts) > len(words):
            raise ValueError(f"expected at most {len(words)} whole numbers to be the lexicon's counts")
        return cls(Lexicon(words, tuple(counts)), config.features.lexicon_dim)


FEATURE = LexiconMatches
