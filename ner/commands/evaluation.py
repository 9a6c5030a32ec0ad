"""`ner evaluate` and `ner score`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ner.commands.options import AsJson, Device, ModelFolder, Settings, load_tagger


def evaluate(
    model: ModelFolder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A tagged column file.")],
    as_json: AsJson = False,
    calibration: Annotated[
        bool, typer.Option("--calibration", help="Also: how honest the scores are, with a diagram.")
    ] = False,
    diagram: Annotated[Path, typer.Option(metavar="PNG", help="Where the diagram goes.")] = Path("reliability.png"),
    settings: Settings = None,
    device: Device = "auto",
) -> None:
    """Tag a column file and hold the tags against its own: conlleval's table, and more below it."""
    from ner.config import override_data
    from ner.evaluation.calibration import draw_reliability
    from ner.text.columns import read_tagged

    tagger = load_tagger(model, device)
    sentences = read_tagged(file, override_data(tagger.config.data, settings or []))
    analysis = tagger.analyse(sentences)
    values = analysis.as_dict()
    lines = [str(analysis)]
    if calibration:
        measured = tagger.calibration(sentences)
        draw_reliability(measured, diagram)
        values["calibration"] = measured.as_dict()
        lines.append(str(measured))
        print(f"reliability diagram: {diagram}", file=sys.stderr)
    print(json.dumps(values) if as_json else "\n".join(lines))


def score(
    gold: Annotated[Path, typer.Argument(metavar="GOLD", help="A tagged column file.")],
    predicted: Annotated[
        Path | None,
        typer.Argument(metavar="PRED", help="The same with other tags; unset: GOLD has both, the last is PRED's."),
    ] = None,
    as_json: AsJson = False,
    settings: Settings = None,
) -> None:
    """Score tags against gold tags as conlleval does; strict and relaxed scores beside."""
    from ner.config import override_data
    from ner.evaluation.files import score_files
    from ner.settings import DataConfig

    analysis = score_files(gold, predicted, override_data(DataConfig(), settings or []))
    print(json.dumps(analysis.as_dict()) if as_json else analysis)
