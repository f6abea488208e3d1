"""The index folder as such: whether a path may become one, and making it."""

from pathlib import Path

from msclip_search.errors import IndexFolderError
from msclip_search.store.durable import storage_errors, sync_folder
from msclip_search.store.layout import Layout


def require_folder(root: Path) -> None:
    """Refuse to write an index into a folder that holds something else.

    Raises
    ------
    IndexFolderError
        The path is a file, or a folder that is neither empty nor an index.
    StorageError
        The path may not be looked at.
    """
    with storage_errors("reading", root):
        # One listing decides: whoever makes an index at the same time makes the folder of the manifests first.
        names = {entry.name for entry in root.iterdir()} if root.is_dir() else set()
        if names and Layout(root).manifests.name not in names:
            raise IndexFolderError(
                f"{root} is not empty and no msclip-search index: choose another folder with --index."
            )
        if root.exists() and not root.is_dir():
            raise IndexFolderError(f"{root} is a file, not a folder: choose another with --index.")


def make_folder(root: Path) -> Layout:
    """Make an index folder where there is none, and bring it to the disk.

    Raises
    ------
    IndexFolderError, StorageError
        See `require_folder`.
    """
    require_folder(root)
    layout = Layout(root)
    for folder in layout.folders:  # each is on the disk before the next: by the first one an index is known
        try:
            with storage_errors("making", folder):
                _make(folder.absolute())
        except FileExistsError as error:
            raise IndexFolderError(f"{folder} is a file where the index has a folder: move it away.") from error
    return layout


def _make(folder: Path) -> None:
    """Make a folder, and those above it that are missing, and bring their names to the disk."""
    if folder.is_dir():
        return
    if not folder.parent.exists():
        _make(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)
