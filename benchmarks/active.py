"""How few tokens come to 95% of the F1 of all: `python benchmarks/active.py --out FOLDER [--corpora FOLDER]`.

For each corpus the loop of `ner simulate`: a seed set by chance, then by turns a training from scratch and a choice,
each strategy several times. Budgets count tokens. `--pool` and `--dev` take the first sentences of a corpus, so that a
small version ends soon; what is done stands in the folder's logs and isn't repeated. Prints a table for each corpus,
and how many times fewer tokens each strategy takes than chance; draws the curves.
"""

import argparse
import statistics
import sys
from dataclasses import replace
from pathlib import Path

import ner
from ner.config import Config
from ner.formats.corpus import Corpus
from ner.inspection.canvas import draw_picture
from ner.reporting.learning_curve import Curve, curve_table, curves_of, draw_learning_curves
from ner.training.simulation import ALL, Experiment, Round, simulate

ROOT = Path(__file__).parent.parent
# A narrow network: what a strategy is worth shows in it, and there are hundreds of trainings.
NARROW = ("model.hidden_dim=64", "model.decoding=viterbi", "run.device=cpu", "run.threads=1")
ENGLISH = ("model.vectors=glove-6b-50d", "model.word_dim=50", "training.batch_size=8", "training.learning_rate=0.015")
# The recipe of each corpus and what is laid over it, its files below the folder of corpora.
CORPORA = {
    "conll2003-en": ("small.toml", ENGLISH, "train.txt", "dev.txt"),
    "ncbi-disease": ("small.toml", ENGLISH, "train.tsv", "dev.tsv"),
    "cluener2020-bio": ("cluener2020.toml", ("training.batch_size=16",), "train.char.bio", "dev.char.bio"),
}


def settings_of(name: str, folder: Path, epochs: int) -> Config:
    """The recipe of a corpus."""
    recipe, settings, train, dev = CORPORA[name]
    files = [f"data.train={folder / name / train}", f"data.dev={folder / name / dev}"]
    return ner.load_config(ROOT / "configs" / recipe, [*files, *settings, *NARROW, f"training.epochs={epochs}"])


def part_of(corpus: Corpus, pool: int | None, dev: int | None) -> Corpus:
    """The first sentences of a corpus; None: all of them."""
    return Corpus(corpus.train[:pool], corpus.dev[:dev])


def times_fewer(curves: list[Curve]) -> dict[str, float]:
    """By strategy, how many times the tokens chance takes to the same F1; only where all runs reached it."""
    means = {
        curve.strategy: statistics.mean(tokens for tokens in curve.reached if tokens is not None)
        for curve in curves
        if curve.reached and None not in curve.reached
    }
    if "random" not in means:
        return {}
    return {name: means["random"] / tokens for name, tokens in means.items() if name != "random"}


def main() -> None:
    """As the module says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="gets logs and pictures")
    parser.add_argument("--corpora", type=Path, default=ROOT / "corpora", help="folder of the corpora")
    parser.add_argument("--corpus", action="append", choices=list(CORPORA), help="default: all three")
    parser.add_argument("--strategy", action="append", help="default: entropy, diverse, random")
    parser.add_argument("--per", action="append", choices=["token", "sentence"], help="what a sentence is worth")
    parser.add_argument("--pool", type=int, help="training sentences, the first of the corpus")
    parser.add_argument("--dev", type=int, help="dev sentences, the first of the corpus")
    parser.add_argument("--first", type=int, default=1000, help="tokens of the seed set")
    parser.add_argument("--budget", type=int, default=64_000, help="tokens in the end")
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=15)
    parser.add_argument("--steps", type=int, default=600, help="batches of a training, at least")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for name in options.corpus or CORPORA:
        config = settings_of(name, options.corpora, options.epochs)
        corpus = part_of(ner.load_corpus(config.data), options.pool, options.dev)
        rounds: list[Round] = []
        for per in options.per or ["token"]:
            strategies = tuple(options.strategy or ["entropy", "diverse", "random"])
            experiment = Experiment(
                (ALL, *strategies) if not rounds else tuple(s for s in strategies if s != "random"),
                options.budget,
                options.first,
                rounds=options.rounds,
                runs=options.runs,
                steps=options.steps,
                per=per,
            )
            found = simulate(config, corpus, experiment, log=options.out / f"{name}.jsonl", on_round=tell)
            rounds += [each if per == "token" else replace(each, strategy=f"{each.strategy}, whole") for each in found]
        print(f"\n{name}\n{curve_table(rounds)}\n")
        for strategy, times in times_fewer(curves_of(rounds)).items():
            print(f"{strategy}: {times:.2f} times fewer tokens than random")
        picture = options.out / f"{name}.png"
        for warning in draw_picture(picture, lambda: draw_learning_curves(rounds, title=name)):  # noqa: B023
            print(warning, file=sys.stderr)


def tell(found: Round) -> None:
    """A line for each round."""
    line = f"{found.strategy}, run {found.run}, round {found.number}: {found.tokens:,} tokens, F1 {100 * found.f1:.2f}"
    print(f"{line}, {found.seconds:.0f} s", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
