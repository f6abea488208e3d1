"""What an archive is: something that yields items, each read into a few tiles."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from msclip_search.tile import Tile


class Item(Protocol):
    """What is read in one go: a file, or a part of a product small enough to hold in memory."""

    @property
    def source(self) -> str:
        """Path or address, without credentials or query string."""

    @property
    def fingerprint(self) -> str:
        """Equal fingerprints of one source mean that reading it again would give the same tiles.

        Two parts with a space between: what the source is now (size and modification time), and how it is read.

        Raises
        ------
        TileError
            The source is not there, or may not be looked at.
        """

    def read(self) -> Sequence[Tile]:
        """Read the tiles.

        Raises
        ------
        TileError
            The item cannot be read or understood.
        """


class Archive(Protocol):
    """A stream of items in a lasting order."""

    def count(self) -> int:
        """How many items there are.

        Raises
        ------
        ArchiveError
            The archive is missing or empty.
        """

    def items(self) -> Iterator[Item]:
        """Yield the items, always in the same order."""


class Labels(Protocol):
    """Where the labels of a source come from."""

    def of(self, source: str) -> tuple[str, ...]:
        """Labels of a source; none is an empty tuple."""
