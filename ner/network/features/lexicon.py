"""What the words of a lexicon around a token mean (SoftLexicon)."""

from typing import Self

from torch import Tensor, nn

from ner.features.feature import Feature
from ner.features.lexicon import LexiconMatches
from ner.network.inputs import Inputs
from ner.network.tables import WordEmbedding
from ner.network.twin import Twin

_SETS = 4  # of a token's matches: the lexicon's words that begin with it, have it in the middle, end with it, are it


class SoftLexicon(Twin):
    """The mean of each set of lexicon matches of a token (Ma et al. 2020, section 3.2)."""

    def __init__(self, words: WordEmbedding) -> None:
        super().__init__()
        self.words = words
        self.output_dim = _SETS * words.output_dim

    @classmethod
    def of(cls, feature: Feature) -> Self:
        """As `Twin.of`."""
        assert isinstance(feature, LexiconMatches)
        known = feature.lexicon
        return cls(WordEmbedding(known.num_trained + 1, len(known.words) - known.num_trained, feature.dim))

    def forward(self, inputs: Inputs) -> Tensor:
        """Weighted sums of each token's four sets, side by side (B, T, 4·D)."""
        rows, steps = inputs.mask.shape
        arrays = inputs.arrays
        vectors = self.words.look_up(arrays["lexicon.words"]) * arrays["lexicon.weights"].unsqueeze(1)  # (L, D)
        sums = vectors.new_zeros(rows * steps * _SETS, vectors.shape[1]).index_add(0, arrays["lexicon.sets"], vectors)
        return sums.view(rows, steps, self.output_dim)

    def tables(self) -> list[nn.Embedding]:
        """As `Twin.tables`."""
        return self.words.tables()


TWIN = SoftLexicon
