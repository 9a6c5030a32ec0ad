"""`ner compare`."""

import json
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ner.commands.options import AsJson, Device, Runtime, Settings, Threads, load_tagger, say_losses_of_files
from ner.commands.results import check_places, write_text
from ner.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from ner.evaluation.comparison import System
    from ner.evaluation.scores import Spans
    from ner.tagger import Tagger
    from ner.text.sentence import Sentence


def compare(
    gold: Annotated[Path, typer.Argument(metavar="GOLD", help="A tagged column file.")],
    systems: Annotated[
        list[str],
        typer.Argument(metavar="PRED…", help="The same with other tags, or a model; A,B,C: runs of one system."),
    ],
    as_json: AsJson = False,
    differences: Annotated[
        Path | None, typer.Option(metavar="JSONL", help="Where each sentence goes that the first two tag differently.")
    ] = None,
    settings: Settings = None,
    device: Device = "auto",
    runtime: Runtime = "auto",
    threads: Threads = None,
) -> None:
    """Hold systems, or seeds of one, against each other: differences, p-values, examples."""
    from ner.config import override_data
    from ner.evaluation.comparison import compare_systems
    from ner.evaluation.files import read_answers
    from ner.formats.format import LossesByFile
    from ner.formats.sentences import read_sentences
    from ner.resources.models import is_model
    from ner.settings import DataConfig

    runs = {name: _runs(name) for name in systems}
    if len(runs) < len(systems):
        raise ConfigError(f"PRED: expected each system once, found {', '.join(systems)}")
    if len(systems) == 1 and len(runs[systems[0]]) == 1:
        raise ConfigError("PRED: expected two systems, or runs of one (A,B,C), found one; `ner score` scores a file")
    check_places(files={"--differences": differences}, sources=[gold, *chain.from_iterable(runs.values())])
    taggers = {
        path: load_tagger(path, device, runtime=runtime, threads=threads)
        for paths in runs.values()
        for path in paths
        if is_model(path)
    }
    # Of models, the first says how files are read, as in `ner evaluate`.
    base = next((tagger.config.data for tagger in taggers.values()), DataConfig())
    data = override_data(base, settings or [])
    # By count each model has documents of its own, unless it is told otherwise; what the tests draw are marked ones.
    own = not any(setting.startswith("data.document_sentences=") for setting in settings or [])
    losses = LossesByFile()
    as_marked = data.model_copy(update={"document_sentences": None}) if own else data
    sentences = read_sentences(gold, as_marked, losses.next_of(gold))
    found = [
        _system(
            name, paths, sentences, lambda path: read_answers(path, sentences, gold, data, losses), taggers, own=own
        )
        for name, paths in runs.items()
    ]
    say_losses_of_files(losses)
    comparison = compare_systems(sentences, found)
    if differences:
        rows = (json.dumps(row.as_dict(), ensure_ascii=False) + "\n" for row in comparison.disagreements)
        write_text(differences, "".join(rows))
    print(json.dumps(comparison.as_dict()) if as_json else comparison)


def _runs(name: str) -> list[str]:
    """The paths of a system's runs; a path with a comma in it is one where it exists."""
    return [name] if Path(name).exists() else [part for part in name.split(",") if part]


def _system(
    name: str,
    paths: list[str],
    sentences: "list[Sentence]",
    read: "Callable[[Path], Spans]",
    taggers: "dict[str, Tagger]",
    *,
    own: bool,
) -> "System":
    from ner.evaluation.comparison import System
    from ner.text.documents import count_documents

    runs: list[Spans] = []
    for path in paths:
        if path in taggers:
            print(f"tagging with {path}", file=sys.stderr)
            every = taggers[path].config.data.document_sentences if own else None
            found = taggers[path].find_spans(count_documents(sentences, every))
            runs.append([[span for span, _ in spans] for spans in found])
        else:
            runs.append(read(Path(path)))
    return System(name, tuple(runs))
