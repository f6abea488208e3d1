"""One writer at a time, out of courtesy: who would write to an index that another writes to is told so at once.

Nothing about correctness rests on this lock. Manifests are created exclusively: where the lock is broken, or taken for
one left behind although its holder lives (in another container of the same host name, say), the second of two writers
to commit gets an `IndexConflict`, and the index is whole.
"""

import contextlib
import datetime as dt
import json
import logging
import os
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from msclip_search.errors import IndexLocked, StorageError
from msclip_search.store.durable import create_exclusively, storage_errors
from msclip_search.store.folder import make_folder
from msclip_search.store.holder import Holder
from msclip_search.store.layout import Layout
from msclip_search.store.succession import PATIENCE
from msclip_search.store.writer import Writer, open_writer

logger = logging.getLogger(__name__)

_LONGEST = 4096
"""Bytes of a lock file that are looked at: twenty times what one has."""
_ATTEMPTS = 5
_LOOK = 0.02  # s
_held: set[str] = set()
"""Tokens of the locks that this process holds or is about to take."""


@contextlib.contextmanager
def writing(
    root: Path, *, model: Mapping[str, Any], kind: str | None = None, doing: str, break_lock: bool = False
) -> Iterator[Writer]:
    """Open an index folder for writing, made where there is none, and hold its lock meanwhile.

    Parameters
    ----------
    root, model, kind
        See `open_writer`.
    doing, break_lock
        See `hold`.

    Raises
    ------
    IndexLocked
        Somebody else writes to it.
    IndexFolderError, StorageError
        See `open_writer`.
    """
    layout = make_folder(root)
    with hold(layout, doing=doing, break_lock=break_lock):
        yield open_writer(root, model=model, kind=kind)


@contextlib.contextmanager
def hold(layout: Layout, *, doing: str, break_lock: bool = False) -> Iterator[None]:
    """Hold the lock of an index folder. What a process of this host left behind when it died is taken over.

    Parameters
    ----------
    layout
        The index folder, which is there.
    doing
        What others are told: "indexing", "removing", "compacting", "importing".
    break_lock
        Whether to take the lock from whoever holds it.

    Raises
    ------
    IndexLocked
        Somebody else holds it: another process, on this host or not, or another thread of this one.
    StorageError
        The folder cannot be written.
    """
    holder = Holder.here(doing)
    _held.add(holder.token)
    try:
        _take(layout, holder, break_lock=break_lock)
        yield
    finally:
        _release(layout, holder)
        _held.discard(holder.token)


def require_unlocked(root: Path) -> None:
    """Refuse early what `hold` would refuse: before a model is loaded, for instance.

    Raises
    ------
    IndexLocked
        Somebody else writes to the index folder.
    """
    content = _read(Layout(root).lock)
    if content is None:
        return
    other = Holder.parse(content)
    if _is_whole(content) and (other is None or not other.is_gone(_held)):
        raise _locked(root, other)


def _take(layout: Layout, holder: Holder, *, break_lock: bool) -> None:
    for _ in range(_ATTEMPTS):
        if _created(layout.lock, holder.to_json()):
            return
        there = _settled(layout.lock)
        if there is None:
            continue  # removed since
        other = Holder.parse(there)
        if not _is_whole(there):
            logger.info("The lock of %s was never finished, and is taken over.", layout.root)
        elif other and other.is_gone(_held):
            logger.info("The lock of %s is taken over: %s runs no more.", layout.root, other)
        elif break_lock:
            logger.warning("The lock of %s is taken from %s.", layout.root, other or "an unknown process")
            break_lock = False  # one that comes between has not been meant
        else:
            raise _locked(layout.root, other)
        _set_aside(layout, there, holder.token)
    raise IndexLocked(f"{layout.root} is in use: others take its lock again and again. Wait until they are done.")


def _settled(path: Path) -> bytes | None:
    """Read a lock file, with patience for one that is being filled: file systems without links show it half done."""
    until = time.monotonic() + PATIENCE
    while (content := _read(path)) is not None and not _is_whole(content) and time.monotonic() < until:
        time.sleep(_LOOK)
    return content


def _is_whole(content: bytes) -> bool:
    """Tell whether a lock file was finished, whatever it says."""
    try:
        json.loads(content)
    except (ValueError, RecursionError):
        return False
    return True


def _created(path: Path, content: bytes) -> bool:
    """Create a lock file unless there is one."""
    try:
        create_exclusively(path, content)
    except FileExistsError:
        return _read(path) == content  # NFS can make a link, and answer that there is one already
    return True


def _locked(root: Path, other: Holder | None) -> IndexLocked:
    """Say who writes to an index."""
    if other is None:
        return IndexLocked(
            f"{root} is in use: an unknown process holds its lock, {Layout(root).lock.name}, which cannot be read. "
            "Wait until it is done, or give --break-lock if no process writes to the index any more."
        )
    since = dt.datetime.fromisoformat(other.since).strftime("%Y-%m-%d %H:%M:%S %Z").strip()
    return IndexLocked(
        f"{root} is in use: {other} has been {other.doing} since {since}. Wait until it is done, "
        "or give --break-lock if that process is surely gone."
    )


def _set_aside(layout: Layout, seen: bytes, token: str) -> None:
    """Remove a lock file that has been read; one that another has put in its place meanwhile stays."""
    aside = layout.lock_aside(token)
    with storage_errors("writing", layout.lock):
        try:
            layout.lock.rename(aside)
        except FileNotFoundError:
            return  # another was faster
        try:
            if (found := _read(aside)) not in {seen, None}:
                with contextlib.suppress(FileExistsError):
                    create_exclusively(layout.lock, found or b"")
        finally:
            aside.unlink(missing_ok=True)


def _release(layout: Layout, holder: Holder) -> None:
    """Remove the lock if it is this one: it may have been broken, or belong to the process that made this one."""
    try:
        if _read(layout.lock) == holder.to_json() and holder.process == os.getpid():
            layout.lock.unlink(missing_ok=True)
    except (OSError, StorageError) as error:  # the work is done, or has an error of its own to tell
        logger.warning("%s could not be removed (%s): the next run on this host does it.", layout.lock, error)


def _read(path: Path) -> bytes | None:
    """Read a lock file; None where there is none, JSON that says nothing where it may not be read."""
    with storage_errors("reading", path):
        try:
            with path.open("rb") as file:
                return file.read(_LONGEST)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except (PermissionError, IsADirectoryError):
            return b"null"
