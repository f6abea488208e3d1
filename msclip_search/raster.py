"""Reading raster files: the one door to rasterio and GDAL."""

import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from msclip_search.errors import TileError
from msclip_search.geometry import Footprint, footprint

if TYPE_CHECKING:
    from rasterio.crs import CRS
    from rasterio.io import DatasetReader

LARGEST_SIDE = 1024
"""Pixels. A larger image is a scene, not a tile: shrunk to a model's 224 px it would answer for nothing it shows."""

SMALLEST_SIDE = 8
"""Pixels. Less than that shows nothing."""

# Sidecar files (.aux.xml, .tfw) are looked for by name, without listing a folder of a million tiles for each of them;
# libjpeg fills what a truncated file lacks with grey unless its warnings are taken as errors.
_GDAL = {"GDAL_DISABLE_READDIR_ON_OPEN": "TRUE", "GDAL_ERROR_ON_LIBJPEG_WARNING": "TRUE"}
_DRIVERS = ["GTiff", "PNG", "JPEG"]
_LONG_EDGE = 20_000.0
"""Metres. The straight edge of a tile up to here stays within a metre of the line between its corners in degrees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Raster:
    """What a file holds, before anything is decided about it."""

    pixels: NDArray[np.generic]
    """Stored values of all bands, (bands, height, width)."""
    descriptions: tuple[str | None, ...] = ()
    """Band descriptions, in order."""
    picture: bool = False
    """Three bands of 8 bits that are red, green and blue."""
    nodata: float | None = None
    """The value for nodata that the file declares."""
    crs: str | None = None
    """Coordinate system, "EPSG:32632" or WKT; None without one."""
    bounds: tuple[float, float, float, float] | None = None
    """left, bottom, right, top in units of `crs`."""
    footprint: Footprint | None = None
    """Outline in OGC:CRS84."""
    tags: Mapping[str, str] = field(default_factory=dict)


def check_shape(height: int, width: int) -> None:
    """Refuse an image that is no tile.

    Raises
    ------
    TileError
        A side is longer than `LARGEST_SIDE` or shorter than `SMALLEST_SIDE`.
    """
    if max(height, width) > LARGEST_SIDE:
        raise TileError(
            f"is {width} x {height} px: a scene, not a tile (at most {LARGEST_SIDE} px a side); cut it first"
        )
    if min(height, width) < SMALLEST_SIDE:
        raise TileError(f"is {width} x {height} px, too small to show anything (at least {SMALLEST_SIDE} px a side)")


def read_raster(path: Path) -> Raster:
    """Read a GeoTIFF, PNG or JPEG whole.

    Raises
    ------
    TileError
        The file cannot be opened, is damaged, or has no shape of a tile.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning, RasterioError

    # A chip without coordinates is nothing to warn about. Set for good: filters are shared by all threads.
    warnings.filterwarnings("ignore", category=NotGeoreferencedWarning)
    logging.getLogger("rasterio").setLevel(logging.CRITICAL)  # what it logs, it also raises
    try:
        with rasterio.Env(**_GDAL), rasterio.open(path) as dataset:
            if dataset.driver not in _DRIVERS:
                raise TileError(f"is a file of GDAL's {dataset.driver}; GeoTIFF, PNG and JPEG are read")
            check_shape(dataset.height, dataset.width)
            return _read(dataset)
    except RasterioError as error:
        raise TileError(_reason(error, path)) from error


def _read(dataset: "DatasetReader") -> Raster:
    from rasterio.enums import ColorInterp

    pixels: NDArray[np.generic] = dataset.read()
    colours = tuple(dataset.colorinterp[:3])
    picture = pixels.dtype == np.uint8 and colours == (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
    crs = dataset.crs
    located = crs is not None and (crs.is_projected or crs.is_geographic)
    return Raster(
        pixels=pixels[:3] if picture else pixels,
        descriptions=tuple(dataset.descriptions),
        picture=picture,
        nodata=dataset.nodata,
        crs=crs.to_string() if located else None,
        bounds=tuple(dataset.bounds) if located else None,
        footprint=_footprint(dataset, crs) if located else None,
        tags=dataset.tags(),
    )


def _footprint(dataset: "DatasetReader", crs: "CRS") -> Footprint | None:
    """Outline of a dataset in longitude and latitude."""
    from rasterio.errors import RasterioError
    from rasterio.warp import transform

    height, width = dataset.height, dataset.width
    edge = max(abs(dataset.bounds.right - dataset.bounds.left), abs(dataset.bounds.top - dataset.bounds.bottom))
    points = 16 if crs.is_projected and edge > _LONG_EDGE else 1
    along = np.linspace(0, 1, points, endpoint=False)
    columns = np.concatenate([along, np.ones(points), 1 - along, np.zeros(points)]) * width
    rows = np.concatenate([np.zeros(points), along, np.ones(points), 1 - along]) * height
    a, b, c, d, e, f = dataset.transform[:6]
    try:
        longitude, latitude = transform(crs, "OGC:CRS84", a * columns + b * rows + c, d * columns + e * rows + f)
    except RasterioError:
        return None  # the coordinates lie outside what the projection can say
    return footprint(longitude, latitude)


def _reason(error: Exception, path: Path) -> str:
    """One line on why a file cannot be read, without GDAL's repetitions of its path."""
    said = str(error.__cause__ or error)
    for prefix in (f"{path}: ", f"{path}, ", f"{path.name}: ", f"{path.name}, ", f"'{path}' "):
        said = said.replace(prefix, "")
    if path.exists() and path.stat().st_size == 0:
        return "is empty (0 bytes)"
    if "Permission denied" in said:
        return "may not be read: permission denied"
    if "not recognized" in said:
        return "is no GeoTIFF, PNG or JPEG, whatever its name says"
    return f"is truncated or damaged ({said.strip().rstrip('.')})"


def write_chip(
    path: Path, pixels: NDArray[Any], *, bands: tuple[str, ...], crs: str, west: float, north: float
) -> None:
    """Write a small GeoTIFF of 10 m pixels whose bands carry their names.

    Parameters
    ----------
    path
        Where to.
    pixels
        (bands, height, width).
    bands
        Their names, written as band descriptions.
    crs
        A projected coordinate system.
    west, north
        Its upper left corner, metres.
    """
    import rasterio
    from rasterio.transform import from_origin

    count, height, width = pixels.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": pixels.dtype}
    profile |= {
        "crs": crs,
        "transform": from_origin(west, north, 10, 10),
        "compress": "deflate",
        "predictor": 2,
    }
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(pixels)
        dataset.descriptions = bands
