"""Taking tiles out of an index."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from msclip_search import store
from msclip_search.errors import QueryError
from msclip_search.filters import Filter, Selection
from msclip_search.search.choice import choose

_NAMED = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What a removal takes out, or would."""

    matched: int
    """Tiles that fit the filter."""
    tiles: int
    """Tiles in the index without them."""
    sources: tuple[str, ...]
    """Where the first of them came from."""
    done: bool = False
    """Whether they are out."""


def remove_tiles(
    index: str | os.PathLike[str],
    *,
    within: Filter,
    dry_run: bool = False,
    confirm: Callable[[Removal], bool] | None = None,
    break_lock: bool = False,
) -> Removal:
    """Take all tiles that fit a filter out of an index.

    They can no longer be found from the next search on; their rows are dropped by the next `compact_index`. The files
    that they came from are left alone: a later run over an archive that still holds them puts them in again.

    Parameters
    ----------
    index
        The index folder.
    within
        Which tiles. What is unknown about a tile does not fit: see `Filter`.
    dry_run
        Look only.
    confirm
        Asked with what was found, before it is removed, while nobody else may write; None: yes.
    break_lock
        Whether to write although another run seems to.

    Raises
    ------
    QueryError
        The filter is empty, or its condition is none.
    IndexMissing, IndexDamaged, IndexLocked, IndexConflict, StorageError
        The index cannot be read or written; nothing was removed.

    Examples
    --------
    >>> remove_tiles("idx", within=Filter(max_cloud=100, where="cloud > 80"))  # doctest: +SKIP
    """
    if within.is_empty:
        raise QueryError("Say which tiles to remove. To remove all of an index, delete its folder.")
    root = Path(index)
    if dry_run:
        snapshot = store.open_snapshot(root)
        return _found(snapshot, choose(snapshot, within))
    model = store.newest_or_raise(root).model
    with store.writing(root, model=model, doing="removing", break_lock=break_lock) as writer:
        writer.model = writer.manifest.model  # as of now: it may have been recorded anew before the lock was taken
        chosen = choose(writer.snapshot, within)
        removal = _found(writer.snapshot, chosen)
        if not removal.matched or (confirm and not confirm(removal)):
            return removal
        store.sweep(writer.layout, writer.manifest)  # what earlier runs have left takes room
        none = np.empty((0, writer.manifest.dimension), dtype=np.float16)
        writer.commit([], none, delete=np.flatnonzero(chosen.mask))
    return replace(removal, done=True)


def _found(snapshot: store.Snapshot, chosen: Selection) -> Removal:
    first = snapshot.take(np.flatnonzero(chosen.mask)[:_NAMED])
    return Removal(
        matched=chosen.matched,
        tiles=snapshot.manifest.tiles - chosen.matched,
        sources=tuple(first.column("source").to_pylist()),
    )
