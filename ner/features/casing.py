"""How a word is capitalised, as Collobert et al. 2011 (section 5.1) see it, with digits beside."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from ner.config import Config
from ner.features.feature import Arrays, IdFeature, Material

_CASINGS = ("padding", "lower", "upper", "title", "mixed", "digits", "other")
CAPITALISED = tuple(map(_CASINGS.index, ("upper", "title", "mixed")))


@dataclass(frozen=True)
class Casing(IdFeature):
    """Capitalisation classes (N,) under the name `casing`."""

    name = "casing"

    dim: int

    @classmethod
    def fit(cls, material: Material) -> Self | None:
        """Where `model.casing_dim` asks for it."""
        dim = material.config.model.casing_dim
        return cls(dim) if dim else None

    @property
    def num_ids(self) -> int:
        """As `IdFeature.num_ids`."""
        return len(_CASINGS)

    def encode_words(self, words: Sequence[str]) -> Arrays:
        """As `Feature.encode_words`."""
        return {"casing": np.array([casing_id(word) for word in words], dtype=np.int64)}

    def as_dict(self) -> dict[str, Any]:
        """Nothing is fitted."""
        return {}

    @classmethod
    def from_dict(cls, values: dict[str, Any], config: Config) -> Self:
        """As `Feature.from_dict`."""
        return cls(config.model.casing_dim)


FEATURE = Casing


def casing_id(word: str) -> int:
    """The capitalisation class of a word, from 1 to 6.

    >>> [_CASINGS[casing_id(word)] for word in ("dog", "NASA", "Paris", "iPod", "1996", "--", "北京")]
    ['lower', 'upper', 'title', 'mixed', 'digits', 'other', 'other']
    """
    if word.islower():
        name = "lower"
    elif word.isupper() and len(word) > 1:
        name = "upper"  # before `title`, which "U.S." and "F16" are to Python as well
    elif word.istitle():
        name = "title"
    elif word.lower() != word:
        name = "title" if word[0].isupper() and word[1:].islower() else "mixed"
    elif any(character.isdigit() for character in word):
        name = "digits"
    else:
        name = "other"
    return _CASINGS.index(name)
