"""A model directory as bytes by file name, for who keeps a model inside something else: a pipeline, a pickle."""

import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path

from ner.resources.model_names import ENCODER, FILES


def read_files(folder: Path) -> dict[str, bytes]:
    """The files of a model directory, those of a copied encoder too (`encoder/NAME`), and no others that lie there."""
    names = [*FILES, *(f"{ENCODER}/{path.name}" for path in sorted((folder / ENCODER).glob("*")))]
    return {name: (folder / name).read_bytes() for name in names if (folder / name).is_file()}


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Writes a model directory, which is new; a name that is of no model's file is left out, for it may lead away."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / name
        if name in FILES or (path == folder / ENCODER / path.name and path.name != ".."):
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)


def hold_files(files: Mapping[str, bytes], owner: object) -> Path:
    """A temporary model directory of these files, which is there as long as an object lives in this process."""
    parent = Path(tempfile.mkdtemp(prefix="bilstm-crf-ner-"))
    weakref.finalize(owner, _remove, parent, os.getpid())
    write_files(files, parent / "model")
    return parent / "model"


def _remove(folder: Path, process: int) -> None:
    if os.getpid() == process:  # not in one that was forked from it
        shutil.rmtree(folder, ignore_errors=True)
