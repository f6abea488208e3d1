"""Folding segments: their live rows, in their order, into few new ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from msclip_search import catalog
from msclip_search.errors import IndexDamaged
from msclip_search.store.durable import checksum, sync_folder, write_with
from msclip_search.store.manifest import SegmentEntry
from msclip_search.store.snapshot import Snapshot

SEGMENT_ROWS = 1_000_000
"""Rows of a folded segment, at most: a file of 1 GB for vectors of 512 numbers."""

_BLOCK = 8_192
"""Rows of vectors held in memory at a time."""

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told what is being done, the rows done and the rows to do; what it raises ends the work."""


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Rows that become one segment."""

    rows: NDArray[np.int64]
    """Live rows of the snapshot, rising."""


def plan_folds(snapshot: Snapshot, *, most: int = SEGMENT_ROWS) -> list[SegmentEntry | Fold]:
    """Say of what segments an index is to be made: those that stay as they are, and rows that become new ones.

    A segment stays that is full, or that nothing around it can be folded with, if no row of it is deleted. So folding
    again costs nothing, and adding a little to a large index does not write all of it anew.

    Parameters
    ----------
    snapshot
        The index.
    most
        Rows of a new segment, at most.
    """
    entries = zip(snapshot.starts, snapshot.manifest.segments, strict=False)
    planned: list[SegmentEntry | Fold] = []
    for full, run in groupby(entries, key=lambda entry: _is_full(entry[1], most)):
        near = list(run)
        if full or (len(near) == 1 and not near[0][1].deleted_rows):
            planned += [segment for _, segment in near]
            continue
        first, (start, last) = int(near[0][0]), near[-1]
        rows = _live_between(snapshot, first, int(start) + last.rows)
        planned += [Fold(rows[at : at + most]) for at in range(0, len(rows), most)]
    return planned


def _is_full(segment: SegmentEntry, most: int) -> bool:
    return segment.rows >= most and not segment.deleted_rows


def _live_between(snapshot: Snapshot, start: int, stop: int) -> NDArray[np.int64]:
    if snapshot.live is None:
        return np.arange(start, stop, dtype=np.int64)
    return start + np.flatnonzero(snapshot.live[start:stop])


def check_sources(snapshot: Snapshot, plan: Sequence[SegmentEntry | Fold], *, progress: Progress) -> None:
    """Compare the files that are to be folded with their checksums, so that no damage is copied under a new one.

    Raises
    ------
    IndexDamaged
        A file has been altered.
    """
    kept = {segment.number for segment in plan if isinstance(segment, SegmentEntry)}
    segments = [segment for segment in snapshot.manifest.segments if segment.number not in kept]
    done, total = 0, sum(segment.rows for segment in segments)
    for segment in segments:
        progress("checking", done, total)
        for file in segment.files:
            path = snapshot.layout.root / file.path
            with snapshot.reading(path):
                if checksum(path) != file.xxh64:
                    raise IndexDamaged(
                        f"The file {file.path} of the index {snapshot.layout.root} has been altered: run "
                        "`msclip-search verify`, and restore it from a copy. Nothing was changed."
                    )
        done += segment.rows
    progress("checking", total, total)


def write_fold(snapshot: Snapshot, fold: Fold, number: int, *, progress: Progress) -> SegmentEntry:
    """Write the segment that rows become into its folder, which is there, and bring it to the disk.

    Parameters
    ----------
    snapshot
        The index that has the rows.
    fold
        The rows.
    number
        Of the new segment.
    progress
        Told how many rows are written: each counts twice, for its metadata and its vector.
    """
    layout, done, total = snapshot.layout, 0, 2 * len(fold.rows)

    def advance(rows: int) -> None:
        nonlocal done
        done += rows
        progress("folding", done // 2, total // 2)

    def save_vectors(path: Path) -> None:
        with path.open("xb") as file:
            shape = (len(fold.rows), snapshot.dimension)
            np.lib.format.write_array_header_1_0(file, {"descr": "<f2", "fortran_order": False, "shape": shape})
            for start in range(0, len(fold.rows), _BLOCK):
                block = snapshot.vectors.take(fold.rows[start : start + _BLOCK])
                file.write(block.astype("<f2").tobytes())  # exact: they were stored as float16
                advance(len(block))

    def save_sidecar(path: Path) -> None:
        catalog.fold_sidecars(_kept(snapshot, fold.rows), path, advance=advance)

    files = (
        write_with(layout.sidecar(number), save_sidecar, root=layout.root),
        write_with(layout.vectors(number), save_vectors, root=layout.root),
    )
    sync_folder(layout.segment(number))
    return SegmentEntry(number=number, rows=len(fold.rows), files=files)


def _kept(snapshot: Snapshot, rows: NDArray[np.int64]) -> list[catalog.Kept]:
    """Say which rows of which sidecars some rows are."""
    parts = []
    for start, segment in zip(snapshot.starts, snapshot.manifest.segments, strict=False):
        own = rows[np.searchsorted(rows, start) : np.searchsorted(rows, start + segment.rows)]
        if len(own):
            keep = np.zeros(segment.rows, dtype=np.bool_)
            keep[own - start] = True
            parts.append(catalog.Kept(snapshot.layout.sidecar(segment.number), keep))
    return parts


def is_folded(snapshot: Snapshot, plan: Sequence[SegmentEntry | Fold]) -> bool:
    """Tell whether all segments stay as they are."""
    return tuple(plan) == snapshot.manifest.segments
