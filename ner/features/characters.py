"""How a word is spelled: its characters as ids, once for each distinct word of a batch."""

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

import numpy as np

from ner.config import Config
from ner.features.checks import texts
from ner.features.feature import NUM_SPECIAL, UNKNOWN, Arrays, Feature, Material, TokenIndices, Tokens
from ner.settings import ModelConfig

# What the character encoder sees of a longer word: its two ends. The longest word of the CoNLL-2003 training
# set has 61 characters; a text without a single space must not fill the memory.
MAX_SPELLING = 64


@dataclass(frozen=True)
class Characters(Feature):
    """Spellings of the S distinct words of a batch, `characters.where` telling which stands at each token.

    `characters.spellings` (S, C) are character ids padded with 0, `characters.lengths` (S,) at least 1. The other
    fields are those of `[model]`: by what the network encodes a spelling.
    """

    name = "characters"

    characters: tuple[str, ...]
    encoder: Literal["cnn", "lstm", "both"] = "cnn"
    dim: int = 30
    hidden_dim: int = 30
    kernel_size: int = 3
    dropout: float = 0.5
    bf16: bool = False
    _ids: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        ids = {character: index for index, character in enumerate(self.characters, start=NUM_SPECIAL)}
        object.__setattr__(self, "_ids", ids)

    @classmethod
    def fit(cls, material: Material) -> Self | None:
        """The characters that training has more than once, unless `model.char_encoder` is `none`.

        One seen once is unknown, so that the unknown character is trained at all.
        """
        words: Counter[str] = Counter()
        for sentence in material.sentences:
            words.update(sentence.spelled)
        counts: Counter[str] = Counter()
        for word, count in words.items():
            counts.update(dict.fromkeys(word, count))
        ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        return cls._made(tuple(character for character, count in ranked if count > 1), material.config.model)

    @property
    def num_characters(self) -> int:
        """How many ids of characters there are, padding and unknown included."""
        return len(self.characters) + NUM_SPECIAL

    def character_ids(self, word: str) -> list[int]:
        """One id a character; 1 for a character that training didn't see.

        Where that is one, letters are composed with their accents (Unicode NFC), as nearly all corpora have them.
        """
        ids = self._ids
        found = [ids.get(character, UNKNOWN) for character in word]
        if UNKNOWN in found and not word.isascii() and (composed := unicodedata.normalize("NFC", word)) != word:
            return [ids.get(character, UNKNOWN) for character in composed]
        return found

    def encode_words(self, words: Sequence[str]) -> Arrays:
        """As `Feature.encode_words`."""
        # A word without characters is spelled as one unknown: a character encoder wants at least one.
        spelled = [self.character_ids(_ends(word)) or [UNKNOWN] for word in words]
        lengths = np.array([len(spelling) for spelling in spelled], dtype=np.int64)
        spellings = np.zeros((len(spelled), int(lengths.max(initial=1))), dtype=np.int64)
        for row, spelling in zip(spellings, spelled, strict=True):
            row[: len(spelling)] = spelling
        return {"characters.spellings": spellings, "characters.lengths": lengths}

    def encode(self, tokens: Tokens, of_words: Arrays) -> Arrays:
        """The spellings of the distinct words, as they are."""
        return {name: rows for name, rows in of_words.items() if self.owns(name)}

    def collate(self, encoded: Arrays, indices: TokenIndices) -> Arrays:
        """Of the batch's words alone, each once."""
        spelled, where = np.unique(indices.where, return_inverse=True)
        lengths = encoded["characters.lengths"][spelled]
        return {
            "characters.spellings": encoded["characters.spellings"][spelled, : int(lengths.max())],
            "characters.lengths": lengths,
            "characters.where": where.reshape(indices.where.shape),
        }

    def as_dict(self) -> dict[str, Any]:
        """As `Feature.as_dict`."""
        return {"characters": list(self.characters)}

    @classmethod
    def from_dict(cls, values: dict[str, Any], config: Config) -> Self:
        """As `Feature.from_dict`."""
        made = cls._made(texts(values, "characters"), config.model)
        if made is None:
            raise ValueError("expected no characters where model.char_encoder is none, found some")
        return made

    @classmethod
    def _made(cls, characters: tuple[str, ...], model: ModelConfig) -> Self | None:
        if model.char_encoder == "none":
            return None
        return cls(
            characters,
            model.char_encoder,
            model.char_dim,
            model.char_hidden_dim,
            model.char_kernel_size,
            model.char_dropout,
            model.precision == "bf16",
        )


FEATURE = Characters


def _ends(word: str) -> str:
    return word if len(word) <= MAX_SPELLING else word[: MAX_SPELLING // 2] + word[-MAX_SPELLING // 2 :]
