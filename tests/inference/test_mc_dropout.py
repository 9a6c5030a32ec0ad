"""Disagreement under dropout: of which models there is some."""

from pathlib import Path

import pytest

from ner.errors import ConfigError
from ner.features.feature import Material
from ner.features.vocabulary import fit_vocabularies
from ner.inference.loading import Model
from ner.inference.mc_dropout import disagreements
from ner.inference.pretrained import load_encoder
from ner.network.model import build_model
from ner.text.sentence import Sentence
from tests.tiny import MakeConfig

pytest.importorskip("transformers", reason="the extra `contextual`")


def untrained(make_config: MakeConfig, sentences: list[Sentence], encoder: Path, dropout: float) -> Model:
    """A model whose only dropout is on the states of an encoder."""
    nowhere = {"dropout": 0.0, "char_dropout": 0.0, "word_dropout": 0.0}
    config = make_config(contextual=str(encoder), contextual_dropout=dropout, **nowhere)
    vocabularies = fit_vocabularies(Material(sentences, config, load_encoder=load_encoder))
    return Model(config, vocabularies, build_model(config.model, vocabularies).eval(), {}, [])


def test_dropout_on_the_states_of_an_encoder_alone_makes_networks_disagree(
    make_config: MakeConfig,
    sentences: list[Sentence],
    tiny_bert: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NER_HOME", str(tmp_path))
    found = disagreements(untrained(make_config, sentences, tiny_bert, 0.5), sentences)
    assert all(value > 1e-4 for value in found)
    with pytest.raises(ConfigError) as error:
        disagreements(untrained(make_config, sentences, tiny_bert, 0.0), sentences)
    assert str(error.value) == (
        "strategy bald: expected a model that was trained with dropout, found one without; take entropy"
    )
