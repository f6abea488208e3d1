"""Removing what is no longer in force, after a time of grace."""

import shutil
import time
from pathlib import Path

from msclip_search.errors import IndexFolderError
from msclip_search.store.layout import Layout
from msclip_search.store.manifest import Manifest, read

GRACE = 3600.0
"""Seconds. A reader has opened its files by then, and a commit under way has named its own in a manifest."""


def sweep(layout: Layout, current: Manifest, *, grace: float = GRACE) -> list[Path]:
    """Remove old manifests, and files that no manifest left names.

    Files of a commit that never finished are among them.

    Parameters
    ----------
    layout
        The index folder.
    current
        The manifest in force, which stays whatever its age.
    grace
        Seconds for which everything stays after it was last written.

    Returns
    -------
    list[Path]
        What was removed. What the system refuses to remove stays, and is tried again next time.
    """
    before = time.time() - grace
    kept = {current.number: current}
    removed: list[Path] = []
    for number in layout.manifest_numbers():
        path = layout.manifest(number)
        if number < current.number and _older(path, before):
            removed += _remove(path)
        elif number != current.number:
            try:
                kept[number] = read(path)
            except IndexFolderError:
                continue  # unfinished, or of a newer format: its files are younger than the grace, or its own affair
    named = {layout.root / file.path for manifest in kept.values() for file in manifest.files}
    folders = {path.parent for path in named}
    candidates = [
        *(layout.segment(number) for number in layout.segment_numbers()),
        *(layout.generation(number) for number in layout.generation_numbers()),
        *layout.deleted.glob("*.npy"),
        *layout.manifests.glob(".*"),
    ]
    for path in candidates:
        if path not in named and path not in folders and _older(path, before):
            removed += _remove(path)
    return removed


def _older(path: Path, moment: float) -> bool:
    """Tell whether a file, or the newest file of a folder, was last written before a moment."""
    try:
        times = [path.stat().st_mtime, *(inside.stat().st_mtime for inside in path.glob("*"))]
    except OSError:
        return False
    return max(times) < moment


def _remove(path: Path) -> list[Path]:
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    except OSError:
        return []
    return [path]
