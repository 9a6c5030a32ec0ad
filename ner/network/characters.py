"""Encoders of a word's characters: those of Ma & Hovy 2016 (a CNN with max-pooling) and Lample et al. 2016 (the last
states of a bidirectional LSTM).
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ner.network.dropout import Dropout
from ner.network.layer import RecurrentLayer
from ner.network.tables import PADDING, make_embedding

# Words that an LSTM reads together, at least, and parts of a batch, at most: most words are short, and each part is as
# wide as its longest.
_PART = 100
_MOST_PARTS = 8


class CharacterCNN(nn.Module):
    """The strongest answer of each filter anywhere in a word (Ma & Hovy 2016)."""

    def __init__(self, num_characters: int, dim: int, num_filters: int, *, kernel_size: int, dropout: float) -> None:
        super().__init__()
        self.embedding = make_embedding(num_characters, dim)
        self.dropout = Dropout(dropout)
        self.kernel_size = kernel_size
        # Convolution as a matrix product over windows: for filters this narrow it is faster on a CPU.
        self.filters = nn.Linear(kernel_size * dim, num_filters)
        self.output_dim = num_filters

    def forward(self, spellings: Tensor, lengths: Tensor) -> Tensor:
        """Encodings (S, D) of spellings (S, C) of these lengths (S,)."""
        # All words in a row rather than below each other: most are short, and padding would be more than half of all.
        # Before each and behind the last are blanks, so that a filter sees a word's edges, and one letter is enough.
        before, behind = self.kernel_size // 2, self.kernel_size - 1 - self.kernel_size // 2
        blanks = nn.functional.pad(spellings, (before, 0), value=PADDING)  # (S, b+C)
        taken = torch.arange(blanks.shape[1], device=lengths.device) < (lengths + before).unsqueeze(1)  # (S, b+C)
        row = nn.functional.pad(blanks[taken], (0, behind), value=PADDING)  # (R,)
        characters = self.dropout(self.embedding(row))  # (R, E)
        size = len(row) - behind - before * len(spellings)  # characters of all words: N
        words = torch.repeat_interleave(lengths, output_size=size)  # (N,), of each character
        first = torch.arange(size, device=lengths.device) + before * words  # (N,), of each character's window
        indices = first.unsqueeze(1) + torch.arange(self.kernel_size, device=lengths.device)  # (N, k)
        windows = characters.index_select(0, indices.flatten()).view(size, self.filters.in_features)  # (N, k·E)
        # The columns of `filters` have a character's k positions beside each other, the windows its E values.
        filters = self.filters.weight.view(len(self.filters.weight), -1, self.kernel_size).transpose(1, 2).flatten(1)
        answers = nn.functional.linear(windows, filters, self.filters.bias)  # (N, F)
        return _Strongest.apply(answers, words, lengths)  # type: ignore[no-any-return, no-untyped-call]


class _Strongest(torch.autograd.Function):
    """The maximum (S, F) over each word's rows of (N, F), its gradient shared by those that tie.

    That of PyTorch's `segment_reduce` is wrong where rows tie: each gets all of a gradient below zero.
    """

    @staticmethod
    def forward(ctx: Any, answers: Tensor, words: Tensor, lengths: Tensor) -> Tensor:
        """`words` (N,) tells whose each row is, `lengths` (S,) how many each word has."""
        strongest = _of_words(answers, "max", lengths)
        ctx.save_for_backward(answers, words, lengths, strongest)
        return strongest

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        answers, words, lengths, strongest = ctx.saved_tensors
        ties = (answers == strongest.index_select(0, words)).to(gradient.dtype)
        share = gradient / _of_words(ties, "sum", lengths)  # (S, F)
        return ties.mul_(share.index_select(0, words)), None, None


def _of_words(rows: Tensor, reduction: str, lengths: Tensor) -> Tensor:
    return torch.segment_reduce(rows, reduction, lengths=lengths, unsafe=True)  # right lengths need no check


class CharacterLSTM(nn.Module):
    """The last states of an LSTM over a word's characters from both sides (Lample et al. 2016)."""

    def __init__(self, num_characters: int, dim: int, hidden_dim: int, *, dropout: float, bf16: bool = False) -> None:
        super().__init__()
        self.embedding = make_embedding(num_characters, dim)
        self.dropout = Dropout(dropout)
        self.layer = RecurrentLayer("lstm", dim, hidden_dim, bidirectional=True, bf16=bf16)
        self.output_dim = 2 * hidden_dim

    def forward(self, spellings: Tensor, lengths: Tensor) -> Tensor:
        """Encodings (S, D) of spellings (S, C) of these lengths (S,)."""
        parts = min(len(spellings) // _PART, _MOST_PARTS)
        if parts < 2 or spellings.device.type != "cpu":  # a GPU takes all at once, and shouldn't wait for lengths
            return self._read(spellings, lengths)
        order = lengths.argsort()
        encodings = [
            self._read(spellings[rows, : int(lengths[rows[-1]])], lengths[rows]) for rows in order.chunk(parts)
        ]
        return torch.cat(encodings).index_select(0, order.argsort())

    def _read(self, spellings: Tensor, lengths: Tensor) -> Tensor:
        states, _ = self.layer(self.dropout(self.embedding(spellings)), lengths)  # (S, C, 2H)
        forward, backward = states.chunk(2, dim=-1)
        last = (lengths - 1).view(-1, 1, 1).expand(-1, 1, forward.shape[-1])
        return torch.cat([forward.gather(1, last).squeeze(1), backward[:, 0]], dim=-1)


class CharacterEncoders(nn.Module):
    """Several character encoders of the same word, side by side."""

    def __init__(self, encoders: Sequence[CharacterCNN | CharacterLSTM]) -> None:
        super().__init__()
        self.encoders = nn.ModuleList(encoders)
        self.output_dim = sum(encoder.output_dim for encoder in encoders)

    def forward(self, spellings: Tensor, lengths: Tensor) -> Tensor:
        """Encodings (S, D) of spellings (S, C) of these lengths (S,)."""
        return torch.cat([encoder(spellings, lengths) for encoder in self.encoders], dim=-1)
