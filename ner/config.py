"""Settings: a TOML file becomes one frozen, validated `Config`.

The only place where a default is written down. Each field's description is the text of the README's
configuration table (a test holds the two together). Nothing outside the builder and the training loop
takes a `Config`; modules of the network take plain numbers.
"""

import difflib
import re
import tomllib
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from ner.errors import ConfigError


class Section(BaseModel):
    """A frozen table of settings that refuses unknown keys and wrong types."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _empty_means_unset(cls, values: Any) -> Any:
        """TOML has no null, so an empty string (`--set model.vectors=`) unsets an optional text setting."""
        if not isinstance(values, dict):
            return values
        optional = {name for name, field in cls.model_fields.items() if type(None) in get_args(field.annotation)}
        return {name: None if name in optional and value == "" else value for name, value in values.items()}


class DataConfig(Section):
    """Where the corpus is and how its files are laid out."""

    train: str | None = Field(None, description="training file; as given, or relative to the config's folder")
    dev: str | None = Field(None, description="development file: chooses the best epoch")
    test: str | None = Field(None, description="test file: scored once, after training")
    dataset: str | None = Field(
        None,
        description="instead of files: a `datasets` data set (folder, parquet, arrow or JSON file, hub name)",
    )
    dataset_config: str | None = Field(None, description="configuration name of a hub data set")
    tokens_feature: str = Field("tokens", description="the data set's feature that holds the words")
    tags_feature: str = Field("ner_tags", description="the data set's feature that holds the tags")
    layout: Literal["columns", "lines"] = Field(
        "columns",
        description="`columns`: one token a line; `lines`: one sentence a line, as `word:TAG word:TAG`",
    )
    word_column: int = Field(0, description="column of the words; negative counts from the right")
    tag_column: int = Field(-1, description="column of the tags; negative counts from the right")
    separator: str | None = Field(
        None, description="what splits columns, literally; unset: any run of spaces or TABs (`lines`: `:`)"
    )
    scheme: Literal["auto", "iob1", "iob2", "bioes", "bmes"] = Field(
        "auto", description="tag scheme of the files; `auto` looks at the whole training file"
    )
    unknown_tag: str | None = Field(
        None, description='tag of a token of which nothing is known, for example `"?"`; `?-PER` is part of some PER'
    )
    comment: str | None = Field(None, description='lines that start with this are comments, for example `"# "`')
    trailer: str | None = Field(None, description="`lines`: what follows this in a line isn't read")
    encoding: str = Field("utf-8", description="encoding of the files; a byte-order mark is skipped")
    word_pattern: str | None = Field(
        None, description="regular expression whose first group is the word, where a file glues more onto it"
    )
    tokenizer: Literal["auto", "words", "characters"] = Field(
        "auto",
        description="how raw text is cut: `words` (Chinese, Japanese by character), `characters` (each), "
        "`auto`: as the training file is",
    )

    @field_validator("word_pattern")
    @classmethod
    def _has_a_group(cls, value: str | None) -> str | None:
        try:
            if value is None or re.compile(value).groups:
                return value
        except re.error as error:
            raise ValueError(f"should be a regular expression ({error})") from None
        raise ValueError("should hold a group in parentheses, which is the word")


class ModelConfig(Section):
    """What the network is made of."""

    word_dim: int = Field(100, ge=1, description="width of a word embedding")
    vectors: str | None = Field(None, description="pretrained vectors: a name of `ner vectors list`, or a path")
    keep_vectors: Literal["all", "seen"] = Field(
        "all", description="which pretrained words a model keeps: `all`, or only those `seen` in training"
    )
    freeze_vectors: bool = Field(False, description="leave the whole word embedding as it is, pretrained or not")
    lowercase: bool = Field(True, description="look words up in lower case (characters keep their case)")
    normalize_digits: bool = Field(
        True, description="look words up with every digit as 0, unless the vectors know the word as it is"
    )
    min_count: int = Field(1, ge=1, description="words rarer than this in training are unknown")
    char_encoder: Literal["cnn", "lstm", "none"] = Field(
        "cnn", description="characters of a word: `cnn` (Ma & Hovy 2016), `lstm` (Lample et al. 2016), `none`"
    )
    char_dim: int = Field(30, ge=1, description="width of a character embedding")
    char_hidden_dim: int = Field(30, ge=1, description="filters of the CNN, or units per direction of the LSTM")
    char_kernel_size: int = Field(3, ge=1, description="characters a CNN filter sees")
    bigram_dim: int = Field(
        0, ge=0, description="width of an embedding of each word with its right neighbour, for text cut by character"
    )
    case_dim: int = Field(0, ge=0, description="width of the capitalisation feature; 0 leaves it out")
    cell: Literal["lstm", "gru", "rnn"] = Field("lstm", description="recurrent cell of the encoder")
    bidirectional: bool = Field(True, description="read each sentence in both directions")
    hidden_dim: int = Field(200, ge=1, description="units of the encoder, per direction")
    num_layers: int = Field(1, ge=1, le=4, description="stacked encoder layers")
    dropout: float = Field(0.5, ge=0, lt=1, description="dropout on what enters and leaves the encoder")
    char_dropout: float = Field(0.5, ge=0, lt=1, description="dropout on character embeddings")
    variational_dropout: bool = Field(
        False, description="drop the same units at every token of a sentence (Gal & Ghahramani 2016)"
    )
    constraints: bool = Field(
        True,
        description="forbid illegal tag sequences, in training and decoding; scores count legal ones alone",
    )
    decoding: Literal["viterbi", "marginals"] = Field(
        "viterbi",
        description="`viterbi`: the most probable tag sequence; `marginals`: that of most tags expected right",
    )
    temperature: float = Field(
        1.0, gt=0, description="divides all scores before they become probabilities; `training.calibrate` sets it"
    )
    word_dropout: float = Field(0.0, ge=0, lt=1, description="chance that a whole token's input is dropped")


class TrainingConfig(Section):
    """How the network is trained, and where."""

    epochs: int = Field(30, ge=1, description="passes over the training corpus, at most")
    batch_size: int = Field(16, ge=1, description="sentences a batch")
    batch_tokens: int | None = Field(
        None, ge=1, description="token budget of a batch, padding included; replaces `batch_size`"
    )
    optimizer: Literal["sgd", "adamw"] = Field("sgd", description="`sgd` (with momentum) or `adamw`")
    learning_rate: float = Field(0.015, gt=0, description="highest learning rate")
    momentum: float = Field(0.9, ge=0, lt=1, description="momentum of SGD")
    weight_decay: float = Field(0.0, ge=0, description="decoupled weight decay (AdamW), or L2 penalty (SGD)")
    schedule: Literal["inverse", "linear", "cosine", "constant"] = Field(
        "inverse", description="`inverse`: rate/(1+decay·epoch); `linear`, `cosine`: down to zero; `constant`"
    )
    decay: float = Field(0.05, ge=0, description="decay of the `inverse` schedule, per epoch")
    warmup: float = Field(0.0, ge=0, lt=1, description="share of all steps over which the rate rises from zero")
    clip_norm: float | None = Field(5.0, gt=0, description="largest norm of the gradient; larger ones are scaled")
    unknown_rate: float = Field(
        0.5, ge=0, le=1, description="chance that a word seen once is trained as the unknown word"
    )
    patience: int | None = Field(None, ge=1, description="stop after so many epochs without a better dev F1")
    average: float | None = Field(
        None,
        gt=0,
        lt=1,
        description="decay of a moving average of the weights, per step; the average is kept",
    )
    calibrate: bool = Field(False, description="fit `model.temperature` on the dev set after training")
    seed: int = Field(1, ge=0, lt=2**63, description="seed of every random choice")
    threads: int | None = Field(None, ge=1, description="CPU threads; unset: PyTorch's own choice")
    device: str = Field("auto", description="`auto` (a GPU where there is one), `cpu`, `cuda`, `cuda:1`")


class Config(Section):
    """All settings of a model, as one value."""

    data: DataConfig = DataConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()


def load_config(path: str | Path, overrides: list[str] | None = None) -> Config:
    """The settings of a TOML file, with `section.key=value` overrides laid over them.

    Args:
        path: a TOML file with the tables `data`, `model` and `training`, each optional.
        overrides: as on the command line, `["training.seed=2", "data.train=my.conll"]`; an empty value
            unsets an optional setting.

    Raises:
        ConfigError: no such file, not TOML, unknown key, wrong type or value.
    """
    path = Path(path)
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; expected a TOML file such as configs/quickstart.toml") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: expected a readable TOML file in UTF-8: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    for override in overrides or []:
        _lay_over(tree, override)
    return _resolve_paths(parse_config(tree, str(path)), path.parent)


def override_data(data: DataConfig, overrides: list[str]) -> DataConfig:
    """A description of files with `data.key=value` overrides laid over it.

    Raises:
        ConfigError: unknown key, wrong type or value, or a key of another section.
    """
    tree: dict[str, Any] = {"data": data.model_dump()}
    for override in overrides:
        if not override.strip().startswith("data."):
            raise ConfigError(f"--set {override}: expected data.key=value: only how files are read can be set here")
        _lay_over(tree, override)
    return parse_config(tree, "--set").data


def parse_config(tree: dict[str, Any], where: str) -> Config:
    """The settings of a plain dict of tables; `where` opens every error message.

    >>> parse_config({"model": {"num_layers": 2}}, "example").model.num_layers
    2
    >>> parse_config({"model": {"droput": 0.1}}, "example")
    Traceback (most recent call last):
      ...
    ner.errors.ConfigError: example: unknown key model.droput; did you mean model.dropout?
    """
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise ConfigError(f"{where}: {_unknown(key)}") from None
        wanted = first["msg"].removeprefix("Input ").removeprefix("Value error, ")
        if first["type"] == "model_type":
            wanted = f"should be a table, [{key}]"
        raise ConfigError(f"{where}: {key} {wanted}, found {first['input']!r}") from None


def known_keys() -> dict[str, str]:
    """Every `section.key` with its description, in the order of this module."""
    return {
        f"{section}.{name}": setting.description or ""
        for section, table in _SECTIONS.items()
        for name, setting in table.model_fields.items()
    }


_SECTIONS: dict[str, type[Section]] = {"data": DataConfig, "model": ModelConfig, "training": TrainingConfig}


def _unknown(key: str) -> str:
    # By the last part alone: with its section, every key of that section would look close.
    names = {known.rpartition(".")[2]: known for known in (*known_keys(), *_SECTIONS)}
    close = difflib.get_close_matches(key.rpartition(".")[2], names, n=1, cutoff=0.6)
    return f"unknown key {key}; " + (f"did you mean {names[close[0]]}?" if close else "see the README's configuration")


def _lay_over(tree: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    section, dot, name = key.strip().partition(".")
    if not (equals and dot):
        raise ConfigError(f"--set {override}: expected section.key=value, for example training.seed=2")
    if section not in _SECTIONS or name not in _SECTIONS[section].model_fields:
        raise ConfigError(f"--set {override}: {_unknown(key.strip())}")
    table = tree.setdefault(section, {})
    if not isinstance(table, dict):
        raise ConfigError(f"--set {override}: {section} should be a table, found {table!r}")
    table[name] = _parse_value(text, _SECTIONS[section].model_fields[name].annotation)


def _parse_value(text: str, annotation: Any) -> Any:
    """A TOML value where the text is one, else the text itself: a path needs no quotes on a shell."""
    kinds = (annotation, *get_args(annotation))
    if str in kinds and text.strip()[:1] not in ("'", '"'):
        return text  # with its blanks: a separator may be one
    text = text.strip()
    if any(isinstance(kind, str) for kind in kinds) and text[:1] not in ("'", '"'):
        return text
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _resolve_paths(config: Config, folder: Path) -> Config:
    """The same settings with each path that exists only beside the config file pointing there."""

    def beside(value: str | None) -> str | None:
        if value is None or Path(value).exists() or not (folder / value).exists():
            return value
        return str(folder / value)

    data = {name: beside(getattr(config.data, name)) for name in ("train", "dev", "test", "dataset")}
    return config.model_copy(
        update={
            "data": config.data.model_copy(update=data),
            "model": config.model.model_copy(update={"vectors": beside(config.model.vectors)}),
        }
    )
