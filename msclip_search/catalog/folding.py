"""Rows of several sidecars into a new one, in bounded memory."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from msclip_search.catalog.schema import with_geo
from msclip_search.catalog.sidecar import ENCODING, ROW_GROUP, check_rows, damage


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What is kept of a sidecar."""

    path: Path
    keep: NDArray[np.bool_]
    """(rows,): True for what is kept."""


def fold_sidecars(parts: Sequence[Kept], sink: Path, *, advance: Callable[[int], None]) -> None:
    """Write the kept rows of some sidecars as one, in their order.

    A column that only some of them have, as those of later versions, is kept; it is null in the others' rows.

    Parameters
    ----------
    parts
        The sidecars.
    sink
        The file to write.
    advance
        Told how many rows have been written since it was told last.

    Raises
    ------
    IndexDamaged
        A file is no sidecar, or has another number of rows.
    OSError
        One cannot be read, or the new one cannot be written.
    """
    schema = _common([part.path for part in parts])
    with pq.ParquetWriter(sink, schema, **ENCODING) as writer:
        for group in _groups(parts, schema):
            writer.write_table(group)
            advance(group.num_rows)


def _common(paths: Sequence[Path]) -> pa.Schema:
    """Return the columns of all sidecars."""
    schemas = []
    for path in paths:
        with damage(path):
            schemas.append(pq.read_schema(path).remove_metadata())
    return with_geo(pa.unify_schemas(schemas).empty_table()).schema


def _groups(parts: Sequence[Kept], schema: pa.Schema) -> Iterator[pa.Table]:
    """Gather kept rows into tables of a row group each."""
    gathered: list[pa.Table] = []
    for rows in _kept(parts, schema):
        gathered.append(rows)
        if sum(table.num_rows for table in gathered) >= ROW_GROUP:
            whole = pa.concat_tables(gathered)
            yield whole.slice(0, ROW_GROUP)
            gathered = [whole.slice(ROW_GROUP)]
    if rest := pa.concat_tables(gathered) if gathered else None:
        yield rest


def _kept(parts: Sequence[Kept], schema: pa.Schema) -> Iterator[pa.Table]:
    """Stream the kept rows, at most a row group at a time."""
    for part in parts:
        with damage(part.path), pq.ParquetFile(part.path) as file:
            check_rows(file, part.path, len(part.keep))
            row = 0
            for batch in file.iter_batches(ROW_GROUP):
                keep = part.keep[row : row + len(batch)]
                row += len(batch)
                yield _in_columns(pa.Table.from_batches([batch]).filter(pa.array(keep)), schema)


def _in_columns(rows: pa.Table, schema: pa.Schema) -> pa.Table:
    """Lay rows out in given columns, null where they have none."""
    columns = [
        rows.column(field.name).cast(field.type)
        if field.name in rows.column_names
        else pa.nulls(rows.num_rows, field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
