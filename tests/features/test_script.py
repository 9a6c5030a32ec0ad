"""Traditional characters read as simplified ones: by a model that was trained so, wherever it is used."""

from pathlib import Path

import numpy as np
import pytest

import ner
from ner.config import parse_config
from ner.errors import ConfigError
from ner.features.script import in_script, script_from_dict, simplified
from ner.formats.corpus import Corpus
from ner.inference.acquisition import _pool
from ner.tagger import Tagger
from ner.text.sentence import Sentence
from tests.tiny import plain_settings, read_pairs

SIMPLIFIED = "王/B-PER 国/I-PER 书/I-PER 在/O 台/B-LOC 湾/I-LOC 发/O 言/O"
# 發 and 髮 are both 发 there.
TRADITIONAL = "王/B-PER 國/I-PER 書/I-PER 在/O 臺/B-LOC 灣/I-LOC 發/O 言/O"


def train(text: str, *, simplify: bool = True) -> Tagger:
    settings = plain_settings()
    settings["model"] |= {"char_encoder": "none", "bigram_dim": 4}
    settings["features"] |= {"simplify": simplify}
    settings["training"] |= {"epochs": 2}
    sentences = read_pairs(text)
    return ner.train(parse_config(settings, "test"), Corpus(sentences, sentences, []), progress=False)


def probabilities(tagger: Tagger, text: str) -> list[float]:
    return [labelling.probability for labelling in tagger.find_k_best(read_pairs(text), k=3)[0][1]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("script") / "model"
    train(SIMPLIFIED).save(folder)
    return folder


def test_the_table_has_one_simplified_character_for_each_traditional_one_and_reads_none_twice() -> None:
    table = simplified()
    assert {character: table[character] for character in "國書臺灣發髮體"} == dict(
        zip("國書臺灣發髮體", "国书台湾发发体", strict=True)
    )
    assert not set(table) & set(table.values())
    assert all(len(traditional) == len(simple) == 1 for traditional, simple in table.items())


def test_sentences_keep_their_tokens_places_and_documents() -> None:
    sentence = Sentence(spelled=("國家", "x"), starts=(0, 3), opens_document=True, source="a:1")
    [seen] = in_script([sentence], {"國": "国"})
    assert (seen.spelled, seen.starts, seen.opens_document, seen.source) == (("国家", "x"), (0, 3), True, "a:1")


@pytest.mark.parametrize("runtime", ["torch", "numpy"])
def test_both_scripts_have_the_same_probabilities_and_each_text_its_own_spelling(model: Path, runtime: str) -> None:
    tagger = ner.load(model, runtime=runtime)
    assert probabilities(tagger, SIMPLIFIED) == probabilities(tagger, TRADITIONAL)
    text = "王國書在臺灣"
    assert all(text[entity.start : entity.end] == entity.text for entity in tagger.tag(text))


def test_a_model_that_is_not_told_to_sees_two_scripts() -> None:
    tagger = train(SIMPLIFIED, simplify=False)
    assert probabilities(tagger, SIMPLIFIED) != probabilities(tagger, TRADITIONAL)


def test_a_report_and_a_comparison_of_texts_know_the_words_of_both_scripts(model: Path) -> None:
    tagger = ner.load(model, runtime="numpy")
    simple, traditional = read_pairs(SIMPLIFIED), read_pairs(TRADITIONAL)
    known = [
        {part.part: part.scores.support for part in tagger.analyse(sentences).slices if part.question == "its words"}
        for sentences in (simple, traditional)
    ]
    assert known[0] == known[1]
    assert tagger.shift(traditional * 50, simple * 50).unknown == (0, 0)


def test_the_words_of_both_scripts_are_alike_to_who_asks_for_unlike_sentences(model: Path) -> None:
    tagger = ner.load(model, runtime="numpy")
    simple, traditional = (_pool(tagger.reader, read_pairs(text))[1].vectors for text in (SIMPLIFIED, TRADITIONAL))
    np.testing.assert_allclose(traditional, simple, atol=1e-6)


def test_a_stored_model_needs_no_opencc(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ner.features.script.is_there", lambda name: False)
    assert ner.load(model).tag_words(["臺", "灣"]) is not None
    with pytest.raises(ConfigError) as caught:
        train(SIMPLIFIED)
    assert str(caught.value) == (
        "features.simplify: expected the package opencc, whose table says which characters are the same, not installed "
        "here; pip install 'bilstm-crf-ner[zh]'"
    )


def test_training_on_either_script_makes_the_same_network(model: Path) -> None:
    stored = ner.load(model, runtime="torch")
    assert probabilities(train(TRADITIONAL), SIMPLIFIED) == probabilities(stored, SIMPLIFIED)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"from": "體", "to": ""}, "expected script to be two texts of one length, from and to"),
        (["體", "体"], "expected script to be two texts of one length, from and to"),
        ({"from": "體体", "to": "体本"}, "expected script to read no character twice, found '体' on both sides"),
    ],
)
def test_a_damaged_table_is_refused(values: object, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        script_from_dict(values)
    assert str(caught.value) == message
