"""What a download shows while it works: a bar on a terminal, messages on stderr everywhere."""

import sys
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn


class DownloadProgress:
    """A context whose `message` and `update` show a download on stderr."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False, soft_wrap=True)
        columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=self._console, transient=True, disable=not sys.stderr.isatty())
        self._task = self._bar.add_task("", total=None)

    def __enter__(self) -> "DownloadProgress":
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def message(self, text: str) -> None:
        """Shows a line above the bar."""
        self._console.print(text, markup=False)

    def update(self, received: int, total: int | None) -> None:
        """Moves the bar to `received` of `total` bytes."""
        self._bar.update(self._task, completed=received, total=total)
