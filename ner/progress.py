"""What a training run shows while it works: a live bar on a terminal, a line an epoch elsewhere."""

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from ner.learning.listener import Epoch, Listener, Step


class TrainingProgress:
    """A context whose `listener` shows a run on stderr."""

    def __init__(self, epochs: int) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._epochs = epochs
        self._best = 0.0
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=self._console, transient=True, disable=not sys.stderr.isatty())
        self._task = self._bar.add_task("training", total=epochs)
        self.listener = Listener(on_step=self._on_step, on_epoch=self._on_epoch, on_message=self._on_message)

    def __enter__(self) -> "TrainingProgress":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def _on_step(self, step: Step) -> None:
        text = f"epoch {step.epoch}/{self._epochs}  loss {step.loss:.4f}  {step.tokens_per_second:,.0f} tokens/s"
        if self._best:
            text += f"  best dev F1 {100 * self._best:.2f}"
        self._bar.update(self._task, completed=step.epoch - 1 + step.done / step.total, description=text)

    def _on_epoch(self, epoch: Epoch) -> None:
        if epoch.best and epoch.f1 is not None:
            self._best = epoch.f1
        self._console.print(str(epoch), markup=False)

    def _on_message(self, message: str) -> None:
        self._console.print(message, markup=False)
