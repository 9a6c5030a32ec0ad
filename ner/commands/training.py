"""`ner train`."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from ner.commands.options import Settings


def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="The recipe.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The model directory to write.")],
    settings: Settings = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace the model or unfinished run in DIR.")] = False,
) -> None:
    """Train a recognizer and write its model directory."""
    from ner.config import load_config
    from ner.errors import InterruptionError, ModelError, TrainingError
    from ner.learning.checkpoint import check_free, check_target
    from ner.learning.interruption import Signals
    from ner.learning.state import is_unfinished, remove_state, sole_run
    from ner.progress import TrainingProgress
    from ner.tagger import train as train_tagger
    from ner.text.corpus import load_corpus

    loaded = load_config(config, settings or [])
    check_target(out)
    with sole_run(out) as state, Signals() as signals:
        if not force:
            check_free(out)
        if is_unfinished(state) and not resume:
            if not force:
                raise ModelError(
                    f"{state}: expected no unfinished run, found one; go on with --resume, or begin anew with --force"
                )
            remove_state(state)
        corpus = load_corpus(loaded.data)
        try:
            with TrainingProgress(loaded.training.epochs) as progress:
                listener = replace(progress.listener, should_stop=signals.should_stop)
                tagger = train_tagger(loaded, corpus, listener=listener, state=state, resume=resume)
        except InterruptionError as error:
            assert signals.received is not None  # nobody else asks to stop
            set_over = [word for setting in settings or [] for word in ("--set", setting)]
            again = ["ner", "train", str(config), *set_over, "--out", str(out), "--resume", *["--force"] * force]
            print(f"{error}; go on with: {shlex.join(again)}", file=sys.stderr)
            raise typer.Exit(128 + signals.received) from None
        except TrainingError:
            remove_state(state)  # it would come to the same end again
            raise
        tagger.save(out)
        remove_state(state)
    made = tagger.metrics["training"]
    scores = ", ".join(
        f"{split} F1 {100 * tagger.metrics[split]['micro']['f1']:.2f}"
        for split in ("dev", "test")
        if split in tagger.metrics
    )
    print(f"{out}: {scores or 'no dev set'} (epoch {made['best_epoch']} of {made['epochs']}, {made['seconds']:.0f} s)")
