"""Weights on disk in fewer bits: half precision, or whole numbers of 8 bits with a scale for each row.

Tables of word vectors, which are nearly all of a model, may take less than a byte a number (`codes`). Whatever they are
stored in, a network computes with what they were: they are unpacked when it is loaded. Vectors (biases and the like)
stay as they are; they take no room.
"""

import numpy as np

from ner.storage.codes import MOST_CENTROIDS, WIDEST_PART, decode_rows, encode_rows
from ner.storage.rows import StoredRows
from ner.storage.tensor_files import Array, DamagedError, Header, kind_of

_SCALE, _CENTROIDS = ".scale", ".centroids"
_DTYPES = ("float32", "float16")
_TOGETHER = 16_384  # rows that are unpacked at once
# How a table's name ends, and how many of its numbers share a byte where vectors are small: of the words that training
# never saw four, which costs the CoNLL-2003 recipe 0.02 F1, of those that it learned two, since four cost 0.3.
_SMALL = {".extra": 4, ".trained.weight": 2}


def pack(tensors: dict[str, Array], weights: str, vectors: str = "whole") -> tuple[dict[str, Array], dict[str, str]]:
    """The tensors as they are stored, and for each that isn't as it was, its type.

    Args:
        tensors: by name.
        weights: `fp32` (all stay as they are), `fp16`, `int8`.
        vectors: how tables of word vectors are stored: `whole`, as `weights` says, or `small`.
    """
    packed: dict[str, Array] = {}
    types: dict[str, str] = {}
    for name, tensor in tensors.items():
        width = _part_width(name, tensor) if vectors == "small" else 0
        if width:
            types[name] = str(tensor.dtype)
            packed[name], packed[name + _CENTROIDS] = encode_rows(tensor, width)
            continue
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


def _part_width(name: str, tensor: Array) -> int:
    """How many numbers of a table share a byte; 0 where it is no table of words, or 8 bits a number take less room."""
    width = next((width for ending, width in _SMALL.items() if name.endswith(ending)), 0)
    if not width or tensor.ndim != 2 or str(tensor.dtype) not in _DTYPES:
        return 0
    count, dim = tensor.shape
    codes = count * -(-dim // width) + 2 * MOST_CENTROIDS * dim  # bytes
    with np.errstate(over="ignore"):
        return width if codes < count * dim and np.isfinite(tensor.astype(np.float16)).all() else 0


def unpacked_kinds(header: Header) -> dict[str, str]:
    """The kind of each tensor of a file when it is unpacked.

    Raises:
        DamagedError: the file's notes are of other tensors than it has.
    """
    types = _types(header)
    kinds = {}
    for name, kind in header.tensors.items():
        if _belongs_to(name, types):
            continue
        if name in types:
            shape = list(header.places[name][1])
            if name + _CENTROIDS in header.tensors:
                shape[1] = header.places[name + _CENTROIDS][1][1]
            kind = kind_of(shape, types[name])
        kinds[name] = kind
    return kinds


def unpack(tensors: dict[str, Array], header: Header) -> dict[str, Array]:
    """The tensors of a file as they were before they were packed.

    Raises:
        DamagedError: a code is that of no centroid.
    """
    types = _types(header)
    unpacked: dict[str, Array] = {}
    for name, tensor in tensors.items():
        if name in types:
            scale, centroids = tensors.get(name + _SCALE), tensors.get(name + _CENTROIDS)
            if centroids is not None:
                decoded: Array = decode_rows(_checked_codes(name, tensor, centroids), centroids)
                unpacked[name] = decoded.astype(types[name], copy=False)
                continue
            unpacked[name] = np.empty(tensor.shape, dtype=types[name])
            # Piece by piece: a large table in single precision would need twice the memory of the model for a moment.
            for start in range(0, len(tensor), _TOGETHER):
                some = slice(start, start + _TOGETHER)
                value = tensor[some].astype(np.float32)
                if scale is not None:
                    value *= scale[some].reshape(-1, *[1] * (tensor.ndim - 1))
                unpacked[name][some] = value
        elif not _belongs_to(name, types):
            unpacked[name] = tensor
    return unpacked


def stored_rows(tensors: dict[str, Array], header: Header, name: str) -> StoredRows:
    """A table of a file, of which rows are unpacked when they are asked for.

    Raises:
        DamagedError: a code is that of no centroid.
    """
    types = _types(header)
    values, dtype = tensors[name], types.get(name, str(tensors[name].dtype))
    if name not in types:
        return StoredRows(values, dtype)
    scale, centroids = tensors.get(name + _SCALE), tensors.get(name + _CENTROIDS)
    if centroids is not None:
        values = _checked_codes(name, values, centroids)
    return StoredRows(values, dtype, scale, centroids)


def _checked_codes(name: str, codes: Array, centroids: Array) -> Array:
    if len(centroids) < MOST_CENTROIDS and (largest := int(codes.max(initial=0))) >= len(centroids) and len(codes):
        raise DamagedError(f"expected {name} with codes below {len(centroids)}, found {largest}")
    return codes


def _belongs_to(name: str, types: dict[str, str]) -> bool:
    """Whether a tensor is the scale or the centroids of one that is packed."""
    return any(name.endswith(part) and name.removesuffix(part) in types for part in (_SCALE, _CENTROIDS))


def _types(header: Header) -> dict[str, str]:
    types = header.about.get("packed", {})
    if not isinstance(types, dict) or not set(types) <= set(header.tensors) or not set(types.values()) <= set(_DTYPES):
        raise DamagedError("expected notes on the tensors that are packed, found others")
    for name in types:
        kind, scale = header.tensors[name], header.tensors.get(name + _SCALE)
        if name + _CENTROIDS in header.tensors:
            _check_centroids(header, name)
            continue
        rows = kind.removeprefix("of shape [").partition("]")[0].partition(",")[0]
        if ("int8" in kind) != (scale is not None) or scale not in (None, f"of shape [{rows}]"):
            raise DamagedError(f"expected {name} in int8 with a scale for each row, or in half precision; found {kind}")
    return types


def _check_centroids(header: Header, name: str) -> None:
    """Raise DamagedError unless a tensor is one of codes, each for so few numbers that decoding takes little memory."""
    (kind, shape, *_), (half, centroids, *_) = header.places[name], header.places[name + _CENTROIDS]
    fits = (kind, half, len(shape), len(centroids)) == ("uint8", "float16", 2, 2)
    fits = fits and 1 <= centroids[0] <= MOST_CENTROIDS and shape[1] <= centroids[1] <= WIDEST_PART * shape[1]
    if not fits or name + _SCALE in header.tensors:
        raise DamagedError(
            f"expected {name} in codes, one for at most {WIDEST_PART} numbers of its centroids; found it "
            f"{header.tensors[name]}, its centroids {header.tensors[name + _CENTROIDS]}"
        )
