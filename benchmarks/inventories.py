"""What inventories of labels are worth: `python benchmarks/inventories.py RECIPE SCORES --log runs.jsonl`.

Corpora that annotate different labels can be learned from in three ways: each with its own inventory (elsewhere an `O`
may be one of the others), all as if each annotated everything (`O` everywhere), or by the labels alone that all of them
annotate. RECIPE is trained in each way with several seeds, and scored on the files of SCORES, which name as `train`
what nobody trained on: F1 of the labels that a file annotates, and of the common ones. A run that the log already has
isn't repeated.
"""

import argparse
import json
import statistics
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import ner
from ner.config import Config
from ner.corpus_settings import CorpusConfig

sys.path.insert(0, str(Path(__file__).parent.parent / "scripts"))
from score_model import scores


def labels_of(config: Config) -> tuple[list[str], list[str]]:
    """All labels that some corpus annotates, and those that each does."""
    inventories = [corpus.labels for corpus in config.data.corpora]
    if not inventories or any(labels is None for labels in inventories):
        raise SystemExit("expected a recipe whose [[data.corpora]] all say their labels")
    known = [set(labels) for labels in inventories if labels is not None]
    return sorted(set.union(*known)), sorted(set.intersection(*known))


def changed(config: Config, change: Callable[[CorpusConfig], dict[str, object]]) -> Config:
    """The recipe with these keys of its corpora changed."""
    corpora = tuple(corpus.model_copy(update=change(corpus)) for corpus in config.data.corpora)
    return config.model_copy(update={"data": config.data.model_copy(update={"corpora": corpora})})


def ways(config: Config) -> dict[str, Config]:
    """The recipe in the three ways."""
    everything, common = labels_of(config)

    def only_common(corpus: CorpusConfig) -> dict[str, object]:
        kept = {name: label if label in common else "" for name, label in corpus.map.items()}
        if not kept:  # its files call labels as the recipe does
            kept = {label: "" for label in corpus.labels or () if label not in common}
        return {"labels": tuple(common), "map": kept}

    return {
        "inventories": config,
        "O everywhere": changed(config, lambda _: {"labels": tuple(everything)}),
        "common labels": changed(config, only_common),
    }


def run(options: argparse.Namespace, way: str, seed: int) -> None:
    """One training and its scores, as a line of the log."""
    settings = list(options.overrides)
    if any((r["way"], r["seed"], r["settings"]) == (way, seed, settings) for r in read_log(options.log)):
        return
    own = [f"training.seed={seed}", f"run.threads={options.threads}"]
    config = ways(ner.load_config(options.recipe, [*settings, *own]))[way]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a corpus has none of the labels that it is said to annotate
        corpus = ner.load_corpus(config.data)
    tagger = ner.train(config, corpus, on_epoch=lambda epoch: print(way, seed, epoch, flush=True))
    _, common = labels_of(ner.load_config(options.recipe, []))
    found = {
        kind: {name: 100 * report.micro.f1 for name, report in scores(tagger, options.scores, labels=labels).items()}
        for kind, labels in (("annotated", labels_of(ner.load_config(options.recipe, []))[0]), ("common", common))
    }
    with options.log.open("a") as log:
        log.write(json.dumps({"way": way, "seed": seed, "settings": settings, **found}) + "\n")


def read_log(path: Path) -> list[dict[str, object]]:
    """The runs so far."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def print_table(runs: list[dict[str, object]]) -> None:
    """A row for each file that was scored, mean ± sd over the seeds of each way."""
    names = list(dict.fromkeys(str(run["way"]) for run in runs))
    for kind in ("annotated", "common"):
        print(f"\nF1 of the {kind} labels\n\n| file | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
        for file in runs[0][kind]:  # type: ignore[attr-defined]
            cells = []
            for name in names:
                values = [run[kind][file] for run in runs if run["way"] == name]  # type: ignore[index]
                spread = f" ± {statistics.stdev(values):.2f}" if len(values) > 1 else ""
                cells.append(f"{statistics.mean(values):.2f}{spread}")
            print(f"| {file} | {' | '.join(cells)} |")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recipe")
    parser.add_argument("scores", type=Path)
    parser.add_argument("--set", action="append", default=[], dest="overrides", metavar="KEY=VALUE")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--log", type=Path, required=True, help="JSON lines, one a run")
    parser.add_argument("--no-runs", action="store_true", help="only print the table of the log")
    options = parser.parse_args()
    if not options.no_runs:
        names = list(ways(ner.load_config(options.recipe, options.overrides)))
        # Seed by seed, so that a benchmark cut short has compared all ways alike.
        for seed in range(1, options.seeds + 1):
            for name in names:
                run(options, name, seed)
    print_table(read_log(options.log))


if __name__ == "__main__":
    main()
