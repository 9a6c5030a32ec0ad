"""A run in progress: the network, its optimizer, the best weights so far; and its state on disk.

The state is one file in a folder beside the model directory to come. It holds all that the next step depends on,
so that an interrupted run goes on exactly as an unbroken one. Each epoch draws its random numbers from the seed and its
own number, so within an epoch only the position and torch's generators are to be kept.
"""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from ner.config import Config, affects, parse_config
from ner.errors import ConfigError, ModelError
from ner.network.model import BiLSTMCRF
from ner.storage.model_directory import FORMAT
from ner.storage.old_defaults import with_old_defaults
from ner.storage.tensor_files import DamagedError, Header, read_header, read_tensors, write_tensors
from ner.training.distributed import ALONE, Group
from ner.training.lazy_sgd import RowwiseSGD
from ner.training.optimizer import WeightAverage, make_optimizer, optimizer_tensors, restore_optimizer
from ner.training.unfinished import STATE, is_unfinished
from ner.whole_files import staged_file

_VALUES = {"config", "corpus", "best_f1", "best_epoch", "seconds", "average_steps", "position", "history"}
# What a run learns from, each by its digest: an empty one where it has none.
_SOURCES = {
    "corpus": "the training corpus",
    "encoder": "the encoder of features.contextual",
    "start": "the model of --from",
    "soft_targets": "the file of soft targets",
}


@dataclass(slots=True)
class Position:
    """How far a run is in its epoch: batches done, and sums over their sentences."""

    batches: int = 0
    loss: float = 0.0
    sentences: int = 0
    tokens: int = 0
    seconds: float = 0.0


@dataclass(slots=True)
class Run:
    """What is trained, and the best of it so far."""

    network: BiLSTMCRF
    optimizer: torch.optim.Optimizer
    average: WeightAverage | None
    best: dict[str, Tensor]
    learned_from: dict[str, str]  # digests, by the names of `_SOURCES`
    best_f1: float = -1.0
    best_epoch: int = 0
    seconds: float = 0.0
    position: Position = field(default_factory=Position)
    history: list[dict[str, Any]] = field(default_factory=list)
    warning: str | None = None  # why it ended early, or is of little use
    group: Group = ALONE  # of processes that train it together


def start_run(config: Config, network: BiLSTMCRF, *, learned_from: dict[str, str], group: Group = ALONE) -> Run:
    """A run that has trained nothing yet, on the network's device; `learned_from` as `Run` says."""
    parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
    average = None
    if config.training.average:
        # An epoch moves the weights as far as many steps do, so its average may soon forget slowly.
        warmup = 10 if config.training.average_every == "step" else 3
        average = WeightAverage(parameters, config.training.average, warmup=warmup)
    optimizer = make_optimizer(config.training, parameters, network.embedding.sparse_tables())
    return Run(network, optimizer, average, weights_of(network), learned_from, group=group)


def weights_of(network: BiLSTMCRF) -> dict[str, Tensor]:
    """A copy of all parameters; the table of frozen vectors never changes and stays out."""
    return {name: parameter.detach().clone() for name, parameter in network.named_parameters()}


def load_weights(network: BiLSTMCRF, weights: dict[str, Tensor]) -> None:
    """Gives a network the weights that `weights_of` took."""
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(weights[name])


def save_run(run: Run, config: Config, folder: Path) -> None:
    """Writes the state of a run; the last one stays until the new one is whole.

    Of processes that train together the first one writes; all are alike but for their random numbers.

    Raises:
        ModelError: it can't be written.
    """
    device = run.network.projection.weight.device
    random = {"cpu": run.group.gather(torch.get_rng_state().numpy())}
    if device.type == "cuda":
        random["cuda"] = run.group.gather(torch.cuda.get_rng_state(device).numpy())
    if not run.group.first:
        return
    tensors = {f"now.{name}": tensor for name, tensor in weights_of(run.network).items()}
    tensors |= {f"best.{name}": tensor for name, tensor in run.best.items()}
    tensors |= {f"optimizer.{name}": tensor for name, tensor in optimizer_tensors(run.optimizer).items()}
    if run.average:
        tensors |= {f"average.{number}": tensor for number, tensor in enumerate(run.average.values)}
    for kind, states in random.items():
        # The first process's by the name that a single one's has.
        names = [f"random.{kind}{f'.{rank}' if rank else ''}" for rank in range(run.group.size)]
        tensors |= dict(zip(names, map(torch.from_numpy, states), strict=True))
    values = {
        "format": FORMAT,
        "config": config.of_model(),
        **run.learned_from,
        "best_f1": run.best_f1,
        "best_epoch": run.best_epoch,
        "seconds": run.seconds,
        "average_steps": run.average.steps if run.average else 0,
        "position": asdict(run.position),
        "history": run.history,
        "processes": run.group.size,
    }
    try:
        with staged_file(folder / STATE) as part:
            write_tensors(part, {name: tensor.detach().cpu().numpy() for name, tensor in tensors.items()}, values)
    except (OSError, SafetensorError) as error:
        reason = getattr(error, "strerror", None) or error
        kept = "the checkpoint before it is whole; free space there and use --resume"
        if not is_unfinished(folder):
            kept = "there is none before it; free space there and begin again"
        raise ModelError(f"{folder}: the checkpoint can't be written: {reason}; {kept}") from None


def restore_run(run: Run, config: Config, folder: Path) -> None:
    """Gives a fresh run the state that `save_run` wrote; each of several processes reads it.

    Raises:
        ModelError: there is none, or it is damaged.
        ConfigError: the run began with other settings, another corpus, encoder or vectors, in another number of
            processes, or on another kind of device whose optimizer keeps another state.
    """
    tensors, values = _read_state(folder)
    _check_same(run, config, values, folder)
    if (began := values.get("processes", 1)) != run.group.size:
        raise ConfigError(
            f"{folder}: expected as many processes as the run began with, {began}, found {run.group.size}; "
            "start so many, or train with --force to begin anew"
        )
    parts: dict[str, dict[str, Tensor]] = {"now": {}, "best": {}, "optimizer": {}, "average": {}, "random": {}}
    for name, tensor in tensors.items():
        part, _, rest = name.partition(".")
        parts[part][rest] = tensor
    for name, weights in run.network.named_parameters():
        wanted, found = list(weights.shape), list(parts["now"][name].shape) if name in parts["now"] else None
        if wanted != found:
            raise ConfigError(
                f"{folder}: expected {name} of shape {wanted}, as these vectors make it, found {found}; "
                "train with --force to begin anew"
            )
    _check_kind(run, parts["optimizer"], folder)
    load_weights(run.network, parts["now"])
    device = run.network.projection.weight.device
    run.best = {name: tensor.to(device) for name, tensor in parts["best"].items()}
    restore_optimizer(run.optimizer, parts["optimizer"])
    if run.average:
        run.average.steps = values["average_steps"]
        run.average.values = [parts["average"][str(n)].to(device) for n in range(len(run.average.values))]
    run.best_f1, run.best_epoch = values["best_f1"], values["best_epoch"]
    run.seconds, run.history = values["seconds"], values["history"]
    run.position = Position(**values["position"])
    own = f".{run.group.rank}" if run.group.rank else ""
    torch.set_rng_state(parts["random"][f"cpu{own}"])
    if device.type == "cuda" and f"cuda{own}" in parts["random"]:
        torch.cuda.set_rng_state(parts["random"][f"cuda{own}"], device)


def _read_state(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What `save_run` wrote, if it is whole and of such a run."""
    path, header = folder / STATE, _read_header(folder)
    try:
        tensors = {name: torch.from_numpy(array.copy()) for name, array in read_tensors(path, header).items()}
    except DamagedError as error:
        raise _damaged(path, error) from None
    return tensors, header.about


def _read_header(folder: Path) -> Header:
    """What a state says of itself, before its tensors are read."""
    path = folder / STATE
    if not path.exists():
        raise ModelError(f"{folder}: no unfinished run to resume; train without --resume")
    try:
        header = read_header(path)
        missing = _VALUES - header.about.keys()
        if missing:
            raise DamagedError(f"expected {', '.join(sorted(missing))} in its header, found none")
    except DamagedError as error:
        raise _damaged(path, error) from None
    return header


def _damaged(path: Path, error: DamagedError) -> ModelError:
    return ModelError(f"{path}: damaged: {error}; train with --force to begin anew")


def settings_as_begun(config: Config, folder: Path) -> Config:
    """The settings with which to resume a run: where it is older than the defaults of today, its time's stand for them.

    Where there is no whole run they stay as they are, and `restore_run` tells.
    """
    try:
        told = _read_header(folder).about
    except ModelError:
        return config
    if "format" in told:
        return config
    tables = config.model_dump()
    for section, defaults in with_old_defaults({}).items():
        unset = defaults.keys() - getattr(config, section).model_fields_set
        tables[section] |= {name: defaults[name] for name in unset}
    return parse_config(tables, str(folder))


def _check_same(run: Run, config: Config, values: dict[str, Any], folder: Path) -> None:
    """That the run began with these settings, and learned from what it goes on with."""
    # One that doesn't tell its format is older than the defaults of today.
    began = values["config"] if "format" in values else with_old_defaults(values["config"])
    for section in ("data", "features", "model", "training"):
        now = getattr(config, section).model_dump(mode="json")
        # A setting that came since then was as its default is.
        then = type(getattr(config, section))().model_dump(mode="json") | began.get(section, {})
        for key in now:
            if not _free_to_change(f"{section}.{key}", config) and then[key] != now[key]:
                raise ConfigError(
                    f"{folder}: expected {section}.{key} = {then[key]!r}, as the run began, found {now[key]!r}; "
                    "train with --force to begin anew"
                )
    for name, now in run.learned_from.items():
        if values.get(name, now) != now:  # none: a state older than the entry
            raise ConfigError(
                f"{folder}: expected {_SOURCES[name]} as the run began, found another; train with --force to begin anew"
            )


def _check_kind(run: Run, state: dict[str, Tensor], folder: Path) -> None:
    """That the optimizer's state is of this kind of device: on a CPU, tables of words have theirs row by row."""
    began = any(name.startswith("table.") for name in state)
    now = isinstance(run.optimizer, RowwiseSGD) and bool(run.optimizer.tables)
    if began != now:
        kinds = {True: ("the CPU", "cpu"), False: ("a GPU", "cuda")}
        raise ConfigError(
            f"{folder}: expected to go on on {kinds[began][0]}, as the run began, found {kinds[now][0]}; use --device "
            f"{kinds[began][1]}, or train with --force to begin anew"
        )


def _free_to_change(key: str, config: Config) -> bool:
    """Whether a resumed run may differ in a setting, for it changed nothing in the epochs that lie behind it."""
    if key == "training.epochs" and (config.training.schedule in ("linear", "cosine") or config.training.warmup):
        return False  # the learning rate of every step depends on how many are to come
    return affects(key) != "result"
