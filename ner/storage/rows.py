"""Tables of vectors as they are stored, of which only the rows that are asked for are decoded.

For a runtime that shares no table with PyTorch: `read_model(opened, wanted, rows=NAMES)` gives a `StoredRows` for each
of these names. What lies in the file is mapped into memory; a row costs a microsecond or two when it is read.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ner.storage.codes import Codes, decode_rows
from ner.storage.tensor_files import Array


@dataclass(frozen=True, eq=False)
class StoredRows:
    """N rows of D numbers, in whatever bits; `rows` gives what `unpack` makes of them.

    `values` (N, D) are numbers, with `scale` (N,) whole ones; with `centroids` (K, D) they are codes (N, M). `dtype` is
    the type that the numbers are computed with, to which they are rounded.
    """

    values: Array
    dtype: str
    scale: Array | None = None
    centroids: Array | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """N and D."""
        wide = self.values if self.centroids is None else self.centroids
        return len(self.values), wide.shape[1]

    def rows(self, ids: npt.NDArray[np.integer]) -> npt.NDArray[np.float32]:
        """The rows of these ids (n, D).

        Raises:
            IndexError: an id is none of 0 … N-1.
        """
        values: Array = self.values[ids]
        if self.centroids is not None:
            codes: Codes = values
            values = decode_rows(codes, self.centroids)
        elif self.scale is not None:
            values = values.astype(np.float32) * self.scale[ids][:, None]
        return values.astype(self.dtype, copy=False).astype(np.float32, copy=False)
