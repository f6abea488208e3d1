"""Which rows an ANN index holds: its ids as an ordered list of runs of a segment's rows.

FAISS's ids are positions in that list and mean nothing outside it. Segments keep their numbers for good, so a list
stays true while segments come and go.
"""

import numpy as np
from numpy.typing import NDArray

from msclip_search.errors import IndexDamaged
from msclip_search.store.manifest import AnnEntry
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
    return int(np.count_nonzero(_alive(snapshot, positions(snapshot))))


def sample_rows(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Draw rows evenly, of the same rows always the same ones, in rising order; all where they are few."""
    if len(rows) <= SAMPLE:
        return rows
    return np.sort(np.random.default_rng(len(rows)).choice(rows, SAMPLE, replace=False))


def read_sample(snapshot: Snapshot) -> NDArray[np.float32]:
    """Return the vectors by which a score becomes a percentile: drawn evenly from the live rows.

    They are stored beside the ANN index, so that drawing does not touch as many places of the disk. What has been
    deleted since is left out, and of what came since as large a share is drawn. Without an ANN index every search reads
    all vectors anyway, and they are drawn anew.

    Returns
    -------
    NDArray[np.float32]
        (vectors, dimension), about 8,192, or all where there are fewer.

    Raises
    ------
    IndexDamaged
        The stored sample is none.
    """
    ann, live_rows = snapshot.manifest.ann, snapshot.live_rows
    if ann is None:
        return snapshot.vectors.take(sample_rows(live_rows))
    sample, drawn = stored_sample(snapshot, ann)
    held = positions(snapshot)
    alive = _alive(snapshot, held)
    kept = sample[alive[drawn]].astype(np.float32)
    if len(live_rows) <= SAMPLE or 2 * len(kept) < SAMPLE:
        return snapshot.vectors.take(sample_rows(live_rows))
    covered_rows = held[alive]
    since = np.setdiff1d(live_rows, covered_rows, assume_unique=True)
    more = round(len(since) * len(kept) / max(len(covered_rows), 1))
    chosen = np.sort(np.random.default_rng(len(since)).choice(since, more, replace=False)) if more else since[:0]
    return np.concatenate([kept, snapshot.vectors.take(chosen)])


def stored_sample(snapshot: Snapshot, ann: AnnEntry) -> tuple[NDArray[np.float16], NDArray[np.int64]]:
    """Load the sample that was drawn when an ANN index was built.

    Returns
    -------
    tuple
        Vectors (n, dimension), and the positions (n,) in the ANN index that they were drawn from.

    Raises
    ------
    IndexDamaged
        The stored sample is none.
    """
    path = snapshot.layout.sample(ann.generation)
    sample = snapshot.load_array(path)
    drawn = sample_rows(np.arange(ann.rows, dtype=np.int64))
    if sample.shape != (len(drawn), snapshot.dimension):
        raise IndexDamaged(f"The sample {path} has not {len(drawn):,} vectors of {snapshot.dimension} numbers.")
    return sample, drawn


def _alive(snapshot: Snapshot, rows: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which rows are there and not deleted; −1 is none."""
    alive: NDArray[np.bool_] = rows != GONE
    if snapshot.live is not None:
        alive[alive] = snapshot.live[rows[alive]]
    return alive
