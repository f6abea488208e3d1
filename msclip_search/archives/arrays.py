"""Reading tiles from NumPy's files, which know neither places nor dates."""

import zipfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msclip_search.bands import BANDS, SETTLED, band_name
from msclip_search.errors import TileError
from msclip_search.raster import Raster, check_shape

_CUBE, _PLANE = 3, 2
_COUNTS = (*SETTLED, len(BANDS))


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
        The file is damaged, holds objects, or its axes cannot be told apart.
    """
    try:
        with path.open("rb") as file:
            loaded = np.load(file, allow_pickle=False)
            if isinstance(loaded, np.ndarray):
                return _cube(loaded, layout)
            with loaded:
                return _bundle({name: loaded[name] for name in loaded.files}, layout)
    except TileError:
        raise
    except PermissionError as error:
        raise TileError("may not be read: permission denied") from error
    except (ValueError, EOFError, OSError, KeyError, zipfile.BadZipFile, SyntaxError) as error:
        if path.exists() and path.stat().st_size == 0:
            raise TileError("is empty (0 bytes)") from error
        if "allow_pickle" in str(error) or "Object arrays" in str(error):
            raise TileError("holds Python objects (a pickle), not numbers: it was not run") from error
        raise TileError(f"is truncated, damaged, or no NumPy file ({str(error).splitlines()[0]})") from error


def _bundle(arrays: dict[str, NDArray[np.generic]], layout: Sequence[str] | None) -> Raster:
    planes = {name: array for name, array in arrays.items() if array.ndim == _PLANE and band_name(name)}
    if planes:
        shapes = {array.shape for array in planes.values()}
        if len(shapes) > 1:
            raise TileError(f"its bands differ in size ({', '.join(map(str, sorted(shapes)))})")
        check_shape(*shapes.pop())
        return Raster(pixels=_numbers(np.stack(list(planes.values()))), descriptions=tuple(planes))
    cubes = [name for name, array in arrays.items() if array.ndim == _CUBE]
    if len(cubes) != 1:
        raise TileError(
            f"holds {len(cubes)} arrays of three dimensions and no bands by name "
            f"(it has {', '.join(arrays) or 'nothing'})"
        )
    return _cube(arrays[cubes[0]], layout)


def _cube(array: NDArray[np.generic], layout: Sequence[str] | None) -> Raster:
    """Bring an array to (bands, height, width)."""
    if array.ndim != _CUBE:
        raise TileError(f"has {array.ndim} dimensions where (bands, height, width) is wanted")
    counts = (len(layout),) if layout else _COUNTS
    first, last = array.shape[0] in counts, array.shape[2] in counts
    if first and last:
        raise TileError(f"has the shape {array.shape}, of which either end could be the bands: write it as GeoTIFF")
    if not first and not last:
        raise TileError(
            f"has the shape {array.shape}, in which no axis has {' or '.join(map(str, counts))} bands: "
            "name its bands with --bands"
        )
    cube = array if first else np.moveaxis(array, 2, 0)
    check_shape(*cube.shape[1:])
    return Raster(pixels=_numbers(np.ascontiguousarray(cube)))


def _numbers(array: NDArray[np.generic]) -> NDArray[np.generic]:
    """Refuse what is no number, and bring numbers to this machine's byte order."""
    if array.dtype.kind not in "iuf":
        raise TileError(f"holds {array.dtype}, not numbers")
    return array.astype(array.dtype.newbyteorder("="), copy=False)
