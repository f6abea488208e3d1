"""The sidecar file of a segment: written once, read by columns or by rows."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import xxhash
from numpy.typing import NDArray

from msclip_search.catalog.schema import SCHEMA, with_geo
from msclip_search.errors import IndexDamaged

ROW_GROUP = 8_192
"""Rows of a group. A hit's columns are read with all of its group, and a query has a hundred hits in as many places:
with 32,768 rows they took three times as long. Smaller ones gain little, and cost when a column is read as a whole."""
ENCODING: Mapping[str, Any] = {
    "compression": "zstd",
    # What repeats. Of values that do not, a dictionary is larger than they are, and read whole for a single row.
    "use_dictionary": [
        "crs", "platform", "level", "baseline", "offset_source", "product_id", "mgrs_tile", "labels.list.element",
        "caption",
    ],
}  # fmt: skip
_BATCH = 32_768  # rows
_FEW = 1000  # rows that are cut out one by one


def to_bytes(table: pa.Table) -> memoryview:
    """Encode a table as Parquet."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, row_group_size=ROW_GROUP, **ENCODING)
    return memoryview(sink.getvalue())


def read_columns(path: Path, columns: Sequence[str], *, rows: int) -> Iterator[pa.RecordBatch]:
    """Stream columns of a sidecar, in row order.

    Parameters
    ----------
    path
        The sidecar.
    columns
        Their names, in the order wanted.
    rows
        How many rows it is to have.

    Raises
    ------
    IndexDamaged
        The file is no sidecar, or has another number of rows.
    OSError
        It is not there, or may not be read.
    """
    with damage(path), pq.ParquetFile(path) as file:
        check_rows(file, path, rows)
        for batch in file.iter_batches(_BATCH, columns=list(columns)):
            yield batch.select(list(columns))


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
    OSError
        It is not there, or may not be read.
    """
    with damage(path), pq.ParquetFile(path) as file:
        sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        starts = np.concatenate([[0], np.cumsum(sizes)])
        touched, place = np.unique(np.searchsorted(starts, rows, side="right") - 1, return_inverse=True)
        table = file.read_row_groups(touched.tolist()).select(SCHEMA.names)
        offsets = np.concatenate([[0], np.cumsum(np.asarray(sizes)[touched])])[:-1]
        return pick(table, rows - starts[touched][place] + offsets[place])


def pick(table: pa.Table, rows: NDArray[np.int64]) -> pa.Table:
    """Take rows of a table, in the order asked for.

    Few of them, as a query takes, are cut out one by one: for `Table.take`, Arrow loads its compute functions, which
    takes longer than all the rest of a search.

    Raises
    ------
    IndexError
        There is no such row.
    """
    if not 0 < len(rows) <= _FEW:
        return table.take(pa.array(rows))
    if rows.min() < 0 or rows.max() >= table.num_rows:
        raise IndexError(f"There are {table.num_rows:,} rows, and {rows.max():,} is none of them")
    return pa.concat_tables([table.slice(row, 1) for row in rows.tolist()]).combine_chunks()


@contextmanager
def damage(path: Path) -> Iterator[None]:
    """Say that a sidecar is damaged where Arrow says so in any of its ways.

    Raises
    ------
    IndexDamaged
        Instead of what Arrow raises.
    """
    try:
        yield
    except (pa.ArrowException, OSError, IndexError, KeyError) as error:
        if getattr(error, "errno", None):
            raise  # the system's word, not the content's
        said = str(error).splitlines() or [""]
        raise IndexDamaged(f"The sidecar {path} is damaged ({said[0]}). Index the archive again.") from error


def check_rows(file: pq.ParquetFile, path: Path, rows: int) -> None:
    """Refuse a sidecar of another number of rows than were written.

    Raises
    ------
    IndexDamaged
    """
    if file.metadata.num_rows != rows:
        raise IndexDamaged(f"The sidecar {path} has {file.metadata.num_rows:,} rows where {rows:,} were written.")


def text_hashes(column: pa.Array) -> NDArray[np.uint64]:
    """Hash each text of a column: XXH64 of its UTF-8."""
    texts = (xxhash.xxh64_intdigest(text.encode()) for text in column.to_pylist())
    return np.fromiter(texts, dtype=np.uint64, count=len(column))


def labels_key(labels: Sequence[str]) -> int:
    """Hash labels, so that two lists can be compared without keeping either."""
    return xxhash.xxh64_intdigest("".join(f"{label}\0" for label in labels).encode())


def empty_table() -> pa.Table:
    """Return a table of no rows."""
    return with_geo(SCHEMA.empty_table())
