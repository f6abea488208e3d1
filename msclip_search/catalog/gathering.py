"""Some rows of a sidecar, in memory that depends on how many are asked for and not on how many there are."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from msclip_search.catalog.groups import open_sidecar
from msclip_search.catalog.schema import SCHEMA
from msclip_search.catalog.sidecar import damage, empty_table, pick


def stream_rows(
    path: Path, rows: NDArray[np.int64], columns: Sequence[str] | None = None, *, total: int
) -> Iterator[pa.Table]:
    """Stream some rows of a sidecar, a row group at a time; groups without any are not read.

    Parameters
    ----------
    path
        The sidecar.
    rows
        Row numbers inside it, rising.
    columns
        Those wanted; None: all.
    total
        How many rows it is to have.

    Raises
    ------
    IndexDamaged
        The file is no sidecar, or has another number of rows.
    OSError
        It is not there, or may not be read.
    """
    names = list(columns or SCHEMA.names)
    with open_sidecar(path, rows=total) as sidecar:
        for group in sidecar.groups:
            first, last = np.searchsorted(rows, (group.start, group.start + group.rows))
            if first == last:
                continue
            with damage(path):
                table = sidecar.file.read_row_group(group.number, columns=names).select(names)
            yield table.take(pa.array(rows[first:last] - group.start))


def reordered(tables: Iterable[pa.Table], places: NDArray[np.int64]) -> pa.Table:
    """Put tables of all columns into one: row i of it is row `places[i]` of the tables end to end."""
    return pick(pa.concat_tables(tables), places) if len(places) else empty_table()
