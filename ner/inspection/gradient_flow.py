"""How far a gradient travels back in time: the vanishing gradient, measured.

Bengio et al. (1994) and Pascanu et al. (2013) show that the Jacobian of a state in a state k tokens earlier is
a product of k matrices, whose norm shrinks or grows exponentially with k; an LSTM's cell state is carried by sums
instead (Hochreiter & Schmidhuber 1997). Here the norm is taken from a cell as it stands, untrained or trained,
on real sentences.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from ner.config import Config
from ner.errors import DataError, TrainingError
from ner.features.batches import collate, encode
from ner.formats.corpus import Corpus
from ner.inference.loading import Model, torch_network
from ner.network.cell import Cell
from ner.network.inputs import to_inputs
from ner.network.layer import RecurrentLayer
from ner.network.model import build_model
from ner.text.sentence import Sentence
from ner.training.events import Listener, Step
from ner.training.training import train_model

# Random directions a sentence; with a hundred sentences the mean is known to a few percent.
_DIRECTIONS = 4
_MOST_SENTENCES = 100
_LONGEST_DISTANCE = 50
_FEWEST_SENTENCES = 10
# A bound that no gradient meets: its norm is measured, and never clipped.
_UNBOUNDED = 1e30


@dataclass(frozen=True, slots=True)
class Flow:
    """Mean norm of u · ∂s_T/∂s_(T-k) over sentences and random unit vectors u, for k = 0, 1, 2, …: 1 at k = 0.

    `hidden` is of the hidden state while the cell state stays as it is. `cell_state` is of the cell state and of the
    hidden state that shows it. Both are the same where the cell has no cell state of its own.
    """

    hidden: list[float]
    cell_state: list[float]


@dataclass(frozen=True, slots=True)
class Curve:
    """A training run step by step: the loss of each batch, and the norm of its gradient before clipping.

    `ended` tells why a run stopped early.
    """

    losses: list[float]
    norms: list[float]
    ended: str | None


@dataclass(frozen=True, slots=True)
class CellFlow:
    """What was measured of one cell; `clipped` and `free` are training with the recipe's clipping and without."""

    cell: str
    untrained: Flow
    trained: Flow
    clip_norm: float | None
    clipped: Curve
    free: Curve


def study_cell(config: Config, corpus: Corpus, *, listener: Listener = Listener()) -> CellFlow:
    """Trains this config's cell twice, with its clipping and without, and measures the flow before and after.

    Raises:
        DataError: too few sentences to measure on.
        TrainingError: training with clipping fails.
    """
    sentences = corpus.dev or corpus.train
    _longest(sentences)  # too few are refused before anything is trained
    clip_norm = config.training.clip_norm
    model, clipped = _train(config, clip_norm or _UNBOUNDED, corpus, listener)
    if model is None:
        raise TrainingError(f"{config.model.cell}: {clipped.ended}")
    free = clipped if clip_norm is None else _train(config, _UNBOUNDED, corpus, listener)[1]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.training.seed)
        fresh = build_model(config.model, model.vocabularies)
    # The same inputs for both: what differs is the recurrent layer alone.
    trained = torch_network(model)
    fresh.embedding.load_state_dict(trained.embedding.state_dict())
    untrained = replace(model, network=fresh.to(trained.projection.weight.device).eval())
    return CellFlow(
        config.model.cell,
        measure_flow(untrained, sentences, seed=config.training.seed),
        measure_flow(model, sentences, seed=config.training.seed),
        clip_norm,
        clipped,
        free,
    )


def measure_flow(model: Model, sentences: Sequence[Sentence], *, seed: int = 1) -> Flow:
    """The flow in the first layer's forward direction.

    Args:
        model: in eval mode.
        sentences: the longest of them are read, as far as the shortest of those reaches.
        seed: of the random directions.

    Raises:
        DataError: fewer than ten sentences, or all too short.
    """
    by_length, num_steps = _longest(sentences)
    network = torch_network(model)
    device = network.projection.weight.device
    batch = collate(encode(by_length, model.vocabularies), np.arange(len(by_length)))
    inputs = to_inputs(batch).to(device)
    with torch.no_grad():
        tokens = network.encoder.entering(network.embedding(inputs), inputs.lengths)[:, :num_steps]
    layer = network.encoder.layers[0]
    assert isinstance(layer, RecurrentLayer)  # a ModuleList tells no more than Module
    return _flow(layer.forward_cell, tokens, torch.Generator().manual_seed(seed))


def _longest(sentences: Sequence[Sentence]) -> tuple[list[Sentence], int]:
    """The longest sentences, and how many tokens of each are read."""
    by_length = sorted((s for s in sentences if s.spelled), key=lambda s: -len(s.spelled))[:_MOST_SENTENCES]
    while by_length and len(by_length) > _FEWEST_SENTENCES and len(by_length[-1].spelled) <= _LONGEST_DISTANCE:
        by_length.pop()
    num_steps = min(len(by_length[-1].spelled), _LONGEST_DISTANCE + 1) if by_length else 0
    if len(by_length) < _FEWEST_SENTENCES or num_steps < 2:
        raise DataError(
            f"gradient flow: expected at least {_FEWEST_SENTENCES} sentences of at least 2 tokens, "
            f"found {sum(len(s.spelled) > 1 for s in sentences)}"
        )
    return by_length, num_steps


def _flow(cell: Cell, tokens: Tensor, generator: torch.Generator) -> Flow:
    with torch.enable_grad():
        states = [state for state, _ in cell.states(tokens, None)]
    hidden = _norms([state.hidden for state in states], generator)
    if states[-1].cell_state is states[-1].hidden:
        return Flow(hidden, hidden)
    return Flow(hidden, _norms([state.cell_state for state in states], generator))


def _norms(states: list[Tensor], generator: torch.Generator) -> list[float]:
    """The mean norm of u · ∂last/∂each, the last first."""
    total = torch.zeros(len(states))
    for _ in range(_DIRECTIONS):
        direction = torch.randn(states[-1].shape, generator=generator).to(states[-1].device)
        direction = direction / direction.norm(dim=1, keepdim=True)
        gradients = torch.autograd.grad(states[-1], states, direction, retain_graph=True)
        total += torch.stack([gradient.norm(dim=1).mean() for gradient in reversed(gradients)]).cpu() / _DIRECTIONS
    return total.tolist()


def _train(config: Config, clip_norm: float, corpus: Corpus, listener: Listener) -> tuple[Model | None, Curve]:
    losses: list[float] = []
    norms: list[float] = []

    def on_step(step: Step) -> None:
        losses.append(step.batch_loss)
        if step.gradient_norm is not None:
            norms.append(step.gradient_norm)
        listener.on_step(step)

    settings = config.training.model_copy(update={"clip_norm": clip_norm})
    config = config.model_copy(update={"training": settings})
    try:
        model = train_model(config, corpus, listener=replace(listener, on_step=on_step))
    except TrainingError as error:
        return None, Curve(losses, norms, str(error))
    return model, Curve(losses, norms, None)
