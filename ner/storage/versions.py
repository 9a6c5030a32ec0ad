"""Which model a directory holds, in a few characters."""

import hashlib
from pathlib import Path

from ner.errors import ModelError
from ner.resources.model_names import CALIBRATION, MANIFEST
from ner.resources.models import read_manifest

_DIGITS = 8


def version_of(folder: Path) -> str:
    """A name and what tells this model from others of the name: `en 0.1.0`, `mine 9f86d081`.

    A ready-made model says its version; of another it is the digest of the head of its weights, which holds a checksum
    of each tensor and the digests of settings and words, and of what `ner calibrate` fitted, where it did.

    Raises:
        ModelError: the manifest, or the weights, can't be read.
    """
    if (folder / MANIFEST).exists():
        ready = read_manifest(folder)
        return f"{ready.name} {ready.version}"
    weights = folder / "model.safetensors"
    try:
        with weights.open("rb") as stream:
            head = stream.read(int.from_bytes(stream.read(8), "little"))
        if (folder / CALIBRATION).exists():
            head += (folder / CALIBRATION).read_bytes()
    except (OSError, MemoryError, OverflowError) as error:
        raise ModelError(f"{weights}: can't be read: {error}; train or copy it again") from None
    return f"{folder.name} {hashlib.sha256(head).hexdigest()[:_DIGITS]}"
