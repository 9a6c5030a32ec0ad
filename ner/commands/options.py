"""What several commands share: their options, how a model is loaded and a text read."""

import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ner.errors import ConfigError

if TYPE_CHECKING:
    from ner.formats.format import Losses, LossesByFile
    from ner.tagger import Tagger

Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.KEY=VALUE", help="Lay a setting over; may be repeated."),
]
ModelFolder = Annotated[
    str, typer.Argument(metavar="MODEL", help="A model directory, or the name of a ready-made model.")
]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object instead of the table.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda or cuda:1.")]
Runtime = Annotated[
    str, typer.Option(help="What computes: torch, onnx, numpy, or auto, the fastest that is installed.")
]
Threads = Annotated[int | None, typer.Option(min=1, help="CPU threads; default: as many as there are cores.")]


Threshold = Annotated[
    float | None,
    typer.Option(metavar="P", help="Find each entity of at least this probability, not what the model's settings say."),
]


Uncalibrated = Annotated[bool, typer.Option("--uncalibrated", help="Leave out what `ner calibrate` fitted.")]


def say(message: str) -> None:
    """Prints a warning as one line on stderr."""
    print(f"warning: {message}", file=sys.stderr)


def say_losses(path: Path | str, losses: "Losses") -> None:
    """Prints what a reader or writer could not keep, a line on stderr for each kind."""
    for line in losses.lines():
        say(f"{path}: {line}")


def say_losses_of_files(losses: "LossesByFile") -> None:
    """Prints what the readers of several files could not keep, each file's once."""
    for path, lost in losses.files.items():
        say_losses(path, lost)


def run_settings(*, threads: int | None = None, device: str | None = None, tensorboard: bool = False) -> list[str]:
    """The options that are settings of a run, as `--set` spells them."""
    given = {"threads": threads, "device": device, "tensorboard": "true" if tensorboard else None}
    return [f"run.{name}={value}" for name, value in given.items() if value is not None]


def load_tagger(
    model: str,
    device: str,
    *,
    runtime: str = "auto",
    threads: int | None = None,
    threshold: float | None = None,
    calibration: str = "use",
) -> "Tagger":
    """The model's tagger, on so many threads; None: as many as there are cores."""
    from ner.resources.models import find_model
    from ner.tagger import load
    from ner.threads import use_threads

    folder = find_model(model, warn=say)
    tagger = load(folder, device=device, runtime=runtime, threshold=threshold, calibration=calibration)
    if threads:
        use_threads(threads)
    return tagger


def save_tagger(tagger: "Tagger", out: Path) -> None:
    """Writes the model directory; a warning is one line on stderr."""
    with said_warnings():
        tagger.save(out)


def labels_in(named: str, known: list[str]) -> list[str]:
    """The labels of the list with commas that --labels has.

    Raises:
        ConfigError: the model has no such label.
    """
    labels = [label.strip() for label in named.split(",")]
    if unknown := [label for label in labels if label not in known]:
        raise ConfigError(f"--labels: expected labels of the model ({', '.join(known)}), found {unknown[0]!r}")
    return labels


@contextmanager
def said_warnings() -> Iterator[None]:
    """Each warning of the block is one line on stderr when it ends, however it ends."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            yield
        finally:
            for warning in caught:
                say(str(warning.message))


def read_lines(file: str, encoding: str) -> Iterator[str]:
    """The lines of a file or of stdin, as they come, with their line ends."""
    from ner.text import encoding as encodings

    if file == "-":
        return encodings.decode_lines(sys.stdin.buffer, encoding, "stdin")
    return encodings.read_lines(file, encoding)
