"""Tagging: as many tags as tokens, in order, whatever the batches."""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch

from ner.config import Config
from ner.errors import ConfigError
from ner.formats.corpus import Corpus
from ner.inference.loading import Model, torch_network
from ner.inference.prediction import _batches
from ner.inference.prepared import prepare
from ner.inference.torch_backend import TorchBackend, choose_device
from ner.text.sentence import Sentence, sentence_from_words
from ner.training.training import train_model
from tests.tiny import predict_tags

MakeConfig = Callable[..., Config]


@pytest.fixture(scope="module")
def trained() -> dict[str, Model]:
    return {}


@pytest.fixture
def model(trained: dict[str, Model], corpus: Corpus, make_config: MakeConfig) -> Model:
    """Trained once; each test has a copy of its own."""
    if not trained:
        config = make_config(epochs=8, variational_dropout=True, word_dropout=0.1)
        trained["model"] = train_model(config, corpus)
    return copy.deepcopy(trained["model"])


def tag(model: Model, sentences: list[Sentence]) -> list[list[str]]:
    return predict_tags(model, sentences)


def test_a_batch_of_many_tags_as_batches_of_one(model: Model, sentences: list[Sentence]) -> None:
    alone = [tag(model, [sentence])[0] for sentence in sentences]
    assert len({tuple(tags) for tags in alone}) > 1
    for order in (range(8), reversed(range(8)), [3, 3, 0, 7]):
        rows = list(order)
        assert tag(model, [sentences[row] for row in rows]) == [alone[row] for row in rows]


@pytest.mark.parametrize("length", [1, 2, 127, 3000])
def test_as_many_tags_come_out_as_tokens_went_in(model: Model, sentences: list[Sentence], length: int) -> None:
    words = (["Anna", "Lee", "saw", "\u0000", "東京"] * length)[:length]
    tags = tag(model, [*sentences, sentence_from_words(words)])
    assert [len(row) for row in tags] == [len(s.tokens) for s in sentences] + [length]


def test_sentences_read_in_shares_have_the_emissions_that_they_have_all_together(
    model: Model, sentences: list[Sentence]
) -> None:
    backend = TorchBackend(torch_network(model))
    prepared = prepare([*sentences, sentence_from_words([])], model.vocabularies)
    found = {}
    for rows, emissions, lengths in prepared.emitted(backend):
        found |= {row: own[:size] for row, own, size in zip(rows.tolist(), emissions, lengths, strict=True)}
    for share in ([0, 3, 8], [1], [7, 6, 5, 4, 2], [8], []):
        read = []
        for rows, emissions, lengths in prepared.emit(backend, lambda read: read, only=np.array(share, dtype=np.int64)):
            for row, own, size in zip(rows.tolist(), emissions, lengths, strict=True):
                np.testing.assert_allclose(own[:size], found[row], atol=1e-6)
            read += rows.tolist()
        assert sorted(read) == sorted(set(share) - {8})


def test_empty_sentences_have_no_tags_and_disturb_nobody(model: Model, sentences: list[Sentence]) -> None:
    empty = sentence_from_words([])
    assert tag(model, [empty]) == [[]]
    assert tag(model, []) == []
    first, second = tag(model, sentences[:2])
    assert tag(model, [empty, sentences[0], empty, sentences[1], empty]) == [[], first, [], second, []]


@pytest.mark.parametrize("char_encoder", ["cnn", "lstm", "both", "none"])
def test_words_of_any_kind_are_tagged(corpus: Corpus, make_config: MakeConfig, char_encoder: str) -> None:
    model = train_model(make_config(epochs=1, char_encoder=char_encoder), corpus)
    words = ["", " ", "\ud800", "x" * 1_000_000, "🏳️‍🌈", "\n", "ﬁ", "İstanbul"]
    for sentence in (words, [""], ["Anna", ""]):
        assert len(tag(model, [sentence_from_words(sentence)])[0]) == len(sentence)


def test_tags_a_sentence_carries_are_not_looked_at(model: Model, sentences: list[Sentence]) -> None:
    bare = [sentence_from_words(sentence.words) for sentence in sentences]
    assert tag(model, bare) == tag(model, sentences)


def test_long_sentences_share_a_batch_within_what_memory_allows() -> None:
    lengths = np.array([30] * 200 + [2000] * 20 + [0, 9000, 300, 20_000, 256, 257])
    rows = np.flatnonzero(lengths)
    batches = list(_batches(rows, lengths))
    assert sorted(row for batch in batches for row in batch) == rows.tolist()
    for batch in batches:
        padded = len(batch) * int(lengths[batch].max())
        # Up to an eighth of the usual batch a sentence is short; a longer one shares a batch of 16,384 tokens.
        assert padded <= (2048 if lengths[batch].max() <= 256 else 16_384) or len(batch) == 1
    assert {len(batch) for batch in batches if lengths[batch].max() == 2000} == {8, 4 + 2}


def test_tagging_a_network_in_training_uses_no_dropout(model: Model, sentences: list[Sentence]) -> None:
    wanted = tag(model, sentences)
    model.network.train()
    assert tag(model, sentences) == wanted
    assert not model.network.training


def test_the_processor_is_a_device_and_auto_a_gpu_where_there_is_one() -> None:
    assert choose_device("cpu") == torch.device("cpu")
    assert choose_device("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


@pytest.mark.parametrize("name", ["gpu", "", "CPU", "cuda:x", "mps", "meta", "cuda:-1"])
def test_a_device_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(ConfigError) as error:
        choose_device(name)
    assert str(error.value) == f"device: expected auto, cpu, cuda or cuda:1, found {name!r}"


def test_a_gpu_that_is_not_there_is_refused() -> None:
    count = torch.cuda.device_count()
    name = f"cuda:{count}"
    with pytest.raises(ConfigError) as error:
        choose_device(name)
    assert str(error.value) == (
        f"device: {name!r} isn't here: PyTorch sees {count} CUDA devices; auto takes what is there"
    )
