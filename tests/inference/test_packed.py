"""A network in inference mode: the same numbers as the one it was made of, from weights laid out otherwise."""

import pytest
import torch
from torch import nn

from ner.inference.packed import PackedLSTM, _packed, in_inference_mode
from ner.network.cells import CELLS
from ner.network.characters import CharacterEncoders, CharacterLSTM
from ner.network.layer import RecurrentLayer
from ner.network.model import BiLSTMCRF, build_model
from ner.settings import ModelConfig
from ner.text.sentence import sentence_from_words
from tests.tiny import vocabularies_of


def layer_of(cell: str, *, bf16: bool, bidirectional: bool = True) -> RecurrentLayer:
    torch.manual_seed(3)
    return RecurrentLayer(cell, 5, 7, bidirectional=bidirectional, bf16=bf16).eval()


@pytest.mark.parametrize("bf16", [False, True])
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("lengths", [[1], [6], [4, 4, 4], [6, 5, 2, 1], [3] * 40])
def test_a_packed_layer_computes_what_the_layer_computes(lengths: list[int], bidirectional: bool, bf16: bool) -> None:
    layer = layer_of("lstm", bf16=bf16, bidirectional=bidirectional)
    packed = _packed(layer)
    if torch.backends.cpu.get_cpu_capability().startswith("AVX"):
        assert isinstance(packed.forward_cell, PackedLSTM)
    inputs = torch.randn(len(lengths), max(lengths), 5)
    rows = torch.tensor(lengths)
    with torch.inference_mode():
        (wanted, _), (found, _) = layer(inputs, rows), packed(inputs, rows)
    assert found.dtype == torch.float32
    for row, length in enumerate(lengths):
        # In bfloat16 a rounding that falls the other way is 1 in 256.
        torch.testing.assert_close(
            found[row, :length], wanted[row, :length], **({"atol": 0.01, "rtol": 0} if bf16 else {})
        )


@pytest.mark.parametrize("bf16", [False, True])
def test_the_callers_autocast_changes_nothing(bf16: bool) -> None:
    for layer in (layer_of("lstm", bf16=bf16), _packed(layer_of("lstm", bf16=bf16))):
        inputs, rows = torch.randn(2, 3, 5), torch.tensor([3, 2])
        with torch.inference_mode():
            wanted = layer(inputs, rows)[0]
            with torch.autocast("cpu", dtype=torch.bfloat16):
                assert torch.equal(layer(inputs, rows)[0], wanted)


def test_later_training_does_not_reach_it_and_the_layer_stays_what_it_was() -> None:
    layer = layer_of("lstm", bf16=False)
    packed = _packed(layer)
    inputs, rows = torch.randn(2, 3, 5), torch.tensor([3, 3])
    with torch.inference_mode():
        before = packed(inputs, rows)[0]
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.mul_(2)
    with torch.inference_mode():
        assert torch.equal(packed(inputs, rows)[0], before)
        assert not torch.allclose(layer(inputs, rows)[0], before)
    assert type(layer.forward_cell) is CELLS["lstm"]
    layer(inputs, rows)[0].sum().backward()
    assert all(parameter.grad is not None for parameter in layer.parameters())


@pytest.mark.parametrize("cell", [cell for cell in CELLS if cell != "lstm"])
def test_other_cells_are_left_as_they_are(cell: str) -> None:
    layer = layer_of(cell, bf16=False)
    packed = _packed(layer)
    assert packed.forward_cell is layer.forward_cell
    assert packed.backward_cell is layer.backward_cell


@pytest.mark.parametrize("char_encoder", ["lstm", "both"])
@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_the_character_lstm_is_packed_too(precision: str, char_encoder: str) -> None:
    torch.manual_seed(3)
    settings = {"char_encoder": char_encoder, "precision": precision, "word_dim": 4, "hidden_dim": 5}
    sentences = [sentence_from_words(["Rome", "Rome", "sleeps", "Romeo"], ["B-LOC", "O", "O", "O"])]
    network = build_model(ModelConfig(**settings), vocabularies_of(sentences, **settings)).eval()
    reader = in_inference_mode(network)
    if torch.backends.cpu.get_cpu_capability().startswith("AVX"):
        assert isinstance(character_cell(reader), PackedLSTM)
    lengths = torch.randint(1, 12, (250,))
    spellings = torch.randint(1, 4, (250, 12)) * (torch.arange(12) < lengths.unsqueeze(1))
    words = {"words": torch.randint(1, 4, (250,)), "characters.spellings": spellings, "characters.lengths": lengths}
    with torch.inference_mode():
        wanted, found = network.embedding.encode_words(words), reader.embedding.encode_words(words)
    torch.testing.assert_close(found, wanted, atol=0.01 if precision == "bf16" else 1e-6, rtol=0)
    assert not isinstance(character_cell(network), PackedLSTM)


def character_cell(network: BiLSTMCRF) -> nn.Module:
    characters = network.embedding.characters.encoder
    own = characters.encoders[1] if isinstance(characters, CharacterEncoders) else characters
    assert isinstance(own, CharacterLSTM)
    return own.layer.forward_cell


def test_the_layer_that_reads_for_a_summary_is_packed_too() -> None:
    torch.manual_seed(3)
    settings = {"char_encoder": "none", "context": "global", "word_dim": 4, "hidden_dim": 5}
    vocabularies = vocabularies_of([sentence_from_words(["Rome", "sleeps"], ["B-LOC", "O"])], **settings)
    network = build_model(ModelConfig(**settings), vocabularies).eval()
    reader = in_inference_mode(network)
    context = reader.encoder.context
    assert context is not None
    if torch.backends.cpu.get_cpu_capability().startswith("AVX"):
        assert any(isinstance(module, PackedLSTM) for module in context.modules())
    inputs, lengths = torch.randn(3, 6, network.embedding.output_dim), torch.tensor([6, 4, 1])
    with torch.inference_mode():
        wanted, found = network.encoder(inputs, lengths), reader.encoder(inputs, lengths)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(found[row, :length], wanted[row, :length], atol=1e-6, rtol=0)
