"""Ten thousand random tag files, scored by conlleval's Python port and by seqeval's strict mode beside.

The table is held against the Perl script's arithmetic and formats over the port's counts: percentages of
counts, not hundredfold fractions, which round differently now and then.
"""

import random

import conlleval
import pytest
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.scheme import IOB2, IOBES

from ner.evaluation.files import score_files
from ner.settings import DataConfig
from tests.evaluation.strict import score_strictly
from tests.written import report_tags

NAMES = ["PER", "LOC", "ORG", "MISC", "a-b", "x.y", "人名", "o", "B"]
PREFIXES = {"iob1": "BI", "iob2": "BI", "bioes": "BIES"}


def random_file(generator):
    """A scheme, and its tags twice, gold and predicted: any tag may follow any, so many are orphans."""
    scheme = generator.choice(list(PREFIXES))
    names = generator.sample(NAMES, generator.randint(1, 4))
    tags = ["O"] * generator.randint(1, 6) + [f"{p}-{name}" for p in PREFIXES[scheme] for name in names]
    agreement = generator.random()
    gold = [generator.choices(tags, k=generator.randint(1, 12)) for _ in range(generator.randint(1, 8))]
    predicted = [[g if generator.random() < agreement else generator.choice(tags) for g in tags_] for tags_ in gold]
    return scheme, gold, predicted


def perl_row(gold, found, correct):
    precision = 100 * correct / found if found else 0.0
    recall = 100 * correct / gold if gold else 0.0
    f1 = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return f"precision: {precision:6.2f}%; recall: {recall:6.2f}%; FB1: {f1:6.2f}"


def perl_table(lines):
    summary = conlleval.evaluate(lines)
    chunks, tags = (summary["overall"][kind]["stats"] for kind in ("chunks", "tags"))
    table = [
        f"processed {tags['gold']} tokens with {chunks['gold']} phrases; "
        f"found: {chunks['pred']} phrases; correct: {chunks['correct']}.",
        f"accuracy: {100 * tags['correct'] / tags['gold']:6.2f}%; "
        + perl_row(chunks["gold"], chunks["pred"], chunks["correct"]),
    ]
    for label, slot in sorted(summary["slots"]["chunks"].items()):
        stats = slot["stats"]
        row = perl_row(stats["gold"], stats["pred"], stats["correct"])
        table.append(f"{label:>17}: {row}  {stats['pred']}")
    return "\n".join(table)


def lines_of(gold, predicted):
    lines = []
    for pair in zip(gold, predicted, strict=True):
        lines += [*(f"w {g} {p}" for g, p in zip(*pair, strict=True)), ""]
    return lines


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 10))])
def test_a_thousand_random_files_a_seed_get_conllevals_table(seed):
    generator = random.Random(seed)
    for _ in range(1000):
        _, gold, predicted = random_file(generator)
        assert str(report_tags(gold, predicted)) == perl_table(lines_of(gold, predicted))


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 100))])
def test_a_hundred_random_files_a_seed_get_seqevals_strict_scores(seed):
    generator = random.Random(seed)
    for _ in range(100):
        scheme, gold, predicted = random_file(generator)
        if scheme == "iob1" or not any(tag != "O" for tags in (*gold, *predicted) for tag in tags):
            continue
        micro, _ = score_strictly(gold, predicted, scheme)
        kind = IOB2 if scheme == "iob2" else IOBES
        told = [
            measure(gold, predicted, mode="strict", scheme=kind, zero_division=0)
            for measure in (precision_score, recall_score, f1_score)
        ]
        assert [micro.precision, micro.recall, micro.f1] == pytest.approx(told, abs=1e-12)


def test_random_files_on_disk_open_with_conllevals_table(tmp_path):
    generator = random.Random(31)
    for _ in range(100):
        scheme, gold, predicted = random_file(generator)
        lines = lines_of(gold, predicted)
        (tmp_path / "both").write_text("\n".join(lines), encoding="utf-8")
        text = str(score_files(tmp_path / "both", None, DataConfig(scheme=scheme)))
        assert text.startswith(perl_table(lines) + "\n")
