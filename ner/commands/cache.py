"""`ner cache`: what is kept of pretrained encoders' states, and room made of it."""

import json
from typing import Annotated

import typer

from ner.commands.options import AsJson
from ner.errors import ConfigError

cache_app = typer.Typer(help="States of pretrained encoders that are kept on disk.", no_args_is_help=True)


@cache_app.command("list")
def cache_list(as_json: AsJson = False) -> None:
    """What is kept, the last used first: name, size, last use, words, encoder."""
    from ner.features.state_stores import list_stores

    stores = list_stores()
    if as_json:
        print(json.dumps([store.as_dict() for store in stores]))
        return
    for store in stores:
        print(store)
    print(f"{sum(store.bytes for store in stores) / 1e6:,.1f} MB in all")


@cache_app.command("clear")
def cache_clear(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME…]", help="As `list` has them; none: all of them.")
    ] = None,
) -> None:
    """Remove what is kept; training makes it again when it is needed."""
    from ner.features.state_stores import clear_stores, list_stores

    stores = list_stores()
    for name in names or []:
        if not any(store.folder.name.startswith(name) for store in stores):
            raise ConfigError(f"{name}: expected a name of `ner cache list`, found none that begins so")
    chosen = [s for s in stores if not names or any(s.folder.name.startswith(name) for name in names)]
    print(f"{clear_stores(chosen) / 1e6:,.1f} MB removed")
