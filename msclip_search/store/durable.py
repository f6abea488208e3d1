"""Writing files so that they are on the disk when we say so, and saying in one sentence when they cannot be."""

import errno
import functools
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import xxhash

from msclip_search.disk import disk_errors, said
from msclip_search.errors import IndexConflict, IndexDamaged

_CHUNK = 1 << 20
_NO_FOLDER_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF, errno.EACCES}
"""What is answered where a folder cannot be synchronised, because its file system knows no such thing or it may be
written but not read."""


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file as a manifest knows it."""

    path: str
    """Relative to the index folder."""
    size: int
    """Bytes."""
    xxh64: str
    """XXH64 of its content, 16 hexadecimal digits."""


storage_errors = functools.partial(
    disk_errors,
    after="What was committed before is safe; make room and run the same command again to go on from there.",
)
"""Turn what the operating system refuses while an index is read or written into one sentence: see `disk_errors`."""


@contextmanager
def reading(path: Path, *, root: Path) -> Iterator[None]:
    """Turn what the operating system says of a file of an index into one sentence: missing is damage, refused is not.

    Raises
    ------
    IndexDamaged
        The file is not there.
    StorageError
        It may not be read.
    """
    with storage_errors("reading", path):
        try:
            yield
        except FileNotFoundError as error:
            raise IndexDamaged(
                f"The index {root} lacks {path.relative_to(root).as_posix()} ({said(error)}). Restore it from a "
                "copy, or index the archive again into a new folder."
            ) from error


def write_file(path: Path, content: bytes | memoryview, *, root: Path) -> FileEntry:
    """Write a new file and bring it to the disk.

    Raises
    ------
    StorageError
        Disk full, no permission, …
    IndexConflict
        There is such a file already.
    """
    try:
        with storage_errors("writing", path):
            _fill(path, content)
    except FileExistsError as error:
        raise IndexConflict(
            f"{path} is there already: another process writes to this index. Run the same command again."
        ) from error
    return FileEntry(path.relative_to(root).as_posix(), len(content), xxhash.xxh64_hexdigest(content))


def write_with(path: Path, write: Callable[[Path], None], *, root: Path) -> FileEntry:
    """Let a library write a new file, then bring it to the disk and take its checksum."""
    with storage_errors("writing", path):
        write(path)
        _sync(path)
        return FileEntry(path.relative_to(root).as_posix(), path.stat().st_size, checksum(path))


def checksum(path: Path, *, advance: Callable[[int], None] | None = None) -> str:
    """XXH64 of a file, read in pieces; `advance` is told the bytes of each."""
    digest = xxhash.xxh64()
    with path.open("rb") as file:
        while piece := file.read(_CHUNK):
            digest.update(piece)
            if advance:
                advance(len(piece))
    return digest.hexdigest()


def sync_folder(folder: Path) -> None:
    """Bring the names in a folder to the disk; nothing to do where folders cannot be opened (Windows)."""
    if os.name == "nt":
        return
    with storage_errors("writing", folder):
        try:
            _sync(folder)
        except OSError as error:
            if error.errno not in _NO_FOLDER_SYNC:
                raise


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def create_exclusively(path: Path, content: bytes) -> None:
    """Create a file that appears whole or not at all, and only if there is none of its name.

    A finished file is linked to its name: two processes cannot both succeed, and nobody sees half of it. Where the
    file system makes no links, the name is created exclusively and then filled; a reader knows an unfinished manifest
    by its missing checksum.

    Raises
    ------
    FileExistsError
        There is such a file already.
    StorageError
        Disk full, no permission, …
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    with storage_errors("writing", path):
        try:
            _fill(draft, content)
            try:
                os.link(draft, path)
            except FileExistsError:
                raise
            except OSError:
                _fill(path, content)
        finally:
            draft.unlink(missing_ok=True)


def _fill(path: Path, content: bytes | memoryview) -> None:
    """Create a file with a content on the disk; what cannot be finished is taken away."""
    with path.open("xb") as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
