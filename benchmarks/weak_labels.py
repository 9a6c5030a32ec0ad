"""Five careless annotators merged: `python benchmarks/weak_labels.py --train FILE --dev FILE --out FOLDER`.

The annotators are made by corrupting the gold labels of a training file, each in its own way: entities overlooked,
labels confused, ends misplaced, words marked that are none; by chance, or with `--habits` the same each time that the
same name or word is met. Each has an F1 of 60 to 80. What `ner merge` makes of them, and a majority vote, is held
against the gold labels; then a model is trained on each, on the gold labels, and on the soft targets, and measured on
the dev set, whose labels stay as they are. Sizes are options, so that a small version ends soon.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

import ner
from ner.evaluation.report import report_spans
from ner.formats.corpus import Corpus
from ner.merging import Source, merge
from ner.storage.soft_targets import write_soft_targets
from ner.text.sentence import Sentence, Span, sentence_with_spans

ROOT = Path(__file__).parent.parent


class Care(NamedTuple):
    """How an annotator errs: the share of entities overlooked, of those left that get another label or another end, and
    of words outside that are marked."""

    overlooked: float
    confused: float
    misplaced: float
    invented: float


ANNOTATORS = {
    "hasty": Care(0.38, 0.05, 0.04, 0.004),
    "confused": Care(0.08, 0.22, 0.05, 0.006),
    "clumsy": Care(0.10, 0.06, 0.25, 0.004),
    "eager": Care(0.06, 0.08, 0.08, 0.045),
    "tired": Care(0.22, 0.12, 0.12, 0.015),
}


def annotate(sentences: Sequence[Sentence], care: Care, seed: list[int], *, habits: float) -> list[Sentence]:
    """What such an annotator makes of tagged sentences; unless `habits` is 0, what it does is fixed by name or word.

    By habit it invents so many times as often as by chance, at words with a capital alone: of those outside of the
    entities of CoNLL-2003 one in fifteen has one.
    """
    rng = np.random.default_rng(seed)
    known: dict[tuple[bool, tuple[str, ...]], int] = {}

    def drawn(words: Sequence[str], *, is_name: bool) -> np.random.Generator:
        """What decides how this name, or this word outside of names, is annotated."""
        return np.random.default_rng([*seed, known.setdefault((is_name, tuple(words)), len(known))]) if habits else rng

    labels = sorted({span.label for sentence in sentences for span in sentence.spans})
    made = []
    for sentence in sentences:
        size = len(sentence.spelled)
        free = np.ones(size, np.bool_)
        spans: list[Span] = []
        wanted = []
        for label, start, end in ((span.label, span.start, span.end) for span in sentence.spans):
            chance = drawn(sentence.spelled[start:end], is_name=True)
            if chance.random() < care.overlooked:
                continue
            if chance.random() < care.confused:
                label = str(chance.choice([other for other in labels if other != label]))
            if chance.random() < care.misplaced:
                moved = int(chance.choice([-1, 1]))
                start, end = (start + moved, end) if chance.random() < 0.5 else (start, end + moved)
            wanted.append(Span(label, start, end))
        gold = {token for span in sentence.spans for token in range(span.start, span.end)}
        # By habit none but words with a capital: nobody takes each "the" for a name.
        tried = [token for token, word in enumerate(sentence.spelled) if word[0].isupper()] if habits else range(size)
        chances = [drawn(sentence.spelled[token : token + 1], is_name=False) for token in tried]
        share = care.invented * (habits or 1)
        invents = [chance.random() < share for chance in chances]
        for token, chance, does in zip(tried, chances, invents, strict=True):
            if does and token not in gold:
                wanted.append(Span(str(chance.choice(labels)), token, token + 1))
        for span in wanted:
            if 0 <= span.start < span.end <= size and free[span.start : span.end].all():
                free[span.start : span.end] = False
                spans.append(span)
        made.append(sentence_with_spans(sentence, spans))
    return made


def f1_of(gold: Sequence[Sentence], found: Sequence[Sentence]) -> float:
    """In F1 points."""
    return 100 * report_spans(gold, [sentence.spans for sentence in found]).micro.f1


def main() -> None:
    """As the module says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True)
    parser.add_argument("--dev", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="gets models and soft targets")
    parser.add_argument("--recipe", type=Path, default=ROOT / "configs" / "small.toml")
    parser.add_argument("--set", action="append", default=[], help="a setting laid over the recipe")
    parser.add_argument("--sentences", type=int, help="of the training file, the first")
    parser.add_argument("--dev-sentences", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--habits",
        type=float,
        default=0,
        metavar="TIMES",
        help="each errs the same way at the same name or word, and invents TIMES as often, of words with a capital",
    )
    parser.add_argument("--merge-only", action="store_true", help="train nothing")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    gold = ner.read_conll(options.train)[: options.sentences]
    dev = ner.read_conll(options.dev)[: options.dev_sentences]
    sources = [
        Source(name, annotate(gold, care, [options.seed, number], habits=options.habits))
        for number, (name, care) in enumerate(ANNOTATORS.items())
    ]
    consensus, vote = (merge(sources, method=method) for method in ("consensus", "majority"))
    print("| source | F1 against gold | F1 against what was merged |\n|---|---|---|")
    for source, told in zip(sources, consensus.told, strict=True):
        print(f"| {source.name} | {f1_of(gold, source.sentences):.1f} | {100 * told.f1:.1f} |")
    for name, merged in (("majority", vote), ("consensus", consensus)):
        print(f"| **{name}** | {f1_of(gold, merged.sentences):.2f} | |", flush=True)
    if options.merge_only:
        return
    targets = options.out / "consensus.safetensors"
    write_soft_targets(targets, consensus.targets)
    print("\n| trained on | dev F1 |\n|---|---|")
    for name, train, more in (
        ("gold", gold, []),
        ("majority vote", vote.sentences, []),
        ("consensus", consensus.sentences, []),
        ("consensus, `?` below 0.9", consensus.partial(0.9), []),
        ("consensus, soft targets", consensus.sentences, [f"training.soft_targets={targets}"]),
    ):
        settings = [f"data.train={options.train}", f"training.seed={options.seed}", "run.device=cpu", "run.threads=1"]
        config = ner.load_config(options.recipe, [*settings, *options.set, *more])
        tagger = ner.train(config, Corpus(train, dev), on_epoch=lambda epoch: print(epoch, file=sys.stderr))
        f1 = 100 * tagger.metrics["dev"]["micro"]["f1"]
        print(f"| {name} | {f1:.2f} |", flush=True)
        with (options.out / "runs.jsonl").open("a") as stream:
            stream.write(json.dumps({"trained on": name, "sentences": len(train), "dev F1": f1}) + "\n")


if __name__ == "__main__":
    main()
