"""`ner bench`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from ner.commands.input import LINES, check_what_it_looks_like
from ner.commands.options import AsJson, Device, ModelFolder, Runtime, Threads, read_lines, said_warnings, say

_MOST_MEASURED = 2_000_000  # characters, half a million tokens: each runtime reads them a dozen times


def bench(
    model: ModelFolder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Text, a few thousand lines of it.")],
    as_json: AsJson = False,
    threads: Threads = None,
    device: Device = "auto",
    runtime: Runtime = "auto",
) -> None:
    """Measure a model on this machine: start-up, throughput, latency, memory."""
    from ner.bench import run_benchmark
    from ner.data_settings import DataConfig
    from ner.resources.models import find_model

    texts: list[str] = []
    characters = 0
    for line in read_lines(str(file), "utf-8"):
        if texts and characters + len(line) > _MOST_MEASURED:
            say(f"{file}: its first {len(texts):,} lines are measured, which is text enough")
            break
        texts.append(line.rstrip("\r\n"))
        characters += len(line)
    folder = find_model(model, warn=say)
    check_what_it_looks_like(str(file), LINES, DataConfig())
    with said_warnings():
        result = run_benchmark(folder, texts, device=device, runtime=runtime, threads=threads)
    print(json.dumps(result.as_dict()) if as_json else result)
