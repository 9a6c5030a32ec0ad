"""Tables of vectors: rows that are trained, and behind them rows that never change."""

import torch
from torch import Tensor, nn

PADDING = 0


class WordEmbedding(nn.Module):
    """Word vectors: a table that is trained, and behind it one that never changes.

    The second table holds the pretrained vectors of words that training can't meet. Kept out of the
    parameters, it costs nothing in training, however large; it keeps the precision in which it is stored.
    """

    extra: Tensor

    def __init__(self, num_trained: int, num_extra: int, dim: int, *, frozen: bool = False) -> None:
        super().__init__()
        self.output_dim = dim
        self.trained = make_embedding(num_trained, dim)
        self.trained.weight.requires_grad_(not frozen)
        self.register_buffer("extra", torch.zeros(num_extra, dim, dtype=torch.float16))

    def tables(self) -> list[nn.Embedding]:
        """The trained table, unless it is frozen."""
        return [self.trained] if self.trained.weight.requires_grad else []

    def drop_extra(self) -> None:
        """Empties the second table."""
        self.extra = self.extra.new_zeros(0, self.extra.shape[1])

    def look_up(self, words: Tensor) -> Tensor:
        """Vectors (…, D) of word ids (…); ids from `num_trained` on are of the second table."""
        num_trained = self.trained.num_embeddings
        beyond = words >= num_trained
        if len(self.extra) == 0 or not bool(beyond.any()):
            return self.trained(words)  # type: ignore[no-any-return]
        vectors = self.trained(words.masked_fill(beyond, PADDING))  # (…, D)
        rows = self.extra[words[beyond] - num_trained].to(vectors.dtype)
        return vectors.masked_scatter(beyond.unsqueeze(-1), rows)  # type: ignore[no-any-return]


def make_embedding(num_rows: int, dim: int) -> nn.Embedding:
    """A table whose padding row is zero, the others uniform with variance 1/dim (Ma & Hovy 2016, section 4.1)."""
    # Given its weight, it draws none of its own: on the meta device that alone would import a second of PyTorch.
    embedding = nn.Embedding(num_rows, dim, padding_idx=PADDING, _weight=torch.empty(num_rows, dim))
    bound = (3 / dim) ** 0.5
    nn.init.uniform_(embedding.weight, -bound, bound)
    with torch.no_grad():
        embedding.weight[PADDING].zero_()
    return embedding
