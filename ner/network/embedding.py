"""Words become vectors: a word embedding, an encoding of the characters, what a lexicon knows, the capitalisation.

The character encoders are those of Ma & Hovy 2016 (a CNN with max-pooling) and Lample et al. 2016 (the
last states of a bidirectional LSTM). Each distinct spelling of a batch is encoded once and then copied to
where it stands, which makes the character part almost free.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from ner.network.dropout import Dropout
from ner.network.inputs import Inputs
from ner.network.layer import RecurrentLayer

PADDING = 0
# Words that an LSTM reads together, at least, and parts of a batch, at most: most words are short, and each part is as
# wide as its longest.
_PART = 100
_MOST_PARTS = 8
_BAGS = 4  # of a token: the lexicon's words that begin with it, have it in the middle, end with it, are it


class WordEmbedding(nn.Module):
    """Word vectors: a table that is trained, and behind it one that never changes.

    The second table holds the pretrained vectors of words that training can't meet. Kept out of the
    parameters, it costs nothing in training, however large; it keeps the precision in which it is stored.
    """

    extra: Tensor

    def __init__(self, num_trained: int, num_extra: int, dim: int, *, frozen: bool = False) -> None:
        super().__init__()
        self.trained = make_embedding(num_trained, dim)
        self.trained.weight.requires_grad_(not frozen)
        self.register_buffer("extra", torch.zeros(num_extra, dim, dtype=torch.float16))

    def forward(self, words: Tensor) -> Tensor:
        """Vectors (B, T, D) of word numbers (B, T); numbers from `num_trained` on are of the second table."""
        num_trained = self.trained.num_embeddings
        beyond = words >= num_trained
        if len(self.extra) == 0 or not bool(beyond.any()):
            return self.trained(words)  # type: ignore[no-any-return]
        vectors = self.trained(words.masked_fill(beyond, PADDING))  # (B, T, D)
        rows = self.extra[words[beyond] - num_trained].to(vectors.dtype)
        return vectors.masked_scatter(beyond.unsqueeze(-1), rows)  # type: ignore[no-any-return]


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
        places = first.unsqueeze(1) + torch.arange(self.kernel_size, device=lengths.device)  # (N, k)
        windows = characters.index_select(0, places.flatten()).view(size, self.filters.in_features)  # (N, k·E)
        # The columns of `filters` have a character's k places beside each other, the windows its E numbers.
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


class SoftLexicon(nn.Module):
    """What the words of a lexicon around a token mean: the mean of each of its bags (Ma et al. 2020, section 3.2)."""

    def __init__(self, words: WordEmbedding) -> None:
        super().__init__()
        self.words = words
        self.output_dim = _BAGS * words.trained.embedding_dim

    def forward(self, inputs: Inputs) -> Tensor:
        """Weighted sums of each token's four bags, side by side (B, T, 4·D)."""
        rows, steps = inputs.words.shape
        vectors = self.words(inputs.lexicon_words) * inputs.lexicon_weights.unsqueeze(1)  # (L, D)
        sums = vectors.new_zeros(rows * steps * _BAGS, vectors.shape[1]).index_add(0, inputs.lexicon_bags, vectors)
        return sums.view(rows, steps, self.output_dim)  # type: ignore[no-any-return]


class TokenEmbedding(nn.Module):
    """All that is known of a token on its own, side by side: word, characters, bigram, capitalisation, lexicon.

    A bigram is a word together with its right neighbour, which for text cut by the character stands in for
    the word (Chen et al. 2015).
    """

    def __init__(
        self,
        words: WordEmbedding,
        characters: CharacterCNN | CharacterLSTM | CharacterEncoders | None,
        *,
        bigrams: nn.Embedding | None = None,
        cases: nn.Embedding | None = None,
        lexicon: SoftLexicon | None = None,
        num_marks: int = 0,
    ) -> None:
        super().__init__()
        self.words = words
        self.characters = characters
        self.bigrams = bigrams
        self.cases = cases
        self.lexicon = lexicon
        encoded_dim = sum(encoder.output_dim for encoder in (characters, lexicon) if encoder is not None)
        tables_dim = sum(table.embedding_dim for table in (bigrams, cases) if table is not None)
        self.output_dim = words.trained.embedding_dim + encoded_dim + tables_dim + num_marks

    def sparse_tables(self) -> list[nn.Embedding]:
        """The trained tables of which a batch reads few rows."""
        tables = [self.words.trained]
        tables += [self.bigrams] if self.bigrams is not None else []
        tables += [self.lexicon.words.trained] if self.lexicon is not None else []
        return [table for table in tables if table.weight.requires_grad]

    def encode_words(self, words: Tensor, spellings: Tensor, lengths: Tensor) -> Tensor:
        """What of the vectors doesn't depend on where a word stands: word and characters side by side (S, E).

        Args:
            words: word numbers (S,).
            spellings: their characters (S, C).
            lengths: characters of each (S,).
        """
        vectors: Tensor = self.words(words)
        return vectors if self.characters is None else torch.cat([vectors, self.characters(spellings, lengths)], dim=-1)

    def forward(self, inputs: Inputs) -> Tensor:
        """Vectors (B, T, D) of a batch of sentences."""
        if len(inputs.encodings):
            parts = [nn.functional.embedding(inputs.where, inputs.encodings)]
        else:
            parts = [self.words(inputs.words)]
            if self.characters is not None:
                encodings = self.characters(inputs.spellings, inputs.spelling_lengths)  # (S, D)
                parts.append(nn.functional.embedding(inputs.where, encodings))
        for table, numbers in ((self.bigrams, inputs.bigrams), (self.cases, inputs.cases)):
            if table is not None:
                parts.append(table(numbers))
        if self.lexicon is not None:
            parts.append(self.lexicon(inputs))
        return torch.cat([*parts, inputs.marks], dim=-1)  # (B, T, D)


def make_embedding(num_rows: int, dim: int) -> nn.Embedding:
    """A table whose padding row is zero, the others uniform with variance 1/dim (Ma & Hovy 2016, section 4.1)."""
    # Given its weight, it draws none of its own: on the meta device that alone would import a second of PyTorch.
    embedding = nn.Embedding(num_rows, dim, padding_idx=PADDING, _weight=torch.empty(num_rows, dim))
    bound = (3 / dim) ** 0.5
    nn.init.uniform_(embedding.weight, -bound, bound)
    with torch.no_grad():
        embedding.weight[PADDING].zero_()
    return embedding
