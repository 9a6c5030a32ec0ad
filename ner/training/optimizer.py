"""How weights move: the optimizer, its learning rate over time, a moving average of the weights."""

import math
from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from ner.settings import TrainingConfig
from ner.training.lazy_sgd import RowwiseSGD


def make_optimizer(
    config: TrainingConfig, parameters: Sequence[nn.Parameter], tables: Sequence[nn.Embedding] = ()
) -> torch.optim.Optimizer:
    """SGD with momentum, or AdamW (Loshchilov & Hutter 2019), over these parameters.

    Args:
        config: which, with its rates.
        parameters: all that move.
        tables: embeddings among them of which a batch reads few rows.
    """
    if config.optimizer == "adamw":
        return torch.optim.AdamW(parameters, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)
    # Weight decay, and an average at every step, touch every row at every step anyway, and a GPU sweeps a table
    # faster than it is told which rows to leave out.
    each_step = config.average and config.average_every == "step"
    if tables and not config.weight_decay and not each_step and parameters[0].device.type == "cpu":
        return RowwiseSGD(parameters, tables, lr=config.learning_rate, momentum=config.momentum)
    return torch.optim.SGD(
        parameters, lr=config.learning_rate, momentum=config.momentum, weight_decay=config.weight_decay, foreach=True
    )


def clip_gradient(parameters: Iterable[nn.Parameter], bound: float) -> float:
    """Scales all gradients so that their norm is at most `bound` (Pascanu et al. 2013); returns it as it was."""
    gradients = []
    for parameter in parameters:
        if parameter.grad is None:
            continue
        if parameter.grad.is_sparse:
            parameter.grad = parameter.grad.coalesce()
        gradients.append(parameter.grad.values() if parameter.grad.is_sparse else parameter.grad)
    norm = float(torch.nn.utils.get_total_norm(gradients, foreach=True))
    if norm > bound:
        torch._foreach_mul_(gradients, bound / norm)
    return norm


def learning_rate(config: TrainingConfig, step: int, steps_per_epoch: int) -> float:
    """The learning rate of a step, counted from 0 over all epochs.

    `inverse` falls from epoch to epoch as rate/(1 + decay·epoch) (Ma & Hovy 2016, section 3.2); `linear`
    and `cosine` fall to zero at the end of the last epoch; each rises from zero over the warm-up first.

    >>> learning_rate(TrainingConfig(learning_rate=1.0, decay=0.5), step=20, steps_per_epoch=10)
    0.5
    """
    total = config.epochs * steps_per_epoch
    warmup = round(config.warmup * total)
    if step < warmup:
        return config.learning_rate * (step + 1) / (warmup + 1)
    if config.schedule == "inverse":
        return config.learning_rate / (1 + config.decay * (step // steps_per_epoch))
    done = (step - warmup) / max(total - warmup, 1)
    share = {"linear": 1 - done, "cosine": 0.5 * (1 + math.cos(math.pi * done)), "constant": 1.0}
    return config.learning_rate * share[config.schedule]


class WeightAverage:
    """An exponential moving average of parameters (Polyak & Juditsky 1992; decay as in Kingma & Ba 2015).

    Early on it forgets faster, so that the random start is soon gone: after n updates its decay is at most
    n/(n + `warmup`).
    """

    def __init__(self, parameters: Sequence[nn.Parameter], decay: float, *, warmup: int) -> None:
        self.decay = decay
        self.warmup = warmup
        self.parameters = parameters
        self.values = [parameter.detach().clone() for parameter in parameters]
        self.steps = 0

    def update(self) -> None:
        """Takes the parameters as they are now into the average."""
        self.steps += 1
        decay = min(self.decay, self.steps / (self.steps + self.warmup))
        with torch.no_grad():
            torch._foreach_lerp_(self.values, list(self.parameters), 1 - decay)

    def swap(self) -> None:
        """Parameters and average are exchanged; twice is as before."""
        with torch.no_grad():
            for parameter, value in zip(self.parameters, self.values, strict=True):
                kept = parameter.detach().clone()
                parameter.copy_(value)
                value.copy_(kept)


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """The optimizer's state (momentum and the like) as named tensors."""
    state = optimizer.state_dict()["state"]
    tensors = {
        f"{index}.{key}": value
        for index, entry in state.items()
        for key, value in entry.items()
        if isinstance(value, Tensor)
    }
    if isinstance(optimizer, RowwiseSGD):
        for index, table in enumerate(optimizer.tables):
            tensors |= {f"table.{index}.{name}": tensor for name, tensor in table.state().items()}
    return tensors


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Gives an optimizer the state that `optimizer_tensors` took."""
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        owner, _, key = name.partition(".")
        if owner != "table":
            state.setdefault(int(owner), {})[key] = value
    if isinstance(optimizer, RowwiseSGD):
        for index, table in enumerate(optimizer.tables):
            table.restore({name: tensors[f"table.{index}.{name}"] for name in table.state()})
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
