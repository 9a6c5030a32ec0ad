"""The command line, put together from `commands/`.

Results go to stdout, everything else to stderr; exit 0 good, 1 failed, 2 misused. PyTorch is imported only
by the commands that need it, so that `--help` answers at once.
"""

import os
import sys
from typing import Annotated, NoReturn

import typer

from ner.commands.comparison import compare
from ner.commands.conversion import convert, formats
from ner.commands.evaluation import evaluate, score
from ner.commands.inspection import inspect
from ner.commands.models import models_app
from ner.commands.resources import data_app, vectors_app
from ner.commands.shrinking import shrink
from ner.commands.tagging import bench, tag
from ner.commands.training import sweep, train
from ner.distribution import error_of_missing, installed
from ner.errors import NerError
from ner.threads import settle_threads

app = typer.Typer(
    help="A BiLSTM-CRF named-entity recognizer: train on annotated text, score as the field scores, tag text.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (train, sweep, evaluate, tag, score, compare, convert, formats, shrink, bench, inspect):
    app.command()(command)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(" ".join(installed()))
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """What is asked of no command; its help is the app's."""


app.add_typer(models_app, name="models")
app.add_typer(vectors_app, name="vectors")
app.add_typer(data_app, name="data")


def main() -> None:
    """Runs the command line; an error of ours is one line on stderr and its exit code."""
    settle_threads()
    for stream, errors in ((sys.stdout, "surrogateescape"), (sys.stderr, "backslashreplace")):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors=errors)  # a path may hold bytes that aren't UTF-8
    # Pictures go to files; a notebook names a backend here that this environment may not have.
    os.environ["MPLBACKEND"] = "agg"
    try:
        app()
    except NerError as error:
        _end(error)
    except ModuleNotFoundError as error:
        missing = error_of_missing(error)
        if missing is None:
            raise
        _end(missing)
    except BrokenPipeError:
        # Whoever read us has enough (`| head`); stdout is pointed away so that its last flush can't fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


def _end(error: NerError) -> NoReturn:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(error.exit_code)
