"""What a feature of a token is: one respect in which a token is shown to the network, as numbers.

Every feature is one object: it knows its settings, is fitted to a training corpus, encodes sentences, collates batches
and goes into a model directory as a dictionary. `settings.FEATURES` is the table of them: the feature of a row is
`FEATURE` of `ner/features/NAME.py`, and what makes vectors of its numbers is `TWIN` of `ner/network/features/NAME.py`;
features that say an id of a token (`IdFeature`) have theirs in common. Arrays go by names, which begin with the
feature's own.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, Self, cast

import numpy as np
import numpy.typing as npt

from ner.config import Config
from ner.errors import VectorsError
from ner.features.pretrained import LoadEncoder
from ner.settings import FEATURES
from ner.text.sentence import Sentence

if TYPE_CHECKING:
    from ner.resources.vector_files import Vectors

Numbers = npt.NDArray[np.int64]
Arrays = dict[str, npt.NDArray[Any]]

PADDING, UNKNOWN = 0, 1  # in words, characters and bigrams alike
NUM_SPECIAL = 2


@dataclass(frozen=True)
class Material:
    """What features are fitted to; vectors that several of them want are opened once.

    `load_encoder` brings a pretrained encoder into memory; a feature that reads with one needs it.
    """

    sentences: Sequence[Sentence]
    config: Config
    on_message: Callable[[str], object] = lambda message: None
    load_encoder: LoadEncoder | None = None
    _vectors: dict[str, "Vectors"] = field(default_factory=dict)

    def vectors(self, name: str, dim: int, key: str) -> "Vectors":
        """The vectors of a name or path, which are as wide as the setting of this key says.

        Raises:
            VectorsError: they are missing, damaged or of another width.
        """
        if name not in self._vectors:
            from ner.resources.named_vectors import open_vectors

            self._vectors[name] = open_vectors(name)
        vectors = self._vectors[name]
        width = vectors.matrix.shape[1]
        if width != dim:
            raise VectorsError(
                f"{vectors.name}: expected vectors of {dim} numbers ({key}), found {width}; set {key} = {width}"
            )
        return vectors


class Tokens(NamedTuple):
    """N tokens of sentences, one behind the other, of S distinct words."""

    sentences: Sequence[Sentence]
    distinct: Sequence[str]  # (S,)
    where: Numbers  # which distinct word each token is (N,)


class TokenIndices(NamedTuple):
    """The indices of a batch's tokens among all N; that of a padding token is 0."""

    tokens: Numbers  # (B, T)
    mask: npt.NDArray[np.bool_]  # (B, T), True where a token is
    where: Numbers  # which distinct word each is (B, T)


class Feature(ABC):
    """One respect in which a token is shown to the network.

    A feature of the word alone says what it makes of distinct words (`encode_words`) and needs no more; another
    overrides `encode`; one whose numbers aren't a row a token overrides `collate` too.
    """

    name: ClassVar[str]
    twin: ClassVar[str | None] = None
    """What makes vectors of its numbers, where that isn't called as the feature is."""

    @classmethod
    @abstractmethod
    def fit(cls, material: Material) -> Self | None:
        """The feature of a training corpus; None where the settings leave it out.

        Raises:
            VectorsError: vectors that it needs are missing, damaged or of another width.
            DataError: a list that it needs can't be read.
            ConfigError: an encoder that it needs isn't here.
        """

    def encode_words(self, words: Sequence[str]) -> Arrays:
        """What is known of S distinct words wherever they stand, a row each (S, …)."""
        return {}

    def encode(self, tokens: Tokens, of_words: Arrays) -> Arrays:
        """What is known of N tokens, a row each (N, …) unless `collate` is overridden.

        Args:
            tokens: all of them.
            of_words: what all features said of the distinct words (S, …), by name.
        """
        return {name: rows[tokens.where] for name, rows in of_words.items() if self.owns(name)}

    def collate(self, encoded: Arrays, indices: TokenIndices) -> Arrays:
        """The arrays of a batch (B, T, …), zero at padding.

        Args:
            encoded: what this feature's `encode` gave.
            indices: of the batch's tokens.
        """
        batch = {}
        for name, rows in encoded.items():
            mask = indices.mask.reshape(*indices.mask.shape, *[1] * (rows.ndim - 1))
            batch[name] = np.where(mask, rows[indices.tokens], rows.dtype.type(0))
        return batch

    @abstractmethod
    def as_dict(self) -> dict[str, Any]:
        """What was fitted, as plain JSON values and arrays; settings stand in the configuration."""

    @classmethod
    @abstractmethod
    def from_dict(cls, values: dict[str, Any], config: Config) -> Self:
        """The feature that `as_dict` wrote.

        Raises:
            ValueError: an entry is missing or of another kind.
        """

    def located(self, folder: Path, device: str, load_encoder: LoadEncoder) -> Self:
        """The same feature, of a model directory that lies here, to be used on this device.

        Args:
            folder: the directory.
            device: a name, as `run.device`.
            load_encoder: brings a pretrained encoder into memory.

        Raises:
            ModelError: what it needs beside the directory's own files isn't here.
            ConfigError: nor is a package that it needs.
        """
        return self

    def write_files(self, folder: Path) -> None:  # noqa: B027
        """Write what a model directory should hold of it besides what `as_dict` says."""

    def owns(self, array: str) -> bool:
        """Whether an array of this name is this feature's."""
        return array == self.name or array.startswith(f"{self.name}.")


class IdFeature(Feature):
    """A feature that says an id of each token: the array (N,) of its own name, 0 at padding.

    The network has a vector of `dim` numbers for each of the `num_ids` ids, so a feature of this kind needs no code of
    its own there.
    """

    twin = "ids"
    many: ClassVar[bool] = False
    """Whether there are so many ids that a batch reads few rows of the table."""

    dim: int

    @property
    @abstractmethod
    def num_ids(self) -> int:
        """How many ids there are, that of padding included."""


def feature_type(name: str) -> type[Feature]:
    """The class of a row of the table."""
    return cast(type[Feature], import_module(f"ner.features.{name}").FEATURE)


def fit_features(material: Material) -> dict[str, Feature]:
    """The features that the settings ask for, by name, in the order of the table.

    Raises:
        VectorsError, DataError: as `Feature.fit`.
    """
    fitted = {name: feature_type(name).fit(material) for name in FEATURES}
    return {name: feature for name, feature in fitted.items() if feature is not None}
