"""Vectors out of Arrow's lists."""

from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from msclip_search.errors import ArchiveError


def vectors_of(column: pa.Array, path: Path, name: str, start: int) -> NDArray[np.floating]:
    """Lay a column of lists out as an array, (rows, dimension), in the type that it has.

    Parameters
    ----------
    column
        Lists of one length, or fixed-size lists, of float16, float32 or float64.
    path, name
        Of the file and the column, for messages.
    start
        Number of the column's first row in the file.

    Raises
    ------
    ArchiveError
        It holds something else, a null, or lists of different lengths.
    """
    if isinstance(column, pa.ExtensionArray):
        column = column.storage
    kind = column.type
    if not _is_list(kind) or not pa.types.is_floating(kind.value_type):
        raise ArchiveError(
            f"The column {name} of {path} holds {kind} where a list of floating-point numbers is wanted: name the "
            "column of vectors with --column embedding=NAME."
        )
    if column.null_count:
        row = start + int(np.flatnonzero(column.is_null().to_numpy(zero_copy_only=False))[0])
        raise ArchiveError(f"Row {row:,} of {path} (counted from 0) has no vector: its {name} is null.")
    numbers = column.flatten()
    dimension = int(kind.list_size) if pa.types.is_fixed_size_list(kind) else _length(column, path, name, start)
    if dimension < 1:
        raise ArchiveError(f"Row {start:,} of {path} (counted from 0) has an empty vector in {name}.")
    if numbers.null_count:
        at = int(np.flatnonzero(numbers.is_null().to_numpy(zero_copy_only=False))[0])
        raise ArchiveError(
            f"Row {start + at // dimension:,} of {path} (counted from 0) has a vector with a null in {name}."
        )
    flat: NDArray[np.floating] = numbers.to_numpy(zero_copy_only=False)
    return flat.reshape(len(column), dimension)


def _is_list(kind: pa.DataType) -> bool:
    return bool(pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind))


def _length(column: pa.Array, path: Path, name: str, start: int) -> int:
    """Return the one length of all lists of a column."""
    lengths = np.diff(column.offsets.to_numpy())
    odd = np.flatnonzero(lengths != lengths[0])
    if len(odd):
        raise ArchiveError(
            f"Row {start + int(odd[0]):,} of {path} (counted from 0) has a vector of {lengths[odd[0]]:,} numbers in "
            f"{name}, where the rows before have {lengths[0]:,}."
        )
    return int(lengths[0])
