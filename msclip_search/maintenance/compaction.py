"""Folding the segments of an index."""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from msclip_search import store
from msclip_search.indexes import Plan
from msclip_search.ingest import plan_for, train_ann

Progress: TypeAlias = Callable[[str, int, int], None]
"""Told what is being done, the rows done and the rows to do."""


class _Stopped(Exception):  # noqa: N818 - never leaves this module
    """The user stops it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compaction:
    """What a compaction came to."""

    tiles: int
    """Tiles in the index."""
    dropped: int
    """Deleted rows that were dropped."""
    segments_before: int
    segments: int
    size_before: int
    """Bytes of the files in force."""
    size: int
    """Bytes of the files in force now; those out of force go after a time of grace, when no reader needs them."""
    seconds: float
    changed: bool
    """Whether there was anything to do, and it was done."""
    interrupted: bool = False
    """Whether it was stopped; the index is as it was."""


def compact_index(
    index: str | os.PathLike[str],
    *,
    stop: threading.Event | None = None,
    progress: Progress | None = None,
    break_lock: bool = False,
) -> Compaction:
    """Fold the segments of an index into few, drop its deleted rows, and build its ANN index anew.

    Searches find the same tiles with the same scores as before, and go on undisturbed meanwhile. Until the new files
    are in force the old ones stay: there has to be room for both.

    Parameters
    ----------
    index
        The index folder.
    stop
        When set, the work ends and the index is as it was.
    progress
        Told often how far it is.
    break_lock
        Whether to write although another run seems to.

    Raises
    ------
    IndexMissing, IndexDamaged, IndexLocked, IndexConflict, StorageError
        The index cannot be read or written; it is as it was.

    Examples
    --------
    >>> compact_index("idx")  # doctest: +SKIP
    """
    root, begun = Path(index), time.perf_counter()
    stop = stop or threading.Event()

    def tell(stage: str, done: int, total: int) -> None:
        if stop.is_set():
            raise _Stopped
        if progress:
            progress(stage, done, total)

    model = store.newest_or_raise(root).model  # makes sure that there is an index
    with store.writing(root, model=model, doing="compacting", break_lock=break_lock) as writer:
        before, changed = writer.manifest, False
        writer.model = before.model  # as of now: it may have been recorded anew before the lock was taken
        store.sweep(writer.layout, before)  # what earlier runs have left takes room
        with suppress(_Stopped):
            changed = _compact(writer, tell)
        after = writer.manifest
    return Compaction(
        tiles=after.tiles,
        dropped=before.deleted_rows - after.deleted_rows,
        segments_before=len(before.segments),
        segments=len(after.segments),
        size_before=_size(before),
        size=_size(after),
        seconds=time.perf_counter() - begun,
        changed=changed,
        interrupted=stop.is_set() and not changed,
    )


def _compact(writer: store.Writer, tell: Progress) -> bool:
    """Do it, and tell whether there was anything to do."""
    folds, plan = store.plan_folds(writer.snapshot), plan_for(writer.manifest)
    if store.is_folded(writer.snapshot, folds) and _is_whole(writer.snapshot, plan):
        return False
    writer.compact(
        folds,
        build=lambda snapshot: None if plan.kind == "flat" else train_ann(snapshot, plan, progress=tell),
        progress=tell,
    )
    return True


def _is_whole(snapshot: store.Snapshot, plan: Plan) -> bool:
    """Tell whether the ANN index is what would be built anew: of all live rows, and of no others."""
    ann = snapshot.manifest.ann
    if ann is None or plan.kind == "flat":
        return ann is None and plan.kind == "flat"
    return ann.factory == plan.factory and ann.rows == snapshot.manifest.tiles == store.covered(snapshot)


def _size(manifest: store.Manifest) -> int:
    return sum(file.size for file in manifest.files)
