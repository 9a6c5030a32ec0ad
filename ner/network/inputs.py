"""What a network reads: one batch of sentences as tensors."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from ner.features.batches import Batch


@dataclass(frozen=True, slots=True)
class Inputs:
    """B sentences of at most T tokens: the arrays of all features by their names; padding is 0.

    `lengths` (B,) are tokens of each sentence, at least 1; `mask` (B, T) is True where a token is. Where words were
    encoded before, `encodings` (S, E) are what was made of them and `where` (B, T) tells which is each token's.
    """

    arrays: dict[str, Tensor]
    lengths: Tensor
    mask: Tensor
    where: Tensor | None = None
    encodings: Tensor | None = None

    def to(self, device: torch.device) -> "Inputs":
        """The same batch on a device."""
        if self.lengths.device == device:
            return self  # asking each tensor takes as long as reading a word
        arrays = {name: tensor.to(device, non_blocking=True) for name, tensor in self.arrays.items()}
        rest = (
            None if tensor is None else tensor.to(device, non_blocking=True)
            for tensor in (self.lengths, self.mask, self.where, self.encodings)
        )
        return Inputs(arrays, *rest)  # type: ignore[arg-type]


def to_inputs(batch: Batch) -> Inputs:
    """A batch as tensors on the CPU, which share its memory."""
    arrays = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in batch.arrays.items()}
    lengths, mask = torch.from_numpy(batch.lengths), torch.from_numpy(batch.mask)
    if batch.where is None or batch.encodings is None:
        return Inputs(arrays, lengths, mask)
    return Inputs(arrays, lengths, mask, torch.from_numpy(batch.where), torch.from_numpy(batch.encodings))
