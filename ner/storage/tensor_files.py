"""Tensors on disk: safetensors files with checksums, of which nothing is believed before it is checked.

The header is read first, by itself, so that a file that isn't what it should be costs no memory. A checksum of
each tensor notices what a disk or a copy did to it; it is no signature, and whoever forges a file forges it too.
"""

import json
import math
import mmap
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

# As much as safetensors itself takes.
_LONGEST_HEADER = 100_000_000
_PAGE = 4096
_PAGES = 1024  # that are read, and their memory given back, at once
_NO_NOTE = f"{zlib.crc32(b'{}'):08x} {{}}"
_DTYPES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "I64": "int64",
    "I8": "int8",
    "U8": "uint8",
    "U16": "uint16",
    "U32": "uint32",
    "BOOL": "bool",
}

Array = npt.NDArray[Any]


class DamagedError(ValueError):
    """A file that isn't what it was when it was written; the message says in what."""


@dataclass(frozen=True, slots=True)
class Header:
    """What a file says of itself: each tensor's kind, and what was noted `about` it ({} in older files)."""

    tensors: dict[str, str]
    """The kind of each tensor by its name, as `kind_of` writes it."""
    numbers: int
    """Numbers in all tensors together."""
    about: dict[str, Any]
    places: dict[str, tuple[str, tuple[int, ...], int, int]]
    """Type, shape, first byte and end (half-open) of each tensor in the file."""


def kind_of(shape: list[int], dtype: str) -> str:
    """A tensor's shape, and its type where that isn't the usual one.

    >>> kind_of([2, 3], "float32"), kind_of([2], "float16")
    ('of shape [2, 3]', 'of shape [2] in float16')
    """
    return f"of shape {shape}" + ("" if dtype == "float32" else f" in {dtype}")


def write_tensors(path: Path, tensors: dict[str, Array], about: dict[str, Any]) -> None:
    """Writes tensors with their checksums and what is to be noted about them."""
    from safetensors.numpy import save  # only writing needs it

    # Not ascontiguousarray(), which gives a number by itself a dimension.
    plain = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    note = {**about, "checksums": {name: checksum(tensor) for name, tensor in sorted(plain.items())}}
    text = json.dumps(note)
    # Not save_file(), whose files only their owner can read.
    path.write_bytes(save(plain, metadata={"ner": f"{zlib.crc32(text.encode()):08x} {text}"}))


def read_header(path: Path) -> Header:
    """What a file says of itself; its numbers aren't read.

    Raises:
        DamagedError: it isn't a safetensors file, or not as long as it says.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if size < 8 or length > min(size - 8, _LONGEST_HEADER):
                raise DamagedError(f"expected a header of {length} bytes, found a file of {size}")
            header = json.loads(stream.read(length))
        wanted, _, note = header.pop("__metadata__", {}).get("ner", _NO_NOTE).partition(" ")
        if f"{zlib.crc32(note.encode()):08x}" != wanted:
            raise DamagedError(f"expected notes with checksum {wanted}, found {zlib.crc32(note.encode()):08x}")
        tensors, places, numbers, end = {}, {}, 0, 0
        for name, entry in header.items():
            shape, dtype = [int(n) for n in entry["shape"]], str(entry["dtype"])
            tensors[name] = kind_of(shape, _DTYPES.get(dtype, dtype))
            count = 1
            for width in shape:
                count *= width
            numbers += count
            first, last = (int(place) for place in entry["data_offsets"])
            places[name] = (_DTYPES.get(dtype, dtype), tuple(shape), 8 + length + first, 8 + length + last)
            end = max(end, last)
        about = dict(json.loads(note))
    except DamagedError:
        raise
    except (OSError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError) as error:
        raise DamagedError(f"expected a safetensors header, found none ({error or type(error).__name__})") from None
    if size != 8 + length + end:
        raise DamagedError(f"expected {8 + length + end} bytes, as its header says, found {size}")
    return Header(tensors, numbers, about, places)


def read_tensors(path: Path, header: Header) -> dict[str, Array]:
    """The tensors of a file, after their checksums where it has some; memory-mapped, a change is the process's own.

    Mapped here, since the library's readers copy every tensor, and refuse a path that isn't UTF-8 (safetensors 0.8).

    Raises:
        DamagedError: they aren't what was written.
    """
    unknown = {dtype for dtype, *_ in header.places.values()} - set(_DTYPES.values())
    if unknown:
        raise DamagedError(f"expected tensors of {', '.join(_DTYPES.values())}, found {', '.join(sorted(unknown))}")
    done = min((first for *_, first, _ in header.places.values()), default=0)
    for name, (dtype, shape, first, last) in sorted(header.places.items(), key=lambda item: item[1][2:]):
        size = math.prod(shape) * np.dtype(dtype).itemsize
        if first != done or last - first != size or min(shape, default=0) < 0:
            raise DamagedError(f"expected {name} in {size} bytes from {done} on, found it from {first} to {last}")
        done = last
    if not header.places:
        return {}
    try:
        with path.open("rb") as stream:
            mapped = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY)
    except (OSError, ValueError) as error:
        raise DamagedError(str(error)) from None
    raw = np.frombuffer(mapped, dtype=np.uint8)
    tensors = {name: raw[a:b].view(dtype).reshape(shape) for name, (dtype, shape, a, b) in header.places.items()}
    noted = header.about.get("checksums")
    if noted is None:
        return tensors
    found = {name: checksum(tensor, release=lambda: _release(mapped)) for name, tensor in tensors.items()}
    for name in sorted(tensors):
        if not isinstance(noted, dict) or noted.get(name) != found[name]:
            wanted = noted.get(name) if isinstance(noted, dict) else noted
            raise DamagedError(f"expected {name} with checksum {wanted}, found {found[name]}")
    return tensors


def _release(mapped: mmap.mmap) -> None:
    """Gives back the memory of what was read of a file that is mapped and not yet changed: most is never asked for."""
    if hasattr(mmap, "MADV_DONTNEED"):
        mapped.madvise(mmap.MADV_DONTNEED)


def checksum(tensor: Array, *, release: Callable[[], object] = lambda: None) -> int:
    """A checksum of a tensor's bytes, made at the speed of memory: zlib's CRC-32 of the sums of its pages.

    `release` is called whenever some pages were read.

    The 64-bit words of a page are added up; a change of one word, or any accident in a page, changes the sum but
    for a chance of 2^-64, and the CRC knows the order of the pages. A CRC of each byte would take six times as long.

    >>> a, b = np.zeros(3000), np.zeros(3000)
    >>> b[2999] = -0.0
    >>> checksum(a) == checksum(a.copy()), checksum(a) == checksum(b)
    (True, False)
    """
    raw: npt.NDArray[np.uint8] = np.asarray(tensor, order="C").reshape(-1).view(np.uint8)
    whole = len(raw) // _PAGE * _PAGE
    crc = 0
    for start in range(0, whole, _PAGES * _PAGE):
        pages = raw[start : min(start + _PAGES * _PAGE, whole)].view("<u8").reshape(-1, _PAGE // 8)
        crc = zlib.crc32(pages.sum(axis=1, dtype=np.uint64).astype("<u8").tobytes(), crc)
        release()
    return zlib.crc32(raw[whole:].tobytes(), crc)
