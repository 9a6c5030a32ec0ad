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


def simulate(candidates, *, precisions, confidence, splits, seed=1):
    """For each precision: which promises that were made held, and the shares of recall kept."""
    # Where none overlaps another, to take the surest first changes nothing; so only the others are looked at in Python.
    taken = set(without_overlaps(candidates))
    rivals = np.array([c.sentence for c in candidates if c not in taken])
    contested = np.isin([c.sentence for c in candidates], rivals)
    plain = [c for c, fought_for in zip(candidates, contested.tolist(), strict=True) if not fought_for]
    fought = [c for c, fought_for in zip(candidates, contested.tolist(), strict=True) if fought_for]
    units = np.unique([c.unit for c in candidates])
    generator = np.random.default_rng(seed)
    told = {precision: ([], []) for precision in precisions}
    for _ in range(splits):
        chosen = set(generator.permutation(units)[: len(units) // 2].tolist())
        half, other = (
            [c for c in plain if (c.unit in chosen) == first]
            + without_overlaps(c for c in fought if (c.unit in chosen) == first)
            for first in (True, False)
        )
        scales = fit_scales(half)
        half, other = (columns_of(adjusted(part, scales)) for part in (half, other))
        right = np.cumsum(other[2])  # from the highest score down
        for precision, (held, kept) in told.items():
            promise = find_promise(*half, precision=precision, confidence=confidence)
            if promise is None:
                continue
            precise = np.flatnonzero(right >= precision * np.arange(1, len(right) + 1))
            taken_there = int((other[1] >= promise.threshold).sum())
            found = int(right[taken_there - 1]) if taken_there else 0
            held.append(found >= precision * taken_there)
            if len(precise):
                kept.append(found / right[precise[-1]])
    return told


def columns_of(candidates):
    """Units, scores and whether they are right, from the highest score down."""
    scores = np.array([c.score for c in candidates])
    order = np.argsort(-scores, kind="stable")
    return (
        np.array([c.unit for c in candidates])[order],
        scores[order],
        np.array([c.correct for c in candidates])[order],
    )


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
        # Few entities below a tenth are right: a simulation need not sort them a thousand times.
        candidates = [c for c in find_candidates(tagger.reader, sentences) if c.score >= 0.1]
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
