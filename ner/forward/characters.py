"""Encoders of a word's characters in NumPy: those of `ner/network/characters.py`."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from ner.features.characters import Characters
from ner.forward.layer import Layer, layer_shapes
from ner.forward.weights import Array, Floats, Shapes, linear_shapes, named, part_of

# Words that an LSTM reads together: most are short, and each part is as wide as its longest.
_PART = 128

Ids = npt.NDArray[np.int64]


class CharacterCNN:
    """The strongest answer of each filter anywhere in a word."""

    def __init__(self, weights: Mapping[str, Array], kernel_size: int) -> None:
        self.kernel_size = kernel_size
        characters = weights["embedding.weight"]  # (A, E)
        filters = weights["filters.weight"].reshape(-1, characters.shape[1], kernel_size)  # (F, E, k)
        # What each filter makes of each character at each place in its window: there are few characters, and so all
        # products can be made once (k, A, F).
        self.answers = np.stack([characters @ filters[:, :, place].T for place in range(kernel_size)])
        self.bias = weights["filters.bias"]

    def __call__(self, spellings: Ids, lengths: Ids) -> Floats:
        """Encodings (S, F) of spellings (S, C), padded with 0, of these lengths (S,)."""
        width = spellings.shape[1]
        before = self.kernel_size // 2
        padded = np.pad(spellings, ((0, 0), (before, self.kernel_size - 1 - before)))
        found: Floats = self.answers[0][padded[:, :width]]  # (S, C, F)
        for place in range(1, self.kernel_size):
            found += self.answers[place][padded[:, place : place + width]]
        found[np.arange(width) >= lengths[:, None]] = -np.inf
        strongest: Floats = found.max(axis=1)
        return strongest + self.bias


class CharacterLSTM:
    """The last states of an LSTM over a word's characters from both sides."""

    def __init__(self, weights: Mapping[str, Array], hidden_dim: int) -> None:
        self.embedding = weights["embedding.weight"]
        self.hidden_dim = hidden_dim
        self.layer = Layer(part_of(weights, "layer"), "lstm", hidden_dim, bidirectional=True)

    def __call__(self, spellings: Ids, lengths: Ids) -> Floats:
        """Encodings (S, 2H) of spellings (S, C), padded with 0, of these lengths (S,)."""
        encodings = np.empty((len(spellings), 2 * self.hidden_dim), np.float32)
        order = np.argsort(lengths, kind="stable")
        for start in range(0, len(order), _PART):
            rows = order[start : start + _PART]
            own = lengths[rows]
            inputs = self.embedding[spellings[rows, : int(own[-1])].T]  # (C, S, E)
            states = self.layer(inputs, own).hidden
            encodings[rows, : self.hidden_dim] = states[own - 1, np.arange(len(rows)), : self.hidden_dim]
            encodings[rows, self.hidden_dim :] = states[0, :, self.hidden_dim :]
        return encodings


def encoders_of(feature: Characters, weights: Mapping[str, Array]) -> list[CharacterCNN | CharacterLSTM]:
    """Those that the feature asks for, side by side."""
    encoders: list[CharacterCNN | CharacterLSTM] = []
    for prefix, kind in _kinds(feature).items():
        own = part_of(weights, prefix)
        is_cnn = kind == "cnn"
        encoders.append(CharacterCNN(own, feature.kernel_size) if is_cnn else CharacterLSTM(own, feature.hidden_dim))
    return encoders


def encoder_shapes(feature: Characters) -> Shapes:
    """Those of all their weights."""
    shapes: Shapes = {}
    for prefix, kind in _kinds(feature).items():
        own: Shapes = {"embedding.weight": (feature.num_characters, feature.dim)}
        if kind == "cnn":
            own |= named("filters", linear_shapes(feature.hidden_dim, feature.kernel_size * feature.dim))
        else:
            own |= named("layer", layer_shapes("lstm", feature.dim, feature.hidden_dim, bidirectional=True))
        shapes |= named(prefix, own)
    return shapes


def output_dim(feature: Characters) -> int:
    """Width of all encodings side by side."""
    return sum(feature.hidden_dim * (1 if kind == "cnn" else 2) for kind in _kinds(feature).values())


def _kinds(feature: Characters) -> dict[str, str]:
    """Each encoder's kind by the prefix of its weights' names."""
    if feature.encoder == "both":
        return {"encoder.encoders.0": "cnn", "encoder.encoders.1": "lstm"}
    return {"encoder": feature.encoder}
