"""The whole network against enumeration of all tag sequences, and against itself without padding."""

from itertools import pairwise, product

import pytest
import torch
from torch import Tensor, nn

from ner.config import parse_config
from ner.errors import ConfigError
from ner.features.batches import encode
from ner.features.vocabulary import Vocabularies
from ner.network.cells import CELLS
from ner.network.encoder import CONNECTIONS
from ner.network.inputs import Inputs
from ner.network.model import BiLSTMCRF, build_model
from ner.text.sentence import Sentence, sentence_from_words
from tests.tiny import make_batch, vocabularies_of

SENTENCES = [
    sentence_from_words(["Anna", "Lee", "saw", "Rome"], ["B-PER", "I-PER", "O", "B-PER"]),
    sentence_from_words(["a"], ["O"]),
    sentence_from_words(["Internationalization", "I"], ["O", "B-PER"]),
    sentence_from_words(["saw", "Anna", "x"], ["O", "B-PER", "O"]),
]
TINY = {"casing_dim": 0, "word_dim": 5, "char_dim": 4, "char_hidden_dim": 3, "hidden_dim": 4, "context_dim": 3}


def make_network(sentences: list[Sentence] = SENTENCES, **settings: object) -> tuple[BiLSTMCRF, Vocabularies]:
    """A network in eval mode whose transitions, too, are anything but near zero."""
    vocabularies = vocabularies_of(sentences, **{**TINY, **settings})
    torch.manual_seed(3)
    network = build_model(parse_config({"model": {**TINY, **settings}}, "test").model, vocabularies)
    for name, parameter in network.named_parameters():
        if name.startswith(("crf.", "projection.")):
            nn.init.normal_(parameter)
    return network.eval(), vocabularies


def batch_of(sentences: list[Sentence], vocabularies: Vocabularies) -> tuple[Inputs, Tensor]:
    inputs, tags = make_batch(encode(sentences, vocabularies, tagged=True), torch.arange(len(sentences)).numpy())
    assert tags is not None
    return inputs, tags


def sequence_score(network: BiLSTMCRF, emissions: Tensor, sequence: tuple[int, ...]) -> float:
    """Lample et al. 2016, equation 1, term by term."""
    crf = network.crf
    score = float(crf.start_transitions[sequence[0]]) + float(crf.end_transitions[sequence[-1]])
    score += sum(float(emissions[step, tag]) for step, tag in enumerate(sequence))
    return score + sum(float(crf.transitions[a, b]) for a, b in pairwise(sequence))


def all_sequences(names: list[str], length: int, constraints: bool) -> list[tuple[int, ...]]:
    """Every tag sequence; with constraints those alone in which B goes on with I or E, and only B and I do."""
    sequences = product(range(len(names)), repeat=length)
    if not constraints:
        return list(sequences)
    words = {sequence: "-" + "".join(names[tag][0] for tag in sequence) + "-" for sequence in sequences}
    return [sequence for sequence, word in words.items() if all((a in "BI") == (b in "IE") for a, b in pairwise(word))]


def test_the_tag_sequences_with_constraints_are_the_ways_to_lay_out_entities() -> None:
    names = ["O", "B-PER", "I-PER", "E-PER", "S-PER"]
    # Each token is O, S or the start of a longer entity: f(n) = 2 f(n-1) + f(n-2) + f(n-3) + ...
    assert [len(all_sequences(names, length, True)) for length in (1, 2, 3, 4)] == [2, 5, 13, 34]
    assert len(all_sequences(names, 4, False)) == 5**4


@pytest.mark.parametrize("constraints", [False, True])
@torch.no_grad()
def test_the_loss_is_that_of_enumerating_every_tag_sequence(constraints: bool) -> None:
    network, vocabularies = make_network(constraints=constraints)
    inputs, tags = batch_of(SENTENCES, vocabularies)
    emissions = network.emissions(inputs)
    losses = []
    for row, sentence in enumerate(SENTENCES):
        length = len(sentence.tokens)
        sequences = all_sequences(vocabularies.tags, length, constraints)
        scores = torch.tensor(
            [sequence_score(network, emissions[row], sequence) for sequence in sequences], dtype=torch.float64
        )
        gold = sequence_score(network, emissions[row], tuple(tags[row, :length].tolist()))
        losses.append(float(scores.logsumexp(0)) - gold)
    assert len(vocabularies.tags) == 5
    assert float(network(inputs, tags)) == pytest.approx(sum(losses) / len(losses), abs=1e-4)


@pytest.mark.parametrize("constraints", [False, True])
@torch.no_grad()
def test_decoding_finds_the_best_of_all_tag_sequences(constraints: bool) -> None:
    network, vocabularies = make_network(constraints=constraints)
    inputs, _ = batch_of(SENTENCES, vocabularies)
    emissions = network.emissions(inputs)
    decoded = network.crf.decode(network.emissions(inputs), inputs.mask)
    for row, sentence in enumerate(SENTENCES):
        sequences = all_sequences(vocabularies.tags, len(sentence.tokens), constraints)
        best = max(sequences, key=lambda sequence: sequence_score(network, emissions[row], sequence))
        assert tuple(decoded[row]) == best


# What leads past a layer, and what stands beside each token.
SHAPES = list(product(CONNECTIONS, ("none", "global")))


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("num_layers", [1, 2])
@pytest.mark.parametrize("char_encoder", ["cnn", "lstm", "both", "none"])
@torch.no_grad()
def test_a_sentence_has_the_same_emissions_alone_and_in_any_batch(
    cell: str, num_layers: int, char_encoder: str
) -> None:
    assert_alike_alone_and_together(
        cell=cell, num_layers=num_layers, char_encoder=char_encoder, casing_dim=2, char_kernel_size=4
    )


@pytest.mark.parametrize("bidirectional", [True, False], ids=["both", "forward"])
@pytest.mark.parametrize(("connection", "context"), SHAPES)
@pytest.mark.parametrize("cell", CELLS)
@torch.no_grad()
def test_connections_and_context_leave_a_sentence_to_itself(
    cell: str, connection: str, context: str, bidirectional: bool
) -> None:
    assert_alike_alone_and_together(
        cell=cell, connection=connection, context=context, bidirectional=bidirectional, num_layers=2
    )


def assert_alike_alone_and_together(**settings: object) -> None:
    network, vocabularies = make_network(**settings)
    together = network.emissions(batch_of(SENTENCES, vocabularies)[0])
    for row, sentence in enumerate(SENTENCES):
        alone = network.emissions(batch_of([sentence], vocabularies)[0])[0]
        torch.testing.assert_close(alone, together[row, : len(sentence.tokens)], rtol=0, atol=1e-6)


@torch.no_grad()
def test_the_loss_of_a_batch_is_the_mean_over_its_sentences() -> None:
    network, vocabularies = make_network()
    alone = [float(network(*batch_of([sentence], vocabularies))) for sentence in SENTENCES]
    assert float(network(*batch_of(SENTENCES, vocabularies))) == pytest.approx(sum(alone) / len(alone), abs=1e-5)


GRID = list(product(CELLS, (1, 2, 3, 4), SHAPES))
# Any two of cell, number of layers and shape, and half of all; the other half among the slow tests.
HALF = [n % 2 == (n // len(SHAPES) + n // (4 * len(SHAPES))) % 2 for n in range(len(GRID))]


@pytest.mark.parametrize(
    ("cell", "num_layers", "connection", "context"),
    [
        pytest.param(cell, number, *shape, marks=() if fast else pytest.mark.slow)
        for (cell, number, shape), fast in zip(GRID, HALF, strict=True)
    ],
)
def test_every_shape_of_network_gives_each_tag_a_score_and_a_finite_loss(
    cell: str, num_layers: int, connection: str, context: str
) -> None:
    network, vocabularies = make_network(cell=cell, num_layers=num_layers, connection=connection, context=context)
    inputs, tags = batch_of(SENTENCES, vocabularies)
    network.train()
    emissions = network.emissions(inputs)
    assert emissions.shape == (len(SENTENCES), 4, len(vocabularies.tags))
    assert emissions.isfinite().all()
    assert network(inputs, tags).isfinite()
    network.eval()
    decoded = network.crf.decode(network.emissions(inputs), inputs.mask)
    assert [len(sequence) for sequence in decoded] == [len(sentence.tokens) for sentence in SENTENCES]


def shape_of(network: BiLSTMCRF, name: str) -> list[int]:
    return list(network.get_parameter(name).shape)


@pytest.mark.parametrize(("bidirectional", "directions"), [(True, 2), (False, 1)], ids=["both", "forward"])
def test_layers_fit_on_each_other_and_on_the_context(bidirectional: bool, directions: int) -> None:
    settings = {"cell": "coupled-lstm", "char_encoder": "none", "num_layers": 2, "connection": "highway"}
    network, vocabularies = make_network(**settings, context="global", bidirectional=bidirectional)
    token, summary, hidden = 5, 3 * directions, 4 * directions
    assert shape_of(network, "encoder.context.layer.forward_cell.weight_ih") == [3 * 3, token]
    assert shape_of(network, "encoder.layers.0.forward_cell.weight_ih") == [3 * 4, token + summary]
    assert shape_of(network, "encoder.layers.1.forward_cell.weight_ih") == [3 * 4, hidden]
    assert shape_of(network, "encoder.connections.1.gate.weight") == [hidden, hidden]
    assert shape_of(network, "projection.weight") == [len(vocabularies.tags), hidden]
    assert sum("backward_cell.weight_hh" in name for name, _ in network.named_parameters()) == 3 * (directions - 1)


def test_settings_of_cells_reach_every_layer() -> None:
    network, _ = make_network(cell="coupled-lstm", num_layers=3, context="global", forget_bias=2.5)
    biases = [p.tolist() for name, p in network.named_parameters() if name.endswith("_cell.bias")]
    # Forget, candidate, output; the context's units are 3 a direction, the encoder's 4.
    assert sorted(biases, key=len) == [[2.5] * n + [0.0] * 2 * n for n in (3, 3, 4, 4, 4, 4, 4, 4)]
    network, _ = make_network(cell="clockwork-rnn", num_layers=2, context="global", clock_periods=[2, 5])
    periods = [b.tolist() for name, b in network.named_buffers() if name.endswith("periods")]
    assert sorted(periods, key=len) == [[2, 2, 5], [2, 2, 5], *[[2, 2, 5, 5]] * 4]


def test_only_the_first_layer_reads_the_input_as_cell_states() -> None:
    network, _ = make_network(cell="depth-gated-lstm", num_layers=3, context="global", bidirectional=False)
    entrances = {name for name, _ in network.named_parameters() if "entrance" in name}
    assert entrances == {
        "encoder.layers.0.forward_cell.entrance.weight",
        "encoder.context.layer.forward_cell.entrance.weight",
    }


@pytest.mark.parametrize("cell", ["LSTM", "", "mgu"])
def test_a_cell_that_is_not_there_is_refused_with_those_that_are(cell: str) -> None:
    with pytest.raises(ConfigError) as error:
        make_network(cell=cell)
    assert str(error.value) == (
        "model.cell: expected one of lstm, gru, rnn, peephole-lstm, coupled-lstm, depth-gated-lstm, clockwork-rnn, "
        f"found {cell!r}"
    )


@pytest.mark.parametrize(("connection", "context"), SHAPES)
@pytest.mark.parametrize("cell", CELLS)
def test_every_parameter_learns_from_a_batch(cell: str, connection: str, context: str) -> None:
    network, vocabularies = make_network(
        casing_dim=2, num_layers=2, cell=cell, connection=connection, context=context, clock_periods=[1, 2]
    )
    network(*batch_of(SENTENCES, vocabularies)).backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.any(), name
        assert parameter.grad.isfinite().all(), name


def test_word_dropout_hides_whole_tokens_in_training_only() -> None:
    network, vocabularies = make_network(word_dropout=0.5, dropout=0.0, char_dropout=0.0)
    inputs, _ = batch_of(SENTENCES, vocabularies)
    seen: list[Tensor] = []
    network.encoder.register_forward_pre_hook(lambda module, arguments: seen.append(arguments[0].detach()))
    network.eval().emissions(inputs)
    network.train()
    for _ in range(200):
        network.emissions(inputs)
    whole, dropped = seen[0], torch.stack(seen[1:])  # (200, B, T, D)
    hidden = (dropped == 0).all(-1)
    assert torch.equal(dropped, whole * ~hidden.unsqueeze(-1))
    # Of 2,000 draws of real tokens, five deviations of the mean are 0.056.
    assert float(hidden[:, inputs.mask].float().mean()) == pytest.approx(0.5, abs=0.056)


def test_the_mask_is_true_where_a_token_is() -> None:
    _, vocabularies = make_network()
    inputs, _ = batch_of(SENTENCES, vocabularies)
    assert inputs.mask.tolist() == [[step < len(s.tokens) for step in range(4)] for s in SENTENCES]
    assert inputs.mask.dtype == torch.bool
