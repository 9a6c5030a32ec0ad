"""What training and downloads show while they work: a live bar on a terminal, a line for each message elsewhere."""

import sys
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    ProgressColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from ner.training.events import Epoch, Listener, Step


class _Progress:
    """A bar on stderr, shown within a context, and lines above it."""

    def __init__(self, *columns: ProgressColumn, task: str, total: float | None) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        self._bar = Progress(*columns, console=self._console, transient=True, disable=not sys.stderr.isatty())
        self._task = self._bar.add_task(task, total=total)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def message(self, text: str) -> None:
        """Shows a line above the bar."""
        self._console.print(text, markup=False)


class TrainingProgress(_Progress):
    """A context whose `listener` shows a run on stderr."""

    def __init__(self, epochs: int) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        super().__init__(*columns, task="training", total=epochs)
        self._epochs = epochs
        self._best = 0.0
        self.listener = Listener(
            on_step=self._on_step, on_epoch=self._on_epoch, on_message=self.message, on_reading=self._on_reading
        )

    def _on_reading(self, share: float, seconds: float) -> None:
        text = f"the encoder has read {share:.0%} of the corpus, {seconds:,.0f} s left"
        self._bar.update(self._task, description=text)

    def _on_step(self, step: Step) -> None:
        text = f"epoch {step.epoch}/{self._epochs}  loss {step.loss:.4f}  {step.tokens_per_second:,.0f} tokens/s"
        if self._best:
            text += f"  best dev F1 {100 * self._best:.2f}"
        self._bar.update(self._task, completed=step.epoch - 1 + step.done / step.total, description=text)

    def _on_epoch(self, epoch: Epoch) -> None:
        if epoch.best and epoch.f1 is not None:
            self._best = epoch.f1
        self.message(str(epoch))


class CountProgress(_Progress):
    """A context whose `update` shows on stderr how many of something are done."""

    def __init__(self, what: str) -> None:
        super().__init__(
            TextColumn(what), BarColumn(), TaskProgressColumn(), TimeRemainingColumn(), task="", total=None
        )

    def update(self, done: int, total: int) -> None:
        """Moves the bar to `done` of `total`."""
        self._bar.update(self._task, completed=done, total=total)


class DownloadProgress(_Progress):
    """A context whose `message` and `update` show a download on stderr."""

    def __init__(self) -> None:
        columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        super().__init__(*columns, task="", total=None)

    def update(self, received: int, total: int | None) -> None:
        """Transitions the bar to `received` of `total` bytes."""
        self._bar.update(self._task, completed=received, total=total)
