"""`ner tag` and `ner bench`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ner.commands.options import AsJson, Device, ModelFolder, Settings, Threads, Threshold, load_tagger, read_lines
from ner.errors import ConfigError


def tag(
    model: ModelFolder,
    file: Annotated[str, typer.Argument(metavar="[FILE or -]", help="Text or a column file; -: stdin.")] = "-",
    input_format: Annotated[str, typer.Option("--input", metavar="text|conll", help="What FILE is.")] = "text",
    output_format: Annotated[
        str | None,
        typer.Option("--format", metavar="jsonl|conll|html", help="Default: jsonl; conll for --input conll."),
    ] = None,
    min_score: Annotated[float, typer.Option(min=0, max=1, help="Leave out entities with a lower score.")] = 0.0,
    k_best: Annotated[int, typer.Option(min=0, max=1000, help="Add so many labellings of each sentence (jsonl).")] = 0,
    threshold: Threshold = None,
    settings: Settings = None,
    device: Device = "auto",
    threads: Threads = None,
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

    tagger = load_tagger(model, device, threads=threads, threshold=threshold)
    data = override_data(tagger.config.data, settings or [])
    interactive = file == "-" and sys.stdin.isatty()
    options = OutputOptions(output_format, min_score, k_best, batch_size=1 if interactive else 2048)
    lines = read_lines(file, data.encoding)
    if input_format == "text":
        pieces = tag_text(tagger, lines, options)
    else:
        pieces = tag_columns(tagger, lines, options, data=data, where="stdin" if file == "-" else file)
    for piece in pieces:
        sys.stdout.write(piece)
        if interactive:
            sys.stdout.flush()


def bench(
    model: ModelFolder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Text, a few thousand lines of it.")],
    as_json: AsJson = False,
    threads: Threads = None,
    device: Device = "auto",
) -> None:
    """Measure a model on this machine: start-up, throughput, latency, memory."""
    from ner.bench import run_benchmark

    texts = [line.rstrip("\r\n") for line in read_lines(str(file), "utf-8")]
    result = run_benchmark(model, texts, device=device, threads=threads)
    print(json.dumps(result.as_dict()) if as_json else result)
