"""Damage that GDAL passes over.

A tag of a TIFF whose value lies past the end of a file that was cut short, or in a part of it that was never written,
is left out with a warning or none. The pixels may be whole, but the names of the bands, the place and the nodata value
are gone, and the bands would be taken for others. A PNG that was cut short is filled up with what lay in memory.
"""

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

from msclip_search.errors import TileError

_PNG = b"\x89PNG\r\n\x1a\n"
_BIG = 43
_MOST_TAGS = 65_535
_GDAL_METADATA = 42_112
_GDAL_METADATA_END = b"</GDALMetadata>"

_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
"""Bytes of a value by its type; types that nobody has defined count for nothing."""


class Tag(NamedTuple):
    """An entry in the directory of a TIFF."""

    number: int
    type: int
    """Kind of its values, by TIFF's own numbers: 2 is text, 3 a short, 12 a double, …"""
    values: int
    """How many."""
    place: int
    """Where they lie in the file, in bytes; for those that fit into the entry, the values themselves."""

    @property
    def size(self) -> int:
        """Bytes of its values."""
        return self.values * _BYTES.get(self.type, 0)


@dataclass(frozen=True, slots=True)
class Directory:
    """What the first directory of a TIFF lists."""

    order: str
    """Of bytes, as `struct` writes it: "<" or ">"."""
    word: int
    """Bytes that a value may have to stand in its entry: 4, or 8 in a BigTIFF."""
    tags: Sequence[Tag]


def check_tiff(file: BinaryIO) -> Directory:
    """Refuse a TIFF whose first directory, or a value of it, is not whole.

    Returns
    -------
    Directory
        The directory.

    Raises
    ------
    TileError
        The file was cut short, or written in part.
    """
    file.seek(0)
    head = file.read(16)
    if len(head) < 16:
        raise TileError("is truncated: it holds nothing but a header")
    order = "<" if head.startswith(b"II") else ">"
    if struct.unpack_from(f"{order}H", head, 2) == (_BIG,):
        (start,), number, word, entry = struct.unpack_from(f"{order}Q", head, 8), f"{order}Q", 8, f"{order}HHQQ"
    else:
        (start,), number, word, entry = struct.unpack_from(f"{order}I", head, 4), f"{order}H", 4, f"{order}HHII"
    size = os.fstat(file.fileno()).st_size
    if start + struct.calcsize(number) > size:
        raise TileError("is truncated: its directory is missing")
    file.seek(start)
    (count,) = struct.unpack(number, file.read(struct.calcsize(number)))
    length = struct.calcsize(entry)
    listed = file.read(min(count, _MOST_TAGS) * length)
    if len(listed) < count * length:
        raise TileError("is truncated: its directory is cut off")
    tags = [Tag(*fields) for fields in struct.iter_unpack(entry, listed)]
    if any(tag.size > word and tag.place + tag.size > size for tag in tags):  # what is smaller stands in the entry
        raise TileError("is truncated: its tags are cut off")
    for text in tags:
        if text.number == _GDAL_METADATA:
            file.seek(text.place)
            if _GDAL_METADATA_END not in file.read(min(text.values, size)):
                raise TileError("is damaged: what GDAL wrote about its bands is cut off")
    if any(tag.number == 0 for tag in tags):
        raise TileError("is damaged: a part of its directory was never written")
    return Directory(order, word, tags)


def check_png(file: BinaryIO) -> None:
    """Refuse a PNG that does not go on to its end.

    Raises
    ------
    TileError
        The file was cut short, or written in part.
    """
    size = os.fstat(file.fileno()).st_size
    place, kind = len(_PNG), b""
    while kind != b"IEND":
        file.seek(place)
        if len(head := file.read(8)) < 8:
            raise TileError("is truncated: its last part is missing")
        length, kind = struct.unpack(">I4s", head)
        if not kind.isalpha():
            raise TileError("is damaged: a part of it was never written")
        place += 8 + length + 4  # a checksum follows
    if place > size:
        raise TileError("is truncated: its last part is cut off")
