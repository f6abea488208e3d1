"""Files that appear whole or not at all."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from msclip_search.disk import disk_errors
from msclip_search.errors import StorageError
from msclip_search.store.durable import sync_folder


def check_free(paths: Sequence[Path], *, index: Path, overwrite: bool) -> None:
    """Refuse what could not be written, or would destroy something.

    Raises
    ------
    StorageError
        A file is there already and may not be replaced, is no plain file, has no folder, or would lie in the index.
    """
    for path in paths:
        with disk_errors("writing", path):
            target = path.resolve()
            if target.is_dir():
                raise StorageError(f"{path} is a folder: name a file.")
            if target.exists() and not target.is_file():
                raise StorageError(f"{path} is no plain file: name another.")
            if target.exists() and not overwrite:
                raise StorageError(f"{path} is there already: name another file, or replace it with --overwrite.")
            if target.is_relative_to(index.resolve()):
                raise StorageError(f"{path} lies in the index {index}: name a file elsewhere.")
            if not target.parent.is_dir():
                raise StorageError(f"There is no folder {path.parent}: make it, or name another file.")
            if not os.access(target.parent, os.W_OK | os.X_OK):
                raise StorageError(
                    f"No permission to write into the folder {path.parent}: name another file, or ask its owner."
                )


@contextmanager
def drafted(paths: Sequence[Path]) -> Iterator[list[Path]]:
    """Write files beside where they are to be, and put them there when all of them are on the disk.

    Yields the paths to write to. What is raised meanwhile takes the drafts away and leaves older files as they were.

    Raises
    ------
    StorageError
        The disk is full, …
    """
    targets = [path.resolve() for path in paths]  # a link stays a link
    drafts = [target.with_name(f".{target.name}.{os.getpid()}") for target in targets]
    try:
        with disk_errors("writing", paths[-1]):
            yield drafts
            for draft in drafts:
                _sync(draft)
            for draft, target in zip(drafts, targets, strict=True):
                draft.replace(target)
        for folder in {target.parent for target in targets}:
            sync_folder(folder)
    finally:
        for draft in drafts:
            draft.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
