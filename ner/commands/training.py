"""`ner train` and `ner sweep`."""

import json
import shlex
import shutil
import signal
import sys
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ner.commands.options import AsJson, Settings, run_settings, said_warnings, save_tagger, say
from ner.commands.results import check_places
from ner.distribution import need_training

if TYPE_CHECKING:
    from ner.config import Config
    from ner.formats.corpus import Corpus
    from ner.tagger import Tagger
    from ner.training.events import Listener
    from ner.training.runs import Result

Recipe = Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="The recipe.")]
Processes = Annotated[int, typer.Option(min=1, help="Runs at once, which share the cores.")]
RunThreads = Annotated[int | None, typer.Option(min=1, help="CPU threads; default: two, where there are two cores.")]
RunDevice = Annotated[str | None, typer.Option(help="auto, cpu, cuda or cuda:1; default: auto.")]


def train(
    config: Recipe,
    out: Annotated[Path, typer.Option(metavar="DIR", help="The model directory to write.")],
    settings: Settings = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the model or unfinished run in DIR.")] = False,
    start: Annotated[
        str | None, typer.Option("--from", metavar="MODEL", help="Go on from a model, with more data or more labels.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Train so many seeds, and keep the best on dev.")] = 1,
    folds: Annotated[
        int | None,
        typer.Option(metavar="K", help="Train K models, each without a part, to learn how long; then one on all."),
    ] = None,
    processes: Processes = 1,
    threads: RunThreads = None,
    device: RunDevice = None,
    teachers: Annotated[
        list[str] | None,
        typer.Option("--teacher", metavar="MODEL[,MODEL…]", help="Learn from these models too; may be repeated."),
    ] = None,
    tensorboard: Annotated[
        bool, typer.Option("--tensorboard", help="Also write TensorBoard event files, beside DIR.")
    ] = False,
) -> None:
    """Train a recognizer and write its model directory."""
    need_training("ner train")
    from ner.config import load_config
    from ner.errors import ConfigError, InterruptionError, ModelError, TrainingError
    from ner.formats.corpus import load_corpus
    from ner.reporting.progress import TrainingProgress
    from ner.resources.models import find_model
    from ner.storage.model_directory import check_free, check_target
    from ner.trainer import train as train_tagger
    from ner.training.distributed import joined, one_voice, refuse_processes
    from ner.training.interruption import Signals
    from ner.training.tensorboard import event_files
    from ner.training.unfinished import is_unfinished, remove_state, sole_run, state_folder

    with joined() as group, one_voice(group):
        settings = [*(settings or []), *run_settings(threads=threads, device=device, tensorboard=tensorboard)]
        if teachers:
            named = [name.strip() for names in teachers for name in names.split(",")]
            settings.append(f"training.teachers={json.dumps(named, ensure_ascii=False)}")
        loaded = load_config(config, settings, warn=say)
        if group.first:
            check_target(out)
        model = find_model(start, warn=say) if start else None
        if folds is not None:
            refuse_processes("--folds", "train several seeds at once with --seeds and --processes")
            if seeds > 1 or start:
                found = "--from" if start else "--seeds"
                raise ConfigError(f"--folds: expected a single run from nothing, found {found}")
        if seeds > 1:
            refuse_processes("--seeds", "train several at once with --processes")
            if start:
                raise ConfigError("--from: expected a single run that goes on from a model, found --seeds")
            if not force:
                check_free(out)
            folder, first = out.with_name(f"{out.name}.seeds"), loaded.training.seed
            if force and not resume and folder.is_dir():
                shutil.rmtree(folder)
            try:
                _train_seeds(config, settings, range(first, first + seeds), folder, out, processes=processes)
            except TrainingError as error:
                raise TrainingError(f"{error}{', with --resume' * force}") from None
            return
        with (
            sole_run(out) if group.first else nullcontext(state_folder(out)) as state,
            Signals(quiet=group.size > 1) as signals,
        ):
            if group.first and not force:
                check_free(out)
            if group.first and is_unfinished(state) and not resume:
                if not force:
                    raise ModelError(
                        f"{state}: expected no unfinished run, found one; go on with --resume, or begin anew with "
                        "--force"
                    )
                remove_state(state)
            with said_warnings():
                corpus = load_corpus(loaded.data)
            try:
                with ExitStack() as stack:
                    listener = stack.enter_context(TrainingProgress(loaded.training.epochs)).listener
                    if loaded.run.tensorboard and group.first:
                        folder = out.with_name(out.name + ".tensorboard")
                        listener = stack.enter_context(event_files(folder, listener, anew=not resume))
                    listener = replace(listener, should_stop=signals.should_stop)
                    if folds is not None:
                        tagger = _train_folds(loaded, corpus, folds, out, listener=listener, resume=resume, force=force)
                    else:
                        tagger = train_tagger(
                            loaded, corpus, listener=listener, state=state, resume=resume, start=model
                        )
            except InterruptionError as error:
                set_over = [word for setting in settings for word in ("--set", setting)]
                again = [
                    *group.command(),
                    "train",
                    str(config),
                    *set_over,
                    "--out",
                    str(out),
                    *["--resume"] * (is_unfinished(state) or folds is not None),
                    *["--force"] * force,
                ]
                again += ["--from", start] if start else []
                again += ["--folds", str(folds)] if folds else []
                print(f"{error}; go on with: {shlex.join(again)}", file=sys.stderr)
                # Where another process was asked to stop, this one got no signal.
                raise typer.Exit(128 + (signals.received or signal.SIGTERM)) from None
            except TrainingError:
                if group.first and not resume:  # it would come to the same end again
                    remove_state(state)
                raise
            if not group.first:
                return
            save_tagger(tagger, out)
            remove_state(state)
        _tell(tagger, out)


def _tell(tagger: "Tagger", out: Path) -> None:
    """Prints how good the model is, and what to do with it."""
    from ner.commands.ending import ending, next_commands
    from ner.training.selection import corpora_table

    made = tagger.metrics["training"]
    for line in corpora_table(tagger.metrics.get("corpora", {})):
        print(line)
    scores = ", ".join(
        f"{split} F1 {100 * tagger.metrics[split].get('mean', tagger.metrics[split]['micro'])['f1']:.2f}"
        for split in ("dev", "test")
        if split in tagger.metrics
    )
    if told := tagger.metrics.get("folds"):
        scores = f"{len(told['f1'])} folds' F1 {100 * told['mean']:.2f} ± {100 * told['sd']:.2f}"
    print(f"{out}: {scores or 'no dev set'} (epoch {made['best_epoch']} of {made['epochs']}, {made['seconds']:.0f} s)")
    print("".join(f"{line}\n" for line in ending(tagger)), end="")
    print("\n".join(next_commands(tagger.config, out)), file=sys.stderr)


def _train_folds(
    config: "Config", corpus: "Corpus", count: int, out: Path, *, listener: "Listener", resume: bool, force: bool
) -> "Tagger":
    """Trains folds in a folder beside the model directory, which stays for `ner review`, and a model on everything."""
    from ner.tagger import Tagger
    from ner.training.folds import all_sentences, refit_settings, train_folds, with_folds
    from ner.training.training import train_model
    from ner.training.unfinished import is_unfinished, state_folder

    folder = out.with_name(f"{out.name}.folds")
    if force and not resume and folder.is_dir():
        shutil.rmtree(folder)
    found = train_folds(
        config, corpus, count, folder=folder, listener=listener, on_fold=listener.on_message, resume=resume
    )
    listener.on_message(str(found))
    everything = replace(corpus, train=all_sentences(corpus), dev=[])
    state = state_folder(out)
    going_on = resume and is_unfinished(state)
    model = train_model(refit_settings(config, found), everything, listener=listener, state=state, resume=going_on)
    return Tagger(with_folds(model, config, found))


def _train_seeds(recipe: Path, settings: list[str], seeds: range, folder: Path, out: Path, *, processes: int) -> None:
    """Trains each seed in a folder beside the model directory, which gets the best; the others go."""
    from ner.tagger import load
    from ner.training.runs import Plan, describe, summarize, train_all

    plans = [Plan(recipe, tuple(settings), seed) for seed in seeds]
    results = train_all(plans, folder, processes=processes, on_result=_show)
    best = max(results, key=lambda result: result.f1)
    tagger = load(folder / f"run-{results.index(best) + 1}", device="cpu")
    tagger.metrics["seeds"] = summarize(results)
    save_tagger(tagger, out)
    shutil.rmtree(folder)
    print(f"{out}: dev F1 {100 * best.f1:.2f} (seed {best.seed}); {len(results)} seeds: {describe(results)}")


def sweep(
    config: Recipe,
    log: Annotated[Path, typer.Option(metavar="JSONL", help="Where each run is noted; one noted isn't repeated.")],
    variants: Annotated[
        list[str] | None,
        typer.Option("--try", metavar="'SECTION.KEY=VALUE …'", help="A variant of the recipe; may be repeated."),
    ] = None,
    settings: Settings = None,
    seeds: Annotated[int, typer.Option(min=1, help="Seeds of each, from training.seed on.")] = 3,
    processes: Processes = 1,
    threads: RunThreads = None,
    device: RunDevice = None,
    as_json: AsJson = False,
) -> None:
    """Train a recipe and variants of it with several seeds, and tell which differ: a Markdown table."""
    need_training("ner sweep")
    from ner.training.distributed import refuse_processes

    refuse_processes("ner sweep", "run several at once with --processes")
    from ner.config import load_config
    from ner.training.sweep import run_sweep, table

    settings = [*(settings or []), *run_settings(threads=threads, device=device)]
    load_config(config, settings, warn=say)
    check_places(files={"--log": log})
    tries = [tuple(variant.split()) for variant in variants or []]
    rows = run_sweep(config, settings, tries, seeds=seeds, log=log, processes=processes, on_result=_show)
    print(json.dumps([asdict(row) for row in rows]) if as_json else table(rows))


def _show(result: "Result") -> None:
    setting = " ".join(result.settings) or "as it is"
    line = f"{setting}, seed {result.seed}: dev F1 {100 * result.f1:.2f} (epoch {result.best_epoch})"
    print(f"{line}, {result.seconds:.0f} s", file=sys.stderr, flush=True)
