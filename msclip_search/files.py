"""Files before they are read: whether there is one, whether it may be read, and in which state it is."""

import errno
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from msclip_search.errors import TileError


def file_state(path: Path) -> str:
    """Return size and modification time in nanoseconds: equal means that nothing has changed.

    Raises
    ------
    TileError
        There is no file, or it may not be looked at.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise TileError(_reason(error, path)) from error
    if not stat.S_ISREG(status.st_mode):
        # Opening a pipe would wait for somebody to write into it.
        kind = "a folder" if stat.S_ISDIR(status.st_mode) else "a pipe, a socket or a device"
        raise TileError(f"is {kind}, not a file")
    return f"{status.st_size}-{status.st_mtime_ns}"


@contextmanager
def opened(path: Path) -> Iterator[BinaryIO]:
    """Open a file that holds something.

    Raises
    ------
    TileError
        There is no file, it may not be read, or it is empty.
    """
    if file_state(path).startswith("0-"):
        raise TileError("is empty (0 bytes)")
    try:
        with path.open("rb") as file:
            yield file
    except OSError as error:
        raise TileError(_reason(error, path)) from error


def _reason(error: OSError, path: Path) -> str:
    if isinstance(error, PermissionError):
        return "may not be read: permission denied"
    if isinstance(error, FileNotFoundError):
        return "is a link that leads nowhere" if path.is_symlink() else "is not there"
    if error.errno == errno.ELOOP:
        return "is a link that leads in circles"
    return f"cannot be read: {(error.strerror or str(error)).lower()}"
