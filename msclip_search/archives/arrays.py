"""Reading tiles from NumPy's files, which know neither places nor dates."""

import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from msclip_search.bands import BANDS, SETTLED, band_name
from msclip_search.errors import TileError
from msclip_search.files import opened
from msclip_search.raster import Raster, check_shape

_CUBE, _PLANE = 3, 2
_COUNTS = (*SETTLED, len(BANDS))
_ZIP, _PICKLE = b"PK", b"\x80"
_HEADERS = {(1, 0): npy.read_array_header_1_0, (2, 0): npy.read_array_header_2_0}
_CODE = "holds Python objects (a pickle), not numbers: it was not run"


def read_array(path: Path, *, layout: Sequence[str] | None = None) -> Raster:
    """Read an `.npy` or `.npz` file.

    An `.npz` holds either one array of three dimensions, or one array a band under the band's name.

    Parameters
    ----------
    path
        The file.
    layout
        The bands as the user named them; their number tells which axis is that of the bands.

    Raises
    ------
    TileError
        The file cannot be opened, is damaged, holds objects, or its axes cannot be told apart.
    """
    with opened(path) as file:
        start = file.read(len(_ZIP))
        file.seek(0)
        if start.startswith(_PICKLE):
            raise TileError(_CODE)
        try:
            return _bundle(file, layout) if start == _ZIP else _cube(file, _header(file), layout)
        except TileError:
            raise
        except Exception as error:  # what damage makes of zipfile, zlib and NumPy's parser has no end
            said = str(error).partition("\n")[0].rstrip(".") or type(error).__name__
            raise TileError(f"is truncated, damaged, or no NumPy file ({said})") from error


@dataclass(frozen=True, slots=True)
class _Header:
    """What an array says of itself before its numbers are read."""

    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def _header(file: IO[bytes]) -> _Header:
    version = npy.read_magic(file)
    if version not in _HEADERS:
        raise TileError("holds records, not an array of numbers")  # the only reason for another version
    shape, _, dtype = _HEADERS[version](file)
    return _Header(shape, dtype)


def _bundle(file: IO[bytes], layout: Sequence[str] | None) -> Raster:
    with zipfile.ZipFile(file) as archive:
        members = {name.removesuffix(".npy"): name for name in archive.namelist() if name.endswith(".npy")}
        headers: dict[str, _Header] = {}
        for key, name in members.items():
            with archive.open(name) as member:
                headers[key] = _header(member)
        if planes := {key: head for key, head in headers.items() if len(head.shape) == _PLANE and band_name(key)}:
            return _stack(archive, members, planes)
        cubes = [key for key, head in headers.items() if len(head.shape) == _CUBE]
        if len(cubes) != 1:
            raise TileError(
                f"holds {len(cubes)} arrays of three dimensions and no bands by name "
                f"(it has {', '.join(members) or 'nothing'})"
            )
        with archive.open(members[cubes[0]]) as member:
            return _cube(member, headers[cubes[0]], layout)


def _stack(archive: zipfile.ZipFile, members: Mapping[str, str], planes: Mapping[str, _Header]) -> Raster:
    """Read one array a band."""
    shapes = sorted({plane.shape for plane in planes.values()})
    if len(shapes) > 1:
        raise TileError(f"has bands of different sizes ({', '.join(map(str, shapes))})")
    check_shape(*shapes[0])
    arrays = []
    for key, plane in planes.items():
        with archive.open(members[key]) as member:
            arrays.append(_numbers(member, plane))
    return Raster(pixels=np.stack(arrays), descriptions=tuple(planes))


def _cube(file: IO[bytes], header: _Header, layout: Sequence[str] | None) -> Raster:
    """Read an array as (bands, height, width)."""
    shape = header.shape
    if len(shape) != _CUBE:
        raise TileError(f"has {len(shape)} dimension{'s' * (len(shape) != 1)} where (bands, height, width) is wanted")
    counts = (len(layout),) if layout else _COUNTS
    first, last = shape[0] in counts, shape[2] in counts
    if first and last:
        raise TileError(f"has the shape {shape}, of which either end could be the bands: write it as GeoTIFF")
    if not first and not last:
        raise TileError(
            f"has the shape {shape}, in which no axis has {' or '.join(map(str, counts))} bands: "
            "name its bands with --bands"
        )
    check_shape(*(shape[1:] if first else shape[:2]))
    array = _numbers(file, header)
    return Raster(pixels=np.ascontiguousarray(array if first else np.moveaxis(array, 2, 0)))


def _numbers(file: IO[bytes], header: _Header) -> NDArray[np.generic]:
    """Read numbers, and bring them to this machine's byte order."""
    if header.dtype.hasobject:
        raise TileError(_CODE)
    if header.dtype.kind not in "iuf":
        raise TileError(f"holds {header.dtype}, not plain numbers")
    file.seek(0)
    array: NDArray[np.generic] = npy.read_array(file, allow_pickle=False)
    if file.read(1):  # asked also because a zip's checksum is looked at only when all has been read
        raise TileError("is longer than its header says")
    return array.astype(array.dtype.newbyteorder("="), copy=False)
