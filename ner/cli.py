"""The command line: `ner train`, `evaluate`, `tag`, `score`, `inspect`, and those of `cli_resources`.

Results go to stdout, everything else to stderr; exit 0 good, 1 failed, 2 misused. PyTorch is imported only
by the commands that need it, so that `--help` answers at once.
"""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ner.cli_resources import Settings, data_app, vectors_app
from ner.errors import ConfigError, DataError, NerError

if TYPE_CHECKING:
    from ner.tagger import Tagger

app = typer.Typer(
    help="A BiLSTM-CRF named-entity recognizer: train on CoNLL files, score as the field scores, tag text.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(vectors_app, name="vectors")
app.add_typer(data_app, name="data")

ModelFolder = Annotated[Path, typer.Argument(metavar="MODEL", help="A model directory.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of the table.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")]


@app.command()
def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="The recipe.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The model directory to write.")],
    settings: Settings = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
) -> None:
    """Train a recognizer and write its model directory."""
    from ner.config import load_config
    from ner.learning.checkpoint import check_target
    from ner.learning.state import remove_state, state_folder
    from ner.progress import TrainingProgress
    from ner.tagger import train as train_tagger
    from ner.text.corpus import load_corpus

    loaded = load_config(config, settings or [])
    check_target(out)
    corpus = load_corpus(loaded.data)
    state = state_folder(out)
    with TrainingProgress(loaded.training.epochs) as progress:
        tagger = train_tagger(loaded, corpus, listener=progress.listener, state=state, resume=resume)
    tagger.save(out)
    remove_state(state)
    made = tagger.metrics["training"]
    scores = ", ".join(
        f"{split} F1 {100 * tagger.metrics[split]['micro']['f1']:.2f}"
        for split in ("dev", "test")
        if split in tagger.metrics
    )
    print(f"{out}: {scores or 'no dev set'} (epoch {made['best_epoch']} of {made['epochs']}, {made['seconds']:.0f} s)")


@app.command()
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
    """Tag a column file and hold the tags against its own: conlleval's table."""
    from ner.config import override_data
    from ner.evaluation.calibration import draw_reliability
    from ner.text.columns import read_tagged

    tagger = _load(model, device)
    sentences = read_tagged(file, override_data(tagger.config.data, settings or []))
    report = tagger.evaluate(sentences)
    values = report.as_dict()
    lines = [str(report)]
    if calibration:
        measured = tagger.calibration(sentences)
        draw_reliability(measured, diagram)
        values["calibration"] = measured.as_dict()
        lines.append(str(measured))
        print(f"reliability diagram: {diagram}", file=sys.stderr)
    print(json.dumps(values) if as_json else "\n".join(lines))


@app.command()
def tag(
    model: ModelFolder,
    file: Annotated[str, typer.Argument(metavar="[FILE or -]", help="Text or a column file; -: stdin.")] = "-",
    input_format: Annotated[str, typer.Option("--input", metavar="text|conll", help="What FILE is.")] = "text",
    output_format: Annotated[
        str | None,
        typer.Option("--format", metavar="jsonl|conll|html", help="Default: jsonl; conll for --input conll."),
    ] = None,
    min_score: Annotated[float, typer.Option(min=0, max=1, help="Leave out entities with a lower score.")] = 0.0,
    k_best: Annotated[int, typer.Option(min=0, max=1000, help="Add so many readings of each sentence (jsonl).")] = 0,
    settings: Settings = None,
    device: Device = "auto",
) -> None:
    """Find the entities of each line of a text, or of each sentence of a column file."""
    output_format = output_format or ("conll" if input_format == "conll" else "jsonl")
    if input_format not in ("text", "conll"):
        raise ConfigError(f"--input: expected text or conll, found {input_format!r}")
    if output_format not in ("jsonl", "conll", "html"):
        raise ConfigError(f"--format: expected jsonl, conll or html, found {output_format!r}")
    if k_best and output_format != "jsonl":
        raise ConfigError(f"--k-best: expected --format jsonl, found {output_format}")

    from ner.config import override_data
    from ner.output import OutputOptions, tag_columns, tag_text

    tagger = _load(model, device)
    data = override_data(tagger.config.data, settings or [])
    interactive = file == "-" and sys.stdin.isatty()
    options = OutputOptions(output_format, min_score, k_best, batch_size=1 if interactive else 512)
    lines = _lines(file, data.encoding)
    if input_format == "text":
        pieces = tag_text(tagger, lines, options)
    else:
        pieces = tag_columns(tagger, lines, options, data=data, where="stdin" if file == "-" else file)
    for piece in pieces:
        sys.stdout.write(piece)
        if interactive:
            sys.stdout.flush()


@app.command()
def score(
    gold: Annotated[Path, typer.Argument(metavar="GOLD", help="A tagged column file.")],
    predicted: Annotated[
        Path | None,
        typer.Argument(metavar="PRED", help="The same with other tags; unset: GOLD has both, the last is PRED's."),
    ] = None,
    as_json: AsJson = False,
    settings: Settings = None,
) -> None:
    """Score tags against gold tags as conlleval does, strict scores beside."""
    from ner.config import override_data
    from ner.evaluation.files import score_files
    from ner.settings import DataConfig

    comparison = score_files(gold, predicted, override_data(DataConfig(), settings or []))
    print(json.dumps(comparison.as_dict()) if as_json else comparison)


@app.command()
def bench(
    model: ModelFolder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Text, a few thousand lines of it.")],
    as_json: AsJson = False,
    threads: Annotated[int | None, typer.Option(min=1, help="Default: as many as it was trained on.")] = None,
    device: Device = "auto",
) -> None:
    """Measure a model on this machine: start-up, throughput, latency, memory."""
    from ner.bench import run_benchmark

    texts = [line.rstrip("\r\n") for line in _lines(str(file), "utf-8")]
    result = run_benchmark(model, texts, device=device, threads=threads)
    print(json.dumps(result.as_dict()) if as_json else result)


@app.command()
def inspect(
    model: Annotated[Path | None, typer.Argument(metavar="[MODEL]", help="A model directory.")] = None,
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
) -> None:
    """Look inside: gates, memory, scores and influences of a text, or the gradient flow of cells; as pictures."""
    if gradient_flow:
        if model is not None:
            raise ConfigError(f"--gradient-flow: expected no model, since it trains its own; found {model}")
        _inspect_flow(cells or "all", config or Path("configs/quickstart.toml"), settings or [], out)
    elif cells or config or settings:
        raise ConfigError("--cells, --config and --set: expected --gradient-flow, which is what they are for")
    elif model is None or text is None or not text.strip():
        raise ConfigError('expected a model and a text, `ner inspect MODEL "text" --out FOLDER`, or --gradient-flow')
    else:
        from ner.inspection.report import write_inspections

        tagger = _load(model, device)
        for warning in write_inspections(tagger.inspect(text), tagger.learned_moves(), out):
            print(f"warning: {warning}", file=sys.stderr)
    print(out / "index.html")


def _inspect_flow(cells: str, config: Path, settings: list[str], out: Path) -> None:
    from ner.config import load_config
    from ner.inspection.gradient_flow import study_cell
    from ner.inspection.report import prepare, write_flows
    from ner.network.cells import CELLS
    from ner.network.model import check_cell
    from ner.progress import TrainingProgress
    from ner.text.corpus import load_corpus

    names = list(CELLS) if cells == "all" else list(dict.fromkeys(name.strip() for name in cells.split(",")))
    for name in names:
        check_cell(name)
    loaded = [load_config(config, [*settings, f"model.cell={name}"]) for name in names]
    corpus = load_corpus(loaded[0].data)
    prepare(out)
    flows = []
    for name, each in zip(names, loaded, strict=True):
        print(f"{name}: training with clipping, then without", file=sys.stderr)
        with TrainingProgress(each.training.epochs) as progress:
            flows.append(study_cell(each, corpus, listener=progress.listener))
    write_flows(flows, out)


def _load(model: Path, device: str) -> "Tagger":
    """The model's tagger, on as many threads as it was trained on."""
    import torch

    from ner.tagger import load

    tagger = load(model, device=device)
    if tagger.config.training.threads:
        torch.set_num_threads(tagger.config.training.threads)
    return tagger


def _lines(file: str, encoding: str) -> Iterator[str]:
    """The lines of a file or of stdin, as they come, with their line ends."""
    from ner.text.encoding import decode_lines

    if file == "-":
        yield from decode_lines(sys.stdin.buffer, encoding, "stdin")
        return
    try:
        with Path(file).open("rb") as stream:
            yield from decode_lines(stream, encoding, file)
    except FileNotFoundError:
        raise DataError(f"{file}: no such file") from None
    except OSError as error:
        raise DataError(f"{file}: expected a readable file: {error.strerror}") from None


def main() -> None:
    """Runs the command line; an error of ours is one line on stderr and its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8")
    try:
        app()
    except NerError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # Whoever read us has enough (`| head`); stdout is pointed away so that its last flush can't fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
