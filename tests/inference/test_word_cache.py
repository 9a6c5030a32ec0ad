"""Distinct words: what a cache hands out is what the network makes of them, whoever asks and however often."""

import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from ner.config import Config
from ner.features.batches import encode, encode_words
from ner.formats.corpus import Corpus
from ner.inference import word_cache as module
from ner.inference.loading import Model
from ner.inference.torch_backend import TorchBackend
from ner.inference.word_cache import WordCache
from ner.text.sentence import sentence_from_words
from ner.training.training import train_model
from tests.tiny import make_batch

MakeConfig = Callable[..., Config]
WORDS = ["Anna", "ROME", "1984", "x", "unheard-of", "東京", "", "New", "antidisestablishmentarianism" * 5, "Oslo"]


@pytest.fixture
def model(corpus: Corpus, make_config: MakeConfig) -> Model:
    return train_model(make_config(epochs=1, casing_dim=3), corpus)


def encodings(model: Model, words: list[str]) -> np.ndarray:
    """Word by word, the slow way."""
    rows = []
    for word in words:
        arrays = encode_words(model.vocabularies.features, [word])
        with torch.no_grad():
            tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
            rows.append(model.network.embedding.encode_words(tensors)[0])
    return torch.stack(rows).numpy()


@pytest.mark.parametrize("char_encoder", ["cnn", "lstm", "both", "none"])
def test_a_batch_reads_the_same_with_a_cache_as_without(
    corpus: Corpus, make_config: MakeConfig, char_encoder: str
) -> None:
    model = train_model(make_config(epochs=1, casing_dim=3, bigram_dim=4, char_encoder=char_encoder), corpus)
    network = model.network.eval()
    cache = WordCache(TorchBackend(network), model.vocabularies)
    sentences = [sentence_from_words(WORDS), sentence_from_words(["Rome", "Rome"]), *corpus.dev]
    rows = np.arange(len(sentences))
    plain, _ = make_batch(encode(sentences, model.vocabularies), rows)
    with torch.no_grad():
        wanted = network.emissions(plain)
        for _ in range(2):
            inputs, _ = make_batch(encode(sentences, model.vocabularies, cache=cache), rows)
            assert torch.equal(inputs.mask, plain.mask)
            found = network.emissions(inputs)
            torch.testing.assert_close(found[inputs.mask], wanted[inputs.mask])


def test_words_come_back_in_the_order_asked_for_whether_new_or_known(model: Model) -> None:
    cache = WordCache(TorchBackend(model.network), model.vocabularies)
    for words in (WORDS[:3], WORDS[2:6], list(reversed(WORDS)), [WORDS[4]], WORDS):
        known, arrays = cache.look_up(words), encode_words(model.vocabularies.features, words)
        for name in ("words", "casing"):
            assert known.arrays[name].tolist() == arrays[name].tolist()
        np.testing.assert_allclose(known.encodings, encodings(model, words), rtol=1.3e-6, atol=1e-5)


def test_a_full_cache_starts_anew_and_one_call_may_ask_for_more_than_it_keeps(
    model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MOST", 6)
    monkeypatch.setattr(module, "TOGETHER", 3)
    cache = WordCache(TorchBackend(model.network), model.vocabularies)
    wanted = encodings(model, WORDS)
    for start, end in ((0, 4), (2, 6), (4, 8), (0, 10), (9, 10), (0, 10)):
        found = cache.look_up(WORDS[start:end]).encodings
        np.testing.assert_allclose(found, wanted[start:end], rtol=1.3e-6, atol=1e-5)
        assert len(cache._rows) <= 6


def test_endless_words_are_not_kept(model: Model) -> None:
    cache = WordCache(TorchBackend(model.network), model.vocabularies)
    for number in range(5):
        word = f"{number}" + "x" * 900_000
        assert len(cache.look_up([word, "Anna"]).encodings) == 2
        assert sum(map(len, cache._rows)) < 3_000_000


def test_threads_that_ask_at_once_get_their_own_words(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MOST", 40)
    cache = WordCache(TorchBackend(model.network), model.vocabularies)
    many = [f"{word}{number}" for number in range(12) for word in WORDS]
    wanted = encodings(model, many)

    def ask(seed: int) -> bool:
        chosen = np.random.default_rng(seed).permutation(len(many))[:30]
        found = cache.look_up([many[place] for place in chosen]).encodings
        return np.allclose(found, wanted[chosen], atol=1e-6)

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(ask, range(200)))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of forking a process with threads, which is the point
def test_a_process_forked_while_another_thread_looks_up_does_not_wait_for_it(model: Model) -> None:
    cache = WordCache(TorchBackend(model.network), model.vocabularies)
    cache.look_up(WORDS[:5])
    with cache._lock:
        child = os.fork()
        if not child:
            signal.alarm(20)  # ends a child that waits
            torch.set_num_threads(1)
            os._exit(0 if len(cache.look_up(WORDS).encodings) == len(WORDS) else 3)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
