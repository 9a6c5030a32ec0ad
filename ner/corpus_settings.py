"""Settings of a table `[[data.corpora]]`: one of several corpora, what it annotates and how often it is read.

How its files are laid out is said with the keys of `[data]`, which `data_settings` checks: a corpus takes them over
where it says nothing else.
"""

import re
from typing import Any

from pydantic import ConfigDict, Field, ValidationInfo, field_validator

from ner.section import FILE, Section


def is_share(value: str) -> bool:
    """Whether a text is a share of a corpus, above 0% and below 100%.

    >>> is_share("10%"), is_share("0%"), is_share("dev.conll")
    (True, False, False)
    """
    return re.fullmatch(r"(?!0*\.?0*%)\d{1,2}(\.\d+)?%", value) is not None


class CorpusConfig(Section):
    """One of several corpora; any further key is one of `[data]`."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True, allow_inf_nan=False)

    name: str | None = Field(None, description="what reports call it; unset: the end of its first file's path")
    train: str | tuple[str, ...] = Field(description="its training file, or several", json_schema_extra=FILE)
    dev: str | tuple[str, ...] | float | None = Field(
        None,
        description="its development file, or several, or a share of its training documents (`0.1` or `10%`: each "
        "tenth), which are then not trained on",
        json_schema_extra=FILE,
    )
    labels: tuple[str, ...] | None = Field(
        None, description="the labels that it annotates, as they are called behind `map`; unset: those that occur in it"
    )
    map: dict[str, str] = Field(
        {},
        description="what labels of its files are called here; an empty name makes `O` of an entity, `?` tokens "
        "of which nothing is known",
    )
    weight: float = Field(1.0, gt=0, description="how often its sentences come in an epoch: `0.5`, half of them each")

    @property
    def train_files(self) -> tuple[str, ...]:
        """The training files."""
        return (self.train,) if isinstance(self.train, str) else self.train

    @property
    def dev_files(self) -> tuple[str, ...]:
        """The development files; none where it is a share, or there is none."""
        return (self.dev,) if isinstance(self.dev, str) else self.dev if isinstance(self.dev, tuple) else ()

    @property
    def reading(self) -> dict[str, Any]:
        """The further keys, which say how its files are laid out."""
        return dict(self.model_extra or {})

    @field_validator("map")
    @classmethod
    def _names_labels(cls, value: dict[str, str]) -> dict[str, str]:
        for label, name in value.items():
            if name == "O" or (name and not name.strip()):
                raise ValueError(f'{label} should be the name of a label, found {name!r}; "" makes O of it')
        return value

    @field_validator("train", "dev", "labels", mode="before")
    @classmethod
    def _is_a_tuple(cls, value: Any, info: ValidationInfo) -> Any:
        of_files = info.field_name != "labels"
        if isinstance(value, list | tuple) and value and all(isinstance(each, str) and each for each in value):
            return tuple(value)
        if info.field_name == "dev" and isinstance(value, str) and is_share(value):
            return float(value[:-1]) / 100
        if (isinstance(value, str) and value and of_files) or (value is None and info.field_name != "train"):
            return value
        if info.field_name == "dev" and isinstance(value, float) and 0 < value < 1:
            return value
        kind = "a file or a list of files" if of_files else "a list of labels"
        raise ValueError(f"should be {kind}{', or a share between 0 and 1' if info.field_name == 'dev' else ''}")
