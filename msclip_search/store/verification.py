"""Checking an index to the last bit: checksums of files, and a hash of each vector."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msclip_search import catalog
from msclip_search.errors import IndexDamaged, StorageError
from msclip_search.store.durable import FileEntry, checksum
from msclip_search.store.layout import Layout
from msclip_search.store.manifest import AnnEntry, SegmentEntry
from msclip_search.store.positions import positions, stored_sample
from msclip_search.store.snapshot import Snapshot, take_snapshot
from msclip_search.store.succession import newest_or_raise

_UNIT = 1e-2
"""How far the length of a stored vector may lie from 1: float16 rounds it by less than a thousandth."""
_COLUMNS = ("tile_id", "vector_xxh64")


@dataclass(frozen=True, slots=True)
class Verification:
    """What a check found."""

    files: int
    size: int
    """Bytes that were read for checksums."""
    rows: int
    problems: tuple[str, ...]
    """One sentence each; none when all is well."""


def verify(
    root: Path, *, start: Callable[[int], None] | None = None, advance: Callable[[int], None] | None = None
) -> Verification:
    """Check every file and every row of an index.

    Parameters
    ----------
    root
        The index folder.
    start
        Told once how many bytes are to be read.
    advance
        Told how many bytes have been read since it was told last.

    Raises
    ------
    IndexMissing, IndexTooNew, IndexDamaged, StorageError
        There is no manifest to check against.
    """
    layout = Layout(root)
    manifest = newest_or_raise(root)
    snapshot = take_snapshot(layout, manifest)
    if start:
        start(sum(file.size for file in manifest.files))
    found = {file.path: _file_problem(layout, file, advance) for file in manifest.files}
    problems = [problem for problem in found.values() if problem]
    seen = [np.empty(0, dtype=np.uint64)]
    for segment in manifest.segments:
        files = (*segment.files, *((segment.deleted,) if segment.deleted else ()))
        if not any(found[file.path] for file in files):  # else its rows would only say the same again
            problems += _row_problems(snapshot, segment, seen)
    tiles = np.concatenate(seen)
    if twice := len(tiles) - len(np.unique(tiles)):
        problems.append(f"{twice:,} tiles stand in the index twice.")
    if manifest.ann and not any(found[file.path] for file in manifest.ann.files):
        problems += _ann_problems(snapshot, manifest.ann)
    return Verification(len(manifest.files), sum(file.size for file in manifest.files), manifest.rows, tuple(problems))


def _file_problem(layout: Layout, file: FileEntry, advance: Callable[[int], None] | None) -> str | None:
    path = layout.root / file.path
    try:
        size = path.stat().st_size
        if size != file.size:
            return f"{file.path} has {size:,} bytes where {file.size:,} were written."
        if checksum(path, advance=advance) != file.xxh64:
            return f"{file.path} has been altered: its checksum is not the one it was written with."
    except OSError as error:
        return f"{file.path} cannot be read: {error.strerror}."
    return None


def _row_problems(snapshot: Snapshot, segment: SegmentEntry, seen: list[NDArray[np.uint64]]) -> Iterator[str]:
    """Compare vectors with the hashes beside them, and keep the names of the live tiles, hashed, in `seen`."""
    place = f"segments/{segment.number:06d}"
    try:
        vectors = snapshot.stored(segment)
        live = ~snapshot.deleted(segment)
        row = 0
        for batch in catalog.read_columns(snapshot.layout.sidecar(segment.number), _COLUMNS, rows=segment.rows):
            part = slice(row, row + batch.num_rows)
            hashes = batch.column("vector_xxh64").to_numpy(zero_copy_only=False)
            yield from _vector_problems(np.asarray(vectors[part]), hashes, place, row)
            seen.append(catalog.text_hashes(batch.column("tile_id"))[live[part]])
            row += batch.num_rows
    except (IndexDamaged, StorageError, OSError) as error:
        yield f"{place}: {error}"


def _vector_problems(block: NDArray[np.float16], hashes: NDArray[np.uint64], place: str, first: int) -> Iterator[str]:
    if wrong := np.flatnonzero(catalog.row_hashes(block) != hashes).tolist():
        yield f"{place}/vectors.npy: {len(wrong):,} vectors are not their tiles', the first in row {first + wrong[0]}."
    lengths = np.linalg.norm(block.astype(np.float32), axis=1)
    if len(off := np.flatnonzero(~(np.abs(lengths - 1) < _UNIT))):
        yield f"{place}/vectors.npy: {len(off):,} vectors have not the length 1, the first in row {first + off[0]}."


def _ann_problems(snapshot: Snapshot, ann: AnnEntry) -> Iterator[str]:
    try:
        rows = positions(snapshot)
        stored_sample(snapshot, ann)
    except (IndexDamaged, StorageError) as error:
        yield str(error)
        return
    held = rows[rows >= 0]
    if twice := len(held) - len(np.unique(held)):
        yield f"The ANN index holds {twice:,} rows twice."
