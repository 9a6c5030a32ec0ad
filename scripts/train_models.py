"""Trains the ready-made models from their corpora: `python scripts/train_models.py [NAME…] [--dry-run]`, `make models`.

Of each model in `models.toml`: its vectors and corpora are fetched where they aren't here, its recipe
`configs/models/NAME.toml` is trained, the model is made small, the card tells licences and attributions, and it goes
into this package (`ner/models/`) or into a wheel of its own (`dist/`). Each command is shown before it runs.
"""

import argparse
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from build_model_wheel import build_model_wheel

from ner.errors import NerError
from ner.resources.corpora import find_corpus
from ner.resources.models import IN_PACKAGE, make_ready
from ner.resources.named_vectors import list_vectors
from ner.storage.json_files import read_json
from ner.storage.model_directory import open_model
from ner.whole_files import staged_folder

ROOT = Path(__file__).parent.parent


def catalogue() -> dict[str, dict[str, Any]]:
    """What `models.toml` says of each model, by name."""
    return tomllib.loads((ROOT / "scripts" / "models.toml").read_text(encoding="utf-8"))


def commands(name: str, about: dict[str, Any]) -> list[list[str]]:
    """What `ner` is called with, in order, to make the model of `runs/models/NAME`; corpora that are here are kept."""
    trained = f"runs/models/{name}-trained"
    wanted = [["vectors", "get", vectors] for vectors in about.get("vectors", ())]
    for corpus in about["corpora"]:
        folder = ROOT / "corpora" / corpus
        if not (folder / "config.toml").exists():
            wanted.append(["data", "get", corpus, "--out", "corpora"])
        for file in about.get("convert", ()):
            if not (folder / file).with_suffix(".jsonl").exists():
                written = Path(file).with_suffix(".jsonl")
                wanted.append(["convert", f"corpora/{corpus}/{file}", f"corpora/{corpus}/{written}"])
    return [
        *wanted,
        ["train", f"configs/models/{name}.toml", "--out", trained, "--force"],
        ["shrink", trained, "--out", f"runs/models/{name}", "--force", *about.get("shrink", ())],
    ]


def attribution(about: dict[str, Any]) -> list[str]:
    """A line for each corpus and set of vectors: what it is, its licence, where it is from."""
    vectors = [each for each in list_vectors() if each.name in about.get("vectors", ())]
    return [
        *(find_corpus(name).terms for name in about["corpora"]),
        *(f"{each.name}: {each.description}. Licence: {each.licence}." for each in vectors),
    ]


def ship(name: str, about: dict[str, Any]) -> Path:
    """Where the trained model went: its folder in this package, or its wheel."""
    model = ROOT / "runs" / "models" / name
    told = {
        "name": name,
        "version": about["version"],
        "language": about["language"],
        "licence": about["licence"],
        "attribution": attribution(about),
    }
    if not about.get("in_package"):
        return build_model_wheel(model, **told, out=ROOT / "dist")
    metrics = read_json(model / "metrics.json")
    with staged_folder(IN_PACKAGE / name) as part:
        shutil.copytree(model, part, dirs_exist_ok=True)
        make_ready(part, **told, labels=open_model(part).vocabularies.labels, dev_f1=metrics["dev"]["micro"]["f1"])
    return IN_PACKAGE / name


def main() -> None:
    """The command line; an error is one line on stderr."""
    models = catalogue()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(models)}; default: all")
    parser.add_argument("--dry-run", action="store_true", help="show the commands, run none")
    options = parser.parse_args()
    if unknown := sorted(set(options.names) - set(models)):
        parser.error(f"expected names of {', '.join(models)}, found {', '.join(unknown)}")
    for name in options.names or models:
        for command in commands(name, models[name]):
            print("ner", shlex.join(command), flush=True)
            if not options.dry_run:
                subprocess.run([sys.executable, "-m", "ner", *command], check=True, cwd=ROOT)
        if not options.dry_run:
            print(ship(name, models[name]))


if __name__ == "__main__":
    try:
        main()
    except NerError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except subprocess.CalledProcessError as error:  # the command has told why
        sys.exit(error.returncode)
