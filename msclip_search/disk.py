"""The disk says no: one sentence for each way in which it does."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msclip_search.errors import StorageError


@contextmanager
def disk_errors(doing: str, path: Path, *, after: str = "Make room and run the same command again.") -> Iterator[None]:
    """Turn what the operating system refuses into one sentence.

    Parameters
    ----------
    doing
        What was being done, "writing".
    path
        To what.
    after
        What is to be done, and what is lost or not, where the disk is full.

    Raises
    ------
    StorageError
        The disk is full or read-only, or permission was refused.
    FileExistsError
        As it comes: no trouble of the disk, but somebody else's file; the callers say what that means.
    """
    try:
        yield
    except FileExistsError:
        raise
    except OSError as error:
        raise StorageError(_sentence(error, doing, path, after)) from error


def said(error: OSError) -> str:
    """Return the system's word for an error, without what libraries put around it."""
    return os.strerror(error.errno) if error.errno else str(error)


def _sentence(error: OSError, doing: str, path: Path, after: str) -> str:
    word = said(error)
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT | errno.EFBIG:
            return f"The disk is full: {doing} {path} failed ({word}). {after}"
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return f"No permission: {doing} {path} is refused ({word}). Name another, or ask its owner."
        case errno.EMFILE | errno.ENFILE:
            return f"{doing.capitalize()} {path} failed: {word}. Allow more of them, as `ulimit -n 8192` does."
        case _:
            return f"{doing.capitalize()} {path} failed: {word}."
