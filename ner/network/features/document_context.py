"""What a name's other occurrences in its document say of its tag: scores beside those that its own sentence gives.

Both are added up, as two witnesses' are who know of different things. Behind the encoder this costs next to nothing,
since only names are asked that the document has again; shown to the encoder instead, the same words made reading half
as slow again and found less.
"""

from typing import Self

import torch
from torch import Tensor, nn

from ner.features.document_context import DocumentContext
from ner.features.feature import Feature
from ner.network.dropout import Dropout
from ner.network.inputs import Inputs
from ner.network.tables import WordEmbedding
from ner.network.twin import ScoringTwin

NUM_NEIGHBOURS = 4  # of another occurrence: two words before it, one before, one behind, two behind
# On the neighbours' vectors, where less than elsewhere is dropped: they are a mean of few words.
_DROPOUT = 0.3


class DocumentContextTwin(ScoringTwin):
    """Scores of tags from the words around a token's other occurrences, by one hidden layer.

    The word vectors are trained where the words stand, not here.
    """

    def __init__(self, word_dim: int, hidden_dim: int, num_tags: int, *, dropout: float) -> None:
        super().__init__()
        self.around = Dropout(_DROPOUT)
        self.hidden = nn.Linear(NUM_NEIGHBOURS * word_dim, hidden_dim)
        self.dropout = Dropout(dropout)
        self.scores = nn.Linear(hidden_dim, num_tags, bias=False)

    @classmethod
    def scoring(cls, feature: Feature, num_tags: int) -> Self:
        """As `ScoringTwin.scoring`."""
        assert isinstance(feature, DocumentContext)
        return cls(feature.word_dim, feature.hidden_dim, num_tags, dropout=feature.dropout)

    def forward(self, inputs: Inputs, words: WordEmbedding) -> Tensor | None:
        """Scores of every tag at every token (B, T, K), zeros where a token has no other occurrence; None: none has."""
        arrays, mine = inputs.arrays, "document_context"
        if f"{mine}.tokens" not in arrays:
            return None
        rows, steps = inputs.mask.shape
        with torch.no_grad():
            vectors = words.look_up(arrays[f"{mine}.words"]) * arrays[f"{mine}.weights"].unsqueeze(1)  # (M, D)
        tokens = arrays[f"{mine}.tokens"]
        sums = vectors.new_zeros(len(tokens) * NUM_NEIGHBOURS, vectors.shape[1])
        around = sums.index_add(0, arrays[f"{mine}.sets"], vectors).view(-1, self.hidden.in_features)  # (R, 4·D)
        scores = self.scores(self.dropout(self.hidden(self.around(around)).tanh()))  # (R, K)
        everywhere = scores.new_zeros(rows * steps, scores.shape[1])
        return everywhere.index_copy(0, tokens, scores).view(rows, steps, -1)  # type: ignore[no-any-return]


TWIN = DocumentContextTwin
