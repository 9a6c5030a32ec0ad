"""The words of a one-column parquet file, without pyarrow.

One package of vectors keeps its words this way; pyarrow is a 100 MB install for that single column. Reads
what such a file needs of the format (https://parquet.apache.org/docs/file-format/): one text column of
distinct values, snappy or no compression, dictionary and plain pages. Anything else is refused.
"""

import struct
from pathlib import Path
from typing import Any

from ner.errors import VectorsError

_OPTIONAL = 1
_PLAIN, _DICTIONARY_ENCODINGS = 0, (2, 8)
_DATA_PAGE, _DICTIONARY_PAGE = 0, 2
_UNCOMPRESSED, _SNAPPY = 0, 1


def read_words(path: Path) -> list[str]:
    """The distinct words of the file's only column, in order.

    Raises:
        VectorsError: not a parquet file, or one with more columns, repeated words or other encodings.
    """
    raw = path.read_bytes()
    try:
        if raw[:4] != b"PAR1" or raw[-4:] != b"PAR1":
            raise ValueError("no parquet mark")
        footer_size = struct.unpack("<I", raw[-8:-4])[0]
        footer, _ = _read_struct(raw, len(raw) - 8 - footer_size)
        if len(footer[2]) != 2:  # the root, and one column
            raise ValueError(f"{len(footer[2]) - 1} columns")
        optional = footer[2][1][3] == _OPTIONAL
        words = [word for group in footer[4] for word in _column(raw, group[1][0][3], optional)]
    except (ValueError, KeyError, IndexError, TypeError, struct.error) as error:
        raise VectorsError(
            f"{path}: expected parquet with one column of words, found something else ({error})"
        ) from None
    if len(set(words)) != footer[3]:
        raise VectorsError(f"{path}: expected {footer[3]} distinct words, found {len(set(words))}")
    return words


def _column(raw: bytes, meta: dict[int, Any], optional: bool) -> list[str]:
    """The words of one column chunk. All are distinct, so the dictionary holds each once, in order."""
    at = meta.get(11, meta[9])  # the dictionary page, if there is one, comes first
    end = at + meta[7]
    words: list[str] = []
    while at < end:
        page, at = _read_struct(raw, at)
        body = raw[at : at + page[3]]
        at += page[3]
        if meta[4] not in (_UNCOMPRESSED, _SNAPPY):
            raise ValueError(f"compression {meta[4]}")
        if meta[4] == _SNAPPY:
            body = _unsnappy(body)
        if page[1] == _DICTIONARY_PAGE:
            words += _plain(body, 0)
        elif page[1] == _DATA_PAGE and page[5][2] == _PLAIN:
            levels = 4 + struct.unpack_from("<I", body)[0] if optional else 0
            words += _plain(body, levels)
        elif page[1] != _DATA_PAGE or page[5][2] not in _DICTIONARY_ENCODINGS:
            raise ValueError(f"page type {page[1]}, or its encoding")
    return words


def _plain(body: bytes, at: int) -> list[str]:
    words = []
    while at < len(body):
        size = int.from_bytes(body[at : at + 4], "little")
        words.append(body[at + 4 : at + 4 + size].decode("utf-8"))
        at += 4 + size
    return words


def _unsnappy(data: bytes) -> bytes:
    """The decompressed bytes (https://github.com/google/snappy/blob/main/format_description.txt)."""
    size, at = _varint(data, 0)
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        kind, length = tag & 3, (tag >> 2) + 1
        if kind == 0:  # literal bytes; a length above 60 stands in the next 1 to 4 bytes
            if length > 60:
                extra = length - 60
                length = int.from_bytes(data[at : at + extra], "little") + 1
                at += extra
            out += data[at : at + length]
            at += length
            continue
        if kind == 1:
            length = ((tag >> 2) & 7) + 4
            offset = (tag >> 5 << 8) | data[at]
            at += 1
        else:
            offset = int.from_bytes(data[at : at + 2 * kind - 2], "little")
            at += 2 * kind - 2
        if not 0 < offset <= len(out):
            raise ValueError("damaged snappy data")
        start = len(out) - offset
        # A copy may reach into what it writes itself: then the pattern repeats.
        out += (bytes(out[start : start + length]) * (length // offset + 1))[:length]
    if len(out) != size:
        raise ValueError("damaged snappy data")
    return bytes(out)


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def _read_struct(raw: bytes, at: int) -> tuple[dict[int, Any], int]:
    """The fields of a struct in Thrift's compact protocol, by number, and where it ends."""
    fields: dict[int, Any] = {}
    number = 0
    while raw[at]:
        delta, kind = raw[at] >> 4, raw[at] & 15
        at += 1
        if delta:
            number += delta
        else:
            zigzag, at = _varint(raw, at)
            number = (zigzag >> 1) ^ -(zigzag & 1)
        fields[number], at = _read_value(raw, at, kind)
    return fields, at + 1


def _read_value(raw: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind in (1, 2):  # true, false: the type is the value
        return kind == 1, at
    if kind == 3:
        return raw[at], at + 1
    if kind in (4, 5, 6):
        zigzag, at = _varint(raw, at)
        return (zigzag >> 1) ^ -(zigzag & 1), at
    if kind == 7:
        return struct.unpack_from("<d", raw, at)[0], at + 8
    if kind == 8:
        size, at = _varint(raw, at)
        return raw[at : at + size], at + size
    if kind == 9:
        size, item = raw[at] >> 4, raw[at] & 15
        at += 1
        if size == 15:
            size, at = _varint(raw, at)
        items = []
        for _ in range(size):
            value, at = _read_value(raw, at, item)
            items.append(value)
        return items, at
    if kind == 12:
        return _read_struct(raw, at)
    raise ValueError(f"Thrift type {kind}")
