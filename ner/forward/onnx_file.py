"""ONNX models written byte by byte: the little of the format that a stack of recurrent layers needs.

The format is a Protocol Buffers message (github.com/onnx/onnx, onnx.proto); the numbers below are that file's. The
`onnx` package would bring its own protobuf, and writes by default what the newest runtime of the day can't read yet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

# Read by onnxruntime from 1.20 on; newer ones aren't needed for these operators.
_IR_VERSION = 10
_OPSET = 22
_FLOAT, _INT32, _INT64 = 1, 6, 7
_TYPES = {"float32": _FLOAT, "int32": _INT32, "int64": _INT64}

Attribute = int | str | Sequence[int]


@dataclass
class Graph:
    """A graph in the making: operators in the order in which they run, values by their names."""

    _nodes: list[bytes] = field(default_factory=list)
    _constants: list[bytes] = field(default_factory=list)
    _inputs: list[bytes] = field(default_factory=list)
    _outputs: list[bytes] = field(default_factory=list)
    _count: int = 0

    def input(self, name: str, dtype: str, shape: Sequence[int | str]) -> str:
        """Declares what the graph is given; a dimension that varies is a name."""
        self._inputs.append(_value(name, dtype, shape))
        return name

    def output(self, name: str, dtype: str, shape: Sequence[int | str]) -> None:
        """Declares a value that the graph gives back."""
        self._outputs.append(_value(name, dtype, shape))

    def constant(self, array: npt.NDArray[np.generic]) -> str:
        """The name of a constant of float32, int32 or int64."""
        name = self._fresh()
        parts = [_integer(1, size) for size in array.shape]
        parts += [_integer(2, _TYPES[str(array.dtype)]), _text(8, name)]
        little = array.astype(array.dtype.newbyteorder("<"), copy=False)
        self._constants.append(b"".join([*parts, _bytes(9, little.tobytes())]))
        return name

    def add(self, operator: str, *inputs: str, outputs: int = 1, **attributes: Attribute) -> str:
        """The name of an operator's first output; an input that is left out is an empty name."""
        names = [self._fresh() for _ in range(outputs)]
        parts = [_text(1, name) for name in inputs] + [_text(2, name) for name in names]
        parts += [_text(4, operator), *(_bytes(5, _attribute(*item)) for item in attributes.items())]
        self._nodes.append(b"".join(parts))
        return names[0]

    def to_bytes(self) -> bytes:
        """The model, as a file holds it."""
        parts = [_bytes(1, node) for node in self._nodes] + [_text(2, "ner")]
        parts += [_bytes(5, constant) for constant in self._constants]
        parts += [_bytes(11, value) for value in self._inputs] + [_bytes(12, value) for value in self._outputs]
        opset = _text(1, "") + _integer(2, _OPSET)
        return _integer(1, _IR_VERSION) + _text(2, "ner") + _bytes(7, b"".join(parts)) + _bytes(8, opset)

    def _fresh(self) -> str:
        self._count += 1
        return f"v{self._count}"


def _value(name: str, dtype: str, shape: Sequence[int | str]) -> bytes:
    dimensions = [_text(2, size) if isinstance(size, str) else _integer(1, size) for size in shape]
    tensor = _integer(1, _TYPES[dtype]) + _bytes(2, b"".join(_bytes(1, size) for size in dimensions))
    return _text(1, name) + _bytes(2, _bytes(1, tensor))


def _attribute(name: str, value: Attribute) -> bytes:
    if isinstance(value, int):
        return _text(1, name) + _integer(3, value) + _integer(20, 2)
    if isinstance(value, str):
        return _text(1, name) + _text(4, value) + _integer(20, 3)
    return _text(1, name) + b"".join(_integer(8, each) for each in value) + _integer(20, 7)


def _integer(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _bytes(number: int, value: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _text(number: int, value: str) -> bytes:
    return _bytes(number, value.encode())


def _varint(value: int) -> bytes:
    r"""An integer of at least 0, seven bits a byte, the lowest first.

    >>> _varint(300)
    b'\xac\x02'
    """
    parts = bytearray()
    while value > 127:
        parts.append(value & 127 | 128)
        value >>= 7
    parts.append(value)
    return bytes(parts)
