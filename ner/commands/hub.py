"""`ner hub`: models of a hub, fetched and passed on."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ner.commands.options import ModelFolder, load_tagger, say
from ner.commands.results import check_places

hub_app = typer.Typer(help="Models of a hub: hf://OWNER/NAME.", no_args_is_help=True)


@hub_app.command("pull")
def hub_pull(
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME[@REVISION]")],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="A new folder for a copy; default: the one of the cache.")
    ] = None,
) -> None:
    """Fetch a model, check its files, and print its folder."""
    from ner.errors import ConfigError
    from ner.model_files import read_files
    from ner.resources.model_names import HUB
    from ner.resources.models import find_model
    from ner.whole_files import staged_folder

    if out and out.exists():
        raise ConfigError(f"--out {out}: expected a new folder, found something there; choose another")
    check_places(files={}, folders={"--out": out.parent if out else None})
    folder = find_model(HUB + name.removeprefix(HUB), warn=say)
    if out:
        with staged_folder(out) as stage:
            for file, content in read_files(folder).items():
                (stage / file).parent.mkdir(exist_ok=True)
                (stage / file).write_bytes(content)
    print(out or folder)


@hub_app.command("push")
def hub_push(
    model: ModelFolder,
    name: Annotated[str, typer.Argument(metavar="OWNER/NAME")],
    private: Annotated[bool, typer.Option("--private", help="Make the repository private, where it is new.")] = False,
    revision: Annotated[str | None, typer.Option(metavar="BRANCH", help="Default: the main one.")] = None,
    licence: Annotated[str | None, typer.Option(metavar="ID", help="As the hub spells it: cc-by-4.0, mit.")] = None,
    language: Annotated[str | None, typer.Option(metavar="CODE", help="Of the texts: en, zh.")] = None,
) -> None:
    """Put a model on the hub, with its card and the digests of its files; print the address of the commit."""
    tagger = load_tagger(model, "cpu")
    print("the files of a model hold words and hashed entities of its corpus; its licence binds", file=sys.stderr)
    print(tagger.push_to_hub(name, private=private, revision=revision, licence=licence, language=language))
