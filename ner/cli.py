"""The command line, put together from `commands/`.

Results go to stdout, everything else to stderr; exit 0 good, 1 failed, 2 misused. PyTorch is imported only
by the commands that need it, so that `--help` answers at once.
"""

import os
import sys
from typing import Annotated, Any, NoReturn

import typer

from ner.commands.cache import cache_app
from ner.commands.calibration import calibrate
from ner.commands.comparison import compare
from ner.commands.conversion import convert, formats
from ner.commands.evaluation import evaluate, score
from ner.commands.hub import hub_app
from ner.commands.inspection import inspect
from ner.commands.measuring import bench
from ner.commands.merging import merge
from ner.commands.models import models_app
from ner.commands.ranking import rank, simulate
from ner.commands.redaction import restore
from ner.commands.resources import data_app, vectors_app
from ner.commands.review import review
from ner.commands.serving import serve
from ner.commands.settings import settings
from ner.commands.shrinking import shrink
from ner.commands.tagging import tag
from ner.commands.training import sweep, train
from ner.distribution import error_of_missing
from ner.errors import NerError
from ner.threads import settle_threads
from ner.whole_files import is_full

# What typer raises where a command line is wrong; by its subclass, since typer has brought its own click of late.
_USAGE_ERROR: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")

app = typer.Typer(
    help="A BiLSTM-CRF named-entity recognizer: train on annotated text, score as the field scores, tag text.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(asked: bool) -> None:
    if asked:
        from ner.distribution import installed

        print(" ".join(installed()))
        raise typer.Exit


@app.callback()
def _of_all(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print name and version, and end.")
    ] = False,
) -> None:
    pass


def _told(example: str, page: str) -> str:
    return f"Example: {example}\n\nMore: {page}"


_TAG, _TRAIN, _JUDGE, _DATA = "Tag text", "Train", "Evaluate", "Data, models and settings"
# Each with an example, and the page that says more.
for command, group, example, page in (
    (tag, _TAG, 'ner tag en --text "Angela Merkel visited Paris."', "docs/formats.md"),
    (inspect, _TAG, 'ner inspect en "Angela Merkel visited Paris." --out pictures', "docs/from-rnn-to-bilstm-crf.md"),
    (serve, _TAG, "ner serve en --port 8000", "docs/serve.md"),
    (bench, _TAG, "ner bench en text.txt", "docs/performance.md"),
    (restore, _TAG, "ner restore redacted.txt --map names.map --out text.txt", "docs/redaction.md"),
    (train, _TRAIN, "ner train configs/quickstart.toml --out runs/mine --set training.epochs=5", "docs/training.md"),
    (sweep, _TRAIN, "ner sweep configs/quickstart.toml --log log.jsonl --try model.cell=gru", "docs/accuracy.md"),
    (rank, _TRAIN, "ner rank en text.txt --budget 100 --format label-studio --out tasks.json", "docs/annotate-less.md"),
    (simulate, _TRAIN, "ner simulate configs/quickstart.toml --budget 400 --out runs/curve", "docs/annotate-less.md"),
    (shrink, _TRAIN, "ner shrink runs/mine --out runs/small", "docs/models.md"),
    (evaluate, _JUDGE, "ner evaluate runs/mine dev.conll --details --html report.html", "docs/evaluation.md"),
    (calibrate, _JUDGE, "ner calibrate en mine.conll --out runs/mine --precision 0.95", "docs/confidence.md"),
    (review, _JUDGE, "ner review runs/mine.folds --html suspects.html", "docs/trust.md"),
    (score, _JUDGE, "ner score gold.conll predicted.conll", "docs/evaluation.md"),
    (compare, _JUDGE, "ner compare dev.conll runs/mine runs/other", "docs/evaluation.md"),
    (convert, _DATA, "ner convert corpus.jsonl corpus.conll", "docs/formats.md"),
    (merge, _DATA, "ner merge anna.conll bob.conll carla.conll --out merged.conll", "docs/annotate-less.md"),
    (formats, _DATA, "ner formats", "docs/formats.md"),
    (settings, _DATA, "ner settings epoch", "docs/configuration.md"),
):
    app.command(rich_help_panel=group, epilog=_told(example, page))(command)
for commands, name, page, examples in (
    (models_app, "models", "docs/models.md", {"list": "", "path": " en", "get": " en --from WHEEL"}),
    (
        vectors_app,
        "vectors",
        "docs/recipes.md",
        {"list": "", "get": " wiki-zh-100d", "distil": " bert --out bert-100d"},
    ),
    (hub_app, "hub", "docs/hub.md", {"pull": " OWNER/NAME", "push": " runs/mine OWNER/NAME --licence cc-by-4.0"}),
    (data_app, "data", "docs/corpora.md", {"list": "", "get": " wnut17", "check": " train.conll dev.conll"}),
    (cache_app, "cache", "docs/contextual.md", {"list": "", "clear": ""}),
):
    for information in commands.registered_commands:
        known = str(information.name)
        information.epilog = _told(f"ner {name} {known}{examples[known]}", page)
    app.add_typer(commands, name=name, rich_help_panel=_DATA, epilog=_told(f"ner {name} list", page))


def main() -> None:
    """Runs the command line; an error of ours is one line on stderr and its exit code."""
    settle_threads()
    for stream, errors in ((sys.stdout, "surrogateescape"), (sys.stderr, "backslashreplace")):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors=errors)  # a path may hold bytes that aren't UTF-8
    # Pictures go to files; a notebook names a backend here that this environment may not have.
    os.environ["MPLBACKEND"] = "agg"
    try:
        try:
            code = app(standalone_mode=False)
        finally:
            sys.stdout.flush()  # here what can't be written is an error that is told
        sys.exit(code if isinstance(code, int) else 0)
    except _USAGE_ERROR as error:
        _end_misused(error)
    except typer.Abort:  # Ctrl-C where an older typer turns it into this
        sys.exit(130)
    except NerError as error:
        _end(error)
    except ModuleNotFoundError as error:
        missing = error_of_missing(error)
        if missing is None:
            raise
        _end(missing)
    except BrokenPipeError:
        # Whoever read us has enough (`| head`); stdout is pointed away so that its last flush can't fail.
        _write_no_more()
        sys.exit(1)
    except OSError as error:
        if not is_full(error):
            raise
        if error.filename is not None:
            _end(NerError(f"{error.filename}: can't be written: {error.strerror}; free space there"))
        _write_no_more()
        _end(NerError(f"stdout: can't be written: {error.strerror}; free space there, or send the output elsewhere"))


def _end_misused(error: Any) -> NoReturn:
    """Ends as `_end` does, with a line of what is wrong and which help to look at; or with the help, if that is all."""
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
        sys.exit(error.exit_code)
    said = " ".join(error.format_message().split()).rstrip(".")
    command = context.command_path if context else "ner"
    print(f"error: {said[0].lower()}{said[1:]}; `{command} --help` tells what there is", file=sys.stderr)
    sys.exit(error.exit_code)


def _write_no_more() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _end(error: NerError) -> NoReturn:
    print(f"error: {error}", file=sys.stderr)
    sys.exit(error.exit_code)
