"""Gathering tiles with their vectors until they are committed."""

import time
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from msclip_search.ingest.encoding import Entry
from msclip_search.ingest.known import Known
from msclip_search.store import Writer


@dataclass(frozen=True, slots=True)
class Row:
    """A tile that is ready to be committed."""

    entry: Entry
    vector: NDArray[np.float16]
    """(dimension,), unit length."""


class Commits:
    """Collects rows, and commits them in the order of the archive.

    Parameters
    ----------
    writer
        Of the index.
    known
        Told what has been committed.
    tiles, seconds
        A commit is due after so many tiles, or after so long.
    """

    def __init__(self, writer: Writer, known: Known, *, tiles: int, seconds: float) -> None:
        self._writer = writer
        self._known = known
        self._tiles = tiles
        self._interval = seconds
        self._rows: list[Row] = []
        self._dropped: set[int] = set()
        self._last = time.monotonic()
        self.replaced = 0
        """Rows that were deleted so far."""
        self.passed = 0
        """Tiles that were not committed, since a newer processing of the same acquisition stands."""
        self.seconds = 0.0
        """Time that commits took so far."""

    def add(self, row: Row) -> None:
        """Take a row; it is committed when that is due."""
        self._rows.append(row)

    def drop(self, rows: Iterable[int]) -> None:
        """Delete rows of the index with the next commit."""
        self._dropped.update(rows)

    @property
    def due(self) -> bool:
        """Whether it is time for a commit."""
        waited = time.monotonic() - self._last
        return len(self._rows) >= self._tiles or (bool(self._rows) and waited >= self._interval)

    def commit(self) -> None:
        """Commit what was collected.

        Raises
        ------
        StorageError, IndexConflict
            See `Writer.commit`.
        """
        begun = time.perf_counter()
        rows, dropped, before = (
            sorted(self._rows, key=lambda row: row.entry.order),
            self._dropped,
            self._writer.manifest,
        )
        self._rows, self._dropped = [], set()  # first: a commit that is broken off must not be made twice
        if rows or dropped:
            settled = self._known.settle([row.entry.record for row in rows])
            stand = [at for at, stands in enumerate(settled.stand) if stands]
            records = [replace(rows[at].entry.record, labels=settled.labels[at]) for at in stand]
            passed = [row.entry.record.tile_id for row, stands in zip(rows, settled.stand, strict=True) if not stands]
            gone = {old for row in rows for old in row.entry.replaces} | dropped | set(settled.superseded)
            vectors = [rows[at].vector for at in stand]
            stacked = np.stack(vectors) if vectors else np.empty((0, before.dimension), np.float16)
            try:
                if records or gone:
                    self._writer.commit(records, stacked, delete=np.array(sorted(gone), dtype=np.int64))
            except BaseException:
                if self._writer.manifest is before:  # it is not in force: whoever goes on may try again
                    self._rows, self._dropped = rows, dropped
                raise
            self._known.committed(records, before.rows, passed=passed, now=self._writer.snapshot)
            self.passed += len(passed)
            self.replaced += self._writer.manifest.deleted_rows - before.deleted_rows
            self.seconds += time.perf_counter() - begun
        self._last = time.monotonic()
