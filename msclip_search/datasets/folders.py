"""Data sets with one folder a class, perhaps inside one folder a split."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from msclip_search.archives import ChipArchive, Reading
from msclip_search.archives.sources import name_source
from msclip_search.datasets.base import DataSet, LabelClass, LabelledArchive, in_words, split_of
from msclip_search.errors import ArchiveError

_DEPTH = 8
"""Folders within folders that unpacking may have left."""
_FEW = 5


@dataclass(frozen=True, slots=True)
class FolderLabels:
    """A folder that a file lies in, at whatever depth, gives it its label."""

    names: Mapping[str, str] = field(repr=False)
    """Absolute path of a folder to label."""

    def of(self, source: str) -> tuple[str, ...]:
        """Return the label of the innermost folder that has one."""
        for folder in Path(source).parents:
            if name := self.names.get(str(folder)):
                return (name,)
        return ()


@dataclass(frozen=True, slots=True)
class ClassFolders:
    """Where the tiles of each class lie."""

    names: Mapping[Path, str]
    """Folder to class."""
    others: tuple[str, ...]
    """Names of folders beside them that are no classes."""


def open_class_folders(data: DataSet, root: Path, reading: Reading, split: str | None) -> LabelledArchive:
    """Find the folders of a data set's classes, whatever their spelling: "Annual_Crop" is "AnnualCrop"."""
    return label_folders(data, find_class_folders(data, root, split), reading)


def find_class_folders(data: DataSet, root: Path, split: str | None) -> ClassFolders:
    """Find the folders of a data set's classes.

    Raises
    ------
    ArchiveError
        There are none, or none of that split.
    """
    known = {_key(text): each.name for each in data.classes for text in (each.words, each.name)}
    found = _folders_of(data, _home(root, known), split)
    names = {folder: known[_key(folder.name)] for folder in found if _key(folder.name) in known}
    if not names:
        raise data.absent(f"{root} holds no folders of {data.title}'s classes.")
    return ClassFolders(names, tuple(folder.name for folder in found if folder not in names))


def label_folders(data: DataSet, folders: ClassFolders, reading: Reading) -> LabelledArchive:
    """Make an archive of folders whose classes are known."""
    return LabelledArchive(
        archive=ChipArchive(tuple(folders.names), reading),
        labels=FolderLabels({name_source(folder): name for folder, name in folders.names.items()}),
        classes=data.classes,
        notes=tuple(_notes(data, folders)),
    )


def open_any_folders(data: DataSet, root: Path, reading: Reading, split: str | None) -> LabelledArchive:
    """Take each folder as a class of that name."""
    found = _folders_of(data, root, split)
    if not found:
        raise data.absent(f"{root} holds no folders.")
    return LabelledArchive(
        archive=ChipArchive(tuple(found), reading),
        labels=FolderLabels({name_source(folder): folder.name for folder in found}),
        classes=tuple(
            LabelClass(name=name, words=in_words(name)) for name in sorted({folder.name for folder in found})
        ),
    )


def subfolders(folder: Path) -> list[Path]:
    """Return the folders in a folder, but hidden ones, sorted by name.

    Raises
    ------
    ArchiveError
        It cannot be read.
    """
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if not entry.name.startswith(".") and entry.is_dir()]
    except OSError as error:
        raise ArchiveError(f"{folder} cannot be read: {(error.strerror or str(error)).lower()}.") from error
    return [folder / name for name in sorted(names)]


def _key(name: str) -> str:
    return "".join(letter for letter in name.lower() if letter.isalnum())


def _home(root: Path, known: Mapping[str, str]) -> Path:
    """Go down where there is one folder alone that is neither class nor split, as unpacking leaves it."""
    home = root
    for _ in range(_DEPTH):
        inside = subfolders(home)
        if len(inside) != 1 or _key(inside[0].name) in known or split_of(inside[0].name):
            return home
        home = inside[0]
    return root


def _folders_of(data: DataSet, home: Path, split: str | None) -> list[Path]:
    """Return the folders of the classes, in the folders of the split where there are such."""
    inside = subfolders(home)
    splits = [folder for folder in inside if split_of(folder.name)]
    if not splits:
        if split is not None:
            raise data.absent(f"{home} has no folder for the split {split}.")
        return inside
    if not (taken := [folder for folder in splits if split in {None, split_of(folder.name)}]):
        have = ", ".join(folder.name for folder in splits)
        raise ArchiveError(f"{home} has no folder for the split {split}; it has {have}.")
    return [folder for each in taken for folder in subfolders(each)]


def _notes(data: DataSet, folders: ClassFolders) -> Iterator[str]:
    here = set(folders.names.values())
    if missing := [each.name for each in data.classes if each.name not in here]:
        yield f"No folder here for {len(missing)} of {len(data.classes)} classes: {', '.join(missing)}."
    if folders.others:
        more = ", …" if len(folders.others) > _FEW else ""
        yield f"Left out, as no classes of {data.title}: {', '.join(folders.others[:_FEW])}{more}."
