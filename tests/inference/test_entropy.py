"""The entropy that a tagger tells of sentences against that of its own k best labellings."""

import math

import pytest

import ner
from ner.text.sentence import sentence_from_words

SENTENCES = ["Anna met Bob .", "Paris", "", "IBM left New York"]


@pytest.mark.parametrize("runtime", ["torch", "numpy", "onnx"])
def test_the_entropy_of_a_sentence_is_that_of_all_its_labellings(runtime, small_model):
    tagger = ner.load(small_model, device="cpu", runtime=runtime)
    sentences = [sentence_from_words(words.split()) for words in SENTENCES]
    found = tagger.entropy(sentences)
    for value, (_, best) in zip(found, tagger.find_k_best(sentences, k=1000), strict=True):
        chances = [labelling.probability for labelling in best]
        rest = 1 - math.fsum(chances)
        assert rest < 1e-4  # of the labellings that aren't among the best
        assert value == pytest.approx(-math.fsum(p * math.log(p) for p in chances), abs=2e-3)
    assert found[2] == 0


def test_a_sentence_longer_than_a_window_changes_nothing_of_the_others(tagger):
    alone = sentence_from_words(["Anna", "met", "Bob", "."])
    long = sentence_from_words(["word"] * 3000)
    assert tagger.entropy([long, alone])[1] == pytest.approx(tagger.entropy([alone])[0], abs=1e-5)
