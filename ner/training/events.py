"""What a training run tells while it works, and who hears it."""

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Epoch:
    """What one epoch brought; `loss` and `dev_loss` are means over sentences; dev scores are None without a dev set.

    `labels` has the dev precision, recall and F1 of each label, `corpora` the dev F1 of each of several corpora; the
    scores are then the means of theirs.
    """

    epoch: int
    loss: float
    learning_rate: float
    precision: float | None
    recall: float | None
    f1: float | None
    seconds: float
    tokens_per_second: float
    best: bool
    labels: dict[str, dict[str, float]] = field(default_factory=dict)
    corpora: dict[str, float] = field(default_factory=dict)
    dev_loss: float | None = None

    def __str__(self) -> str:
        """One line for the user."""
        scores = ""
        if self.precision is not None and self.recall is not None and self.f1 is not None:
            scores = f"  dev P {100 * self.precision:5.2f} R {100 * self.recall:5.2f} F1 {100 * self.f1:5.2f}"
        if len(self.corpora) > 1:
            scores += f" ({', '.join(f'{100 * f1:.2f}' for f1 in self.corpora.values())})"
        speed = f"{self.tokens_per_second:8,.0f} tokens/s"
        return (
            f"epoch {self.epoch:3d}  loss {self.loss:8.4f}{scores}  {speed}{'  best' if self.best and scores else ''}"
        )


@dataclass(frozen=True, slots=True)
class Step:
    """Where training stands after a batch: `done` of `total` batches of this epoch, their mean loss.

    `gradient_norm` is that of this batch before clipping; None where nothing is clipped, and so nothing measured.
    """

    epoch: int
    done: int
    total: int
    loss: float
    tokens_per_second: float
    batch_loss: float
    gradient_norm: float | None


@dataclass(frozen=True, slots=True)
class Listener:
    """Who hears of progress: each batch, each epoch, and messages for the user; and who may ask for an end.

    `on_reading` hears what share of the corpus a pretrained encoder has read, and how many seconds are left.
    `should_stop` is called after each batch; where it says yes, the run is saved and ends in an `InterruptionError`.
    """

    on_step: Callable[[Step], object] = lambda step: None
    on_epoch: Callable[[Epoch], object] = lambda epoch: None
    on_message: Callable[[str], object] = lambda message: None
    on_reading: Callable[[float, float], object] = lambda share, seconds: None
    should_stop: Callable[[], bool] = lambda: False
