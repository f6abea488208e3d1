"""Which rows an ANN index holds: its ids as an ordered list of runs of a segment's rows.

FAISS's ids are positions in that list and mean nothing outside it. Segments keep their numbers for good, so a list
stays true while segments come and go.
"""

import numpy as np
from numpy.typing import NDArray

from msclip_search.errors import IndexDamaged
from msclip_search.store.snapshot import Snapshot

GONE = -1

SAMPLE = 8_192
"""Vectors by which a score becomes a percentile, whose steps are then of 0.012 %."""

_COLUMNS = 3


def to_runs(snapshot: Snapshot, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Write rising row numbers of an index as runs.

    Returns
    -------
    NDArray[np.int64]
        (runs, 3): segment number, first row in the segment, rows.
    """
    if not len(rows):
        return np.empty((0, _COLUMNS), dtype=np.int64)
    segment = np.searchsorted(snapshot.starts, rows, side="right") - 1
    breaks = np.flatnonzero((np.diff(rows) != 1) | (np.diff(segment) != 0)) + 1
    first = np.concatenate([[0], breaks])
    lengths = np.diff(np.concatenate([first, [len(rows)]]))
    numbers = np.array([entry.number for entry in snapshot.manifest.segments], dtype=np.int64)
    at = segment[first]
    return np.column_stack([numbers[at], rows[first] - snapshot.starts[at], lengths]).astype(np.int64)


def positions(snapshot: Snapshot) -> NDArray[np.int64]:
    """Row of each id of the ANN index in force; −1 where its segment is no longer there.

    Raises
    ------
    IndexDamaged
        The list is not one.
    """
    ann = snapshot.manifest.ann
    if ann is None:
        return np.empty(0, dtype=np.int64)
    path = snapshot.layout.positions(ann.generation)
    runs = snapshot.load_array(path)
    if runs.ndim != 2 or runs.shape[1] != _COLUMNS or runs.dtype != np.int64 or runs[:, 2].sum() != ann.rows:
        raise IndexDamaged(f"The list {path} is not one of {ann.rows:,} rows.")
    number, first, length = runs.T
    place = {entry.number: at for at, entry in enumerate(snapshot.manifest.segments)}
    segment = np.array([place.get(int(wanted), GONE) for wanted in number], dtype=np.int64)
    here = segment != GONE
    room = np.append(np.diff(snapshot.starts), 0)[segment]  # rows of each run's segment; of one that is gone, any
    if (first < 0).any() or (length < 1).any() or (first + length > room)[here].any():
        raise IndexDamaged(f"The list {path} names rows that its segments do not have.")
    inside = np.arange(ann.rows, dtype=np.int64) - np.repeat(np.cumsum(length) - length, length)
    rows = np.repeat(snapshot.starts[segment] + first, length) + inside
    return np.where(np.repeat(here, length), rows, GONE)


def covered(snapshot: Snapshot) -> int:
    """How many live rows the ANN index in force holds."""
    rows = positions(snapshot)
    rows = rows[rows != GONE]
    return int(len(rows) if snapshot.live is None else snapshot.live[rows].sum())


def sample_rows(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Draw rows evenly, of the same rows always the same ones, in rising order; all where they are few."""
    if len(rows) <= SAMPLE:
        return rows
    return np.sort(np.random.default_rng(len(rows)).choice(rows, SAMPLE, replace=False))


def read_sample(snapshot: Snapshot) -> NDArray[np.float32]:
    """Return the vectors by which a score becomes a percentile.

    They are stored beside the ANN index; without one every search reads all vectors anyway, and they are drawn anew.

    Returns
    -------
    NDArray[np.float32]
        (vectors, dimension).

    Raises
    ------
    IndexDamaged
        The stored sample is none.
    """
    if snapshot.manifest.ann is None:
        return snapshot.vectors.take(sample_rows(snapshot.live_rows))
    path = snapshot.layout.sample(snapshot.manifest.ann.generation)
    sample = snapshot.load_array(path)
    if sample.ndim != 2 or sample.shape[1] != snapshot.dimension:
        raise IndexDamaged(f"The sample {path} has not vectors of {snapshot.dimension} numbers.")
    return sample.astype(np.float32)
