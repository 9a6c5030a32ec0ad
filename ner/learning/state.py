"""A run in progress: the network, its optimizer, the best weights so far; and its state on disk.

The state lies in a folder beside the model directory to come, written after each epoch, so that an
interrupted run can go on exactly as an unbroken one.
"""

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ner.config import Config
from ner.errors import ConfigError
from ner.learning.checkpoint import load_state, save_state
from ner.learning.optimizer import WeightAverage, make_optimizer, optimizer_tensors, restore_optimizer
from ner.network.model import BiLSTMCRF


@dataclass(slots=True)
class Run:
    """What is trained, and the best of it so far."""

    network: BiLSTMCRF
    optimizer: torch.optim.Optimizer
    average: WeightAverage | None
    best: dict[str, Tensor]
    corpus: str  # its fingerprint
    best_f1: float = -1.0
    best_epoch: int = 0
    seconds: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)


def start_run(config: Config, network: BiLSTMCRF, *, corpus: str) -> Run:
    """A run that has trained nothing yet, on the network's device; `corpus` is the fingerprint of its sentences."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    average = WeightAverage(parameters, config.training.average) if config.training.average else None
    optimizer = make_optimizer(config.training, parameters, network.embedding.sparse_tables())
    return Run(network, optimizer, average, weights_of(network), corpus)


def state_folder(model_folder: Path) -> Path:
    """Where the state of a run lies that will end in this model directory."""
    return model_folder.with_name(model_folder.name + ".unfinished")


def remove_state(folder: Path) -> None:
    """Removes the state of a run that is finished."""
    shutil.rmtree(folder, ignore_errors=True)


def weights_of(network: BiLSTMCRF) -> dict[str, Tensor]:
    """A copy of all parameters; the table of frozen vectors never changes and stays out."""
    return {name: parameter.detach().clone() for name, parameter in network.named_parameters()}


def load_weights(network: BiLSTMCRF, weights: dict[str, Tensor]) -> None:
    """Gives a network the weights that `weights_of` took."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(weights[name])


def save_run(run: Run, config: Config, folder: Path) -> None:
    """Writes the state of a run."""
    tensors = {f"now.{name}": tensor for name, tensor in weights_of(run.network).items()}
    tensors |= {f"best.{name}": tensor for name, tensor in run.best.items()}
    tensors |= {f"optimizer.{name}": tensor for name, tensor in optimizer_tensors(run.optimizer).items()}
    if run.average:
        tensors |= {f"average.{number}": tensor for number, tensor in enumerate(run.average.values)}
    values = {
        "config": config.model_dump(),
        "corpus": run.corpus,
        "best_f1": run.best_f1,
        "best_epoch": run.best_epoch,
        "seconds": run.seconds,
        "average_steps": run.average.steps if run.average else 0,
        "history": run.history,
    }
    save_state(folder, tensors, values)


def restore_run(run: Run, config: Config, folder: Path) -> None:
    """Gives a fresh run the state that `save_run` wrote.

    Raises:
        ModelError: there is none, or it is damaged.
        ConfigError: the run began with other settings, or on another corpus.
    """
    tensors, values = load_state(folder)
    for section in ("data", "model", "training"):
        then, now = values["config"][section], getattr(config, section).model_dump(mode="json")
        for key in now:
            if key not in _free_to_change(config) and then.get(key) != now[key]:
                raise ConfigError(
                    f"{folder}: expected {section}.{key} = {then.get(key)!r}, as the run began, found {now[key]!r}; "
                    "train without --resume to begin anew"
                )
    if values.get("corpus") != run.corpus:
        raise ConfigError(
            f"{folder}: expected the training corpus as the run began, found another; "
            "train without --resume to begin anew"
        )
    parts: dict[str, dict[str, Tensor]] = {"now": {}, "best": {}, "optimizer": {}, "average": {}}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = tensor
    load_weights(run.network, parts["now"])
    device = run.network.projection.weight.device
    run.best = {name: tensor.to(device) for name, tensor in parts["best"].items()}
    restore_optimizer(run.optimizer, parts["optimizer"])
    if run.average:
        run.average.steps = values["average_steps"]
        run.average.values = [parts["average"][str(n)].to(device) for n in range(len(run.average.values))]
    run.best_f1, run.best_epoch = values["best_f1"], values["best_epoch"]
    run.seconds, run.history = values["seconds"], values["history"]


def _free_to_change(config: Config) -> set[str]:
    """Settings in which a resumed run may differ, for they changed nothing in the epochs that lie behind it."""
    free = {"device", "threads", "test", "patience", "remember_entities", "tensorboard"}
    # Elsewhere the learning rate of every step depends on how many are to come.
    if config.training.schedule in ("inverse", "constant") and not config.training.warmup:
        free.add("epochs")
    return free
