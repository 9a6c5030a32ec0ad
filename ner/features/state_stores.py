"""The folders in which states of pretrained encoders are kept: which there are, and room for more."""

import contextlib
import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ner.resources.download import cache_home

STATES, ABOUT = "states.f16", "about.json"


@dataclass(frozen=True, slots=True)
class Store:
    """States on disk, whole or in the making."""

    folder: Path
    whole: bool
    bytes: int
    used: float
    """When it was last asked for, in seconds since 1970."""
    about: dict[str, Any]

    def __str__(self) -> str:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(self.used))
        told = f"{self.about.get('words', 0):>11,} words  {self.about.get('encoder', '')}"
        return f"{self.folder.name[:12]}  {self.bytes / 1e6:>9,.1f} MB  {when}  {told if self.whole else 'unfinished'}"

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        told = {"name": self.folder.name, "whole": self.whole, "bytes": self.bytes, "used": self.used}
        return {**told, **self.about}


def states_home() -> Path:
    """The folder of all stores."""
    return cache_home() / "contextual"


def list_stores() -> list[Store]:
    """Those that are here, the last used first."""
    stores = []
    for folder in states_home().iterdir() if states_home().is_dir() else ():
        name = folder.name.removesuffix(".part")
        if folder.is_dir() and len(name) == 64:
            with contextlib.suppress(OSError):  # one that somebody removes in this moment
                stores.append(_store(folder))
    return sorted(stores, key=lambda store: -store.used)


def clear_stores(stores: Sequence[Store]) -> int:
    """How many bytes were freed; one that a process fills in this moment stays."""
    freed = 0
    for store in stores:
        lock = lock_of(store.folder.with_name(store.folder.name.removesuffix(".part")))
        try:
            lock.acquire(timeout=0)
        except TimeoutError:
            continue
        try:
            shutil.rmtree(store.folder, ignore_errors=True)
        finally:
            lock.release()
        freed += store.bytes
    return freed


def make_room(needed: int, most: int, *, but: str) -> None:
    """Remove stores, those first that were unused longest, until so many bytes more are within the bound."""
    stores = [store for store in list_stores() if store.folder.name.removesuffix(".part") != but]
    while stores and needed + sum(store.bytes for store in stores) > most:
        clear_stores([stores.pop()])


def lock_of(folder: Path) -> Any:
    """What the process holds that fills or removes a store."""
    from filelock import FileLock  # which tagging doesn't need

    return FileLock(f"{folder}.lock")


def _store(folder: Path) -> Store:
    about: dict[str, Any] = {}
    whole = not folder.name.endswith(".part")
    if whole:
        with contextlib.suppress(ValueError):
            about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    marker = folder / (ABOUT if whole else STATES)
    size = sum(path.stat().st_size for path in folder.iterdir())
    return Store(folder, whole, size, marker.stat().st_mtime if marker.exists() else 0.0, about)
