"""The corpora beside the repository are read to exactly the counts of their README, which were not made here."""

import random
from functools import cache
from pathlib import Path

import conlleval
import pytest
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.scheme import IOB2, IOBES

from ner.formats.columns import read_as_written
from ner.settings import DataConfig
from ner.text.sentence import Sentence
from ner.text.tags import tags_to_spans
from tests.written import analyse_tags

CORPORA = Path(__file__).resolve().parents[2] / "shared" / "corpora"
pytestmark = pytest.mark.skipif(
    not CORPORA.is_dir(), reason=f"the corpora are research-only and not part of the project: no {CORPORA}"
)

# The table of ../shared/corpora/README.md: sentences, tokens, entities, documents, scheme.
README = {
    "conll2003-en/train.txt": (14_041, 203_621, 23_499, 946, "iob1"),
    "conll2003-en/dev.txt": (3_250, 51_362, 5_942, 216, "iob1"),
    "wnut17/train.conll": (3_394, 62_730, 1_975, 0, "iob2"),
    "wnut17/dev.conll": (1_009, 15_733, 836, 0, "iob2"),
    "conll2002-es/train.txt": (8_323, 264_715, 18_798, 0, "iob2"),
    "conll2002-es/dev.txt": (1_915, 52_923, 4_352, 0, "iob2"),
    "conll2002-nl/train.txt": (15_806, 202_644, 13_344, 287, "iob2"),
    "conll2002-nl/dev.txt": (2_895, 37_687, 2_616, 74, "iob2"),
    "resume-zh/train.char.bmes": (3_821, 124_099, 13_440, 0, "bmes"),
    "resume-zh/dev.char.bmes": (463, 13_890, 1_497, 0, "bmes"),
    "weibo-zh/train.conll": (1_350, 73_778, 1_895, 0, "iob2"),
    "weibo-zh/dev.conll": (270, 14_509, 389, 0, "iob2"),
    "cluener2020-bio/train.char.bio": (10_748, 401_764, 23_969, 0, "iob2"),
    "cluener2020-bio/dev.char.bio": (1_343, 50_260, 3_072, 0, "iob2"),
    "ncbi-disease/train.tsv": (5_424, 135_701, 5_134, 0, "iob2"),
    "ncbi-disease/dev.tsv": (923, 23_969, 787, 0, "iob2"),
}


@cache
def read(name: str) -> tuple[list[Sentence], str]:
    return read_as_written(CORPORA / name, DataConfig())


@pytest.mark.parametrize("name", README)
def test_a_real_file_gives_exactly_the_counts_and_the_scheme_of_its_readme(name):
    sentences, scheme = read(name)
    assert (
        len(sentences),
        sum(len(sentence.tokens) for sentence in sentences),
        sum(len(tags_to_spans(sentence.tags or ())) for sentence in sentences),
        sum(sentence.opens_document for sentence in sentences),
        scheme,
    ) == README[name]


def test_no_file_of_the_corpora_is_missing_from_the_table():
    # `open` holds corpora that come in other layouts than columns.
    folders = (folder for folder in CORPORA.iterdir() if folder.is_dir() and folder.name != "open")
    assert {f"{folder.name}/{file.name}" for folder in folders for file in folder.iterdir()} == set(README)


@pytest.mark.parametrize(("name", "longest"), [("conll2002-es/train.txt", 1_238), ("conll2002-nl/train.txt", 859)])
def test_the_longest_sentence_stays_whole(name, longest):
    assert max(len(sentence.tokens) for sentence in read(name)[0]) == longest


def test_weibo_has_ten_orphans_and_labels_with_a_dot():
    sentences, _ = read("weibo-zh/train.conll")
    orphans = sum(
        tag.startswith("I-") and before[2:] != tag[2:]
        for sentence in sentences
        for before, tag in zip(("O", *sentence.tags), sentence.tags, strict=False)
    )
    assert orphans == 10
    labels = {span.label for sentence in sentences for span in tags_to_spans(sentence.tags)}
    assert labels == {f"{kind}.{form}" for kind in ("PER", "LOC", "ORG", "GPE") for form in ("NAM", "NOM")}


def test_a_word_pattern_parts_weibo_characters_from_their_segmentation_digits():
    pattern = DataConfig(word_pattern=r"(.+)\d$")
    cut, _ = read_as_written(CORPORA / "weibo-zh/dev.conll", pattern)
    glued, _ = read("weibo-zh/dev.conll")
    assert [s.words for s in cut] == [[word[:-1] for word in s.words] for s in glued]


def test_wnut_dev_keeps_invisible_characters_inside_its_words():
    words = {word for sentence in read("wnut17/dev.conll")[0] for word in sentence.words}
    raw = (CORPORA / "wnut17/dev.conll").read_bytes().decode()
    for character in "\ufeff\u200b":
        expected = {line.split("\t")[0] for line in raw.split("\n") if character in line}
        assert expected
        assert {word for word in words if character in word} == expected


@pytest.mark.parametrize("name", [name for name in README if "/dev." in name])
def test_a_dev_file_with_damaged_tags_gets_the_table_of_conlleval_and_the_strict_scores_of_seqeval(name):
    generator = random.Random(23)
    sentences, scheme = read(name)
    gold = [list(sentence.tags) for sentence in sentences]
    tags = sorted({tag for sentence in gold for tag in sentence})
    predicted = [[tag if generator.random() < 0.95 else generator.choice(tags) for tag in s] for s in gold]
    # conlleval knows no M-.
    sides = [[[tag.replace("M-", "I-", 1) if tag.startswith("M-") else tag for tag in s] for s in side]
             for side in (gold, predicted)]  # fmt: skip
    lines = []
    for wanted, found in zip(*sides, strict=True):
        lines += [*(f"w {a} {b}" for a, b in zip(wanted, found, strict=True)), ""]
    analysis = analyse_tags(sentences, predicted, scheme)
    assert str(analysis).startswith(conlleval.report(conlleval.evaluate(lines)))
    if scheme != "iob1":  # where nothing is ill-formed
        kind = IOB2 if scheme == "iob2" else IOBES
        told = [
            measure(*sides, mode="strict", scheme=kind, zero_division=0)
            for measure in (precision_score, recall_score, f1_score)
        ]
        strict = analysis.strict
        assert [strict.precision, strict.recall, strict.f1] == pytest.approx(told, abs=1e-12)
    micro = analysis.report.micro
    assert sum(len(mistake.gold) for mistake in analysis.mistakes) == micro.support - micro.correct
