"""The JSON files of a model directory: written as they are read, and read only up to a size."""

import json
from pathlib import Path
from typing import Any

from ner.errors import ModelError

# JSON is read as a whole: a thousand times what is usual, and a vocabulary of some 50 million words.
MOST_BYTES = {
    "config.json": 2**20,
    "vocabulary.json": 2**30,
    "metrics.json": 2**24,
    "history.jsonl": 2**28,  # scores of each label after each epoch: 3,000 labels and 100 epochs make 35 MB
    "entities.json": 2**30,
    "calibration.json": 2**20,
}


def write_json(path: Path, values: Any) -> None:
    """Writes values as JSON in UTF-8."""
    # A word of a vectors file may hold half a surrogate pair, which plain UTF-8 refuses.
    text = json.dumps(values, ensure_ascii=False, indent=1) + "\n"
    path.write_text(text, encoding="utf-8", errors="surrogatepass")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a file of JSON.

    Raises:
        ModelError: it is no JSON, no object, or larger than such a file may be.
    """
    try:
        values = json.loads(read_text(path))
    except (ValueError, OSError, RecursionError) as error:
        raise ModelError(f"{path}: damaged: {error}; train or copy it again") from None
    if not isinstance(values, dict):
        raise ModelError(f"{path}: expected a JSON object, found {type(values).__name__}; train or copy it again")
    return values


def read_text(path: Path) -> str:
    """A file of no more bytes than its kind may have, so that no file fills the memory.

    Raises:
        ValueError: it has more, or isn't UTF-8.
    """
    size, most = path.stat().st_size, MOST_BYTES[path.name]
    if size > most:
        raise ValueError(f"expected at most {most} bytes, found {size}")
    return path.read_text(encoding="utf-8", errors="surrogatepass")
