"""What a network reads: one batch of sentences as tensors."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from ner.features.batches import Encoded, collate
from ner.features.words import Numbers


class Inputs(NamedTuple):
    """A batch of B sentences of at most T tokens with S distinct spellings of at most C characters.

    Padding is 0. A network without a lexicon gets no words of one (L is 0), without gazetteers no marks (G is 0), and
    M and R are 0 where it isn't shown other mentions.
    """

    words: Tensor  # word numbers (B, T)
    bigrams: Tensor  # bigram numbers (B, T)
    cases: Tensor  # capitalisation classes (B, T)
    marks: Tensor  # 1 where a gazetteer has the token in that place of a phrase, else 0; float (B, T, G)
    spellings: Tensor  # character numbers of the distinct spellings (S, C)
    spelling_lengths: Tensor  # characters of each, at least 1 (S,)
    where: Tensor  # which spelling stands at each token (B, T)
    lexicon_words: Tensor  # numbers of lexicon words (L,)
    lexicon_weights: Tensor  # float (L,)
    lexicon_bags: Tensor  # which of the B·T·4 bags each is in, four a token (L,)
    mention_words: Tensor  # numbers of words around the other mentions of R tokens (M,)
    mention_weights: Tensor  # float (M,)
    mention_bags: Tensor  # which of the R·4 bags each is in, four a token (M,)
    mention_tokens: Tensor  # which of the B·T tokens they are, ascending (R,)
    lengths: Tensor  # tokens of each sentence, at least 1 (B,)
    encodings: Tensor  # of words and spellings, `TokenEmbedding.encode_words`, where made before (S, E), else (0, 0)

    @property
    def mask(self) -> Tensor:
        """True where a token is (B, T)."""
        return torch.arange(self.words.shape[1], device=self.lengths.device) < self.lengths.unsqueeze(1)

    def to(self, device: torch.device) -> "Inputs":
        """The same batch on a device."""
        if self.words.device == device:
            return self  # asking each tensor takes as long as reading a word
        return Inputs(*(tensor.to(device, non_blocking=True) for tensor in self))


def make_batch(encoded: Encoded, rows: Numbers, *, words: Numbers | None = None) -> tuple[Inputs, Tensor | None]:
    """The batch of these sentences, and their tags (or rows of `choices`) (B, T), padded with 0.

    Args:
        encoded: all sentences.
        rows: which of them (B,).
        words: word numbers (N,) to read instead of `encoded.words`, for dropping some to the unknown.
    """
    batch, tags = collate(encoded, rows, words=words)
    encodings = torch.zeros(0, 0) if encoded.encodings is None else encoded.encodings
    tensors = (*(torch.from_numpy(np.ascontiguousarray(array)) for array in batch), encodings)
    return Inputs(*tensors), None if tags is None else torch.from_numpy(tags)
