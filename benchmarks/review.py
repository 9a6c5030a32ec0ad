"""How many planted mistakes `ner review` finds: `python benchmarks/review.py --recipe CONFIG` or `--model M --file F`.

The labels of some annotated entities are exchanged for another one of the corpus. Of these, how many are among the
first so many suspects, and how many of the first hundred were planted (the rest may be mistakes of the file itself)?
With a recipe, its training sentences are reviewed by folds that are trained on the planted mistakes, too: what
`ner train --folds` does; with a model, a file that it wasn't trained on.
"""

import argparse
import dataclasses
import tempfile
from pathlib import Path

import numpy as np

import ner
from ner.evaluation.out_of_fold import OUT_OF_FOLD, join, read_out_of_fold
from ner.evaluation.review import find_suspects
from ner.formats.corpus import Corpus
from ner.text.sentence import sentence_with_spans


def plant(sentences, count, *, seed=1):
    """The sentences with so many wrong labels, and where these are: sentence's number and span."""
    places = [(row, index) for row, s in enumerate(sentences) for index in range(len(s.spans))]
    labels = sorted({span.label for s in sentences for span in s.spans})
    generator = np.random.default_rng(seed)
    planted, wrong = list(sentences), set()
    for place in generator.choice(len(places), count, replace=False):
        row, index = places[place]
        spans = list(planted[row].spans)
        others = [label for label in labels if label != spans[index].label]
        spans[index] = dataclasses.replace(spans[index], label=others[generator.integers(len(others))])
        planted[row] = sentence_with_spans(planted[row], spans)
        wrong.add((planted[row].source, spans[index]))
    return planted, wrong


def main():
    """Plants, reviews and prints what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", type=Path, help="its training sentences are reviewed by folds")
    parser.add_argument("--set", nargs="*", default=[], help="settings laid over the recipe")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--model", help="reviews --file")
    parser.add_argument("--file", type=Path)
    parser.add_argument("--sentences", type=int, help="so many of them, from the first on")
    parser.add_argument("--planted", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    if given.recipe:
        from ner.training.folds import train_folds

        config = ner.load_config(given.recipe, given.set)
        sentences = ner.load_corpus(config.data).train[: given.sentences]
        planted, wrong = plant(sentences, given.planted, seed=given.seed)
        with tempfile.TemporaryDirectory() as folder:
            found = train_folds(config, Corpus(planted), given.folds, folder=Path(folder), on_fold=print)
            print(found)
            rows = read_out_of_fold(Path(folder) / OUT_OF_FOLD)
    else:
        sentences = ner.read_conll(given.file)[: given.sentences]
        planted, wrong = plant(sentences, given.planted, seed=given.seed)
        tagger = ner.load(given.model, device="cpu", calibration="ignore")
        rows = join(planted, tagger.candidates(planted))
    suspects = find_suspects(rows, least=0.5)
    hits = [(suspect.sentence.source, suspect.annotated) in wrong for suspect in suspects]
    print(f"{len(planted):,} sentences, {len(wrong)} labels exchanged, {len(suspects):,} suspects")
    for first in (100, given.planted, 2 * given.planted, 3 * given.planted):
        print(f"first {first}: {sum(hits[:first])} planted ({100 * sum(hits[:first]) / len(wrong):.0f}% of them)")


if __name__ == "__main__":
    main()
