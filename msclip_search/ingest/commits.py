"""Gathering tiles with their vectors until they are committed."""

import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msclip_search.ingest.known import Known
from msclip_search.store import Writer
from msclip_search.tile import TileRecord


@dataclass(frozen=True, slots=True)
class Row:
    """A tile that is ready to be committed; its pixels are no longer needed."""

    order: int
    """Its place in the archive."""
    record: TileRecord
    vector: NDArray[np.float16]
    """(dimension,), unit length."""
    replaces: tuple[int, ...] = ()
    """Rows of the index that it takes the place of."""


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
        self._dropped: list[int] = []
        self._last = time.monotonic()
        self.replaced = 0
        """Rows that were deleted so far."""
        self.seconds = 0.0
        """Time that commits took so far."""

    def add(self, row: Row) -> None:
        """Take a row; it is committed when that is due."""
        self._rows.append(row)

    def drop(self, row: int) -> None:
        """Delete a row of the index with the next commit."""
        self._dropped.append(row)

    @property
    def due(self) -> bool:
        """Whether it is time for a commit."""
        waited = time.monotonic() - self._last
        return len(self._rows) >= self._tiles or (bool(self._rows) and waited >= self._interval)

    def commit(self) -> list[TileRecord]:
        """Commit what was collected, and return the records of it.

        Raises
        ------
        StorageError, IndexConflict
            See `Writer.commit`. What was collected is given up: it would be embedded again.
        """
        begun = time.perf_counter()
        rows, dropped = sorted(self._rows, key=lambda row: row.order), self._dropped
        self._rows, self._dropped = [], []  # first: a commit that is broken off must not be made twice
        records = [row.record for row in rows]
        if rows or dropped:
            gone = {old for row in rows for old in row.replaces} | set(dropped)
            first = self._writer.manifest.rows
            vectors = np.stack([row.vector for row in rows]) if rows else np.empty((0, 0), np.float16)
            self._writer.commit(records, vectors, delete=np.array(sorted(gone), dtype=np.int64))
            self._known.add(records, first)
            self.replaced += len(gone)
            self.seconds += time.perf_counter() - begun
        self._last = time.monotonic()
        return records
