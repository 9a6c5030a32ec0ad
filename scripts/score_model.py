"""Scores a model on each corpus of a recipe: `python scripts/score_model.py MODEL RECIPE.toml [--labels PER ORG LOC]`.

Every `[[data.corpora]]` table names as `train` the files to score on, and how their labels are called; only labels that
a corpus annotates are counted, and with `--labels` only these. `--case lower` or `upper` tells what the model does with
text written so.
"""

import argparse
import sys
import warnings
from pathlib import Path

import ner
from ner.config import load_config
from ner.errors import NerError
from ner.evaluation.report import Report
from ner.formats.corpora import read_parts
from ner.tagger import Tagger
from ner.text.inventory import with_labels
from ner.text.noise import respelled

CASES = {"written": lambda word: word, "lower": str.lower, "upper": str.upper}


def scores(tagger: Tagger, recipe: Path, *, labels: list[str] | None, case: str = "written") -> dict[str, Report]:
    """The report of each corpus, by its name.

    Args:
        tagger: the model.
        recipe: a configuration whose `[[data.corpora]]` name the files as `train`.
        labels: count these alone; None: those that the model knows.
        case: `written`, `lower` or `upper`.

    Raises:
        NerError: as `load_config` and the readers raise.
    """
    counted = labels or tagger.labels
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what characters cost is told where the corpus is trained on
        parts = read_parts(load_config(recipe, []).data)
    return {
        part.name: tagger.evaluate([respelled(with_labels(sentence, counted), CASES[case]) for sentence in part.train])
        for part in parts
    }


def main() -> None:
    """The command line; an error is one line on stderr."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", help="a model directory, or the name of a ready-made model")
    parser.add_argument("recipe", type=Path)
    parser.add_argument("--labels", nargs="+", help="count these alone")
    parser.add_argument("--case", choices=CASES, default="written", help="write the words so")
    options = parser.parse_args()
    try:
        for name, report in scores(
            ner.load(options.model), options.recipe, labels=options.labels, case=options.case
        ).items():
            micro = report.micro
            numbers = " ".join(f"{100 * value:6.2f}" for value in (micro.precision, micro.recall, micro.f1))
            print(f"{name:24} {numbers}  {micro.support} entities in {report.sentences} sentences")
    except NerError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
