"""What a labelled data set is: a record of what it holds, and the way to open it where it lies."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from msclip_search.archives import Archive, Labels, Reading
from msclip_search.bands import choose_bands
from msclip_search.errors import ArchiveError, BandsError

SPLITS = ("train", "validation", "test")
_SPELLINGS = {"train": "train", "training": "train", "val": "validation", "valid": "validation"} | {
    "validation": "validation",
    "test": "test",
    "testing": "test",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelClass:
    """A class of a data set."""

    name: str
    """The label, "AnnualCrop"."""
    words: str
    """What a prompt says for it, "annual crop"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledArchive:
    """A data set, found on this disk."""

    archive: Archive
    labels: Labels
    """Of each source, names of `classes`."""
    classes: tuple[LabelClass, ...]
    """Those of the data set, whether or not a tile here has them; of `folder`, those that are here."""
    notes: tuple[str, ...] = ()
    """What was decided or left out, in sentences."""


Opener = Callable[["DataSet", Path, Reading, str | None], LabelledArchive]
"""Finds a data set's tiles and labels: of which, where, how they are read, which split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSet:
    """A labelled data set that models are compared on."""

    name: str
    """As the command line says it, "eurosat-ms"."""
    title: str
    """As its authors say it."""
    classes: tuple[LabelClass, ...]
    """In the order of its publication; empty where the folders name them."""
    bands: tuple[str, ...]
    """What its files hold, in no particular order; empty where nothing is known."""
    level: str | None
    """ "L1C" or "L2A"; None for other sensors, or where nothing is known."""
    several_labels: bool
    """Whether a tile may have more than one label."""
    splits: tuple[str, ...] = SPLITS
    """Those that can be asked for, where the folder has them."""
    source: str
    """Where it is had."""
    licence: str
    citation: str
    layout: str
    """The files expected, a few lines."""
    opener: Opener = field(repr=False, compare=False)

    def open(self, root: str | os.PathLike[str], *, reading: Reading, split: str | None = None) -> LabelledArchive:
        """Find the tiles and their labels.

        Parameters
        ----------
        root
            The folder that the data set was unpacked into.
        reading
            What the model wants of the tiles, and what the user says of their bands and offset.
        split
            One of `splits`; None takes all there is.

        Raises
        ------
        ArchiveError
            The folder is missing or laid out otherwise, there is no such split, or the model needs bands that the
            data set lacks.
        """
        folder = Path(os.path.abspath(root))  # noqa: PTH100 - keeps links, as archives do
        if split is not None and split not in self.splits:
            raise ArchiveError(f"{self.title} has no split '{split}'; there are {', '.join(self.splits) or 'none'}.")
        if self.bands:
            try:
                choose_bands(self.bands, want=reading.want, substitutes=reading.substitutes)
            except BandsError as error:
                raise ArchiveError(f"{self.title} {error}: no such model can be measured on it.") from error
        try:
            os.scandir(folder).close()
        except (FileNotFoundError, NotADirectoryError) as error:
            raise self.absent(f"There is no folder {root}.") from error
        except OSError as error:
            raise ArchiveError(f"{root} cannot be read: {(error.strerror or str(error)).lower()}.") from error
        return self.opener(self, folder, reading, split)

    def absent(self, what: str) -> ArchiveError:
        """Return the error that says what is missing, where the data set is had, and what is expected."""
        where = f" {self.title} is had at {self.source} ({self.licence})." if self.source else ""
        layout = "\n".join(f"  {line}" for line in self.layout.splitlines())
        return ArchiveError(f"{what}{where} Expected:\n{layout}")


def plain_classes(names: str) -> tuple[LabelClass, ...]:
    """Return classes, of names with spaces between, that prompts call by their names: BareLand is "bare land"."""
    return tuple(LabelClass(name=name, words=in_words(name)) for name in names.split())


def in_words(name: str) -> str:
    """Write a folder's name as words: lower case, with a space before each capital and for each sign between."""
    spaced = "".join(
        f" {letter}" if letter.isupper() and before.islower() else letter
        for before, letter in zip(" " + name, name, strict=False)
    )
    return " ".join(spaced.replace("_", " ").replace("-", " ").replace("/", " ").lower().split())


def split_of(text: str) -> str | None:
    """Return the split that a folder or a table calls by this name; None for another name."""
    return _SPELLINGS.get(text.lower())
