"""`ner review`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ner.commands.options import (
    Device,
    Runtime,
    Settings,
    Threads,
    load_tagger,
    say,
    say_losses_of_files,
)
from ner.commands.results import check_places, write_text
from ner.errors import ConfigError, counted


def review(
    model: Annotated[
        str, typer.Argument(metavar="MODEL or DIR.folds", help="A model, or what `ner train --folds` left.")
    ],
    file: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="An annotated file that MODEL wasn't trained on.")
    ] = None,
    most: Annotated[int, typer.Option(min=1, metavar="N", help="List so many.")] = 50,
    least: Annotated[float, typer.Option(min=0.5, max=1, metavar="P", help="How suspicious one is at least.")] = 0.95,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line, for all of them.")] = False,
    page: Annotated[Path | None, typer.Option("--html", metavar="HTML", help="Where they go as a page.")] = None,
    drop: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the other sentences there, to be trained on (columns).")
    ] = None,
    weight: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write those with a suspect there, to be trained on less often.")
    ] = None,
    settings: Settings = None,
    device: Device = "auto",
    runtime: Runtime = "auto",
    threads: Threads = None,
) -> None:
    """List likely mistakes of annotators, the most suspicious first."""
    from ner.evaluation.out_of_fold import OUT_OF_FOLD, join, read_out_of_fold
    from ner.evaluation.review import find_suspects, parted
    from ner.formats.columns import write_conll

    check_places(files={"--html": page, "--drop": drop, "--weight": weight}, sources=[file])
    folds = Path(model) / OUT_OF_FOLD
    if file is None:
        if not folds.exists():
            raise ConfigError(
                f"FILE: expected an annotated file, or a folder with {OUT_OF_FOLD} for MODEL, found neither"
            )
        rows = read_out_of_fold(folds)
    else:
        from ner.config import override_data
        from ner.formats.format import LossesByFile
        from ner.formats.sentences import read_sentences

        tagger = load_tagger(model, device, runtime=runtime, threads=threads)
        losses = LossesByFile()
        sentences = read_sentences(file, override_data(tagger.config.data, settings or []), losses.next_of(file))
        say_losses_of_files(losses)
        strange = {span.label for sentence in sentences for span in sentence.spans}.difference(tagger.labels)
        if strange:
            known, found = ", ".join(tagger.labels), ", ".join(sorted(strange))
            say(
                f"{file}: expected labels that the model finds ({known}), found {found}; such entities are all suspects"
            )
        rows = join(sentences, tagger.candidates(sentences))
    suspects = find_suspects(rows, least=least)
    if page:
        from ner.reporting.suspects import render_suspects

        write_text(page, "".join(render_suspects(suspects, f"Suspects of {Path(file or model).name}")))
    sure, doubtful = parted(rows, suspects)
    for target, sentences in ((drop, sure), (weight, doubtful)):
        if target:
            write_conll(target, sentences)
    if drop and weight:
        print(
            _recipe(drop, weight, sorted({span.label for row in rows for span in row.sentence.spans})), file=sys.stderr
        )
    if as_json:
        for suspect in suspects:
            print(json.dumps(suspect.as_dict(), ensure_ascii=False))
        return
    for number, suspect in enumerate(suspects[:most], start=1):
        print(f"{number:4}  {suspect.suspicion:.4f}  {suspect}")
    sentences_told = len({suspect.row for suspect in suspects})
    print(f"{counted(len(suspects), 'suspect')} in {sentences_told:,} of {counted(len(rows), 'sentence')}")


def _recipe(sure: Path, doubtful: Path, labels: list[str]) -> str:
    """What a recipe says in place of `data.train` to train on the doubtful sentences in three epochs of ten."""
    # Few sentences may lack a label that they would annotate.
    named = json.dumps(labels, ensure_ascii=False)
    tables = (
        f"[[data.corpora]]\ntrain = {json.dumps(str(path.resolve()), ensure_ascii=False)}\nlabels = {named}"
        for path in (sure, doubtful)
    )
    return "in the recipe, in place of data.train:\n" + "\n".join(tables) + "\nweight = 0.3"
