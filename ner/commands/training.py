"""`ner train`."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from ner.commands.options import Settings


def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="The recipe.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="The model directory to write.")],
    settings: Settings = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run.")] = False,
) -> None:
    """Train a recognizer and write its model directory."""
    from ner.config import load_config
    from ner.learning.checkpoint import check_target
    from ner.learning.event_files import event_files
    from ner.learning.state import remove_state, state_folder
    from ner.progress import TrainingProgress
    from ner.tagger import train as train_tagger
    from ner.text.corpus import load_corpus

    loaded = load_config(config, settings or [])
    check_target(out)
    corpus = load_corpus(loaded.data)
    state = state_folder(out)
    with ExitStack() as stack:
        listener = stack.enter_context(TrainingProgress(loaded.training.epochs)).listener
        if loaded.training.tensorboard:
            folder = out.with_name(out.name + ".tensorboard")
            listener = stack.enter_context(event_files(folder, listener, anew=not resume))
        tagger = train_tagger(loaded, corpus, listener=listener, state=state, resume=resume)
    tagger.save(out)
    remove_state(state)
    made = tagger.metrics["training"]
    scores = ", ".join(
        f"{split} F1 {100 * tagger.metrics[split]['micro']['f1']:.2f}"
        for split in ("dev", "test")
        if split in tagger.metrics
    )
    print(f"{out}: {scores or 'no dev set'} (epoch {made['best_epoch']} of {made['epochs']}, {made['seconds']:.0f} s)")
