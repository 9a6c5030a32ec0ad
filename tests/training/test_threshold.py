"""The fitted threshold against the report of every other, and what it leaves as it is."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import ner
from ner.errors import ConfigError
from ner.formats.corpus import Corpus
from ner.inference.decoding import Decoding, with_threshold
from ner.inference.loading import Model, load_model
from ner.inference.prediction import reader_of
from ner.text.sentence import Sentence
from ner.text.tags import tags_to_spans
from ner.training import epochs
from ner.training.calibration import fit_threshold
from ner.training.events import Listener
from ner.training.selection import DevScores
from ner.training.training import train_model
from tests.tiny import MakeConfig, plain_overrides


def load(folder: Path) -> tuple[ner.Tagger, list[Sentence]]:
    return ner.load(folder, device="cpu", runtime="torch"), ner.read_conll(
        Path(__file__).parents[2] / "data/sample-en/dev.conll"
    )


def fit(model: Model, sentences: list[ner.Sentence]) -> float:
    emitted = list(reader_of(model).emitted(sentences))
    return fit_threshold(model.network.crf.chain(), model.vocabularies, sentences, emitted)


def test_no_other_threshold_from_a_fifth_on_has_a_better_f1(small_model: Path) -> None:
    tagger, sentences = load(small_model)
    scores = {
        step / 20: ner.load(small_model, device="cpu", threshold=step / 20).evaluate(sentences).micro.f1
        for step in range(4, 20)
    }
    model = tagger._model
    fitted = fit(model, sentences)
    assert scores[fitted] == max(scores.values()) > min(scores.values())
    assert all(abs(fitted - 0.5) <= abs(other - 0.5) for other in scores if scores[other] == scores[fitted])
    assert model.config.model.decoding == "viterbi"


def test_where_nothing_is_found_it_stays_at_a_half(small_model: Path) -> None:
    tagger, sentences = load(small_model)
    model = tagger._model
    bare = [ner.Sentence(s.tokens, ("O",) * len(s.tokens)) for s in sentences[:20]]
    assert fit(model, bare) == 0.5
    assert fit(model, []) == 0.5


@pytest.mark.parametrize("threshold", [0.0, 1.0, -0.5, 2.0])
def test_only_a_probability_is_a_threshold(small_model: Path, threshold: float) -> None:
    with pytest.raises(ConfigError) as caught:
        with_threshold(load(small_model)[0]._model, threshold)
    assert str(caught.value) == f"threshold: expected a probability above 0 and below 1, found {threshold}"


def test_another_threshold_leaves_the_model_and_takes_its_scores_along(small_model: Path) -> None:
    model = load(small_model)[0]._model
    other = with_threshold(model, 0.3)
    assert model.config.model.decoding == "viterbi"
    assert other.config.model.threshold == 0.3
    assert "dev" in model.metrics
    assert other.metrics == {name: value for name, value in model.metrics.items() if name not in ("dev", "example")}


def test_without_a_dev_set_to_fit_it_on_there_is_none(corpus: Corpus, make_config: MakeConfig) -> None:
    said: list[str] = []
    bare = replace(corpus, dev=[])
    config = make_config(decoding="threshold", calibrate=True, epochs=2)
    model = train_model(config, bare, listener=Listener(on_message=said.append))
    assert said == [
        "warning: training.calibrate: expected a dev set to fit a temperature on, found none, nor a threshold, so "
        "model.decoding is viterbi"
    ]
    assert model.config.model.decoding == "viterbi"
    asked = train_model(make_config(decoding="threshold", threshold=0.2, epochs=2), bare)
    assert asked.config.model.decoding == "threshold"
    assert asked.config.model.threshold == 0.2


def test_on_a_small_dev_set_none_is_fitted(corpus: Corpus, make_config: MakeConfig) -> None:
    said: list[str] = []
    config = make_config(decoding="threshold", calibrate=True, epochs=2)
    model = train_model(config, corpus, listener=Listener(on_message=said.append))
    assert sum(len(sentence.spans) for sentence in corpus.dev) == 11
    assert said[-1] == (
        "training.calibrate: to fit a threshold, expected at least 100 entities in the dev set, found 11; so "
        "model.decoding is viterbi"
    )
    assert model.config.model.decoding == "viterbi"
    assert model.config.model.temperature != 1.0


def test_of_a_run_that_found_nothing_none_is_fitted(
    corpus: Corpus, make_config: MakeConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = DevScores(0.0, 0.0, 0.0, {}, {})
    monkeypatch.setattr(epochs, "dev_scores", lambda corpus, predicted: nothing)
    said: list[str] = []
    config = make_config(decoding="threshold", calibrate=True, epochs=1)
    larger = replace(corpus, dev=corpus.dev * 10)
    model = train_model(config, larger, listener=Listener(on_message=said.append))
    assert model.config.model.decoding == "viterbi"
    assert said[-1] == (
        "training.calibrate: to fit a threshold, expected entities of the dev set to be found in training, and none "
        "was; so model.decoding is viterbi"
    )
    assert said[-2].startswith("warning: expected entities of the dev set, found none in 1 epoch")


def test_tags_and_scored_spans_are_the_same_entities(small_model: Path) -> None:
    _, sentences = load(small_model)
    tagger = ner.load(small_model, device="cpu", threshold=0.05)
    tags, spans = tagger.tag_sentences(sentences), tagger.find_spans(sentences)
    assert [tags_to_spans(row) for row in tags] == [[span for span, _ in row] for row in spans]
    # Each score is the probability that a model which decodes otherwise would give, too.
    model = load(small_model)[0]._model
    usual = {
        (place, span): score for place, row in enumerate(ner.Tagger(model).find_spans(sentences)) for span, score in row
    }
    shared = [((n, span), score) for n, row in enumerate(spans) for span, score in row if (n, span) in usual]
    assert len(shared) > 10
    assert [score for _, score in shared] == pytest.approx([usual[key] for key, _ in shared], abs=1e-5)


@pytest.mark.parametrize("calibrate", [True, False])
def test_a_model_trained_to_decode_so_keeps_its_threshold(tmp_path: Path, sample_en: Path, calibrate: bool) -> None:
    recipe = tmp_path / "c.toml"
    recipe.write_text(
        "[model]\nhidden_dim=8\nword_dim=8\n[training]\nepochs=10\nlearning_rate=0.1\n[run]\nthreads=1\ndevice='cpu'"
    )
    settings = [f"data.train={sample_en}/dev.conll", f"data.dev={sample_en}/test.conll"]
    settings += [*plain_overrides(), "training.batch_size=8", f"training.calibrate={json.dumps(calibrate)}"]
    usual = ner.train(config := ner.load_config(recipe, settings), corpus := ner.load_corpus(config.data))
    tagger = ner.train(ner.load_config(recipe, [*settings, "model.decoding=threshold"]), corpus)
    for mine, theirs in zip(tagger._model.network.parameters(), usual._model.network.parameters(), strict=True):
        assert not calibrate or torch.equal(mine, theirs)  # epochs were compared by the same tags
    tagger.save(tmp_path / "model")
    loaded = load_model(tmp_path / "model", "cpu")
    assert Decoding.of(loaded.config.model) == Decoding.of(tagger.config.model)
    assert loaded.config.model.decoding == "threshold"
    f1 = tagger.evaluate(corpus.dev).micro.f1
    assert f1 == tagger.metrics["dev"]["micro"]["f1"]
    if calibrate:
        assert loaded.config.model.threshold != 0.5
        assert f1 > usual.evaluate(corpus.dev).micro.f1
    else:
        assert loaded.config.model.threshold == 0.5
