"""The place of a plain GeoTIFF, from its own tags.

GDAL builds the coordinate system of every file anew out of PROJ's database, which takes longer than all else in opening
a chip. The files of an archive say the same few things, in the very same bytes, so GDAL is asked once for each of them.

Plain is a file that says all of it itself, in the one way that nearly all do: keys, the size of a pixel, and where the
first one's corner lies. Any other is left to GDAL.
"""

import functools
import math
import os
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from msclip_search.damage import Directory, Tag
from msclip_search.raster.placing import Place, System, make_place, system_of

_SCALE, _TIEPOINTS, _MATRIX = 33_550, 33_922, 34_264
_KEYS = (34_735, 34_736, 34_737)
"""Shorts, doubles, and text."""
_LONG, _DOUBLE = 4, 12
_MOST_BYTES = 16_384
"""Of keys; they have a few hundred."""
_BESIDE = (".aux.xml", ".aux", ".AUX", ".msk", ".MSK")
_INSTEAD = (".aux", ".AUX", ".xml", ".XML")
"""Endings of the files that GDAL looks for beside a GeoTIFF or in place of its own ending, and that overrule it."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What a file says of its coordinate system: types, counts and bytes of the three tags."""

    order: str
    tags: tuple[tuple[int, int, int, bytes], ...]


def plain_place(path: Path, file: BinaryIO, directory: Directory) -> Place | None:
    """Place a file by its own tags; None where it is not plain, or lies nowhere on the ground.

    Parameters
    ----------
    path
        The file.
    file
        The file, open.
    directory
        Its first directory, checked.
    """
    tags = {tag.number: tag for tag in directory.tags}
    if len(tags) < len(directory.tags) or _MATRIX in tags or not tags.keys() >= {_SCALE, _TIEPOINTS, _KEYS[0]}:
        return None
    scale = _doubles(file, directory, tags[_SCALE], count=3)
    tie = _doubles(file, directory, tags[_TIEPOINTS], count=6)
    keys = _read_keys(file, directory, [tags[number] for number in _KEYS if number in tags])
    if not scale or not tie or not keys:
        return None
    if min(scale[:2]) <= 0 or any(tie[:2]) or not all(map(math.isfinite, (*scale, *tie))) or _overruled(path):
        return None
    if (system := _ask(keys)) is None:
        return None
    from rasterio import Affine

    return make_place(system, Affine(scale[0], 0.0, tie[3], 0.0, -scale[1], tie[4]))


def _overruled(path: Path) -> bool:
    """Tell whether something lies beside a file that GDAL would believe more than the file."""
    whole = str(path)
    bare = whole.removesuffix(path.suffix)
    names = (*(whole + ending for ending in _BESIDE), *(bare + ending for ending in _INSTEAD))
    return any(os.access(name, os.F_OK) for name in names)


def _doubles(file: BinaryIO, directory: Directory, tag: Tag, *, count: int) -> tuple[float, ...] | None:
    if (tag.type, tag.values) != (_DOUBLE, count):
        return None
    return struct.unpack(f"{directory.order}{count}d", _value(file, directory, tag))


def _read_keys(file: BinaryIO, directory: Directory, tags: list[Tag]) -> Keys | None:
    if any(not 0 < tag.size <= _MOST_BYTES for tag in tags):
        return None
    values = [(tag.number, tag.type, tag.values, _value(file, directory, tag)) for tag in tags]
    return Keys(directory.order, tuple(values))


def _value(file: BinaryIO, directory: Directory, tag: Tag) -> bytes:
    if tag.size <= directory.word:
        return tag.place.to_bytes(directory.word, "little" if directory.order == "<" else "big")[: tag.size]
    file.seek(tag.place)
    return file.read(tag.size)


@functools.lru_cache(maxsize=1024)
def _ask(keys: Keys) -> System | None:
    """Ask GDAL what keys mean; None where it cannot tell, or where they are not those of pixels that are areas."""
    from rasterio.io import MemoryFile

    try:
        with MemoryFile(_smallest_tiff(keys)) as memory, memory.open(driver="GTiff") as dataset:
            is_area = dataset.tags().get("AREA_OR_POINT") == "Area"
            return system_of(dataset.crs) if is_area else None
    except Exception:  # noqa: BLE001 - whatever it is, it is told where the file itself is opened
        return None


def _smallest_tiff(keys: Keys) -> bytes:
    """Make a TIFF of one pixel that has these keys."""
    order, place = keys.order, (struct.pack(f"{keys.order}3d", 1, 1, 0), struct.pack(f"{keys.order}6d", *[0] * 6))
    plain = {256: 1, 257: 1, 258: 8, 259: 1, 262: 1, 273: 8, 277: 1, 278: 1, 279: 1}
    away = ((_SCALE, _DOUBLE, 3, place[0]), (_TIEPOINTS, _DOUBLE, 6, place[1]), *keys.tags)
    start = 8 + 2  # the header, and the pixel with a byte to spare, since directories begin at even places
    values = start + 2 + 12 * (len(plain) + len(away)) + 4
    entries = [struct.pack(f"{order}HHII", number, _LONG, 1, value) for number, value in plain.items()]
    tail = b""
    for number, kind, count, value in away:
        if len(value) <= 4:
            entries.append(struct.pack(f"{order}HHI4s", number, kind, count, value))
        else:
            entries.append(struct.pack(f"{order}HHII", number, kind, count, values + len(tail)))
            tail += value + b"\0" * (len(value) % 2)
    head = struct.pack(f"{order}2sHI2x", b"II" if order == "<" else b"MM", 42, start)
    return head + struct.pack(f"{order}H", len(entries)) + b"".join(entries) + b"\0" * 4 + tail
