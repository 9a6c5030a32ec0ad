"""Pretrained vectors in an embedding: each word's own row, in training and after."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from ner.config import Config
from ner.errors import VectorsError
from ner.features.batches import encode
from ner.features.vocabulary import Vocabularies
from ner.features.words import WordVocabulary, build_words
from ner.formats.corpus import Corpus
from ner.inference.loading import load_model, save_model
from ner.network.tables import WordEmbedding
from ner.resources.compact import Vectors
from ner.text.sentence import Sentence, sentence_from_words
from ner.training.events import Listener
from ner.training.training import train_model
from ner.training.vectors import measure_coverage, place_vectors
from tests.tiny import vocabularies_of

MakeConfig = Callable[..., Config]

# The first four are words of the corpus; `0000` is the form of any year.
WORDS = ["anna", "rome", "0000", "oslo", "unseen", "paris", "Paris"]
MATRIX = np.array([[row + 0.5, -row] for row in range(1, 8)], dtype=np.float32)
VECTORS = Vectors("tiny", WORDS, MATRIX, measured=3)


def embed(vectors: Vectors, vocabularies: Vocabularies) -> tuple[WordEmbedding, np.ndarray]:
    words = vocabularies.words
    embedding = WordEmbedding(words.num_trained, len(words.extra), vectors.matrix.shape[1])
    return embedding, place_vectors(vectors, words, embedding)


@pytest.fixture
def vocabularies(sentences: list[Sentence]) -> Vocabularies:
    return vocabularies_of(sentences).with_words(build_words(sentences, WORDS))


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_each_word_gets_its_own_vector_whether_training_saw_it_or_not(
    vocabularies: Vocabularies, dtype: type[np.floating]
) -> None:
    embedding, _ = embed(Vectors("tiny", WORDS, MATRIX.astype(dtype), 3), vocabularies)
    for word, row in [("Anna", 0), ("rome", 1), ("1984", 2), ("OSLO", 3), ("Unseen", 4), ("PARIS", 5), ("2001", 2)]:
        vector = embedding.look_up(torch.tensor([[vocabularies.words.id_of(word)]]))
        assert vector[0, 0].tolist() == MATRIX[row].tolist(), word


def test_words_without_a_vector_keep_their_random_one(vocabularies: Vocabularies) -> None:
    words = vocabularies.words
    torch.manual_seed(5)
    untouched = WordEmbedding(words.num_trained, len(words.extra), 2)
    torch.manual_seed(5)
    embedding, row_of = embed(VECTORS, vocabularies)
    without = torch.tensor([0, 1, *(words.id_of(word) for word in ("Lee", "old", "in"))])
    assert torch.equal(embedding.trained.weight[without], untouched.trained.weight[without])
    assert row_of[without].tolist() == [-1] * 5


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_the_table_of_unseen_words_is_as_precise_as_the_vectors_and_holds_no_word_of_training(
    vocabularies: Vocabularies, dtype: type
) -> None:
    vectors = Vectors(VECTORS.name, VECTORS.words, MATRIX.astype(dtype), VECTORS.measured)
    embedding, _ = embed(vectors, vocabularies)
    assert embedding.extra.numpy().dtype == dtype
    assert embedding.extra.tolist() == MATRIX[4:].tolist()
    assert vocabularies.words.extra == ("unseen", "paris", "Paris")


def test_each_id_has_the_row_of_its_word(vocabularies: Vocabularies) -> None:
    _, row_of = embed(VECTORS, vocabularies)
    wanted = [-1, -1, *(WORDS.index(word) if word in WORDS else -1 for word in vocabularies.words.trained)]
    assert row_of.tolist() == wanted


def test_a_cased_word_without_a_vector_starts_from_its_lower_case() -> None:
    words = WordVocabulary(("Oslo", "Paris", "In"), lowercase=False)
    embedding = WordEmbedding(words.num_trained, 0, 2)
    assert place_vectors(VECTORS, words, embedding).tolist() == [-1, -1, 3, 6, -1]
    assert embedding.trained.weight[2:4].tolist() == [MATRIX[3].tolist(), MATRIX[6].tolist()]


def test_coverage_counts_tokens_and_distinct_words(sentences: list[Sentence], vocabularies: Vocabularies) -> None:
    _, row_of = embed(VECTORS, vocabularies)
    coverage = measure_coverage(VECTORS, row_of, encode(sentences, vocabularies))
    tokens = [word for sentence in sentences for word in sentence.words]
    covered = [word for word in tokens if word in ("Anna", "Rome", "1984", "Oslo")]
    assert (coverage.tokens, coverage.covered_tokens) == (len(tokens), len(covered))
    assert coverage.predicted_tokens == tokens.count("Oslo")  # row 3: the first that isn't published
    assert (coverage.words, coverage.covered_words) == (len({word.lower() for word in tokens}), 4)
    assert str(coverage) == (
        "tiny covers 21.2% of 33 training tokens, 17.4% of 23 distinct words (6.1% of the tokens by predicted vectors)"
    )


def test_coverage_says_nothing_of_predictions_where_there_are_none(
    sentences: list[Sentence], vocabularies: Vocabularies
) -> None:
    published = Vectors("tiny", WORDS, MATRIX, measured=7)
    coverage = measure_coverage(published, embed(published, vocabularies)[1], encode(sentences, vocabularies))
    assert str(coverage) == "tiny covers 21.2% of 33 training tokens, 17.4% of 23 distinct words"


@pytest.fixture
def vectors_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NER_HOME", str(tmp_path / "home"))
    path = tmp_path / "tiny.txt"
    path.write_text("".join(f"{w} {v[0]} {v[1]}\n" for w, v in zip(WORDS, MATRIX, strict=True)))
    return path


@pytest.mark.parametrize("frozen", [False, True])
def test_training_starts_from_vectors_and_leaves_frozen_ones_alone(
    corpus: Corpus, make_config: MakeConfig, vectors_file: Path, frozen: bool
) -> None:
    config = make_config(vectors=str(vectors_file), word_dim=2, freeze_vectors=frozen, epochs=2)
    messages: list[str] = []
    model = train_model(config, corpus, listener=Listener(on_message=messages.append))
    weight = model.network.embedding.words.trained.weight
    rows = {word: weight[model.vocabularies.words.id_of(word)].tolist() for word in ("anna", "rome", "oslo")}
    wanted = {"anna": MATRIX[0].tolist(), "rome": MATRIX[1].tolist(), "oslo": MATRIX[3].tolist()}
    assert (rows == wanted) is frozen
    assert weight.requires_grad is not frozen
    assert sum("covers 21.2% of 33 training tokens" in message for message in messages) == 1
    assert model.metrics["vectors"]["covered_tokens"] == 7


@pytest.mark.parametrize("keep", ["all", "seen"])
def test_a_word_unseen_in_training_has_its_vector_at_tagging_if_all_are_kept(
    corpus: Corpus, make_config: MakeConfig, vectors_file: Path, tmp_path: Path, keep: str
) -> None:
    config = make_config(vectors=str(vectors_file), word_dim=2, keep_vectors=keep, epochs=1)
    save_model(train_model(config, corpus), tmp_path / "model")
    model = load_model(tmp_path / "model", "cpu")
    encoded = encode([sentence_from_words(["UNSEEN"])], model.vocabularies)
    vector = model.network.embedding.words.look_up(torch.from_numpy(encoded.words[None]))[0, 0].tolist()
    unknown = model.network.embedding.words.trained.weight[1].tolist()
    assert vector == (MATRIX[4].tolist() if keep == "all" else unknown)


def test_training_refuses_vectors_of_another_width(corpus: Corpus, make_config: MakeConfig, vectors_file: Path) -> None:
    with pytest.raises(VectorsError, match=r"expected vectors of 8 numbers \(model\.word_dim\), found 2"):
        train_model(make_config(vectors=str(vectors_file)), corpus)
