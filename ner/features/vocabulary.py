"""All that turns sentences into ids and ids into tags: the features of a token, and the labels."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from ner.config import Config
from ner.features.checks import table, texts
from ner.features.feature import Feature, Material, feature_type, fit_features
from ner.features.pretrained import LoadEncoder
from ner.features.script import Script, in_script, script_as_dict, script_from_dict, simplified
from ner.features.words import Words, WordVocabulary
from ner.settings import FEATURES
from ner.text.partial import labels_of
from ner.text.sentence import Sentence
from ner.text.tags import tags_of_labels


@dataclass(frozen=True)
class Vocabularies:
    """The labels that a model finds, and its features by name, in the order of the table.

    `script` are characters that features see as others; empty: all are seen as they are.
    """

    labels: tuple[str, ...]
    features: Mapping[str, Feature]
    script: Script = field(default_factory=dict)
    _tags: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tags", {tag: index for index, tag in enumerate(self.tags)})

    @property
    def tags(self) -> list[str]:
        """The BIOES tags, in the order of their ids."""
        return tags_of_labels(self.labels)

    @property
    def words(self) -> WordVocabulary:
        """The words, which every model has."""
        words = self.features["words"]
        assert isinstance(words, Words)  # the table's first row
        return words.vocabulary

    def with_words(self, vocabulary: WordVocabulary) -> "Vocabularies":
        """The same with other words."""
        words = self.features["words"]
        assert isinstance(words, Words)
        return replace(self, features={**self.features, "words": replace(words, vocabulary=vocabulary)})

    def seen(self, sentences: Sequence[Sentence]) -> Sequence[Sentence]:
        """The sentences as features see them; where a script is read as another, without tags."""
        return in_script(sentences, self.script) if self.script else sentences

    def tag_id(self, tag: str) -> int:
        """The id of a BIOES tag.

        Raises:
            KeyError: a label that training didn't see.
        """
        return self._tags[tag]

    def roles(self, label: str) -> list[int]:
        """The ids of a label's tags B, I, E and S.

        Raises:
            KeyError: a label that training didn't see.
        """
        return [self._tags[f"{role}-{label}"] for role in "BIES"]

    def located(self, folder: Path, device: str, load_encoder: LoadEncoder) -> "Vocabularies":
        """The same, of a model directory that lies here, each feature as `Feature.located` gives it.

        Raises:
            ModelError, ConfigError: as there.
        """
        features = {name: feature.located(folder, device, load_encoder) for name, feature in self.features.items()}
        return replace(self, features=features)

    def as_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values, and arrays among the entries of features."""
        features = {name: feature.as_dict() for name, feature in self.features.items()}
        script = {"script": script_as_dict(self.script)} if self.script else {}
        return {"labels": list(self.labels), "features": features, **script}

    @classmethod
    def from_dict(cls, values: dict[str, Any], config: Config) -> Self:
        """What `as_dict` wrote, each entry checked: it may be anybody's.

        Raises:
            ValueError: an entry is missing or of another kind, or a word has two ids.
        """
        stored = table(values, "features")
        if unknown := stored.keys() - set(FEATURES):
            raise ValueError(f"expected features {', '.join(FEATURES)}, found {sorted(unknown)[0]!r}")
        if "words" not in stored:
            raise ValueError("expected the feature words, found none")
        features = {
            name: feature_type(name).from_dict(table(stored, name), config) for name in FEATURES if name in stored
        }
        return cls(texts(values, "labels"), features, script_from_dict(values.get("script")))


def fit_vocabularies(material: Material) -> Vocabularies:
    """The labels and features of a training corpus; a sentence without tags adds no labels.

    Raises:
        VectorsError, DataError, ConfigError: as `Feature.fit`.
        ConfigError: `features.simplify` needs a package that isn't installed.
    """
    script = simplified() if material.config.features.simplify else {}
    seen = replace(material, sentences=in_script(material.sentences, script)) if script else material
    return Vocabularies(labels_in(material.sentences), fit_features(seen), script)


def labels_in(sentences: Iterable[Sentence]) -> tuple[str, ...]:
    """The labels of tagged sentences, in alphabetic order."""
    return tuple(sorted(set().union(*(labels_of(sentence.tags or ()) for sentence in sentences))))
