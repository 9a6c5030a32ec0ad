"""The vocabularies of a model directory: `vocabulary.json`, and the arrays of `vocabulary.safetensors`.

Up to format 4 the words were a list in the JSON; half of a start without PyTorch went into reading it.
"""

from pathlib import Path

import numpy as np

from ner.config import Config
from ner.errors import ModelError
from ner.features.checks import table
from ner.features.vocabulary import Vocabularies
from ner.features.word_table import WordTableError
from ner.resources.model_names import ARRAYS
from ner.storage.json_files import read_json, write_json
from ner.storage.older import vocabulary_now
from ner.storage.tensor_files import Array, DamagedError, read_header, read_tensors, write_tensors

TEXTS = "vocabulary.json"
LAST_WITHOUT_ARRAYS = 4  # format of model directories


def write_vocabularies(folder: Path, vocabularies: Vocabularies) -> None:
    """Writes both files into a folder, and what features keep beside them."""
    values = vocabularies.as_dict()
    arrays: dict[str, Array] = {}
    for name, feature in values["features"].items():
        for entry in [entry for entry, value in feature.items() if isinstance(value, np.ndarray)]:
            arrays[f"{name}.{entry}"] = feature.pop(entry)
    write_json(folder / TEXTS, values)
    write_tensors(folder / ARRAYS, arrays, {})
    for each in vocabularies.features.values():
        each.write_files(folder)


def read_vocabularies(folder: Path, config: Config, format: int) -> Vocabularies:
    """The vocabularies of a directory of this format, checked; arrays are memory-mapped.

    Raises:
        ModelError: a file is missing or damaged.
    """
    damaged = folder / TEXTS
    try:
        values = vocabulary_now(read_json(damaged), config, format)
        features = table(values, "features")
        damaged = folder / ARRAYS
        if format > LAST_WITHOUT_ARRAYS:
            for name, array in _read_arrays(damaged).items():
                feature, _, entry = name.partition(".")
                if not isinstance(features.get(feature), dict):
                    raise DamagedError(f"expected arrays of features that {TEXTS} has, found {name}")
                features[feature][entry] = array
        damaged = folder / TEXTS
        return Vocabularies.from_dict(values, config)
    except ValueError as error:
        path = folder / ARRAYS if isinstance(error, WordTableError) else damaged
        raise ModelError(f"{path}: damaged: {error}; train or copy it again") from None


def _read_arrays(path: Path) -> dict[str, Array]:
    if not path.exists():
        raise ModelError(
            f"{path.parent}: expected {path.name} in a model directory, found none; train or copy it again"
        )
    return read_tensors(path, read_header(path))
