"""The network in NumPy and on ONNX Runtime against the same weights in PyTorch."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from ner.config import Config, parse_config
from ner.errors import ConfigError
from ner.features.batches import collate, encode
from ner.features.feature import Material, feature_type
from ner.features.vocabulary import Vocabularies, fit_vocabularies
from ner.forward.features import vectors_type
from ner.forward.network import Network, weight_shapes
from ner.forward.onnx_encoder import OPERATORS, OnnxEncoder
from ner.inference.array_backend import ArrayBackend
from ner.inference.pretrained import load_encoder
from ner.inference.torch_backend import TorchBackend
from ner.inference.word_cache import WordCache
from ner.network.cells import CELLS
from ner.network.inputs import to_inputs
from ner.network.model import BiLSTMCRF, build_model
from ner.settings import FEATURES, FeaturesConfig
from ner.text.sentence import Sentence, sentence_from_words
from tests.tiny import TEXT, plain_settings, read_pairs

ENCODERS = ["numpy", "onnx"]


def sentences_of_a_document() -> list[Sentence]:
    """Some with a name that the document has again, one of a single word, one of a long unknown word."""
    first, *others = read_pairs(TEXT)
    again = sentence_from_words(["Rome", "and", "Rome", "x" * 80], ["B-LOC", "O", "B-LOC", "O"])
    return [replace(first, opens_document=True), *others, again]


def make(tmp_path: Path, **settings: object) -> tuple[Config, Vocabularies, BiLSTMCRF]:
    """Settings, vocabularies and a network of random weights, none of them zero."""
    tree = plain_settings()
    tree["model"] |= {"word_dim": 8, "char_dim": 5, "char_hidden_dim": 4, "hidden_dim": 8, "context_dim": 3}
    for key, value in settings.items():
        tree["features" if key in FeaturesConfig.model_fields else "model"][key] = value
    config = parse_config(tree, "test")
    vocabularies = fit_vocabularies(Material(sentences_of_a_document(), config, load_encoder=load_encoder))
    torch.manual_seed(7)
    network = build_model(config.model, vocabularies).eval()
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            tensor.copy_(torch.randn(tensor.shape) * (1 if "embedding" in name else 0.5))
    return config, vocabularies, network


def in_arrays(config: Config, vocabularies: Vocabularies, network: BiLSTMCRF, encoder: str) -> Network:
    weights = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    options = {"make_encoder": OnnxEncoder} if encoder == "onnx" else {}
    return Network(config.model, vocabularies, weights, **options)


def largest_difference(made: tuple[Config, Vocabularies, BiLSTMCRF], encoder: str) -> float:
    """Of emissions of ragged batches, with words that were encoded before and without, where real tokens are."""
    _, vocabularies, network = made
    arrays, found = in_arrays(*made, encoder), []
    sentences = sentences_of_a_document()
    backends = ArrayBackend(arrays), TorchBackend(network)
    for rows in ([0, 1, 2, 3, 4, 5, 6, 7, 8], [3], [5, 5], [8, 0]):
        batch = collate(encode(sentences, vocabularies), np.array(rows))
        with torch.inference_mode():
            wanted = network.emissions(to_inputs(batch)).numpy()
        found.append(np.abs(arrays.emissions(batch) - wanted)[batch.mask].max())
        for backend in backends:
            cache = WordCache(backend, vocabularies)
            known = collate(encode(sentences, vocabularies, cache=cache), np.array(rows))
            found.append(np.abs(backend.emissions(known) - wanted)[batch.mask].max())
    return float(max(found))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 3])
def test_every_cell_gives_the_emissions_of_pytorch_in_numpy(cell: str, layers: int, tmp_path: Path) -> None:
    made = make(tmp_path, cell=cell, num_layers=layers, clock_periods=[1, 2, 3])
    assert largest_difference(made, "numpy") < 1e-5


@pytest.mark.parametrize("cell", OPERATORS)
@pytest.mark.parametrize("layers", [1, 3])
def test_every_cell_that_onnx_knows_gives_the_emissions_of_pytorch_there(
    cell: str, layers: int, tmp_path: Path
) -> None:
    assert largest_difference(make(tmp_path, cell=cell, num_layers=layers), "onnx") < 1e-5


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize(
    "settings",
    [
        {"bidirectional": False, "num_layers": 2},
        {"connection": "residual", "num_layers": 3},
        {"connection": "highway", "num_layers": 2},
        {"context": "global", "num_layers": 2},
        {"context": "global", "bidirectional": False, "cell": "gru"},
        {"char_encoder": "none"},
        {"char_encoder": "lstm", "casing_dim": 3},
        {"char_encoder": "both", "char_kernel_size": 4, "casing_dim": 3, "bigram_dim": 2},
        {"char_kernel_size": 1},
        {"document_context": True, "casing_dim": 2},
        {"constraints": False, "temperature": 1.7},
    ],
    ids=str,
)
def test_every_setting_gives_the_emissions_and_the_chain_of_pytorch(
    settings: dict[str, object], encoder: str, tmp_path: Path
) -> None:
    made = make(tmp_path, **settings)
    assert largest_difference(made, encoder) < 1e-5
    wanted, found = made[2].crf.chain(), in_arrays(*made, encoder).chain
    for name in ("start", "transitions", "end", "temperature"):
        assert np.array_equal(getattr(found, name), getattr(wanted, name)), name


@pytest.mark.parametrize("encoder", ENCODERS)
def test_a_lexicon_and_gazetteers_give_the_emissions_of_pytorch(
    encoder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NER_HOME", str(tmp_path / "home"))
    (tmp_path / "lexicon.txt").write_text("Rome 1 2\nNew 3 4\nnobody 5 6\nYork 7 8\n", encoding="utf-8")
    (tmp_path / "cities.txt").write_text("New York\nRome\n", encoding="utf-8")
    features = {"lexicon": str(tmp_path / "lexicon.txt"), "lexicon_dim": 2, "gazetteer": [str(tmp_path / "cities.txt")]}
    assert largest_difference(make(tmp_path, **features), encoder) < 1e-5


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("mix", ["mean", "learned"])
def test_a_pretrained_encoder_gives_the_emissions_of_pytorch(
    mix: str, encoder: str, tiny_bert: Path, tmp_path: Path
) -> None:
    settings = {"contextual": str(tiny_bert), "contextual_mix": mix, "contextual_dim": 5, "document_context": True}
    made = make(tmp_path, **settings)
    assert largest_difference(made, encoder) < 1e-5
    wanted = {name: tuple(tensor.shape) for name, tensor in made[2].state_dict().items()}
    assert weight_shapes(made[0].model, made[1]) == wanted


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    "settings",
    [
        {"num_layers": 2, "connection": "highway", "context": "global", "char_encoder": "both", "bigram_dim": 3},
        {"bidirectional": False, "casing_dim": 2, "document_context": True, "char_encoder": "lstm"},
    ],
    ids=["both directions", "one"],
)
def test_the_shapes_are_those_of_pytorchs_network(cell: str, settings: dict[str, object], tmp_path: Path) -> None:
    config, vocabularies, network = make(tmp_path, cell=cell, **settings)
    wanted = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    assert weight_shapes(config.model, vocabularies) == wanted


@pytest.mark.parametrize("encoder", ENCODERS)
@pytest.mark.parametrize("cell", OPERATORS)
def test_a_sentence_alone_and_in_a_batch_has_the_same_emissions(cell: str, encoder: str, tmp_path: Path) -> None:
    made = make(tmp_path, cell=cell, num_layers=2)
    network = in_arrays(*made, encoder)
    encoded = encode(sentences_of_a_document(), made[1])
    together = network.emissions(collate(encoded, np.arange(9)))
    for row in range(9):
        alone = network.emissions(collate(encoded, np.array([row])))[0]
        np.testing.assert_allclose(together[row, : len(alone)], alone, atol=2e-6)


def test_every_feature_has_a_half_without_pytorch() -> None:
    found = {name for name in FEATURES if vectors_type(feature_type(name)) is not None}
    assert found == set(FEATURES) - {"document_context"}


def test_a_cell_that_onnx_does_not_know_is_refused_there(tmp_path: Path) -> None:
    made = make(tmp_path, cell="peephole-lstm")
    with pytest.raises(ConfigError) as caught:
        in_arrays(*made, "onnx")
    assert str(caught.value) == (
        "model.cell: runtime \"onnx\" expected one of lstm, gru, rnn, found 'peephole-lstm'; "
        'runtime "numpy" knows all cells'
    )


def test_a_cell_of_ones_own_is_pytorchs_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CELLS, "mine", CELLS["rnn"])
    config, vocabularies, _ = make(tmp_path, cell="mine")
    with pytest.raises(ConfigError) as caught:
        weight_shapes(config.model, vocabularies)
    assert str(caught.value) == (
        "model.cell: expected one of lstm, gru, rnn, peephole-lstm, coupled-lstm, depth-gated-lstm, clockwork-rnn, "
        "found 'mine'; a cell of your own runs on runtime \"torch\""
    )
