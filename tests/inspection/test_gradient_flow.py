"""How far a gradient travels, against exact Jacobians, closed forms, and plain training runs."""

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from ner.config import Config
from ner.errors import DataError, TrainingError
from ner.features.batches import encode
from ner.formats.corpus import Corpus
from ner.inference.loading import Model
from ner.inspection import gradient_flow
from ner.inspection.gradient_flow import Flow, measure_flow, study_cell
from ner.network.cell import Cell, CellOptions, State
from ner.network.cells import CELLS
from ner.network.model import build_model
from ner.text.sentence import Sentence, sentence_from_words
from ner.training.events import Epoch, Listener, Step
from ner.training.training import train_model
from tests.tiny import make_batch

MakeConfig = Callable[..., Config]
MakeModel = Callable[..., Model]

DISTANCE = 12
NUM_DIRECTIONS = 4
OPTIONS = CellOptions(clock_periods=(1, 2))
WITHOUT_CELL_STATE = {"rnn", "gru", "clockwork-rnn"}
WITH_PEEPHOLES = {"peephole-lstm", "depth-gated-lstm"}


def exact_jacobian(name: str, cell: Cell, tokens: Tensor, part: str, distance: int) -> Tensor:
    """∂s_T/∂s_(T-k) (H, H) of one sentence (T, D).

    A hidden state changes while the cell state stays; a cell state changes, and with it the hidden state that shows it.
    """
    start, gates = cell.states(tokens[None], None)[-1 - distance]
    drives = cell.drive(tokens[None], None).unbind(1)[len(tokens) - distance :]

    def last(values: Tensor) -> Tensor:
        if name in WITHOUT_CELL_STATE:
            state = State(values, values)
        elif part == "hidden":
            state = State(values, start.cell_state)
        else:
            peephole = cell.get_parameter("peepholes")[2] if name in WITH_PEEPHOLES else 0.0
            output = (gates["output"].logit() + peephole * (values - start.cell_state)).sigmoid()
            state = State(output * values.tanh(), values)
        for drive in drives:
            state, _ = cell.step(drive, state, cell.recurrent_weight())
        return getattr(state, part)

    return torch.autograd.functional.jacobian(last, getattr(start, part)).view(cell.hidden_dim, cell.hidden_dim)


def exact_flow(name: str, cell: Cell, sentences: list[Tensor], seed: int) -> Flow:
    """From Jacobians, in the directions that this seed gives."""
    generator = torch.Generator().manual_seed(seed)
    found = {}
    for part in ("hidden",) if name in WITHOUT_CELL_STATE else ("hidden", "cell_state"):
        shape = len(sentences), cell.hidden_dim
        directions = torch.stack([torch.randn(shape, generator=generator) for _ in range(NUM_DIRECTIONS)], dim=1)
        directions /= directions.norm(dim=2, keepdim=True)  # (B, N, H)
        norms = [
            [
                float((own @ exact_jacobian(name, cell, tokens, part, distance)).norm(dim=1).mean())
                for own, tokens in zip(directions, sentences, strict=True)
            ]
            for distance in range(len(sentences[0]))
        ]
        found[part] = [sum(row) / len(row) for row in norms]
    return Flow(found["hidden"], found.get("cell_state", found["hidden"]))


def assert_alike(found: Flow, wanted: Flow) -> None:
    assert found.hidden == pytest.approx(wanted.hidden, rel=2e-3, abs=1e-6)
    assert found.cell_state == pytest.approx(wanted.cell_state, rel=2e-3, abs=1e-6)


def first_layer(model: Model) -> Cell:
    cell = model.network.encoder.layers[0].forward_cell
    assert isinstance(cell, Cell)
    return cell


@pytest.mark.parametrize("context", ["none", "global"])
@pytest.mark.parametrize("cell", CELLS)
def test_the_flow_is_the_mean_norm_of_directions_times_the_exact_jacobian(
    make_model: MakeModel, sentences: list[Sentence], cell: str, context: str
) -> None:
    model = make_model(cell=cell, context=context, num_layers=2, dropout=0.5)
    tokens = []
    # Ten is the fewest it takes, so of twelve the longest ten, as far as the shortest of those.
    longest = sorted(sentences, key=lambda sentence: len(sentence.tokens), reverse=True)[:10]
    for sentence in longest:
        inputs = make_batch(encode([sentence], model.vocabularies), np.array([0]))[0]
        entering = model.network.encoder.entering(model.network.embedding(inputs), inputs.lengths)
        tokens.append(entering[0, : len(longest[-1].tokens)].detach())
    found = measure_flow(model, sentences, seed=5)
    assert len(found.hidden) == len(found.cell_state) == 3
    assert_alike(found, exact_flow(cell, first_layer(model), tokens, seed=5))


@pytest.mark.parametrize("name", CELLS)
def test_over_many_steps_it_still_is(name: str) -> None:
    torch.manual_seed(2)
    cell = CELLS[name](3, 4, OPTIONS)
    for parameter in cell.parameters():
        nn.init.normal_(parameter, std=0.7)
    inputs = torch.randn(3, DISTANCE + 1, 3)
    found = gradient_flow._flow(cell, inputs, torch.Generator().manual_seed(9))
    assert_alike(found, exact_flow(name, cell, list(inputs), seed=9))


@pytest.mark.parametrize("name", CELLS)
def test_all_of_it_is_there_at_distance_zero_and_only_some_cells_have_a_cell_state_of_their_own(name: str) -> None:
    flow = flow_of(CELLS[name](3, 4, OPTIONS))
    assert flow.hidden[0] == pytest.approx(1)
    assert flow.cell_state[0] == pytest.approx(1)
    assert (flow.hidden == flow.cell_state) == (name in WITHOUT_CELL_STATE)


@torch.no_grad()
def test_a_vanilla_network_loses_half_a_step_where_its_weights_halve() -> None:
    cell = CELLS["rnn"](3, 4, OPTIONS)
    weights = dict(cell.named_parameters())
    nn.init.orthogonal_(weights["fused.weight_hh_l0"], gain=0.5)
    # States of about zero, where tanh has slope 1.
    assert flow_of(cell, scale=1e-4).hidden == pytest.approx([0.5**k for k in range(DISTANCE + 1)], rel=1e-3)


@pytest.mark.parametrize("bias", [10.0, 0.0, -10.0])
@torch.no_grad()
def test_the_cell_state_of_an_lstm_keeps_what_its_forget_gate_lets_through(bias: float) -> None:
    cell = CELLS["lstm"](3, 4, OPTIONS)
    for parameter in cell.parameters():
        parameter.zero_()
    dict(cell.named_parameters())["fused.bias_ih_l0"][4:8] = bias
    flow = flow_of(cell)
    opening = 1 / (1 + math.exp(-bias))
    assert flow.cell_state == pytest.approx([opening**k for k in range(DISTANCE + 1)], rel=1e-3, abs=1e-12)
    assert (flow.cell_state[-1] > 0.99, flow.cell_state[1] < 1e-4) == (bias > 0, bias < 0)
    assert flow.hidden == pytest.approx([1.0] + DISTANCE * [0.0])


def flow_of(cell: Cell, scale: float = 1.0) -> Flow:
    inputs = scale * torch.randn(3, DISTANCE + 1, 3, generator=torch.Generator().manual_seed(4))
    return gradient_flow._flow(cell, inputs, torch.Generator().manual_seed(4))


def of_lengths(*lengths: int) -> list[Sentence]:
    return [sentence_from_words([f"w{number}" for number in range(length)]) for length in lengths]


@pytest.mark.parametrize(
    ("lengths", "points"),
    [
        (10 * [2], 2),
        ([9, 8, 8, 8, 8, 8, 8, 8, 8, 7, 3, 2], 7),
        (12 * [60] + 8 * [5], 51),
        (9 * [60] + [5], 5),
        (10 * [51] + [50], 51),
    ],
    ids=["least", "longest", "enough", "short", "limit"],
)
def test_as_far_is_measured_as_enough_sentences_reach(make_model: MakeModel, lengths: list[int], points: int) -> None:
    assert len(measure_flow(make_model(), of_lengths(*lengths)).hidden) == points


@pytest.mark.parametrize(
    ("lengths", "found"), [([], 0), (9 * [5], 9), (9 * [5] + [1], 9), (8 * [5] + 20 * [1], 8), (12 * [1] + [0], 0)]
)
def test_too_few_sentences_are_refused(make_model: MakeModel, lengths: list[int], found: int) -> None:
    with pytest.raises(DataError) as caught:
        measure_flow(make_model(), of_lengths(*lengths))
    wanted = f"gradient flow: expected at least 10 sentences of at least 2 tokens, found {found}"
    assert str(caught.value) == wanted


def test_measuring_leaves_no_gradients_and_takes_no_random_numbers(
    make_model: MakeModel, sentences: list[Sentence]
) -> None:
    model = make_model()
    numbers = torch.get_rng_state()
    one, other, third = (measure_flow(model, sentences, seed=seed) for seed in (1, 1, 2))
    assert one == other != third
    assert torch.equal(torch.get_rng_state(), numbers)
    assert all(parameter.grad is None for parameter in model.network.parameters())


def train_plainly(config: Config, corpus: Corpus) -> tuple[list[Step], str | None]:
    """The steps of a run, and what ended it."""
    steps: list[Step] = []
    try:
        train_model(config, corpus, listener=Listener(on_step=steps.append))
    except TrainingError as error:
        return steps, str(error)
    return steps, None


@pytest.mark.parametrize("cell", ["lstm", "rnn"])
def test_a_study_is_two_plain_runs_one_clipped_and_one_not(make_config: MakeConfig, corpus: Corpus, cell: str) -> None:
    config = make_config(cell=cell, clip_norm=0.01, dropout=0.3)
    study = study_cell(config, corpus)
    clipped, free = (train_plainly(make_config(cell=cell, clip_norm=c, dropout=0.3), corpus) for c in (0.01, None))
    assert study.cell == cell
    assert study.clip_norm == 0.01
    for curve, (steps, ended) in ((study.clipped, clipped), (study.free, free)):
        assert curve.losses == [step.batch_loss for step in steps]
        assert len(curve.losses) == len(curve.norms) == 6  # twelve sentences, five a batch, two epochs
        assert curve.ended is ended is None
    assert study.clipped.norms == [step.gradient_norm for step in clipped[0]]
    assert [step.gradient_norm for step in free[0]] == 6 * [None]
    assert all(norm > 0 for norm in study.free.norms)


def test_with_one_seed_the_runs_part_only_after_the_first_batch(make_config: MakeConfig, corpus: Corpus) -> None:
    study = study_cell(make_config(clip_norm=1e-3), corpus)
    assert (study.clipped.losses[0], study.clipped.norms[0]) == (study.free.losses[0], study.free.norms[0])
    assert all(a != b for a, b in zip(study.clipped.losses[1:], study.free.losses[1:], strict=True))


def test_the_first_norm_is_that_of_the_gradient_of_a_fresh_network(make_config: MakeConfig, corpus: Corpus) -> None:
    config = make_config(clip_norm=0.01, batch_size=12)
    study = study_cell(config, corpus)
    vocabularies = train_model(config, corpus).vocabularies
    torch.manual_seed(config.training.seed)
    network = build_model(config.model, vocabularies)
    inputs, tags = make_batch(encode(corpus.train, vocabularies, tagged=True), np.arange(12))
    loss = network(inputs, tags)
    loss.backward()
    squares = sum(float((p.grad.double() ** 2).sum()) for p in network.parameters() if p.grad is not None)
    assert study.free.losses[0] == pytest.approx(loss.item(), rel=1e-4)
    assert study.free.norms[0] == study.clipped.norms[0] == pytest.approx(math.sqrt(squares), rel=1e-4)


def test_without_clipping_in_the_recipe_one_run_is_both(make_config: MakeConfig, corpus: Corpus) -> None:
    heard: list[Step] = []
    study = study_cell(make_config(clip_norm=None), corpus, listener=Listener(on_step=heard.append))
    assert study.clip_norm is None
    assert study.clipped == study.free
    assert study.free.losses == [step.batch_loss for step in train_plainly(make_config(clip_norm=None), corpus)[0]]
    assert max(study.free.norms) > 1
    assert len(heard) == len(study.free.norms) == 6
    assert all(math.isfinite(norm) and norm > 0 for norm in study.free.norms)


def test_the_flow_is_measured_before_and_after_training(make_config: MakeConfig, corpus: Corpus) -> None:
    config = make_config()
    study, trained = study_cell(config, corpus), train_model(config, corpus)
    assert study.trained == measure_flow(trained, corpus.dev, seed=config.training.seed)
    torch.manual_seed(config.training.seed)
    fresh = build_model(config.model, trained.vocabularies).eval()
    fresh.embedding = trained.network.embedding
    assert study.untrained == measure_flow(replace(trained, network=fresh), corpus.dev, seed=config.training.seed)
    assert study.untrained != study.trained


def test_without_a_dev_set_the_flow_is_that_over_the_training_set(make_config: MakeConfig, corpus: Corpus) -> None:
    config, alone = make_config(), replace(corpus, dev=[])
    assert study_cell(config, alone).trained == measure_flow(train_model(config, alone), corpus.train)


def test_a_study_tells_of_both_runs_and_takes_no_random_numbers(make_config: MakeConfig, corpus: Corpus) -> None:
    steps: list[Step] = []
    epochs: list[Epoch] = []
    numbers = torch.get_rng_state()
    study_cell(make_config(), corpus, listener=Listener(on_step=steps.append, on_epoch=epochs.append))
    assert [epoch.epoch for epoch in epochs] == [1, 2, 1, 2]
    assert len(steps) == 12
    assert torch.equal(torch.get_rng_state(), numbers)


def test_a_study_of_too_few_sentences_is_refused(make_config: MakeConfig, corpus: Corpus) -> None:
    with pytest.raises(DataError) as caught:
        study_cell(make_config(epochs=1), replace(corpus, dev=corpus.dev[:5]))
    assert str(caught.value) == "gradient flow: expected at least 10 sentences of at least 2 tokens, found 5"


DIVERGING = {"cell": "rnn", "optimizer": "sgd", "learning_rate": 1e30, "epochs": 3}


def test_a_run_that_diverges_without_clipping_says_so_and_the_study_goes_on(
    make_config: MakeConfig, corpus: Corpus
) -> None:
    study = study_cell(make_config(**DIVERGING, clip_norm=1e-32), corpus)
    steps, ended = train_plainly(make_config(**DIVERGING, clip_norm=None), corpus)
    assert ended is not None
    assert study.free.ended == ended
    assert study.free.losses == [step.batch_loss for step in steps]
    assert study.clipped.ended is None
    assert len(study.clipped.losses) == 9


def test_a_run_that_diverges_in_spite_of_clipping_is_an_error(make_config: MakeConfig, corpus: Corpus) -> None:
    config = make_config(**DIVERGING, clip_norm=1e9)
    _, ended = train_plainly(config, corpus)
    assert ended is not None
    with pytest.raises(TrainingError) as caught:
        study_cell(config, corpus)
    assert str(caught.value) == f"rnn: {ended}"
