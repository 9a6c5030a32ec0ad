"""Weights by their names, as a model directory holds them: those of a part of the network, and what their shapes are.

Every part says by `shapes` which weights it has, before it is given any: a file may be anybody's, and what it holds is
compared with the settings before memory is taken.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ner.storage.rows import StoredRows

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float32]
Weight = Array | StoredRows
"""A table of words may be read row by row."""
Some = TypeVar("Some")
Shape = tuple[int, ...]
Shapes = dict[str, Shape]


def part_of(weights: Mapping[str, Some], prefix: str) -> dict[str, Some]:
    """The weights whose names begin with this and a dot, without it.

    >>> sorted(part_of({"crf.end": np.zeros(2), "crfs": np.zeros(2)}, "crf"))
    ['end']
    """
    start = f"{prefix}."
    return {name.removeprefix(start): array for name, array in weights.items() if name.startswith(start)}


def arrays_in(weights: Mapping[str, Weight]) -> dict[str, Array]:
    """Those that aren't read row by row."""
    return {name: weight for name, weight in weights.items() if not isinstance(weight, StoredRows)}


def named(prefix: str, shapes: Mapping[str, Shape]) -> Shapes:
    """The same shapes with a prefix and a dot before their names."""
    return {f"{prefix}.{name}": shape for name, shape in shapes.items()}


def linear_shapes(outputs: int, inputs: int, *, bias: bool = True) -> Shapes:
    """Those of an affine map."""
    return {"weight": (outputs, inputs), **({"bias": (outputs,)} if bias else {})}


def sigmoid(values: Floats) -> Floats:
    """The logistic function, in place; half a tangent, which NumPy computes many at a time and which never overflows.

    >>> sigmoid(np.array([0.0, -1000.0], dtype=np.float32)).tolist()
    [0.5, 0.0]
    """
    values *= 0.5
    return half_tanh(values)


def half_tanh(values: Floats) -> Floats:
    """The logistic function of twice the values, in place."""
    np.tanh(values, out=values)
    values *= 0.5
    values += 0.5
    return values
