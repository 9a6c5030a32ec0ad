"""`ner calibrate`."""

import json
import shutil
from pathlib import Path
from typing import Annotated

import typer

from ner.commands.options import (
    AsJson,
    Device,
    ModelFolder,
    Runtime,
    Settings,
    Threads,
    load_tagger,
    say,
    say_losses_of_files,
)
from ner.errors import ConfigError


def calibrate(
    model: ModelFolder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Annotated text that it wasn't trained on.")],
    out: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write a calibrated copy there; unset: MODEL itself is changed.")
    ] = None,
    precision: Annotated[
        float | None, typer.Option(metavar="P", help="Promise that so many of the entities found are right.")
    ] = None,
    confidence: Annotated[float, typer.Option(metavar="P", help="How sure the promise is to be.")] = 0.9,
    as_json: AsJson = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the model in --out.")] = False,
    settings: Settings = None,
    device: Device = "auto",
    runtime: Runtime = "auto",
    threads: Threads = None,
) -> None:
    """Fit a model's scores and thresholds to a kind of text, and promise how often what it finds is right."""
    from ner.config import override_data
    from ner.evaluation.promise import check_promise
    from ner.formats.format import LossesByFile
    from ner.formats.sentences import read_sentences
    from ner.inference.calibrating import calibrate as fit
    from ner.resources.model_names import MANIFEST
    from ner.resources.models import find_model
    from ner.storage.calibration_file import write_adjustment
    from ner.storage.model_directory import check_free, check_target
    from ner.whole_files import staged_folder

    if precision is not None:
        check_promise(precision, confidence)
    folder = find_model(model, warn=say)
    if out is None and (folder / MANIFEST).exists():
        raise ConfigError(
            f"--out: expected a folder for the calibrated copy of the ready-made model {model}, found none"
        )
    if out is not None:
        check_target(out)
        if not force:
            check_free(out)
    tagger = load_tagger(str(folder), device, runtime=runtime, threads=threads, calibration="ignore")
    losses = LossesByFile()
    sentences = read_sentences(file, override_data(tagger.config.data, settings or []), losses.next_of(file))
    say_losses_of_files(losses)
    found = fit(tagger.reader, sentences, source=str(file), precision=precision, confidence=confidence)
    if out is None:
        write_adjustment(folder, found)
    else:
        with staged_folder(out) as part:
            # A ready-made model's list of files is of those that were published.
            shutil.copytree(folder, part, ignore=shutil.ignore_patterns(MANIFEST), dirs_exist_ok=True)
            write_adjustment(part, found)
    print(json.dumps(found.as_dict()) if as_json else f"{out or folder}: {found}")
