"""What is read off a network inside one sentence, against the network itself, finite differences and plain NumPy."""

from collections.abc import Callable
from itertools import pairwise, product

import numpy as np
import pytest
import torch
from torch import Tensor

from ner.errors import DataError
from ner.features.batches import encode
from ner.inference.loading import Model
from ner.inspection.trace import LONGEST, Inspection, inspect_sentences, learned_transitions
from ner.network.cells import CELLS
from ner.network.inputs import Inputs
from ner.tagger import Tagger
from ner.text.sentence import Sentence, Span, sentence_from_words
from ner.text.tags import legal_transitions
from tests.tiny import make_batch

MakeModel = Callable[..., Model]

WORDS = ["Bob", "Lee", "left", "New", "York", "City", "in", "1984"]
# As the papers have them: Hochreiter & Schmidhuber with Gers et al., Cho et al., Elman, Greff et al., Yao et al., …
GATES = {
    "lstm": {"forget", "input", "output"},
    "gru": {"reset", "update"},
    "rnn": set(),
    "peephole-lstm": {"forget", "input", "output"},
    "coupled-lstm": {"forget", "output"},
    "depth-gated-lstm": {"forget", "input", "output", "depth"},
    "clockwork-rnn": set(),
}


def look(model: Model, words: list[str] = WORDS) -> Inspection:
    return inspect_sentences(model, [sentence_from_words(words)])[0]


def inputs_of(model: Model, words: list[str] = WORDS) -> Inputs:
    return make_batch(encode([sentence_from_words(words)], model.vocabularies), np.array([0]))[0]


def emissions_of(model: Model, tokens: Tensor) -> Tensor:
    return model.network.projection(model.network.encoder(tokens, torch.full((len(tokens),), tokens.shape[1])))


@torch.no_grad()
def favour_long_spans(model: Model) -> None:
    for label in model.vocabularies.labels:
        begin, inside, last = (model.vocabularies.tag_id(f"{role}-{label}") for role in "BIE")
        for a, b in ((begin, inside), (inside, inside), (inside, last)):
            model.network.crf.transitions[a, b] += 3


@torch.no_grad()
def slopes(model: Model, spans: list[Span]) -> list[Tensor]:
    """Central differences of each span's posterior in each value of each token's embedding (T, D)."""
    inputs = inputs_of(model)
    tokens = model.network.embedding(inputs)
    values = tokens.numel()
    moved = 1e-5 * torch.eye(values, dtype=torch.float64).view(values, *tokens.shape[1:])
    placed = [(row, span.start, span.end) for span in spans for row in range(values)]
    numbers = [[model.vocabularies.tag_id(f"{role}-{span.label}") for role in "BIES"] for span in spans]
    roles = torch.tensor(numbers).repeat_interleave(values, dim=0)
    higher, lower = (
        model.network.crf.span_posteriors(emissions_of(model, tokens + sign * moved), None, placed, roles)
        for sign in (1, -1)
    )
    return list(((higher - lower) / 2e-5).view(len(spans), *tokens.shape[1:]))


_PLAIN, _DEEP, _CONTEXT = {}, {"cell": "depth-gated-lstm", "num_layers": 2}, {"context": "global"}
# Each network, and constraints or none at each temperature; the rest among the slow tests.
_QUICK = [(_PLAIN, True, 2.0), (_PLAIN, False, 1.0), (_DEEP, True, 1.0), (_CONTEXT, False, 2.0)]
_REST = [row for row in product((_PLAIN, _DEEP, _CONTEXT), (True, False), (1.0, 2.0)) if row not in _QUICK]


@pytest.mark.parametrize(
    ("settings", "constraints", "temperature"),
    [*_QUICK, *(pytest.param(*row, marks=pytest.mark.slow) for row in _REST)],
    ids=str,
)
def test_influences_are_slopes_of_the_probability_in_the_embedding(
    make_model: MakeModel, constraints: bool, temperature: float, settings: dict[str, object]
) -> None:
    lengths, steepest = set(), 0.0
    for seed in range(12):
        model = make_model(seed=seed, constraints=constraints, temperature=temperature, **settings)
        if seed % 2:
            favour_long_spans(model)
        model.network.double()
        influences = look(model).influences
        for found, slope in zip(influences, slopes(model, [found.span for found in influences]), strict=True):
            lengths.add(found.span.end - found.span.start)
            wanted = slope.norm(dim=1)
            assert found.norms.shape == (len(WORDS),)
            torch.testing.assert_close(torch.from_numpy(found.norms), wanted, rtol=1e-4, atol=1e-9)
            steepest = max(steepest, float(wanted.max()))
    assert 1 in lengths
    assert max(lengths) > 2
    assert steepest > 0.01


@pytest.mark.parametrize("decoding", ["viterbi", "marginals", "threshold"])
@pytest.mark.parametrize("temperature", [1.0, 2.0])
def test_spans_and_scores_are_those_of_tagging(make_model: MakeModel, decoding: str, temperature: float) -> None:
    text = "Bob left New York. They lived in Rome."
    for seed in range(3):
        tagger = Tagger(make_model(seed=seed, decoding=decoding, temperature=temperature, threshold=0.1))
        seen, sentences = tagger.inspect(text), tagger.split(text)
        found = [
            (f.span.label, s.tokens[f.span.start].start, s.tokens[f.span.end - 1].end, f.score)
            for s, inspection in zip(sentences, seen, strict=True)
            for f in inspection.influences
        ]
        assert found
        assert found == [(e.label, e.start, e.end, pytest.approx(e.score, abs=1e-6)) for e in tagger.tag(text)]


@pytest.mark.parametrize("temperature", [1.0, 2.0])
@torch.no_grad()
def test_emissions_and_marginals_are_those_of_the_network(make_model: MakeModel, temperature: float) -> None:
    model = make_model(temperature=temperature)
    seen, emissions = look(model), model.network.emissions(inputs_of(model))
    np.testing.assert_array_equal(seen.emissions, emissions[0].numpy())
    np.testing.assert_array_equal(seen.marginals, model.network.crf.marginals(emissions)[0].numpy())
    np.testing.assert_allclose(seen.marginals.sum(1), 1, atol=1e-5)
    assert seen.words == tuple(WORDS)
    assert seen.tags == tuple(model.vocabularies.tags)


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize(
    ("num_layers", "connection"), [(1, "none"), (2, "none"), (2, "residual")], ids=["one", "two", "residual"]
)
@pytest.mark.parametrize("cell", CELLS)
def test_hidden_states_projected_by_hand_are_the_emissions(
    make_model: MakeModel, cell: str, num_layers: int, connection: str, bidirectional: bool
) -> None:
    model = make_model(cell=cell, num_layers=num_layers, connection=connection, bidirectional=bidirectional)
    seen = look(model)
    sides = ["forward", "backward"] if bidirectional else ["forward"]
    assert [list(layer) for layer in seen.layers] == [sides] * num_layers
    hidden = [np.concatenate([layer[side]["hidden"] for side in sides], axis=1) for layer in seen.layers]
    states = sum(hidden) if connection == "residual" else hidden[-1]
    weight, bias = (parameter.detach().numpy() for parameter in model.network.projection.parameters())
    np.testing.assert_allclose(states @ weight.T + bias, seen.emissions, atol=1e-5)


@pytest.mark.parametrize("cell", CELLS)
def test_gates_are_those_of_the_cell_and_between_closed_and_open(make_model: MakeModel, cell: str) -> None:
    seen = look(make_model(cell=cell, num_layers=2))
    for side in (side for layer in seen.layers for side in layer.values()):
        assert side.keys() == GATES[cell] | {"hidden", "cell_state"}
        assert {values.shape for values in side.values()} == {(len(WORDS), 4)}
        assert all((values > 0).all() and (values < 1).all() for name, values in side.items() if name in GATES[cell])


def test_every_cell_has_its_gates_written_down_here() -> None:
    assert GATES.keys() == CELLS.keys()


def test_cell_states_are_in_the_order_of_the_tokens_in_both_directions(make_model: MakeModel) -> None:
    model = make_model()
    seen, other = look(model), look(model, [*WORDS[:-1], "Rome"])
    (before,), (after,) = seen.layers, other.layers
    # The last word is all that differs: who reads from the left knows it last, who reads from the right first.
    changed = {side: (before[side]["cell_state"] != after[side]["cell_state"]).any(1).tolist() for side in before}
    assert changed == {"forward": [False] * 7 + [True], "backward": [True] * 8}


def test_looking_leaves_the_network_as_it_was(make_model: MakeModel) -> None:
    model = make_model()
    weights = {name: value.clone() for name, value in model.network.state_dict().items()}
    numbers = torch.get_rng_state()
    assert look(model).influences
    assert all(torch.equal(value, weights[name]) for name, value in model.network.state_dict().items())
    assert all(parameter.grad is None and parameter.requires_grad for parameter in model.network.parameters())
    assert torch.equal(torch.get_rng_state(), numbers)
    assert not model.network.training


def test_dropout_is_off_while_looking(make_model: MakeModel) -> None:
    model = make_model(dropout=0.5, char_dropout=0.5, word_dropout=0.5)
    model.network.train()
    one, other = look(model), look(model)
    np.testing.assert_array_equal(one.emissions, other.emissions)
    for a, b in zip(one.influences, other.influences, strict=True):
        np.testing.assert_array_equal(a.norms, b.norms)


@pytest.mark.parametrize(
    ("words", "where", "message"),
    [
        ([], "", "expected a sentence of 1 to 200 tokens to look into, found 0"),
        (["x"] * 201, "", "expected a sentence of 1 to 200 tokens to look into, found 201"),
        (["x"] * 300, "in.conll:7", "in.conll:7: expected a sentence of 1 to 200 tokens to look into, found 300"),
    ],
    ids=["empty", "long", "placed"],
)
def test_a_sentence_that_no_picture_could_show_is_refused(
    make_model: MakeModel, words: list[str], where: str, message: str
) -> None:
    model = make_model()
    sentence = Sentence(sentence_from_words(words).tokens, source=where)
    with pytest.raises(DataError) as caught:
        inspect_sentences(model, [sentence])
    assert str(caught.value) == message


def test_the_longest_sentence_is_looked_into_whole(make_model: MakeModel) -> None:
    model = make_model(decoding="threshold", threshold=0.5)  # few entities, each of which costs a gradient
    seen = look(model, ["x"] * 150 + ["Bob"] + ["x"] * 49)
    assert seen.emissions.shape[0] == LONGEST == 200
    assert {found.norms.shape for found in seen.influences} == {(LONGEST,)}


@pytest.mark.parametrize("text", ["Bob Lee left New York.", "王小明在北京", "Bob's  old   Rome (1984)"])
def test_the_text_is_what_stood_there_with_one_space_for_a_gap(make_model: MakeModel, text: str) -> None:
    for seed in range(3):
        tagger = Tagger(make_model(seed=seed))
        (seen,) = tagger.inspect(text)
        assert seen.text == " ".join(text.split())
        assert [found.text for found in seen.influences] == [" ".join(e.text.split()) for e in tagger.tag(text)]


def test_each_sentence_of_a_text_is_looked_into_by_itself(make_model: MakeModel) -> None:
    tagger = Tagger(make_model())
    both = tagger.inspect("Bob left Rome. They sleep.")
    assert [seen.words for seen in both] == [("Bob", "left", "Rome", "."), ("They", "sleep", ".")]
    (alone,) = tagger.inspect("They sleep.")
    # In another batch the same products may be grouped otherwise.
    np.testing.assert_allclose(both[1].emissions, alone.emissions, rtol=0, atol=1e-6)
    assert tagger.inspect("") == tagger.inspect(" \n") == []


def test_transitions_are_minus_infinity_just_where_the_scheme_forbids_them(make_model: MakeModel) -> None:
    model = make_model()
    learned = learned_transitions(model.network, model.vocabularies)
    assert learned.tags == ("O", "B-LOC", "I-LOC", "E-LOC", "S-LOC", "B-PER", "I-PER", "E-PER", "S-PER")
    for scores, allowed in zip(
        (learned.start, learned.transitions, learned.end), legal_transitions(learned.tags), strict=True
    ):
        np.testing.assert_array_equal(np.isneginf(scores), ~np.array(allowed))
        assert np.isfinite(scores[np.array(allowed)]).all()


def test_without_constraints_every_move_has_its_score(make_model: MakeModel) -> None:
    model = make_model(constraints=False)
    learned = learned_transitions(model.network, model.vocabularies)
    assert all(np.isfinite(part).all() for part in (learned.start, learned.transitions, learned.end))


@torch.no_grad()
def test_transitions_and_emissions_add_up_to_the_score_of_a_tag_sequence(make_model: MakeModel) -> None:
    model = make_model()
    seen, learned = look(model), learned_transitions(model.network, model.vocabularies)
    sequence = [learned.tags.index(tag) for tag in ["B-PER", "E-PER", "O", "B-LOC", "I-LOC", "E-LOC", "O", "S-LOC"]]
    total = (
        learned.start[sequence[0]]
        + learned.end[sequence[-1]]
        + sum(seen.emissions[step, tag] for step, tag in enumerate(sequence))
    )
    total += sum(learned.transitions[a, b] for a, b in pairwise(sequence))
    crf, emissions = model.network.crf, torch.from_numpy(seen.emissions).unsqueeze(0)
    wanted = crf(emissions, torch.tensor([sequence])) + crf.log_partition(emissions).sum()
    assert float(total) == pytest.approx(float(wanted), abs=1e-4)
