"""`ner inspect`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ner.commands.options import Device, Runtime, Settings, Threads, load_tagger, run_settings, said_warnings, say
from ner.errors import ConfigError


def inspect(
    model: Annotated[
        str | None, typer.Argument(metavar="[MODEL]", help="A model directory, or a ready-made model.")
    ] = None,
    text: Annotated[str | None, typer.Argument(metavar="[TEXT]", help="What it should read.")] = None,
    *,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where pictures and page go.")],
    gradient_flow: Annotated[
        bool, typer.Option("--gradient-flow", help="Instead: train cells and measure how far a gradient travels.")
    ] = False,
    cells: Annotated[
        str | None, typer.Option(metavar="all|NAME,NAME…", help="Which cells' gradient flow; default: all.")
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(metavar="CONFIG.toml", help="How they are trained for that; default: configs/quickstart.toml."),
    ] = None,
    settings: Settings = None,
    device: Device = "auto",
    runtime: Runtime = "auto",
    threads: Threads = None,
) -> None:
    """Look inside: gates, memory, scores and influences of a text, or the gradient flow of cells; as pictures."""
    if gradient_flow:
        if model is not None:
            raise ConfigError(f"--gradient-flow: expected no model, since it trains its own; found {model}")
        own = [*(settings or []), *run_settings(threads=threads)]
        _inspect_flow(cells or "all", config or Path("configs/quickstart.toml"), own, out)
    elif cells or config or settings:
        raise ConfigError("--cells, --config and --set: expected --gradient-flow, which is what they are for")
    elif model is None or text is None or not text.strip():
        raise ConfigError('expected a model and a text, `ner inspect MODEL "text" --out FOLDER`, or --gradient-flow')
    else:
        from ner.inspection.report import write_inspections

        tagger = load_tagger(model, device, runtime=runtime, threads=threads)
        title = f"Inside {Path(model).name}"
        for warning in write_inspections(tagger.inspect(text), tagger.learned_transitions(), out, title=title):
            print(f"warning: {warning}", file=sys.stderr)
    print(out / "index.html")


def _inspect_flow(cells: str, config: Path, settings: list[str], out: Path) -> None:
    from ner.config import load_config
    from ner.formats.corpus import load_corpus
    from ner.inspection.gradient_flow import study_cell
    from ner.inspection.report import prepare, write_flows
    from ner.network.cells import CELLS
    from ner.network.model import check_cell
    from ner.reporting.progress import TrainingProgress

    names = list(CELLS) if cells == "all" else list(dict.fromkeys(name.strip() for name in cells.split(",")))
    for name in names:
        check_cell(name)
    loaded = [
        load_config(config, [*settings, f"model.cell={name}"], warn=say if number == 0 else lambda _: None)
        for number, name in enumerate(names)
    ]
    with said_warnings():
        corpus = load_corpus(loaded[0].data)
    prepare(out)
    flows = []
    for name, each in zip(names, loaded, strict=True):
        print(f"{name}: training with clipping, then without", file=sys.stderr)
        with TrainingProgress(each.training.epochs) as progress:
            flows.append(study_cell(each, corpus, listener=progress.listener))
    for warning in write_flows(flows, out):
        print(f"warning: {warning}", file=sys.stderr)
