"""`ner rank`: what to annotate next."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ner.commands.options import (
    Device,
    ModelFolder,
    Runtime,
    Settings,
    Threads,
    load_tagger,
    read_lines,
    say_losses,
)
from ner.commands.results import check_is_another
from ner.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner.data_settings import DataConfig
    from ner.formats.format import Losses
    from ner.text.document import Document

Strategy = Annotated[
    str, typer.Option(help="entropy, margin, least-confident, bald (PyTorch), diverse or, to compare with, random.")
]


def rank(
    model: ModelFolder,
    file: Annotated[Path, typer.Argument(metavar="UNLABELLED", help="Text, a line each, or a file of any format.")],
    strategy: Strategy = "entropy",
    budget: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="So many sentences; default: all of them.")
    ] = None,
    in_tokens: Annotated[
        bool, typer.Option("--tokens", help="The budget counts tokens, and so does what a sentence is worth.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where the result goes, not to stdout: whole or not at all.")
    ] = None,
    output_format: Annotated[
        str | None,
        typer.Option("--format", metavar="FORMAT", help="label-studio, prodigy, doccano, or any of `ner formats`."),
    ] = None,
    input_format: Annotated[
        str | None, typer.Option("--input", metavar="FORMAT", help="One of `ner formats`; default: told from the file.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of random and bald.")] = 1,
    settings: Settings = None,
    device: Device = "auto",
    runtime: Runtime = "auto",
    threads: Threads = None,
) -> None:
    """Order unlabelled sentences by what a model would learn from each, with the entities that it finds."""
    from ner.config import override_data
    from ner.formats.files import write_documents
    from ner.formats.format import Losses
    from ner.formats.table import find_format, name_for_writing
    from ner.inference.acquisition import check_strategy
    from ner.ranking import rank as rank_documents
    from ner.ranking import told_to_tool

    check_strategy(strategy)
    wanted = name_for_writing(out, output_format) if out else output_format or "jsonl"
    write = find_format(wanted).write
    if not out and not write:
        raise ConfigError(f"--format {wanted}: expected --out FILE, since it is no text for stdout")
    check_is_another("--out", out, file)
    tagger = load_tagger(model, device, runtime=runtime, threads=threads)
    data = override_data(tagger.config.data, settings or [])
    losses = Losses()
    documents = list(_documents(file, input_format, data, losses))
    say_losses(file, losses)
    unit = "tokens" if in_tokens else "sentences"
    ranked = rank_documents(tagger, documents, strategy=strategy, budget=budget, unit=unit, seed=seed)
    told = told_to_tool(ranked, wanted)
    losses = Losses()
    if out:
        write_documents(out, told, wanted, data, losses)
    elif write:
        sys.stdout.writelines(write(told, data, losses))
    say_losses(out or "stdout", losses)
    tokens = sum(len(sentence.spelled) for document in ranked for sentence in document.sentences)
    print(f"{len(ranked):,} sentences of {tokens:,} tokens, by {strategy}", file=sys.stderr)


def _documents(file: Path, input_format: str | None, data: "DataConfig", losses: "Losses") -> "Iterator[Document]":
    """The documents of a file; where its format isn't named and nothing tells it, each line is a text."""
    from ner.formats.files import read_documents
    from ner.formats.table import looks_like, take_sample
    from ner.text.document import Document

    if input_format is None and not file.is_dir() and not looks_like(take_sample(file)):
        for line in read_lines(str(file), data.encoding):
            if text := line.strip():
                yield Document(text)
        return
    yield from read_documents(file, data.model_copy(update={"format": input_format or "auto"}), losses)
