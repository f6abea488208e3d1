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


@dataclass(frozen=True, slots=True)
class Found:
    """A file of the archive, or a place where looking failed."""

    path: Path
    """Absolute."""
    trouble: str | None = None
    """Why it cannot be looked at; None when all is well."""


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
        Endings of the files to take from folders, in lower case. A file that is named itself is always taken.
    other
        Called with the ending of each file of a folder that is not taken.

    Raises
    ------
    ArchiveError
        Something named is not there.
    """
    for root in roots:
        yield from _expand(Path(os.path.abspath(os.fspath(root))), str(root), suffixes, other)  # noqa: PTH100 - keeps links


def _expand(path: Path, said: str, suffixes: Sequence[str], other: Callable[[str], None] | None) -> Iterator[Found]:
    if path.is_dir():
        yield from _walk(path, suffixes, other, ())
    elif path.is_file() and path.suffix.lower() == _LIST:
        yield from _listed(path, suffixes, other)
    elif path.exists():
        yield Found(path)
    elif glob.has_magic(str(path)):
        matches = sorted(glob.glob(str(path), recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
        if not matches:
            raise ArchiveError(f"Nothing matches {said}.")
        for match in matches:
            if (file := Path(match)).is_file() and file.suffix.lower() in suffixes:
                yield Found(file)
    else:
        raise ArchiveError(
            f"There is no {said}: give a folder of tiles, a file, a glob, or a .txt with one path a line."
        )


def _listed(path: Path, suffixes: Sequence[str], other: Callable[[str], None] | None) -> Iterator[Found]:
    """Yield the paths that a text file lists; one that is not there is one failure, not the end."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ArchiveError(
            f"{path} is to be a list of paths, one a line, but cannot be read as text ({error})."
        ) from error
    for number, line in enumerate(text.splitlines(), 1):
        if not (name := line.strip()) or name.startswith("#"):
            continue
        listed = Path(os.path.abspath(path.parent / name))  # noqa: PTH100 - keeps links
        if listed.is_dir():
            yield from _walk(listed, suffixes, other, ())
        else:
            yield Found(listed, None if listed.exists() else f"is not there (line {number} of {path})")


def _walk(
    folder: Path,
    suffixes: Sequence[str],
    other: Callable[[str], None] | None,
    above: tuple[tuple[int, int], ...],
) -> Iterator[Found]:
    try:
        status = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield Found(folder, f"the folder may not be read: {error.strerror}")
        return
    names = {entry.name for entry in entries}
    here = (status.st_dev, status.st_ino)
    if {"manifests", "segments"} <= names or here in above:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _walk(Path(entry.path), suffixes, other, (*above, here))
        elif (suffix := os.path.splitext(entry.name)[1].lower()) in suffixes:  # noqa: PTH122 - a million times
            yield Found(Path(entry.path))
        elif other:
            other(suffix)


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
