"""A summary of the whole sentence for each of its tokens.

A layer of its own reads the sentence; attention gathers its states into one vector, which every token of the
main encoder then sees beside its own input. Attention with a global memory is GCA-LSTM's (Liu et al. 2017,
"Global Context-Aware Attention LSTM Networks for 3D Action Recognition"), a separate reader whose summary
joins the input at each step is GCDT's (Liu et al. 2019).
"""

import math

import torch
from torch import Tensor, nn

from ner.network.layer import RecurrentLayer


class GlobalContext(nn.Module):
    """What the whole sentence says, the same for each of its tokens."""

    def __init__(self, layer: RecurrentLayer) -> None:
        super().__init__()
        self.layer = layer
        self.output_dim = layer.output_dim
        self.attention = nn.Linear(2 * layer.output_dim, layer.output_dim)
        self.informativeness = nn.Linear(layer.output_dim, 1, bias=False)

    def forward(self, tokens: Tensor, lengths: Tensor) -> Tensor:
        """Summaries (B, S) of sentences (B, T, D) of these lengths (B,), each at least 1."""
        states, _ = self.layer(tokens, lengths)  # (B, T, S)
        mask = (torch.arange(states.shape[1], device=lengths.device) < lengths.unsqueeze(1)).unsqueeze(-1)
        # The first idea of the sentence is the mean of its states; how much a token tells is judged beside it.
        mean = (states * mask).sum(1, keepdim=True) / lengths.view(-1, 1, 1)  # (B, 1, S)
        beside = torch.cat((states, mean.expand_as(states)), dim=-1)
        scores = self.informativeness(torch.tanh(self.attention(beside)))  # (B, T, 1)
        weights = scores.masked_fill(~mask, -math.inf).softmax(1)
        summary: Tensor = (weights * states).sum(1)
        return summary
