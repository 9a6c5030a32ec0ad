"""A word with its right neighbour: for text cut by the character it stands in for the word (Chen et al. 2015)."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np

from ner.config import Config
from ner.features.checks import texts
from ner.features.feature import NUM_SPECIAL, UNKNOWN, Arrays, IdFeature, Material, Tokens


@dataclass(frozen=True)
class Bigrams(IdFeature):
    """Bigram ids (N,) under the name `bigrams`."""

    name = "bigrams"
    many = True

    bigrams: tuple[str, ...]
    dim: int
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ids = {bigram: index for index, bigram in enumerate(self.bigrams, start=NUM_SPECIAL)}
        object.__setattr__(self, "_ids", ids)

    @classmethod
    def fit(cls, material: Material) -> Self | None:
        """The pairs of neighbouring words that training has more than once, where `model.bigram_dim` asks for them.

        A pair seen once is unknown, so that the unknown pair is trained.
        """
        dim = material.config.model.bigram_dim
        if not dim:
            return None
        counts = Counter(bigram for sentence in material.sentences for bigram in bigrams_of(sentence.spelled))
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return cls(tuple(bigram for bigram, count in ranked if count > 1), dim)

    @property
    def num_ids(self) -> int:
        """As `IdFeature.num_ids`; the unknown bigram has one."""
        return len(self.bigrams) + NUM_SPECIAL

    def encode(self, tokens: Tokens, of_words: Arrays) -> Arrays:
        """As `Feature.encode`."""
        ids = self._ids
        pairs = [ids.get(bigram, UNKNOWN) for s in tokens.sentences for bigram in bigrams_of(s.spelled)]
        return {"bigrams": np.array(pairs, dtype=np.int64)}

    def as_dict(self) -> dict[str, Any]:
        """As `Feature.as_dict`."""
        return {"bigrams": list(self.bigrams)}

    @classmethod
    def from_dict(cls, values: dict[str, Any], config: Config) -> Self:
        """As `Feature.from_dict`."""
        return cls(texts(values, "bigrams"), config.model.bigram_dim)


FEATURE = Bigrams


def bigrams_of(words: Sequence[str]) -> list[str]:
    """Each word with its right neighbour, a space between; the last has none.

    >>> bigrams_of(["会", "计"])
    ['会 计', '计 ']
    """
    return [f"{word} {following}" for word, following in zip(words, [*words[1:], ""], strict=True)]
