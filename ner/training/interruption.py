"""When a run is saved, and how it is broken off: after a step, with its state on the disk, so that nothing is lost."""

import os
import signal
import sys
import time
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

import numpy as np

from ner.config import Config
from ner.errors import InterruptionError
from ner.training.checkpoint import Run, save_run
from ner.training.events import Listener
from ner.training.exchange import Wishes


class Checkpoints:
    """Writes the state of a run after each epoch and every so many minutes; ends the run when it is asked to."""

    def __init__(self, run: Run, config: Config, listener: Listener, folder: Path | None) -> None:
        self.run, self.config, self.listener, self.folder = run, config, listener, folder
        self.written = time.monotonic()

    def wishes(self) -> Wishes:
        """Whether this process is asked to end, and whether it is time to save, which the first one knows for all."""
        minutes = self.config.run.checkpoint_minutes if self.run.group.first else None
        due = minutes is not None and time.monotonic() - self.written >= 60 * minutes
        return Wishes(bool(self.listener.should_stop()), due)

    def after_step(self, where: str, wishes: Wishes) -> None:
        """Saves if it is wished; `where` is told if the run is to end here.

        Raises:
            InterruptionError: it was asked to end, and is saved.
            ModelError: the state can't be written.
        """
        if self.folder is not None and (wishes.save or wishes.stop):
            save_run(self.run, self.config, self.folder)
            self.written = time.monotonic()
        if wishes.stop:
            saved = "nothing is saved" if self.folder is None else f"the run is saved in {self.folder}"
            raise InterruptionError(f"stopped after {where}; {saved}")

    def after_epoch(self, where: str) -> None:
        """Saves; else as `after_step`."""
        asked = self.run.group.gather(np.array([bool(self.listener.should_stop())]))
        self.after_step(where, Wishes(stop=bool(np.any(asked)), save=True))


class Signals:
    """A context in which SIGINT and SIGTERM only ask to stop; a second SIGINT ends the process at once.

    A signal that the process was started to ignore, as a shell does for what runs in the background, stays so.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        """`quiet`: nothing is said when one comes."""
        self.received: int | None = None
        self._quiet = quiet
        self._before: dict[int, Any] = {}

    def should_stop(self) -> bool:
        """Whether a signal came."""
        return self.received is not None

    def __enter__(self) -> "Signals":
        for number in (signal.SIGINT, signal.SIGTERM):
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received is None and not self._quiet:
            # Not print(): the signal may have come in the middle of one. The bar on a terminal hid the cursor.
            shown = "\x1b[?25h" if sys.stderr.isatty() else ""
            os.write(2, f"{shown}stopping after this step; interrupt again to leave at once\n".encode())
        self.received = number
        if signal.SIGINT in self._before:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
