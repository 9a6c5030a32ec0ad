"""`ner settings`: what can be set, its default, and what it means."""

import json
from typing import Annotated

import typer

from ner.commands.options import AsJson
from ner.errors import ConfigError


def settings(
    word: Annotated[
        str | None, typer.Argument(metavar="[WORD]", help="Only settings with this in name or description.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the settings of a recipe, each with its default and description, as --set and CONFIG.toml take them."""
    from ner.config import Config, affects, known_keys

    values = Config().model_dump(mode="json")
    rows = []
    for key, description in known_keys().items():
        section, _, name = key.partition(".")
        if word is None or word.casefold() in f"{key} {description}".casefold():
            default = values[section][name]
            rows.append({"key": key, "default": default, "affects": affects(key), "description": description})
    if not rows:
        raise ConfigError(f"WORD: expected a word of a setting, found {word!r} in none; `ner settings` lists all")
    if as_json:
        print(json.dumps(rows, ensure_ascii=False))
        return
    for row in rows:
        default = "unset" if row["default"] is None else json.dumps(row["default"], ensure_ascii=False)
        print(f"{row['key']} = {default}\n    {row['description']}")
