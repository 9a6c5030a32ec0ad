"""A dev set without an entity chooses no epoch and fits nothing."""

from collections.abc import Callable
from dataclasses import replace

from ner.config import Config
from ner.formats.corpus import Corpus
from ner.text.sentence import sentence_from_words
from ner.training.events import Listener
from ner.training.training import train_model
from tests.tiny import _same_random_numbers, corpus, make_config, sentences  # noqa: F401

MakeConfig = Callable[..., Config]


def test_the_last_epoch_is_kept_no_temperature_is_fitted_and_that_is_told(
    corpus: Corpus,  # noqa: F811
    make_config: MakeConfig,  # noqa: F811
) -> None:
    bare = [sentence_from_words(["nothing", "happened"], ["O", "O"])]
    told: list[str] = []
    config = make_config(epochs=3, calibrate=True)
    model = train_model(config, replace(corpus, dev=bare), listener=Listener(on_message=told.append))
    assert [epoch["best"] for epoch in model.history] == [True, True, True]
    assert model.config.model.temperature == 1.0
    assert "warning: the dev set: expected an entity to choose an epoch by, found none; the last epoch is kept" in told
