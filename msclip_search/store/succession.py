"""How manifests follow one another: which is in force, and how the next one comes to be.

They are numbered, created exclusively and never changed. A reader that holds one sees one consistent index whatever a
writer does, and two writers cannot both make the same number.
"""

import contextlib
import logging
import time
from pathlib import Path

from msclip_search.errors import IndexConflict, IndexDamaged, IndexFolderError, IndexMissing, StorageError
from msclip_search.store.durable import create_exclusively, storage_errors, sync_folder
from msclip_search.store.layout import Layout
from msclip_search.store.manifest import Manifest, Unfinished, parse

logger = logging.getLogger(__name__)

PATIENCE = 2.0
"""Seconds that a writer gives another to finish a manifest, where file systems without hard links show it half done."""

_LOOK = 0.02


def newest(layout: Layout) -> Manifest | None:
    """Read the newest manifest that was finished; None where there is none yet.

    The listing decides. `LATEST` tells only whether a manifest that cannot be read had once been finished: if it had,
    it is damaged; if not, its writer died, and the one before is in force.

    Raises
    ------
    IndexDamaged, IndexTooNew
        It is truncated or altered, or of a newer format.
    StorageError
        The folder may not be read.
    """
    finished = _hint(layout)
    with storage_errors("reading", layout.manifests):
        numbers = layout.manifest_numbers()
    for number in reversed(numbers):
        path = layout.manifest(number)
        try:
            manifest = read(path)
        except Unfinished as error:
            if number <= finished:
                raise IndexDamaged(
                    f"The manifest {path} is truncated ({error}). Remove it to go back to the one before, "
                    "then index the archive again: what is missing is added."
                ) from error
            logger.warning("The manifest %s was never finished and is passed over.", path)
            continue
        if number < finished:
            logger.warning("LATEST names manifest %d, which is not there: %d is the newest.", finished, number)
        return manifest
    return None


def newest_or_raise(root: Path) -> Manifest:
    """Read the newest manifest of an index folder.

    Raises
    ------
    IndexMissing
        There is no index at the path.
    IndexDamaged, IndexTooNew, StorageError
        See `newest`.
    """
    layout = Layout(root)
    if not _is_there(root):
        raise IndexMissing(f"There is no index at {root}: make one with `msclip-search index ARCHIVE --index {root}`.")
    if not _is_there(layout.manifests):
        raise IndexMissing(f"{root} is no msclip-search index: it has no folder '{layout.manifests.name}'.")
    manifest = newest(layout)
    if manifest is None:
        raise IndexMissing(
            f"The index at {root} holds no commit yet: run `msclip-search index` or `import` to its end."
        )
    return manifest


def read(path: Path) -> Manifest:
    """Read one manifest.

    Raises
    ------
    Unfinished, IndexDamaged, IndexTooNew
        See `manifest.parse`; one that is no longer there was never finished either.
    StorageError
        It may not be read.
    """
    with storage_errors("reading", path):
        try:
            content = path.read_bytes()
        except FileNotFoundError as error:
            raise Unfinished(str(error)) from error
    return parse(content, path)


def next_number(layout: Layout, current: Manifest) -> int:
    """Give the manifest that follows its number: beyond those whose writers died before they were finished.

    Raises
    ------
    IndexConflict
        Another process has committed since.
    """
    later = _later(layout, current.number)
    if any(_comes_to_be_finished(layout.manifest(number)) for number in later):
        raise _conflict(layout)
    return max(later, default=current.number) + 1


def publish(layout: Layout, manifest: Manifest) -> Manifest:
    """Put a manifest in force: everything it names is on the disk already.

    Raises
    ------
    IndexConflict
        Another writer made this number first.
    """
    path = layout.manifest(manifest.number)
    content = manifest.to_json()
    try:
        create_exclusively(path, content)
    except FileExistsError as error:
        if not holds(path, content):  # else it is ours: NFS can make a link, and answer that there is one already
            raise _conflict(layout) from error
    sync_folder(layout.manifests)
    # Without hard links a manifest that takes too long to write is passed over: then it is its writer who gives way.
    if any(_passes_over(layout.manifest(number), manifest.number) for number in _later(layout, manifest.number)):
        raise _conflict(layout)
    _write_hint(layout, manifest.number)
    return manifest


def _later(layout: Layout, number: int) -> list[int]:
    with storage_errors("reading", layout.manifests):
        return [listed for listed in layout.manifest_numbers() if listed > number]


def holds(path: Path, content: bytes) -> bool:
    """Tell whether a file is there and has this content."""
    with storage_errors("reading", path):
        try:
            return path.read_bytes() == content
        except FileNotFoundError:
            return False


def _comes_to_be_finished(path: Path) -> bool:
    """Wait for a manifest that is being written; false where its writer has died, or given up."""
    until = time.monotonic() + PATIENCE
    while not _is_finished(path):
        if time.monotonic() > until or not path.exists():
            return False
        time.sleep(_LOOK)
    return True


def _is_finished(path: Path) -> bool:
    try:
        read(path)
    except Unfinished:
        return False
    except (IndexFolderError, StorageError):
        return True  # whatever it is, it is not ours to pass over
    return True


def _passes_over(path: Path, number: int) -> bool:
    """Tell whether a finished manifest does not build on one of a lower number."""
    try:
        return read(path).parent < number
    except (Unfinished, IndexFolderError, StorageError):
        return False


def _conflict(layout: Layout) -> IndexConflict:
    return IndexConflict(
        f"Another process committed to {layout.root} at the same time. Nothing is lost but this last commit: "
        "run the same command again."
    )


def _is_there(path: Path) -> bool:
    with storage_errors("reading", path):
        try:
            path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True


def _hint(layout: Layout) -> int:
    try:
        return int(layout.latest.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return 0


def _write_hint(layout: Layout, number: int) -> None:
    """Note the newest number. Whoever writes last wins, and where it cannot be written nothing is lost."""
    draft = layout.hint_draft(number)
    try:
        draft.write_text(f"{number}\n", encoding="ascii")
        draft.replace(layout.latest)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        logger.warning("%s could not be brought up to date (%s); the index stands without it.", layout.latest, error)
