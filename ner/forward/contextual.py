"""States of a pretrained encoder as vectors, in NumPy; `ner/network/features/contextual.py` says what is computed."""

from collections.abc import Mapping

import numpy as np

from ner.features.batches import Batch
from ner.features.contextual import Contextual
from ner.forward.vectors import Vectors
from ner.forward.weights import Floats, Shapes, Weight, arrays_in, linear_shapes, named


class ContextualVectors(Vectors):
    """A projection of the mix of a pretrained encoder's states, which PyTorch made; a vector where there are none."""

    def __init__(self, feature: Contextual, weights: Mapping[str, Weight]) -> None:
        super().__init__(feature, weights)
        arrays = arrays_in(weights)
        self.projection: Floats = arrays["projection.weight"].T
        self.bias: Floats = arrays["projection.bias"]
        self.missing: Floats = arrays["missing"]
        self.shares: Floats = np.ones(1, np.float32)  # (L,)
        if "weights" in arrays:
            shares = np.exp(arrays["weights"] - arrays["weights"].max())
            self.shares = arrays["scale"] * shares / shares.sum()

    @classmethod
    def shapes(cls, feature: Contextual) -> Shapes:
        """As `Vectors.shapes`."""
        mixed = {"weights": (feature.num_states,), "scale": (1,)} if feature.num_states > 1 else {}
        return {**mixed, "missing": (feature.dim,), **named("projection", linear_shapes(feature.dim, feature.width))}

    @classmethod
    def width(cls, feature: Contextual) -> int:
        """As `Vectors.width`."""
        return feature.dim

    def of_tokens(self, batch: Batch) -> Floats:
        """As `Vectors.of_tokens`."""
        states = batch.arrays["contextual.states"].swapaxes(0, 1).astype(np.float32)  # (T, B, L, W)
        mixed = np.einsum("tblw,l->tbw", states, self.shares) if len(self.shares) > 1 else states[:, :, 0]
        vectors = mixed @ self.projection + self.bias  # (T, B, D)
        return np.where(batch.arrays["contextual.known"].T[..., None], vectors, self.missing)
