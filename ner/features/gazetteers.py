"""In which lists of names a token stands, and where in the name."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from ner.config import Config
from ner.features.checks import texts
from ner.features.feature import Arrays, Feature, Material, Tokens
from ner.features.phrase_features import mark_tokens
from ner.features.phrases import ROLES, Gazetteer


@dataclass(frozen=True)
class Gazetteers(Feature):
    """Marks (N, 4·G) of G gazetteers under the name `gazetteers`, 1 or 0, shown to the network as they are."""

    name = "gazetteers"

    gazetteers: tuple[Gazetteer, ...]

    @classmethod
    def fit(cls, material: Material) -> Self | None:
        """The lists that `features.gazetteer` names, cut as text will be.

        Raises:
            DataError: a list can't be read.
        """
        from ner.resources.word_lists import read_names
        from ner.text.tokenizer import tokenize

        config = material.config
        gazetteers = []
        for path in map(Path, config.features.gazetteer):
            names = (
                " ".join(token.text for token in tokenize(name, mode=config.data.cut)) for name in read_names(path)
            )
            gazetteers.append(Gazetteer(path.stem, tuple(names)))
        return cls(tuple(gazetteers)) if gazetteers else None

    @property
    def num_marks(self) -> int:
        """Marks of a token."""
        return len(ROLES) * len(self.gazetteers)

    def encode(self, tokens: Tokens, of_words: Arrays) -> Arrays:
        """As `Feature.encode`."""
        return {"gazetteers": mark_tokens(tokens.sentences, self.gazetteers)}

    def as_dict(self) -> dict[str, Any]:
        """As `Feature.as_dict`."""
        return {"gazetteers": [gazetteer.as_dict() for gazetteer in self.gazetteers]}

    @classmethod
    def from_dict(cls, values: dict[str, Any], config: Config) -> Self:
        """As `Feature.from_dict`."""
        found = values.get("gazetteers")
        if not isinstance(found, list) or not all(
            isinstance(g, dict) and isinstance(g.get("name"), str) for g in found
        ):
            raise ValueError("expected gazetteers to be a list of names and phrases")
        return cls(tuple(Gazetteer(g["name"], texts(g, "phrases", distinct=False)) for g in found))


FEATURE = Gazetteers
