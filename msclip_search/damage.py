"""Damage that GDAL passes over.

A tag of a TIFF whose value lies past the end of a file that was cut short, or in a part of it that was never written,
is left out with a warning or none. The pixels may be whole, but the names of the bands, the place and the nodata value
are gone, and the bands would be taken for others. A PNG that was cut short is filled up with what lay in memory.
"""

import os
import struct
from typing import BinaryIO

import numpy as np

from msclip_search.errors import TileError

_PNG = b"\x89PNG\r\n\x1a\n"
_BIG = 43
_MOST_TAGS = 65_535
_GDAL_METADATA = 42_112
_GDAL_METADATA_END = b"</GDALMetadata>"

_BYTES = np.zeros(1 << 16)
"""Bytes of a value by its type; types that nobody has defined count for nothing."""
_BYTES[[1, 2, 6, 7]] = 1
_BYTES[[3, 8]] = 2
_BYTES[[4, 9, 11, 13]] = 4
_BYTES[[5, 10, 12, 16, 17, 18]] = 8


def check_tiff(file: BinaryIO) -> None:
    """Refuse a TIFF whose first directory, or a value of it, is not whole.

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
        (start,), number, word = struct.unpack_from(f"{order}Q", head, 8), f"{order}Q", f"{order}u8"
    else:
        (start,), number, word = struct.unpack_from(f"{order}I", head, 4), f"{order}H", f"{order}u4"
    entry = np.dtype([("tag", f"{order}u2"), ("type", f"{order}u2"), ("count", word), ("value", word)])
    size = os.fstat(file.fileno()).st_size
    if start + struct.calcsize(number) > size:
        raise TileError("is truncated: its directory is missing")
    file.seek(start)
    (count,) = struct.unpack(number, file.read(struct.calcsize(number)))
    listed = file.read(min(count, _MOST_TAGS) * entry.itemsize)
    if len(listed) < count * entry.itemsize:
        raise TileError("is truncated: its directory is cut off")
    tags = np.frombuffer(listed, entry)
    sizes = tags["count"] * _BYTES[tags["type"]]
    elsewhere = sizes > np.dtype(word).itemsize  # what is smaller stands in the entry itself
    if (elsewhere & (tags["value"] + sizes > size)).any():
        raise TileError("is truncated: its tags are cut off")
    for text in tags[tags["tag"] == _GDAL_METADATA]:
        file.seek(int(text["value"]))
        if _GDAL_METADATA_END not in file.read(min(int(text["count"]), size)):
            raise TileError("is damaged: what GDAL wrote about its bands is cut off")
    if (tags["tag"] == 0).any():
        raise TileError("is damaged: a part of its directory was never written")


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
