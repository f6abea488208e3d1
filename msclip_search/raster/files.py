"""Reading files that are each a tile, whole."""

import functools
import logging
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from msclip_search.damage import check_png, check_tiff
from msclip_search.errors import TileError
from msclip_search.files import opened
from msclip_search.geometry import Footprint, footprint
from msclip_search.tile import Window

if TYPE_CHECKING:
    from rasterio.io import DatasetReader

LARGEST_SIDE = 1024
"""Pixels. A larger image is a scene, not a tile: shrunk to a model's 224 px it would answer for nothing it shows."""

LARGEST_WINDOW = 4096
"""Pixels. Beyond it the rectangle that a sidecar names is a mistake, and would fill the memory."""

SMALLEST_SIDE = 8
"""Pixels. Less than that shows nothing."""

MOST_BANDS = 64
"""No chip of one date has more; a cube of many would fill the memory before its bands are looked at."""

# Sidecar files (.aux.xml, .tfw) are looked for by name, without listing a folder of a million tiles for each of them;
# libjpeg makes up what a damaged file lacks unless its warnings are taken as errors.
_GDAL = {"GDAL_DISABLE_READDIR_ON_OPEN": "TRUE", "GDAL_ERROR_ON_LIBJPEG_WARNING": "TRUE"}
_DRIVERS = {
    b"II*\0": "GTiff",
    b"MM\0*": "GTiff",
    b"II+\0": "GTiff",
    b"MM\0+": "GTiff",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
}
"""GDAL's drivers by the first bytes of a file. No other driver is let near a file."""
_CHECKS = {"GTiff": check_tiff, "PNG": check_png}
_LONG_EDGE = 5_000.0
"""Metres. Up to 60° of latitude, a straight edge up to here stays within a metre of the line between its corners in
degrees; up to 80°, within 3 m."""
_POLAR = 85.0
"""Degrees. Beyond, no edge is straight in longitude and latitude."""
_EDGE_POINTS = 16


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
    masked: NDArray[np.bool_] | None = None
    """Pixels that the file's mask or alpha band declares empty, (height, width); None without one."""
    crs: str | None = None
    """Coordinate system, "EPSG:32632" or WKT; None without one."""
    transform: tuple[float, ...] | None = None
    """Six numbers a … f: x = a · column + b · row + c and y = d · column + e · row + f, in units of `crs`."""
    bounds: tuple[float, float, float, float] | None = None
    """left, bottom, right, top in units of `crs`; None for a window."""
    footprint: Footprint | None = None
    """Outline in OGC:CRS84; None for a window."""
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
    with _opened_dataset(path) as dataset:
        check_shape(dataset.height, dataset.width)
        return _read(dataset)


def read_window(path: Path, window: Window) -> Raster:
    """Read a rectangle of a GeoTIFF, PNG or JPEG of any size.

    Raises
    ------
    TileError
        The file cannot be opened, is damaged, or ends before the window does.
    """
    with _opened_dataset(path) as dataset:
        check_window(dataset.height, dataset.width, window)
        return _read(dataset, window)


def check_window(height: int, width: int, window: Window) -> None:
    """Refuse a window that does not lie in an image, or is too large to be a tile.

    Raises
    ------
    TileError
    """
    if window.x + window.width > width or window.y + window.height > height:
        raise TileError(
            f"is {width} x {height} px, which the tile of {window.width} x {window.height} px at column {window.x}, "
            f"row {window.y} reaches beyond"
        )
    if max(window.width, window.height) > LARGEST_WINDOW:
        raise TileError(f"has a tile of {window.width} x {window.height} px (at most {LARGEST_WINDOW} px a side)")


@contextmanager
def _opened_dataset(path: Path) -> "Iterator[DatasetReader]":
    """Open a GeoTIFF, PNG or JPEG in rasterio, once what GDAL passes over has been checked.

    Raises
    ------
    TileError
        The file cannot be opened, or is damaged; also for whatever GDAL says while it is read.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    quiet = ("ignore", None, NotGeoreferencedWarning, None, 0)
    if quiet not in warnings.filters:  # A chip without coordinates is nothing to warn about.
        # Set for good, since all threads share the filters.
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
    logging.getLogger("rasterio").setLevel(logging.CRITICAL)  # what it logs, it also raises
    with opened(path) as file:
        start = file.read(4)
        driver = next((name for magic, name in _DRIVERS.items() if start.startswith(magic)), None)
        if driver is None:
            raise TileError("is no GeoTIFF, PNG or JPEG, whatever its name says")
        if check := _CHECKS.get(driver):
            check(file)
    try:
        with rasterio.Env(**_GDAL), rasterio.open(path, driver=driver) as dataset:
            yield dataset
    except TileError:
        raise
    except Exception as error:  # rasterio lets errors of GDAL through that have no public base
        raise TileError(_reason(error, path)) from error


def _read(dataset: "DatasetReader", window: Window | None = None) -> Raster:
    from rasterio.enums import ColorInterp, MaskFlags
    from rasterio.windows import Window as Rectangle

    if dataset.count > MOST_BANDS:
        raise TileError(f"has {dataset.count} bands: more than a tile of one date ({MOST_BANDS} at most)")
    if dataset.dtypes[0].startswith("complex"):
        raise TileError(f"holds {dataset.dtypes[0]}, not plain numbers")
    at = Rectangle(window.x, window.y, window.width, window.height) if window else None
    pixels: NDArray[np.generic] = dataset.read(window=at)
    colours = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
    picture = pixels.dtype == np.uint8 and tuple(dataset.colorinterp[:3]) == colours
    count = 3 if picture else len(pixels)
    has_mask = MaskFlags.per_dataset in dataset.mask_flag_enums[0]
    crs, transform = dataset.crs, dataset.transform
    located = bool(
        crs and (crs.is_projected or crs.is_geographic) and not (transform.is_identity or transform.is_degenerate)
    )
    return Raster(
        pixels=pixels[:count],
        descriptions=_descriptions(dataset)[:count],
        picture=picture,
        nodata=dataset.nodata,
        masked=dataset.dataset_mask(window=at) == 0 if has_mask else None,
        crs=crs.to_string() if located else None,
        transform=_moved(transform, window) if located else None,
        bounds=_bounds(dataset) if located and not at else None,
        footprint=_footprint(dataset) if located and not at else None,
        tags=dataset.tags(),
    )


def _moved(transform: Sequence[float], window: Window | None) -> tuple[float, ...]:
    """Return the six numbers of a transform, from the corner of a window."""
    a, b, c, d, e, f = transform[:6]
    x, y = (window.x, window.y) if window else (0, 0)
    return a, b, c + a * x + b * y, d, e, f + d * x + e * y


def _descriptions(dataset: "DatasetReader") -> tuple[str | None, ...]:
    try:
        return tuple(dataset.descriptions)
    except UnicodeDecodeError as error:
        raise TileError("describes its bands in a text that is not UTF-8") from error


@functools.cache
def _square(points: int) -> NDArray[np.float64]:
    """Columns and rows, (2, 4 × points), along the edge of a square of side 1."""
    along = np.linspace(0, 1, points, endpoint=False)
    columns = np.concatenate([along, np.ones(points), 1 - along, np.zeros(points)])
    return np.stack([columns, np.concatenate([np.zeros(points), along, np.ones(points), 1 - along])])


def _edge(dataset: "DatasetReader", *, points: int = 1) -> NDArray[np.float64]:
    """X and y, (2, 4 × points), along the outer edge of a dataset's pixels, from the first one's row by row."""
    columns, rows = _square(points) * ((dataset.width,), (dataset.height,))
    a, b, c, d, e, f = dataset.transform[:6]
    return np.stack([a * columns + b * rows + c, d * columns + e * rows + f])


def _bounds(dataset: "DatasetReader") -> tuple[float, float, float, float]:
    x, y = _edge(dataset)
    if dataset.transform.is_rectilinear:
        return float(x[0]), float(y[2]), float(x[2]), float(y[0])
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def _footprint(dataset: "DatasetReader") -> Footprint | None:
    """Outline of a dataset in longitude and latitude."""
    is_long = dataset.crs.is_projected and np.ptp(_edge(dataset), axis=1).max() > _LONG_EDGE
    try:
        ring = _to_degrees(dataset, points=_EDGE_POINTS if is_long else 1)
        if np.abs(ring[1]).max() > _POLAR:
            ring = _to_degrees(dataset, points=_EDGE_POINTS)
    except Exception:  # noqa: BLE001 - PROJ's errors have no public base
        return None  # coordinates that the projection knows nothing of
    return footprint(*ring)


def _to_degrees(dataset: "DatasetReader", *, points: int) -> NDArray[np.float64]:
    from rasterio.warp import transform

    return np.array(transform(dataset.crs, "OGC:CRS84", *_edge(dataset, points=points)))


def _reason(error: Exception, path: Path) -> str:
    """One line on why a file cannot be read, without GDAL's repetitions of its path."""
    said = re.sub(rf"'?({re.escape(str(path))}|{re.escape(path.name)})'?[:,]?\s*", "", str(error.__cause__ or error))
    return f"is truncated or damaged ({said.strip().rstrip('.') or type(error).__name__})"
