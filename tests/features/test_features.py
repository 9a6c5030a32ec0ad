"""Lexicons and gazetteers from settings to a loaded model, with what can go wrong on the way."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from ner.config import Config, parse_config
from ner.errors import DataError, VectorsError
from ner.formats.corpus import Corpus
from ner.inference.loading import load_model, save_model
from ner.inference.prediction import reader_of
from ner.text.sentence import Sentence, sentence_from_words
from ner.training.training import train_model
from tests.tiny import plain_settings

TEXTS = [("王小明在北京", "B-PER I-PER I-PER O B-LOC I-LOC"), ("上海很大", "B-LOC I-LOC O O"), ("很大", "O O")]
LEXICON = "北京 1 2 3\n上海 4 5 6\n很大 0 0 1\n广州 7 8 9\n"


@pytest.fixture
def corpus() -> Corpus:
    sentences = [sentence_from_words(list(text), tags.split()) for text, tags in TEXTS]
    return Corpus(sentences, sentences, [])


@pytest.fixture
def make_config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Config]:
    monkeypatch.setenv("NER_HOME", str(tmp_path / "home"))
    (tmp_path / "lexicon.txt").write_text(LEXICON, encoding="utf-8")
    (tmp_path / "cities.txt").write_text("北京\n广州\n", encoding="utf-8")

    def make(**features: object) -> Config:
        tree = plain_settings()
        tree["features"] |= features
        tree["model"] |= {"word_dim": 8, "hidden_dim": 8, "char_encoder": "none", "dropout": 0.0}
        tree["training"] |= {"epochs": 30, "batch_size": 2, "learning_rate": 0.1}
        return parse_config(tree, "test")

    return make


def spans_of(model: object, sentences: list[Sentence]) -> list[list[tuple[str, int, int]]]:
    found = reader_of(model).scored_spans(sentences)  # type: ignore[attr-defined]
    return [[(span.label, span.start, span.end) for span, _ in spans] for spans in found]


def test_a_model_with_a_lexicon_and_a_gazetteer_tags_alike_when_loaded(
    corpus: Corpus, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    features = {"lexicon": str(tmp_path / "lexicon.txt"), "lexicon_dim": 3, "gazetteer": [str(tmp_path / "cities.txt")]}
    model = train_model(make_config(**features), corpus)
    save_model(model, tmp_path / "model")
    loaded = load_model(tmp_path / "model", "cpu")
    assert loaded.vocabularies == model.vocabularies
    features = loaded.vocabularies.features
    assert set(features["lexicon"].lexicon.words) == {"上海", "北京", "很大", "广州"}
    assert [gazetteer.name for gazetteer in features["gazetteers"].gazetteers] == ["cities"]
    sentences = [*corpus.dev, sentence_from_words(list("他在广州"))]
    for before, after in zip(
        reader_of(model).scored_spans(sentences),
        reader_of(loaded).scored_spans(sentences),
        strict=True,
    ):
        assert before == after
    assert spans_of(loaded, corpus.dev) == [[("PER", 0, 3), ("LOC", 4, 6)], [("LOC", 0, 2)], []]


def test_the_network_sees_the_vectors_of_the_lexicon(
    corpus: Corpus, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    config = make_config(lexicon=str(tmp_path / "lexicon.txt"), lexicon_dim=3)
    config = config.model_copy(update={"training": config.training.model_copy(update={"epochs": 1})})
    config = config.model_copy(update={"training": config.training.model_copy(update={"learning_rate": 1e-30})})
    model = train_model(config, corpus)
    lexicon = model.vocabularies.features["lexicon"].lexicon
    table = model.network.embedding.lexicon
    wanted = {line.split()[0]: [float(n) for n in line.split()[1:]] for line in LEXICON.splitlines()}
    numbers = torch.arange(1, len(lexicon.words) + 1)
    rows = dict(zip(lexicon.words, table.words.look_up(numbers).tolist(), strict=True))
    assert rows == {word: pytest.approx(vector, abs=1e-20) for word, vector in wanted.items()}
    assert lexicon.words[-1] == "广州"  # which training doesn't have
    assert lexicon.num_trained == 3


def test_a_gazetteer_makes_a_name_that_training_never_saw_known(
    corpus: Corpus, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    model = train_model(make_config(gazetteer=[str(tmp_path / "cities.txt")]), corpus)
    assert ("LOC", 4, 6) in spans_of(model, [sentence_from_words(list("王小明在广州"))])[0]


def test_a_lexicon_of_another_width_is_refused(
    corpus: Corpus, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    with pytest.raises(VectorsError) as error:
        train_model(make_config(lexicon=str(tmp_path / "lexicon.txt"), lexicon_dim=4), corpus)
    assert str(error.value) == (
        "lexicon.txt: expected vectors of 4 numbers (features.lexicon_dim), found 3; set features.lexicon_dim = 3"
    )


def test_a_gazetteer_that_is_not_there_is_named(
    corpus: Corpus, make_config: Callable[..., Config], tmp_path: Path
) -> None:
    path = tmp_path / "none.txt"
    with pytest.raises(DataError) as error:
        train_model(make_config(gazetteer=[str(path)]), corpus)
    assert str(error.value) == f"{path}: no such file; expected a list of names, one a line"
