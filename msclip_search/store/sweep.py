"""Removing what is no longer in force, after a time of grace."""

import shutil
import time
from collections.abc import Iterable
from pathlib import Path

from msclip_search.errors import IndexFolderError, StorageError
from msclip_search.store.layout import Layout
from msclip_search.store.manifest import Manifest, Unfinished
from msclip_search.store.succession import read

GRACE = 3600.0
"""Seconds. A reader has opened its files by then, and a commit under way has named its own in a manifest."""


def sweep(layout: Layout, current: Manifest, *, grace: float = GRACE) -> list[Path]:
    """Remove manifests that are out of force for some time, and files that no manifest left names.

    Files of a commit that never finished are among them.

    Parameters
    ----------
    layout
        The index folder.
    current
        The manifest in force, which stays whatever its age.
    grace
        Seconds for which a manifest stays after another has taken its place, with all that it names; and for which
        anything else stays after it was last written.

    Returns
    -------
    list[Path]
        What was removed. What the system refuses to remove stays, and is tried again next time.
    """
    before = time.time() - grace
    kept, old = [current], []
    superseded = _written(layout.manifest(current.number))  # when the next one below went out of force
    for number in reversed(layout.manifest_numbers()):
        path = layout.manifest(number)
        if number < current.number and superseded < before:
            old.append(path)
        elif number != current.number:
            try:
                kept.append(read(path))
            except Unfinished:
                continue
            except (IndexFolderError, StorageError):
                return []  # who knows what it names
            superseded = _written(path) if number < current.number else superseded
    named = {layout.root / file.path for manifest in kept for file in manifest.files}
    named |= {path.parent for path in named}
    rest = [
        *(layout.segment(number) for number in layout.segment_numbers()),
        *(layout.generation(number) for number in layout.generation_numbers()),
        *layout.bitmaps(),
        *layout.drafts(),
    ]
    return [*_removed(old), *_removed(path for path in rest if path not in named and _written(path) < before)]


def _written(path: Path) -> float:
    """When a file, or the newest file of a folder, was last written; never for what is not there any more."""
    try:
        return max(path.stat().st_mtime, *(inside.stat().st_mtime for inside in path.glob("*")), 0.0)
    except OSError:
        return float("inf")


def _removed(paths: Iterable[Path]) -> list[Path]:
    """Remove files and folders, and return those that are gone now."""
    gone = []
    for path in paths:
        try:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink()
        except OSError:
            continue
        gone.append(path)
    return gone
