"""The sidecar file of a segment: written once, read by columns or by rows."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray

from msclip_search.catalog.schema import SCHEMA, with_geo
from msclip_search.errors import IndexDamaged

_ROW_GROUP = 32_768


def to_bytes(table: pa.Table) -> memoryview:
    """Encode a table as Parquet."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=_ROW_GROUP, compression="zstd")
    return memoryview(sink.getvalue())


def read_columns(path: Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Stream columns of a sidecar, in row order.

    Raises
    ------
    IndexDamaged
        The file is no sidecar.
    """
    try:
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(_ROW_GROUP, columns=list(columns))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError) as error:
        raise damaged(path, error) from error


def take(path: Path, rows: NDArray[np.int64]) -> pa.Table:
    """Read some rows of a sidecar, in the order asked for.

    Parameters
    ----------
    path
        The sidecar.
    rows
        Row numbers inside it.

    Raises
    ------
    IndexDamaged
        The file is no sidecar, or has fewer rows.
    """
    try:
        with pq.ParquetFile(path) as file:
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
            starts = np.concatenate([[0], np.cumsum(sizes)])
            touched, place = np.unique(np.searchsorted(starts, rows, side="right") - 1, return_inverse=True)
            table = file.read_row_groups(touched.tolist()).select(SCHEMA.names)
            offsets = np.concatenate([[0], np.cumsum(np.asarray(sizes)[touched])])[:-1]
            return table.take(pa.array(rows - starts[touched][place] + offsets[place]))
    except (pa.ArrowException, OSError, IndexError, KeyError) as error:
        raise damaged(path, error) from error


def damaged(path: Path, error: Exception) -> IndexDamaged:
    """Say that a sidecar cannot be read."""
    return IndexDamaged(f"The sidecar {path} is damaged ({str(error).splitlines()[0]}). Index the archive again.")


def labels_key(labels: Sequence[str]) -> int:
    """Hash labels, so that two lists can be compared without keeping either."""
    return xxhash.xxh64_intdigest("\0".join(labels).encode())


def empty_table() -> pa.Table:
    """Return a table of no rows."""
    return with_geo(SCHEMA.empty_table())
