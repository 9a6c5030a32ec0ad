"""Whole runs on real corpora: `make test-slow`."""

from pathlib import Path

import conlleval
import pytest

import ner
from tests.conftest import ROOT

CORPORA = ROOT.parent / "shared" / "corpora"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CORPORA.is_dir(), reason=f"the corpora are not part of the project: no {CORPORA}"),
]

SPLITS = sorted(path for path in CORPORA.glob("*/train.*"))


@pytest.mark.parametrize("train", SPLITS, ids=lambda path: path.parent.name)
def test_two_epochs_on_a_real_corpus_learn_and_score_as_conlleval_does(train: Path, tmp_path):
    dev = train.with_name(train.name.replace("train", "dev"))
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(
        "[model]\nhidden_dim = 100\n[run]\nthreads = 2\ndevice = 'cpu'\n[training]\nepochs = 2\nbatch_size = 8\n"
        "optimizer = 'adamw'\nlearning_rate = 0.005\n"  # SGD finds nothing in so few epochs of the small ones
    )
    config = ner.load_config(recipe, [f"data.train={train}", f"data.dev={dev}"])
    ner.train(config, ner.load_corpus(config.data)).save(tmp_path / "model")

    tagger = ner.load(tmp_path / "model", device="cpu")
    sentences = ner.read_conll(dev)
    report = tagger.evaluate(sentences)
    lines = [
        f"x {gold} {predicted}"
        for sentence, tags in zip(sentences, tagger.tag_sentences(sentences), strict=True)
        for gold, predicted in [*zip(sentence.tags, tags, strict=True), ("O", "O")]
    ]
    reference = conlleval.evaluate(lines)["overall"]["chunks"]["evals"]
    assert report.micro.f1 > 0
    assert report.micro.f1 == pytest.approx(reference["f1"], abs=1e-12)
    assert report.micro.precision == pytest.approx(reference["prec"], abs=1e-12)


def test_the_conll2003_recipe_begins_as_it_did(tmp_path):
    """Two epochs without vectors gave F1 0.773; a broken encoder, CRF or optimizer gives far less."""
    data = CORPORA / "conll2003-en"
    overrides = [f"data.train={data}/train.txt", f"data.dev={data}/dev.txt", "model.vectors=", "training.epochs=2"]
    config = ner.load_config(ROOT / "configs" / "conll2003.toml", overrides)
    tagger = ner.train(config, ner.load_corpus(config.data))
    assert tagger.metrics["dev"]["micro"]["f1"] > 0.74
