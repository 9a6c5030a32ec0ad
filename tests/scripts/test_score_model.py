"""A model's scores on each corpus of a recipe are those of `Tagger.evaluate`, whatever case the words are in."""

import importlib.util

import pytest

import ner
from ner.text.sentence import Span, sentence_from_words
from tests.conftest import ROOT

spec = importlib.util.spec_from_file_location("score_model", ROOT / "scripts" / "score_model.py")
script = importlib.util.module_from_spec(spec)
spec.loader.exec_module(script)


@pytest.fixture
def recipe(tmp_path, sample_en):
    path = tmp_path / "scores.toml"
    table = '[[data.corpora]]\nname = "{}"\ntrain = "{}"\nlabels = ["PER", "ORG", "LOC", "MISC"]\n'
    path.write_text("\n".join(table.format(name, sample_en / f"{name}.conll") for name in ("dev", "test")))
    return path


def test_each_corpus_is_scored_as_its_file_is(tagger, recipe, sample_en):
    found = script.scores(tagger, recipe, labels=None)
    assert list(found) == ["dev", "test"]
    for name, report in found.items():
        assert report.micro == tagger.evaluate(ner.read_conll(sample_en / f"{name}.conll")).micro


def test_only_the_labels_that_are_asked_for_are_counted(tagger, recipe, sample_en):
    counted = script.scores(tagger, recipe, labels=["PER", "LOC"])["dev"].micro
    by_label = tagger.evaluate(ner.read_conll(sample_en / "dev.conll")).labels
    for count in ("correct", "found", "support"):
        assert getattr(counted, count) == sum(getattr(by_label[label], count) for label in ("PER", "LOC"))


def test_recased_words_keep_their_entities():
    sentence = sentence_from_words(["Straße", "in", "Paris"], ["O", "O", "B-LOC"])
    upper = script.respelled(sentence, str.upper)
    assert upper.words == ["STRASSE", "IN", "PARIS"]
    assert upper.spans == (Span("LOC", 2, 3),)
