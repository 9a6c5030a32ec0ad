"""`ner models`: the ready-made models that are here, where they lie, and how others are had."""

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer

from ner.commands.options import AsJson, say
from ner.errors import ConfigError, ModelError

models_app = typer.Typer(help="Ready-made models, by name.", no_args_is_help=True)
Name = Annotated[str, typer.Argument(metavar="NAME")]


@models_app.command("list")
def models_list(as_json: AsJson = False) -> None:
    """The ready-made models that are here: name, language, labels, version, dev F1, licence, folder."""
    from ner.resources.models import HEADER, list_models

    models = list_models(warn=say)
    if as_json:
        print(json.dumps([model.as_dict() for model in models], ensure_ascii=False))
    elif models:
        print("\n".join([HEADER, *map(str, models)]))
    else:
        print("no ready-made model is installed here; `ner models get NAME` says how one is built", file=sys.stderr)


@models_app.command("path")
def models_path(name: Name) -> None:
    """Print the model directory of a ready-made model, once its files are checked."""
    from ner.resources.models import check_files, find_ready

    model = find_ready(name)
    check_files(model)
    print(model.folder)


@models_app.command("get")
def models_get(
    name: Name,
    wheel: Annotated[
        Path | None, typer.Option("--from", metavar="WHEEL", help="A wheel of the model that you have: install it.")
    ] = None,
) -> None:
    """Print the directory of a ready-made model that is here, or say how one is had; --from installs a wheel."""
    from ner.resources.models import RECIPES, WHEEL_PREFIX, check_files, find_ready, model_names

    if wheel is not None:
        _install(wheel, f"{WHEEL_PREFIX}{name}")
    elif name not in model_names() and name in RECIPES:
        raise ModelError(
            f"{name}: not here, and no package index has wheels of models yet; build one from the sources of this "
            f"package (`make models`, then scripts/build_model_wheel.py), and `ner models get {name} --from WHEEL`"
        )
    model = find_ready(name)
    check_files(model)
    print(model.folder)


def _install(wheel: Path, distribution: str) -> None:
    """Installs a wheel of this distribution, from the file alone."""
    if not wheel.is_file() or not wheel.name.startswith(distribution.replace("-", "_") + "-"):
        found = wheel.name if wheel.is_file() else "no such file"
        raise ConfigError(f"{wheel}: expected a wheel of {distribution}, found {found}")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    command += ["--force-reinstall", str(wheel)]  # the same version may be another model, or damaged
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip() or "no reason told").splitlines()[-1]
        raise ModelError(f"{wheel}: could not be installed: {reason}; install it as you install other wheels")
    importlib.invalidate_caches()  # what was installed a moment ago is to be found
