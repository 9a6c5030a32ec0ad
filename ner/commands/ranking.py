"""`ner rank` and `ner simulate`: what to annotate next, and whether that pays."""

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
    run_settings,
    said_warnings,
    say,
    say_losses,
)
from ner.commands.results import check_is_another, check_places
from ner.distribution import is_there, need_training
from ner.errors import ConfigError, counted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner.data_settings import DataConfig
    from ner.formats.format import Losses
    from ner.text.document import Document
    from ner.text.sentence import Sentence
    from ner.training.simulation import Round

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
    documents = list(documents_in(file, input_format, data, losses))
    say_losses(file, losses)
    unit = "tokens" if in_tokens else "sentences"
    ranked = rank_documents(tagger, documents, strategy=strategy, budget=budget, unit=unit, seed=seed)
    told = told_to_tool(ranked, wanted, tagger.version)
    losses = Losses()
    if out:
        write_documents(out, told, wanted, data, losses)
    elif write:
        sys.stdout.writelines(write(told, data, losses))
    say_losses(out or "stdout", losses)
    tokens = sum(len(sentence.spelled) for document in ranked for sentence in document.sentences)
    print(f"{counted(len(ranked), 'sentence')} of {counted(tokens, 'token')}, by {strategy}", file=sys.stderr)


def simulate(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="The recipe, with an annotated corpus.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Gets rounds.jsonl, the labels and the picture.")],
    budget: Annotated[int, typer.Option(min=2, metavar="N", help="So many sentences are annotated in the end.")],
    first: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Size of the seed set; default: a sixteenth of the budget.")
    ] = None,
    in_tokens: Annotated[bool, typer.Option("--tokens", help="Both count tokens.")] = False,
    strategies: Annotated[
        list[str] | None,
        typer.Option("--strategy", metavar="S[,S…]", help="As in `ner rank`; default: entropy,random."),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1, help="Steps from the seed set to the budget.")] = 8,
    runs: Annotated[int, typer.Option(min=1, help="Runs of each strategy, each with a seed set of its own.")] = 3,
    steps: Annotated[int, typer.Option(min=1, help="Batches of each training, at least.")] = 600,
    full: Annotated[
        bool, typer.Option("--full", help="Train on the whole corpus too, and tell what 95% of its F1 takes.")
    ] = False,
    start: Annotated[
        str | None, typer.Option("--from", metavar="MODEL", help="Each round goes on from this model.")
    ] = None,
    settings: Settings = None,
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads of training.")] = None,
    device: Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:1; default: auto.")] = None,
) -> None:
    """Try on an annotated corpus how few sentences a strategy needs: a table, learning curves, the labels.

    Rounds that DIR has already aren't repeated.
    """
    need_training("ner simulate")
    from ner.config import load_config
    from ner.formats.corpus import load_corpus
    from ner.inference.loading import load_model
    from ner.inspection.canvas import draw_picture
    from ner.reporting.learning_curve import curve_table, draw_learning_curves
    from ner.resources.models import find_model
    from ner.training.simulation import ALL, Experiment
    from ner.training.simulation import simulate as run_simulation

    loaded = load_config(config, [*(settings or []), *run_settings(threads=threads, device=device)], warn=say)
    named = [name.strip() for names in strategies or ["entropy,random"] for name in names.split(",")]
    if full:
        named.insert(0, ALL)
    first = max(budget // 16, 1) if first is None else first
    experiment = Experiment(
        tuple(dict.fromkeys(named)), budget, first, rounds=rounds, runs=runs, in_tokens=in_tokens, steps=steps
    )
    check_places(files={}, folders={"--out": out})
    with said_warnings():
        corpus = load_corpus(loaded.data)
    model = load_model(find_model(start, warn=say), "cpu") if start else None
    found = run_simulation(loaded, corpus, experiment, log=out / "rounds.jsonl", start=model, on_round=_show_round)
    _write_labels(out / "labels", corpus.train, found)
    if is_there("matplotlib"):
        for warning in draw_picture(out / "curve.png", lambda: draw_learning_curves(found, title=config.name)):
            say(warning)
    print(curve_table(found))


def _show_round(found: "Round") -> None:
    told = f"{found.strategy}, run {found.run}, round {found.number}: {counted(len(found.chosen), 'sentence')}"
    line = f"{told} of {counted(found.tokens, 'token')}, dev F1 {100 * found.f1:.2f}, {found.seconds:.0f} s"
    print(line, file=sys.stderr, flush=True)


def _write_labels(folder: Path, train: "list[Sentence]", rounds: "list[Round]") -> None:
    """Writes what each run of each strategy had annotated in the end, in the order of its choice."""
    from ner.formats.columns import write_conll
    from ner.training.simulation import ALL

    sentences = [sentence for sentence in train if sentence.spelled]
    last = {(found.strategy, found.run): found for found in sorted(rounds, key=lambda found: found.number)}
    for (strategy, run), found in last.items():
        if strategy != ALL:
            write_conll(folder / f"{strategy}-{run}.conll", [sentences[index] for index in found.chosen])


def documents_in(file: Path, input_format: str | None, data: "DataConfig", losses: "Losses") -> "Iterator[Document]":
    """The documents of a file; where its format isn't named and nothing tells it, each line is a text."""
    from ner.formats.conll import looks_like_columns
    from ner.formats.files import read_documents
    from ner.formats.table import looks_like, take_sample
    from ner.text.document import Document

    sample = take_sample(file)
    if input_format is None and not (file.is_dir() or looks_like(sample) or looks_like_columns(sample)):
        for line in read_lines(str(file), data.encoding):
            if text := line.strip():
                yield Document(text)
        return
    yield from read_documents(file, data.model_copy(update={"format": input_format or "auto"}), losses)
