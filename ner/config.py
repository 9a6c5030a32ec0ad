"""A TOML file becomes one frozen, validated `Config`; errors name the key and what would do."""

import difflib
import tomllib
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from ner.errors import ConfigError, check_type, shortened
from ner.section import Section, marks
from ner.settings import DataConfig, FeaturesConfig, ModelConfig, RunConfig, TrainingConfig, check_cell

# What a setting was called before: what belongs to a machine stood among what a model is trained with, and some names
# weren't the field's.
MOVED = {f"training.{name}": f"run.{name}" for name in ("threads", "device", "tensorboard", "checkpoint_minutes")}
MOVED |= {
    "features.mentions": "features.document_context",
    "features.mention_dim": "features.document_context_dim",
    "model.case_dim": "model.casing_dim",
    "data.layout": "data.format",
}
_VALUES_NOW = {"data.format": {"columns": "auto"}}  # and what a value was called before


class Config(Section):
    """All settings of a model, as one value."""

    data: DataConfig = DataConfig()
    features: FeaturesConfig = FeaturesConfig()
    model: ModelConfig = ModelConfig()
    training: TrainingConfig = TrainingConfig()
    run: RunConfig = RunConfig()

    def __repr__(self) -> str:
        """One line: the settings that aren't as by default, as far as they fit.

        >>> parse_config({"model": {"cell": "gru"}, "training": {"seed": 2}}, "example")
        Config(model.cell='gru', training.seed=2; all else as by default)
        """
        default, other = Config(), []
        for key in known_keys():
            section, _, name = key.partition(".")
            value = getattr(getattr(self, section), name)
            if value != getattr(getattr(default, section), name):
                other.append(f"{key}={value!r}")
        return f"Config({shortened(', '.join(other), 160)}{'; all else' if other else 'all'} as by default)"

    __str__ = __repr__

    def of_model(self) -> dict[str, Any]:
        """The tables that make a model what it is: all but `run`, as plain values."""
        return self.model_dump(exclude={"run"})


def _warn(message: str) -> None:
    warnings.warn(message, FutureWarning, stacklevel=3)  # whoever called load_config


def load_config(
    path: str | Path, overrides: list[str] | None = None, *, warn: Callable[[str], object] = _warn
) -> Config:
    """The settings of a TOML file, with `section.key=value` overrides laid over them.

    Args:
        path: a TOML file with the tables `data`, `features`, `model`, `training` and `run`, each optional.
        overrides: as on the command line, `["training.seed=2", "data.train=my.conll"]`; an empty value
            unsets an optional setting.
        warn: called with a line for each setting that stands at its old place; by default a FutureWarning.

    Raises:
        ConfigError: no such file, not TOML, unknown key, wrong type or value, or no such cell.
    """
    check_type("path", path, str | Path, "the path of a TOML file", "ner.Config() has the defaults")
    check_type("overrides", overrides, list | tuple | None, 'a list such as ["training.seed=2"]')
    path = Path(path)
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such file; expected a TOML file such as configs/quickstart.toml") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: expected a readable TOML file in UTF-8: {error}") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {error}") from None
    renamed: list[str] = []
    rename(tree, lambda old, new: renamed.append(f"{path}: {old} is now {new}"))
    for message in renamed:
        warn(message)
    for override in overrides or []:
        key, equals, text = override.partition("=")
        if key.strip() in MOVED:
            warn(f"--set {override}: {key.strip()} is now {MOVED[key.strip()]}")
            override = f"{MOVED[key.strip()]}{equals}{value_now(MOVED[key.strip()], text.strip())}"
        _lay_over(tree, override)
    config = parse_config(tree, str(path), overrides=overrides or ())
    blamed = (f"--set {each}" for each in reversed(overrides or ()) if each.partition("=")[0].strip() == "model.cell")
    check_cell(config.model.cell, next(blamed, str(path)))
    return _resolve_paths(config, path.parent)


def rename(tree: dict[str, Any], on_old: Callable[[str, str], object]) -> None:
    """Give every setting of a tree of tables, changed in place, its name and value of today.

    Args:
        tree: what isn't a table stays as it is, for whoever checks it.
        on_old: called with the old and the new name of each.
    """
    for old, new in MOVED.items():
        section, _, name = old.partition(".")
        if isinstance(table := tree.get(section), dict) and name in table:
            on_old(old, new)
            value = value_now(new, table.pop(name))
            home, _, called = new.partition(".")
            if isinstance(place := tree.setdefault(home, {}), dict):
                place.setdefault(called, value)


def value_now(key: str, value: Any) -> Any:
    """What a setting's value is called now.

    >>> value_now("data.format", "columns")
    'auto'
    """
    named = _VALUES_NOW.get(key, {})
    return named.get(value.strip("'\""), value) if isinstance(value, str) else value


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
    return parse_config(tree, "--set", overrides=overrides).data


def parse_config(tree: dict[str, Any], where: str, *, overrides: Sequence[str] = ()) -> Config:
    """The settings of a plain dict of tables; `where` opens every error message, or the override that is wrong.

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
        key = _spelled(first["loc"])
        if first["type"] == "extra_forbidden":
            raise ConfigError(f"{where}: {_unknown(key)}") from None
        where = next((f"--set {wrong}" for wrong in reversed(overrides) if _is_blamed(wrong, first)), where)
        wanted = first["msg"].removeprefix("Input ").removeprefix("Value error, ").replace("a valid tuple", "a list")
        if first["type"] == "missing":
            raise ConfigError(f"{where}: {key} should be given, found none") from None
        if first["type"] == "model_type":
            wanted = f"should be a table, [{key}]"
        elif first["type"] == "value_error" and isinstance(first["input"], dict):
            # Settings that don't fit each other; the message names them.
            raise ConfigError(f"{where}: {key}.{wanted}") from None
        raise ConfigError(f"{where}: {key} {wanted}, found {first['input']!r}") from None


def _spelled(loc: tuple[int | str, ...]) -> str:
    """The place of an error as a key; tables of one name are counted from 1."""
    tables = len(loc) > 2 and loc[1] == "corpora"
    return ".".join(str(part + 1) if tables and isinstance(part, int) else str(part) for part in loc)


def _is_blamed(override: str, error: ErrorDetails) -> bool:
    """Whether an override set what is wrong; of settings that don't fit each other, one that the message names."""
    key = override.partition("=")[0].strip()
    section, _, name = MOVED.get(key, key).partition(".")
    place = error["loc"]
    if place[0] != section:
        return False
    return place[1] == name if len(place) > 1 else name in error["msg"]


def known_keys() -> dict[str, str]:
    """Every `section.key` with its description, in the order of this module."""
    return {
        f"{section}.{name}": setting.description or ""
        for section, table in _SECTIONS.items()
        for name, setting in table.model_fields.items()
    }


def affects(key: str) -> str:
    """What a `section.key` affects: `result`, `end`, `record` or `run`, as `ner.settings` has it.

    >>> affects("model.hidden_dim"), affects("training.patience"), affects("run.threads")
    ('result', 'end', 'run')
    """
    section = _SECTIONS[key.partition(".")[0]]
    return str(_marks_of(key).get("affects", section.affects))


def is_path(key: str) -> bool:
    """Whether a `section.key` names a file or a folder, or several."""
    return "path" in _marks_of(key)


def _marks_of(key: str) -> dict[str, Any]:
    section, _, name = key.partition(".")
    return marks(_SECTIONS[section], name)


_SECTIONS: dict[str, type[Section]] = {
    "data": DataConfig,
    "features": FeaturesConfig,
    "model": ModelConfig,
    "training": TrainingConfig,
    "run": RunConfig,
}


def _unknown(key: str) -> str:
    # By the last part alone: with its section, every key of that section would look close.
    names = {known.rpartition(".")[2]: known for known in (*known_keys(), *_SECTIONS)}
    close = difflib.get_close_matches(key.rpartition(".")[2], names, n=1, cutoff=0.6)
    return f"unknown key {key}; " + (f"did you mean {names[close[0]]}?" if close else "`ner settings` lists them")


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
    """A TOML value where the text is one, else the text itself: a path needs no quotes on a shell.

    One path may stand for a list of them.
    """
    if get_origin(annotation) is tuple and str in get_args(annotation) and not text.strip().startswith("["):
        one = _parse_value(text, str)
        return [one] if one else []
    kinds = (annotation,) if get_origin(annotation) is tuple else (annotation, *get_args(annotation))
    if any(get_origin(kind) is tuple for kind in kinds[1:]) and text.strip().startswith("["):
        kinds = ()  # a list, where text or a list may stand
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
    return config.model_copy(update={name: _beside(getattr(config, name), folder) for name in _SECTIONS})


def _beside(value: Any, folder: Path) -> Any:
    if isinstance(value, Section):
        kind = type(value)
        # Those that somebody gave: pydantic takes any other that is updated for given too.
        named = {name for name in value.model_fields_set & kind.model_fields.keys() if "path" in marks(kind, name)}
        return value.model_copy(update={name: _beside(getattr(value, name), folder) for name in named})
    if isinstance(value, tuple):
        return tuple(_beside(each, folder) for each in value)
    if not isinstance(value, str) or Path(value).exists() or not (folder / value).exists():
        return value
    return str(folder / value)
