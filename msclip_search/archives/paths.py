"""From what the user names (folders, files, globs, lists of paths) to files, in a lasting order."""

import glob
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from msclip_search.errors import ArchiveError

TILES = (".tif", ".tiff", ".npy", ".npz")
PICTURES = (".png", ".jpg", ".jpeg")
_LIST = ".txt"
_INDEX = frozenset({"manifests", "segments"})
"""What lies in an index folder."""


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the archive, or a place where looking failed."""

    path: Path
    """Absolute."""
    trouble: str | None = None
    """Why it cannot be looked at; None when all is well."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Which files of a folder are taken, and who is told of the others."""

    suffixes: Sequence[str]
    other: Callable[[str], None] | None

    def takes(self, name: str) -> bool:
        suffix = os.path.splitext(name)[1].lower()  # noqa: PTH122 - a million times
        if suffix in self.suffixes:
            return True
        if self.other:
            self.other(suffix)
        return False


def find(
    roots: Sequence[str | os.PathLike[str]],
    *,
    suffixes: Sequence[str],
    other: Callable[[str], None] | None = None,
) -> Iterator[Found]:
    """Yield the files under what the user named: folders to their depth, in sorted order.

    Hidden files and folders are passed over, and so are index folders, whose own arrays are no tiles. Links are
    followed, but never in circles.

    Parameters
    ----------
    roots
        Folders, files, globs (`**` crosses folders) and text files with one path a line, relative to the text file.
    suffixes
        Endings of the files to take from folders and globs, in lower case. A file that is named itself is always
        taken.
    other
        Called with the ending of each file of a folder or glob that is not taken.

    Raises
    ------
    ArchiveError
        Something named is not there.
    """
    wanted = _Wanted(suffixes, other)
    for root in roots:
        yield from _expand(_absolute(root), os.fspath(root), wanted)


def _expand(path: Path, said: str, wanted: _Wanted) -> Iterator[Found]:
    if _is_folder(path):
        yield from _walk(path, wanted, ())
    elif path.suffix.lower() == _LIST and _is_there(path):
        yield from _listed(path, wanted)
    elif _is_there(path):
        yield Found(path)
    else:
        yield from _matching(path, said, wanted)


def _matching(path: Path, said: str, wanted: _Wanted) -> Iterator[Found]:
    """Yield what a glob finds. Of its folders, those that are there stand for themselves, whatever their names."""
    base = path.parent
    while not _is_folder(base):
        base = base.parent
    pattern = str(path.relative_to(base))
    if not glob.has_magic(pattern):
        raise ArchiveError(
            f"There is no {said}: give a folder of tiles, a file, a glob, or a .txt with one path a line."
        )
    matches = sorted(base / match for match in glob.glob(pattern, root_dir=base, recursive=True))  # noqa: PTH207 - in a folder
    if not matches:
        raise ArchiveError(f"Nothing matches {said}.")
    folders = {match for match in matches if _is_folder(match)}
    parents = {match.parent for match in matches}
    # What lies in these comes with a folder that is walked, or belongs to an index.
    closed = {parent for parent in parents if any(it in folders or _is_index(it) for it in (parent, *parent.parents))}
    for match in matches:
        if match.parent in closed:
            continue
        if match in folders:
            yield from _walk(match, wanted, ())
        elif wanted.takes(match.name):
            yield Found(match)


def _listed(path: Path, wanted: _Wanted) -> Iterator[Found]:
    """Yield the paths that a text file lists; one that is not there is one failure, not the end."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ArchiveError(
            f"{path} is to be a list of paths, one a line, but cannot be read as text ({error})."
        ) from error
    for number, line in enumerate(text.split("\n"), 1):
        if not (name := line.strip()) or name.startswith("#"):
            continue
        listed = _absolute(path.parent / name)
        if _is_folder(listed):
            yield from _walk(listed, wanted, ())
        else:
            yield Found(listed, None if _is_there(listed) else f"is not there (line {number} of {path})")


def _walk(folder: Path, wanted: _Wanted, above: tuple[tuple[int, int], ...]) -> Iterator[Found]:
    try:
        status = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except PermissionError:
        yield Found(folder, "is a folder that may not be read: permission denied")
        return
    except OSError as error:
        yield Found(folder, f"is a folder that cannot be read: {(error.strerror or str(error)).lower()}")
        return
    here = (status.st_dev, status.st_ino)
    if here in above or {entry.name for entry in entries} >= _INDEX:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if _is_folder(entry):
            yield from _walk(Path(entry.path), wanted, (*above, here))
        elif wanted.takes(entry.name):
            yield Found(Path(entry.path))


def _absolute(path: str | os.PathLike[str]) -> Path:
    return Path(os.path.abspath(path))  # noqa: PTH100 - Path.resolve would follow links


def _is_folder(path: "Path | os.DirEntry[str]") -> bool:
    try:
        return path.is_dir()
    except OSError:  # a link in circles, or into a folder that may not be entered
        return False


def _is_index(folder: Path) -> bool:
    return all(_is_folder(folder / name) for name in _INDEX)


def _is_there(path: Path) -> bool:
    """Tell whether there is something to be read, or to fail with a reason of its own."""
    try:
        path.lstat()
    except PermissionError:
        return True
    except (OSError, ValueError):  # the latter: a name with a NUL in it
        return False
    return True


def describe_nothing(roots: Sequence[str | os.PathLike[str]], *, suffixes: Sequence[str]) -> str:
    """Say what lies in an archive that has no file with the right ending."""
    seen: Counter[str] = Counter()

    def note(suffix: str) -> None:
        seen[suffix] += 1

    for _ in find(roots, suffixes=suffixes, other=note):
        pass
    named = " ".join(os.fspath(root) for root in roots)
    common = ", ".join(f"{count:,} {suffix or 'without ending'}" for suffix, count in seen.most_common(4))
    return f"{named} holds no tiles: looked for {', '.join(suffixes)}; found {common or 'no files at all'}."
