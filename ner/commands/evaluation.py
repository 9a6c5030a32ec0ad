"""`ner evaluate` and `ner score`: one report, of a model or of anybody's files."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ner.commands.options import (
    AsJson,
    Device,
    ModelFolder,
    Runtime,
    Settings,
    Threads,
    Threshold,
    Uncalibrated,
    labels_in,
    load_tagger,
    say,
    say_losses,
    say_losses_of_files,
)
from ner.commands.results import check_places, write_text

if TYPE_CHECKING:
    from ner.evaluation.analysis import Analysis

Details = Annotated[bool, typer.Option("--details", help="Also: mistakes by kind, confused labels, slices.")]
Errors = Annotated[Path | None, typer.Option(metavar="JSONL", help="Where each mistake goes, with its sentence.")]
Page = Annotated[Path | None, typer.Option("--html", metavar="HTML", help="Where the report goes as a page.")]
Plots = Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where pictures go (PNG).")]
Train = Annotated[Path | None, typer.Option(metavar="FILE", help="The training file, to tell seen from unseen.")]


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a report is to come with, and where its parts go."""

    as_json: bool
    details: bool
    errors: Path | None
    page: Path | None
    plots: Path | None
    title: str


def evaluate(
    model: ModelFolder,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="An annotated file of any format.")],
    as_json: AsJson = False,
    details: Details = False,
    errors: Errors = None,
    page: Page = None,
    plots: Plots = None,
    train: Train = None,
    calibration: Annotated[bool, typer.Option("--calibration", help="Also: how honest the scores are.")] = False,
    precision: Annotated[
        float | None, typer.Option(min=0, max=1, help="Also: the --min-score that gives this precision.")
    ] = None,
    perturb: Annotated[
        bool, typer.Option("--perturb", help="Also: what is lost in other cases, with noise, with other names.")
    ] = False,
    shift: Annotated[
        Path | None, typer.Option(metavar="OTHER", help="Also: is OTHER, which needs no labels, text of this kind?")
    ] = None,
    labels: Annotated[
        str | None, typer.Option(metavar="PER,ORG", help="Entities of these labels alone count, on both sides.")
    ] = None,
    threshold: Threshold = None,
    uncalibrated: Uncalibrated = False,
    settings: Settings = None,
    device: Device = "auto",
    runtime: Runtime = "auto",
    threads: Threads = None,
) -> None:
    """Tag an annotated file and hold the entities against its own: conlleval's table, and more below it."""
    from ner.commands.ranking import documents_in
    from ner.config import override_data
    from ner.evaluation.calibration import threshold_for
    from ner.evaluation.documents import tell_dropped
    from ner.evaluation.files import read_training
    from ner.evaluation.perturbation import report_perturbed, table_of
    from ner.formats.files import read_documents
    from ner.formats.format import Losses, LossesByFile
    from ner.formats.sentences import read_sentences
    from ner.formats.table import find_format, name_for_reading
    from ner.text.document import mark_first
    from ner.text.inventory import with_labels

    check_places(files={"--html": page, "--errors": errors}, folders={"--plots": plots}, sources=[file, train, shift])
    tagger = load_tagger(
        model,
        device,
        runtime=runtime,
        threads=threads,
        threshold=threshold,
        calibration="ignore" if uncalibrated else "use",
    )
    counted = None if labels is None else labels_in(labels, tagger.labels)
    data = override_data(tagger.config.data, settings or [])
    losses = LossesByFile()
    memory = read_training(train, data, losses).memory if train else None
    if find_format(name_for_reading(file, data)).read_sentences:
        sentences = read_sentences(file, data, losses.next_of(file))
        if counted is not None:
            sentences = [with_labels(sentence, counted) for sentence in sentences]
        analysis = tagger.analyse(sentences, memory=memory)
    else:
        lost = losses.next_of(file)
        documents = list(read_documents(file, data, lost))
        analysis = tagger.analyse_documents(documents, memory=memory, labels=counted, data=data)
        tell_dropped(documents, data, lost)
    say_losses_of_files(losses)
    there = {span.label for sentence in analysis.sentences for span in sentence.spans}
    if there and there.isdisjoint(tagger.labels):
        known, found = ", ".join(tagger.labels), ", ".join(sorted(there))
        say(f"{file}: expected a label that the model finds ({known}), found {found}; so every score is 0")
    lines = []
    more: dict[str, Any] = {}
    if perturb:
        rows = report_perturbed(analysis.sentences, tagger.evaluate, memory=memory or tagger.memory)
        more["perturbed"] = [row.as_dict() for row in rows]
        lines.append(table_of(rows))
    if precision is not None:
        enough = threshold_for(analysis.thresholds, precision)
        more["precision"] = {"wanted": precision, "found": enough.as_dict() if enough else None}
        lines.append(f"precision {100 * precision:g}%{f' with {enough}' if enough else ': no score reaches it here'}")
    if calibration:
        lines.append(str(analysis.calibration or "calibration: no entity was found, so there is none"))
    if shift:
        lost = Losses()
        texts = documents_in(shift, None, data, lost)
        others = [one for text in texts for one in mark_first(text.sentences or tagger.split(text.text))]
        say_losses(shift, lost)
        moved = tagger.shift(analysis.sentences, others, names=(str(file), str(shift)))
        more["shift"] = moved.as_dict()
        lines.append(str(moved))
    _write(analysis, lines, _Wanted(as_json, details, errors, page, plots, f"{Path(model).name} on {file.name}"), more)


def score(
    gold: Annotated[Path, typer.Argument(metavar="GOLD", help="An annotated file of any format.")],
    predicted: Annotated[
        Path | None,
        typer.Argument(metavar="PRED", help="The same with other tags; unset: GOLD has both, the last is PRED's."),
    ] = None,
    as_json: AsJson = False,
    details: Details = False,
    errors: Errors = None,
    page: Page = None,
    plots: Plots = None,
    train: Train = None,
    settings: Settings = None,
) -> None:
    """Score tags against gold tags as conlleval does; strict and relaxed scores, mistakes and slices beside."""
    from ner.config import override_data
    from ner.evaluation.files import read_training, score_files
    from ner.formats.format import LossesByFile
    from ner.settings import DataConfig

    check_places(
        files={"--html": page, "--errors": errors}, folders={"--plots": plots}, sources=[gold, predicted, train]
    )
    data = override_data(DataConfig(), settings or [])
    losses = LossesByFile()
    training = read_training(train, data, losses) if train else None
    analysis = score_files(gold, predicted, data, training=training, losses=losses)
    say_losses_of_files(losses)
    title = f"{predicted.name} against {gold.name}" if predicted else gold.name
    _write(analysis, [], _Wanted(as_json, details, errors, page, plots, title), {})


def _write(analysis: "Analysis", lines: list[str], wanted: _Wanted, more: dict[str, Any]) -> None:
    """Prints the report with these lines below it, or `more` in its JSON; writes its parts where they are wanted."""
    from ner.evaluation.tables import details_of
    from ner.reporting.page import render_report

    if wanted.page:
        write_text(wanted.page, "".join(render_report(analysis, wanted.title)))
    if wanted.plots:
        from ner.reporting.plots import write_plots

        for warning in write_plots(analysis, wanted.plots):
            print(f"warning: {warning}", file=sys.stderr)
        print(f"written: {wanted.plots}", file=sys.stderr)
    if wanted.errors:
        rows = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in analysis.errors())
        write_text(wanted.errors, rows)
    if wanted.as_json:
        print(json.dumps(analysis.as_dict() | more))
    else:
        print("\n".join([str(analysis), *([details_of(analysis)] if wanted.details else []), *lines]))
