"""Weights on disk in fewer bits: half precision, or whole numbers of 8 bits with a scale for each row.

Whatever they are stored in, a network computes with what they were: they are unpacked when it is loaded. Vectors
(biases and the like) stay as they are; they take no room.
"""

import numpy as np

from ner.storage.tensor_files import Array, DamagedError, Header

_SCALE = ".scale"
_DTYPES = ("float32", "float16")


def pack(tensors: dict[str, Array], weights: str) -> tuple[dict[str, Array], dict[str, str]]:
    """The tensors as they are stored, and for each that isn't as it was, its type.

    Args:
        tensors: by name.
        weights: `fp32` (all stay as they are), `fp16`, `int8`.
    """
    packed, types = {}, {}
    for name, tensor in tensors.items():
        if weights == "fp32" or tensor.ndim < 2 or (weights == "fp16" and tensor.dtype == np.float16):
            packed[name] = tensor
            continue
        types[name] = str(tensor.dtype)
        if weights == "fp16":
            with np.errstate(over="ignore"):  # what is beyond half precision is infinite there
                packed[name] = tensor.astype(np.float16)
            continue
        rows = tensor.astype(np.float32).reshape(len(tensor), int(np.prod(tensor.shape[1:])))
        # The largest of a row becomes 127, so that a row of small numbers loses no more than one of large ones.
        scale = np.maximum(np.abs(rows).max(axis=1, initial=0), np.finfo(np.float32).tiny) / np.float32(127)
        packed[name] = np.rint(rows / scale[:, None]).astype(np.int8).reshape(tensor.shape)
        packed[name + _SCALE] = scale
    return packed, types


def unpacked_kinds(header: Header) -> dict[str, str]:
    """The kind of each tensor of a file when it is unpacked.

    Raises:
        DamagedError: the file's notes are of other tensors than it has.
    """
    types = _types(header)
    kinds = {}
    for name, kind in header.tensors.items():
        if name.removesuffix(_SCALE) in types and name.endswith(_SCALE):
            continue
        shape, _, _ = kind.partition(" in ")
        kinds[name] = kind if name not in types else shape + ("" if types[name] == "float32" else f" in {types[name]}")
    return kinds


def unpack(tensors: dict[str, Array], header: Header) -> dict[str, Array]:
    """The tensors of a file as they were before they were packed."""
    types = _types(header)
    unpacked = {}
    for name, tensor in tensors.items():
        if name in types:
            scale = tensors.get(name + _SCALE)
            value = tensor.astype(np.float32)
            if scale is not None:
                value *= scale.reshape(-1, *[1] * (tensor.ndim - 1))
            unpacked[name] = value.astype(types[name], copy=False)
        elif not (name.endswith(_SCALE) and name.removesuffix(_SCALE) in types):
            unpacked[name] = tensor
    return unpacked


def _types(header: Header) -> dict[str, str]:
    types = header.about.get("packed", {})
    if not isinstance(types, dict) or not set(types) <= set(header.tensors) or not set(types.values()) <= set(_DTYPES):
        raise DamagedError("expected notes on the tensors that are packed, found others")
    for name in types:
        kind, scale = header.tensors[name], header.tensors.get(name + _SCALE)
        rows = kind.removeprefix("of shape [").partition("]")[0].partition(",")[0]
        if ("int8" in kind) != (scale is not None) or scale not in (None, f"of shape [{rows}]"):
            raise DamagedError(f"expected {name} in int8 with a scale for each row, or in half precision; found {kind}")
    return types
