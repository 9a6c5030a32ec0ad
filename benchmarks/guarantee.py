"""How often a promise of `ner calibrate` holds, by simulation: `python benchmarks/guarantee.py MODEL FILE …`.

An annotated file that the model wasn't trained on is cut into two halves, by documents where they are marked, else by
sentences, a thousand times. Each time scores, thresholds and promise are fitted on one half and held against the other.
Printed for each file and precision: in how many splits a promise was made; in how many of all it held (none made counts
as held) and in how many of those with a promise; and which share of the right entities it keeps, of those that the best
threshold in hindsight keeps: the lowest one that gives the precision on the other half. Where no threshold could, there
is none to compare with.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

import ner
from ner.evaluation.adjustment import adjusted, fit_scales, without_overlaps
from ner.evaluation.promise import find_promise
from ner.inference.calibrating import find_candidates
from ner.inference.prediction import reader_of


def simulate(candidates, *, precisions, confidence, splits, seed=1):
    """For each precision: how many promises were made and held, and the shares of recall kept."""
    units = np.unique([c.unit for c in candidates])
    of_unit = {unit: [] for unit in units.tolist()}
    for candidate in candidates:
        of_unit[candidate.unit].append(candidate)
    generator = np.random.default_rng(seed)
    told = {precision: ([], []) for precision in precisions}
    for _ in range(splits):
        order = generator.permutation(units).tolist()
        half, other = (
            [candidate for unit in part for candidate in of_unit[unit]]
            for part in (order[: len(order) // 2], order[len(order) // 2 :])
        )
        scales = fit_scales(without_overlaps(half))
        half, other = (without_overlaps(adjusted(part, scales)) for part in (half, other))
        columns = ([c.unit for c in half], [c.score for c in half], [c.correct for c in half])
        right = np.cumsum([c.correct for c in other])  # from the highest score down
        for precision, (held, kept) in told.items():
            promise = find_promise(*columns, precision=precision, confidence=confidence)
            if promise is None:
                continue
            precise = np.flatnonzero(right >= precision * np.arange(1, len(other) + 1))
            taken = sum(c.score >= promise.threshold for c in other)
            found = int(right[taken - 1]) if taken else 0
            held.append(found >= precision * taken)
            if len(precise):
                kept.append(found / right[precise[-1]])
    return told


def main():
    """Simulates each file, and prints a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--precision", type=float, nargs="+", default=[0.9, 0.95, 0.98])
    parser.add_argument("--confidence", type=float, default=0.9)
    parser.add_argument("--splits", type=int, default=1000)
    parser.add_argument(
        "--corpora", action="store_true", help="FILE is a recipe: its corpora's training files are read"
    )
    given = parser.parse_args()
    tagger = ner.load(given.model, calibration="ignore", device="cpu")
    reader = reader_of(tagger._model)
    texts = {}
    for file in given.files:
        if given.corpora:
            parts = ner.load_corpus(ner.load_config(file).data).parts
            texts |= {part.name: part.train for part in parts}
        else:
            texts[file.parent.name + "/" + file.name] = ner.read_conll(file)
    print("| text | units | precision | promised | held, of all | held, of promised | recall kept |")
    print("|---|---|---|---|---|---|---|")
    for name, sentences in texts.items():
        # Little is taken below: a tenth of what may be is all that a simulation has to sort a thousand times.
        candidates = [c for c in find_candidates(reader, sentences) if c.score >= 0.1]
        precisions = {"precisions": given.precision, "confidence": given.confidence, "splits": given.splits}
        for precision, (holds, kept) in simulate(candidates, **precisions).items():
            made, held = len(holds), sum(holds)
            share = f"{held / made:.3f}" if made else "-"
            recall = f"{np.mean(kept):.3f}" if kept else "-"
            units = len({c.unit for c in candidates})
            of_all = (given.splits - made + held) / given.splits
            print(f"| {name} | {units} | {precision:g} | {made} | {of_all:.3f} | {share} | {recall} |")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
