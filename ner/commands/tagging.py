"""`ner tag` and `ner bench`."""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ner.commands.options import (
    AsJson,
    Device,
    ModelFolder,
    Settings,
    Threads,
    Threshold,
    load_tagger,
    read_lines,
    say_losses,
)
from ner.errors import ConfigError

if TYPE_CHECKING:
    from ner.data_settings import DataConfig
    from ner.formats.format import Losses
    from ner.output import OutputOptions
    from ner.tagger import Tagger
    from ner.text.document import Document


def tag(
    model: ModelFolder,
    file: Annotated[str, typer.Argument(metavar="[FILE or -]", help="Text, or a file of any format; -: stdin.")] = "-",
    input_format: Annotated[
        str, typer.Option("--input", metavar="text|FORMAT", help="What FILE is: text, or one of `ner formats`.")
    ] = "text",
    output_format: Annotated[
        str | None,
        typer.Option("--format", metavar="FORMAT", help="One of `ner formats`; default: jsonl, or that of --input."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Where the result goes, not to stdout: whole or not at all.")
    ] = None,
    min_score: Annotated[float, typer.Option(min=0, max=1, help="Leave out entities with a lower score.")] = 0.0,
    k_best: Annotated[int, typer.Option(min=0, max=1000, help="Add so many labellings of each sentence (jsonl).")] = 0,
    threshold: Threshold = None,
    settings: Settings = None,
    device: Device = "auto",
    threads: Threads = None,
) -> None:
    """Find the entities of each line of a text, or of each document of an annotated file."""
    from ner.formats.table import can_write, find_format, name_for_writing, readable, writable

    if input_format not in ("text", "auto", *readable()):
        raise ConfigError(f"--input: expected text, auto or one of {', '.join(readable())}, found {input_format!r}")
    if output_format is None:
        own = input_format not in ("text", "auto") and can_write(find_format(input_format))
        output_format = name_for_writing(out, None) if out else input_format if own else "jsonl"
    if output_format not in writable():
        raise ConfigError(f"--format: expected one of {', '.join(writable())}, found {output_format!r}")
    if not out and not find_format(output_format).write:
        raise ConfigError(f"--format {output_format}: expected --out PATH, since it is no text for stdout")
    if k_best and output_format != "jsonl":
        raise ConfigError(f"--k-best: expected --format jsonl, found {output_format}")
    if k_best and input_format not in ("text", "conll"):
        raise ConfigError(f"--k-best: expected --input text or conll, found {input_format}")

    from ner.config import override_data
    from ner.formats.files import write_documents, write_pieces
    from ner.formats.format import Losses
    from ner.output import OutputOptions, tagged_documents

    tagger = load_tagger(model, device, threads=threads, threshold=threshold)
    data = override_data(tagger.config.data, settings or [])
    interactive = file == "-" and sys.stdin.isatty()
    options = OutputOptions(output_format, min_score, k_best, batch_size=1 if interactive else 2048)
    losses = Losses()
    if out and not find_format(output_format).write:
        documents = tagged_documents(tagger, _documents(file, input_format, data, losses), options)
        write_documents(out, documents, output_format, data, losses)
    elif out:
        write_pieces(out, _pieces(tagger, file, input_format, options, data, losses))
    else:
        for piece in _pieces(tagger, file, input_format, options, data, losses):
            sys.stdout.write(piece)
            if interactive:
                sys.stdout.flush()
    say_losses(file, losses)


def _pieces(
    tagger: "Tagger", file: str, input_format: str, options: "OutputOptions", data: "DataConfig", losses: "Losses"
) -> Iterator[str]:
    """What is written, as it comes."""
    from ner.output import tag_columns, tag_documents, tag_text

    if input_format == "text" and options.format in ("jsonl", "conll", "html"):
        return tag_text(tagger, read_lines(file, data.encoding), options)
    if input_format == "conll" and options.format in ("jsonl", "conll", "html"):
        lines = read_lines(file, data.encoding)
        return tag_columns(tagger, lines, options, data=data, where="stdin" if file == "-" else file)
    return tag_documents(tagger, _documents(file, input_format, data, losses), options, data=data, losses=losses)


def _documents(file: str, input_format: str, data: "DataConfig", losses: "Losses") -> "Iterator[Document]":
    """The documents to tag; of text each line is one. What stdin holds is kept in a file while it is read."""
    from ner.formats.files import read_documents
    from ner.text.document import Document

    if input_format == "text":
        for line in read_lines(file, data.encoding):
            yield Document(line.removesuffix("\n").removesuffix("\r"))
        return
    data = data.model_copy(update={"format": input_format})
    if file != "-":
        yield from read_documents(file, data, losses)
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "stdin"
        with copy.open("wb") as stream:
            shutil.copyfileobj(sys.stdin.buffer, stream)
        yield from read_documents(copy, data, losses)


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
