"""`calibration.json` of a model directory: what `ner calibrate` fitted, apart from all that training made."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ner.errors import ModelError
from ner.resources.model_names import CALIBRATION
from ner.storage.json_files import read_json, write_json
from ner.whole_files import staged_file

if TYPE_CHECKING:
    from ner.evaluation.adjustment import Adjustment


def read_adjustment(folder: Path, labels: Sequence[str]) -> "Adjustment | None":
    """What was fitted for the model of this folder, which has these labels; None where nothing was.

    Raises:
        ModelError: the file is damaged, or of another model.
    """
    path = folder / CALIBRATION
    if not path.exists():
        return None
    from ner.evaluation.adjustment import adjustment_from_dict  # which most models don't need

    try:
        return adjustment_from_dict(read_json(path), labels)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        said = f"no {error}" if isinstance(error, KeyError) else error
        raise ModelError(f"{path}: damaged: {said}; `ner calibrate` writes it anew") from None


def write_adjustment(folder: Path, adjustment: "Adjustment") -> None:
    """Writes it beside the model's other files; it appears whole, or what stood there stays.

    Raises:
        ModelError: it can't be written.
    """
    path = folder / CALIBRATION
    try:
        with staged_file(path) as part:
            write_json(part, adjustment.as_dict())
    except OSError as error:
        raise ModelError(f"{path}: can't be written: {error.strerror or error}; choose another --out") from None
