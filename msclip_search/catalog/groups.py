"""Sidecars by row groups: what their statistics say, and columns of one group in bounded memory."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from msclip_search.catalog.schema import SCHEMA
from msclip_search.catalog.sidecar import check_rows, damage

_BATCH = 32_768  # rows


@dataclass(frozen=True, slots=True)
class Group:
    """A row group."""

    number: int
    start: int
    """Its first row in the file."""
    rows: int


@dataclass(frozen=True)
class Sidecar:
    """An open sidecar. Its methods raise IndexDamaged where what they read is damaged."""

    path: Path
    file: pq.ParquetFile = field(repr=False)

    @cached_property
    def groups(self) -> list[Group]:
        """Its row groups, in order."""
        found, start = [], 0
        for number in range(self.file.num_row_groups):
            rows = self.file.metadata.row_group(number).num_rows
            found.append(Group(number, start, rows))
            start += rows
        return found

    def span(self, group: Group, column: str) -> tuple[Any, Any] | None:
        """Return the least and the greatest value of a group; None where statistics are silent, or a value is null.

        Parameters
        ----------
        group
            The row group.
        column
            A leaf, "cloud" or "bbox.xmin".
        """
        at = self._leaves.get(column)
        with damage(self.path):
            found = None if at is None else self.file.metadata.row_group(group.number).column(at).statistics
            if not found or not found.has_min_max or not found.has_null_count or found.null_count:
                return None
            try:
                return found.min, found.max
            except (ValueError, OverflowError, pa.ArrowException):  # a date that Python cannot hold
                return None

    def batches(self, group: Group, columns: Sequence[str]) -> Iterator[tuple[int, pa.RecordBatch]]:
        """Stream columns of one group, each batch with the row of the group that it starts at."""
        row = 0
        with damage(self.path):
            for batch in self.file.iter_batches(_BATCH, row_groups=[group.number], columns=list(columns)):
                yield row, pa.record_batch([_typed(batch, name) for name in columns], names=list(columns))
                row += batch.num_rows

    @cached_property
    def _leaves(self) -> dict[str, int]:
        schema = self.file.metadata.schema
        return {schema.column(at).path: at for at in range(len(schema))}


@contextmanager
def open_sidecar(path: Path, *, rows: int) -> Iterator[Sidecar]:
    """Open a sidecar by its row groups.

    Parameters
    ----------
    path
        The file.
    rows
        How many rows it is to have.

    Raises
    ------
    IndexDamaged
        The file is no sidecar, or has another number of rows.
    OSError
        It is not there, or may not be read.
    """
    with damage(path):
        file = pq.ParquetFile(path)
    with file:
        check_rows(file, path, rows)
        yield Sidecar(path, file)


def _typed(batch: pa.RecordBatch, name: str) -> pa.Array:
    """Return a column in the type that we write; other programs write others."""
    column = batch.column(name)
    at = SCHEMA.get_field_index(name)
    wanted = SCHEMA.field(at).type if at >= 0 else column.type
    return column if column.type == wanted else column.cast(wanted)
