"""Several arrays of vectors, end to end, as one vector set."""

from collections.abc import Iterator, Sequence

import numpy as np

from msclip_search.indexes.base import Floats, Rows, StoredFloats
from msclip_search.indexes.half import CHUNK_ROWS, widen


class StackedVectors:
    """Arrays of unit vectors end to end, usually memory-mapped files, read where they lie.

    Parameters
    ----------
    parts
        float16 or float32 arrays (rows, dimension), in row order. Parts may be empty, and there may be none.
    dimension
        Numbers a row: needed where there are no parts, otherwise checked against them.

    Raises
    ------
    ValueError
        The parts differ in dimension, or there are none and no dimension is given.
    TypeError
        A part is neither float16 nor float32.
    """

    __slots__ = ("_parts", "_starts", "shape")

    def __init__(self, parts: Sequence[StoredFloats], *, dimension: int | None = None) -> None:
        if dimension is None:
            if not parts:
                raise ValueError("Without any array of vectors, their dimension has to be given.")
            dimension = int(parts[0].shape[-1])
        for part in parts:
            if part.ndim != 2 or part.shape[1] != dimension:
                raise ValueError(f"Vectors have the shape (rows, {dimension}), not {part.shape}.")
            if part.dtype not in (np.float16, np.float32):
                raise TypeError(f"Vectors are float16 or float32, not {part.dtype}.")
        # Plain views of memory-mapped arrays: slicing np.memmap itself costs ten times as much.
        self._parts = [np.asarray(part) for part in parts]
        self._starts = np.cumsum([0, *(len(part) for part in parts)], dtype=np.int64)
        self.shape = (int(self._starts[-1]), dimension)
        """Number of rows, and numbers a row."""

    def blocks(self, size: int) -> Iterator[tuple[int, StoredFloats]]:
        """All rows in order, as (number of the first row, array (n, dimension)) with n <= size.

        Every block but the last has `size` rows, however the parts are cut: many small parts cost no more than one
        large one. A block within one part is a view of it.
        """
        if size < 1:
            raise ValueError(f"A block has at least 1 row, not {size}.")
        for start in range(0, self.shape[0], size):
            stop = min(start + size, self.shape[0])
            pieces = list(self._pieces(start, stop))
            yield start, pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def take(self, rows: Rows) -> Floats:
        """Copy the rows of these numbers, in this order, as float32 (n, dimension).

        Parameters
        ----------
        rows
            int64 (n,), any order, repetitions allowed. Rising order is fastest.

        Raises
        ------
        IndexError
            A number is negative or beyond the last row.
        """
        if len(rows) and (rows.min() < 0 or rows.max() >= self.shape[0]):
            raise IndexError(f"Rows are 0 to {self.shape[0] - 1}, not {rows.min()} to {rows.max()}.")
        if len(rows) > 1 and (rows[1:] < rows[:-1]).any():
            # Read in the order of the file, which is kind to disks, then put back.
            order = np.argsort(rows, kind="stable")
            taken = np.empty((len(rows), self.shape[1]), dtype=np.float32)
            taken[order] = self._take_rising(rows[order])
            return taken
        return self._take_rising(rows)

    def _take_rising(self, rows: Rows) -> Floats:
        taken = np.empty((len(rows), self.shape[1]), dtype=np.float32)
        cuts = np.searchsorted(rows, self._starts)
        for number in np.flatnonzero(np.diff(cuts)):
            for start in range(cuts[number], cuts[number + 1], CHUNK_ROWS):
                here = slice(start, min(start + CHUNK_ROWS, cuts[number + 1]))
                widen(self._parts[number][rows[here] - self._starts[number]], taken[here])
        return taken

    def _pieces(self, start: int, stop: int) -> Iterator[StoredFloats]:
        first = int(np.searchsorted(self._starts, start, side="right")) - 1
        last = int(np.searchsorted(self._starts, stop, side="left"))
        for number in range(first, last):
            begin = int(self._starts[number])
            piece = self._parts[number][max(start - begin, 0) : stop - begin]
            if len(piece):
                yield piece
