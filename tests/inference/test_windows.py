"""A sentence read in windows against the same sentence read whole."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from ner.config import Config
from ner.features.batches import encode
from ner.formats.corpus import Corpus
from ner.inference import prediction, windows
from ner.inference.loading import Model
from ner.inference.prediction import reader_of
from ner.text.sentence import Sentence, sentence_from_words
from ner.training.training import train_model
from tests.tiny import make_batch, predict_tags

MakeConfig = Callable[..., Config]


def narrow_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows so small that a sentence of a thousand tokens has many."""
    monkeypatch.setattr(windows, "MARGIN", 150)
    monkeypatch.setattr(windows, "_PHASE", 8)
    for module in (windows, prediction):
        monkeypatch.setattr(module, "WINDOW", 400)


@pytest.fixture
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    narrow_windows(monkeypatch)


@pytest.fixture
def long_sentence(sentences: list[Sentence]) -> Sentence:
    words = [word for sentence in sentences for word in sentence.words]
    return sentence_from_words((words * 30)[:1000])


def whole_emissions(model: Model, sentence: Sentence) -> torch.Tensor:
    inputs, _ = make_batch(encode([sentence], model.vocabularies), np.array([0]))
    with torch.inference_mode():
        return model.network.emissions(inputs)


@pytest.mark.parametrize("length", [1, 399, 400, 401, 484, 1000, 1001, 5000])
def test_windows_keep_each_token_once_and_are_never_longer_than_allowed(narrow: None, length: int) -> None:
    found = list(windows.windows_of(length))
    assert [token for window in found for token in range(window.first, window.last)] == list(range(length))
    for window in found:
        assert 0 <= window.start <= window.first < window.last <= window.end <= length
        assert window.end - window.start <= 400
        assert window.start == 0 or window.first - window.start >= 150
        assert window.end == length or window.end - window.last >= 150
        assert window.start % 8 == (length - window.end) % 8 == 0
    assert len(found) == 1 or length > 400


@pytest.mark.parametrize(
    "settings",
    [
        {"cell": "lstm", "bigram_dim": 4, "casing_dim": 3},
        {"cell": "gru", "num_layers": 2},
        {"cell": "clockwork-rnn", "num_layers": 2},
        {"cell": "lstm", "bidirectional": False, "char_encoder": "lstm"},
    ],
)
def test_emissions_in_windows_are_those_of_the_whole_sentence(
    corpus: Corpus, make_config: MakeConfig, long_sentence: Sentence, narrow: None, settings: dict[str, object]
) -> None:
    model = train_model(make_config(epochs=2, **settings), corpus)
    whole = whole_emissions(model, long_sentence)
    ((rows, emissions, lengths),) = reader_of(model).emitted([long_sentence])
    assert (rows.tolist(), emissions.dtype, emissions.shape) == ([0], np.float64, tuple(whole.shape))
    assert lengths.tolist() == [len(long_sentence.spelled)]
    assert float(np.abs(emissions - whole.numpy()).max()) < 1e-4 * float(whole.std())


def test_tags_spans_and_k_best_labellings_in_windows_are_those_of_the_whole_sentence(
    corpus: Corpus,
    make_config: MakeConfig,
    sentences: list[Sentence],
    long_sentence: Sentence,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = train_model(make_config(epochs=15), corpus)
    both = [*sentences, sentence_from_words([]), long_sentence]

    def results() -> list[list[object]]:
        tags = predict_tags(model, both)
        reader = reader_of(model)
        spans = reader.scored_spans(both)
        labellings = [found for _, found in reader.k_best(both, k=3)]
        chances = [score for found in spans for _, score in found] + [p for found in labellings for _, p in found]
        return [
            tags,
            [[span for span, _ in found] for found in spans],
            [[t for t, _ in r] for r in labellings],
            chances,
        ]

    whole = results()
    narrow_windows(monkeypatch)
    cut = results()
    assert len(set(cut[0][-1])) > 1
    assert cut[:3] == whole[:3]
    assert cut[3] == pytest.approx(whole[3], rel=1e-4, abs=1e-6)


def test_an_entity_across_a_windows_edge_is_found_whole(corpus: Corpus, make_config: MakeConfig, narrow: None) -> None:
    model = train_model(make_config(epochs=20, dropout=0.0), corpus)
    first = next(windows.windows_of(900)).last  # the first token that the second window keeps
    words = ["sleeps"] * 900
    words[first - 1 : first + 1] = ["New", "York"]
    (tags,) = predict_tags(model, [sentence_from_words(words)])
    assert tags[first - 1 : first + 1] == ["B-LOC", "I-LOC"]
