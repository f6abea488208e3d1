"""Reading files that are each a tile, whole."""

import logging
import re
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from msclip_search.damage import check_png, check_tiff
from msclip_search.errors import TileError
from msclip_search.files import opened
from msclip_search.geometry import Footprint
from msclip_search.raster.geokeys import plain_place
from msclip_search.raster.placing import Place, place_of
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
# What knows its place already has nothing beside it that counts, and is not asked for it again.
_PLACED = _GDAL | {"GDAL_DISABLE_READDIR_ON_OPEN": "EMPTY_DIR"}
_DRIVERS = {
    b"II*\0": "GTiff",
    b"MM\0*": "GTiff",
    b"II+\0": "GTiff",
    b"MM\0+": "GTiff",
    b"\x89PNG": "PNG",
    b"\xff\xd8\xff": "JPEG",
}
"""GDAL's drivers by the first bytes of a file. No other driver is let near a file."""


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
    with _opened_dataset(path) as it:
        check_shape(it.dataset.height, it.dataset.width)
        return _read(it)


def read_window(path: Path, window: Window) -> Raster:
    """Read a rectangle of a GeoTIFF, PNG or JPEG of any size.

    Raises
    ------
    TileError
        The file cannot be opened, is damaged, or ends before the window does.
    """
    with _opened_dataset(path) as it:
        check_window(it.dataset.height, it.dataset.width, window)
        return _read(it, window)


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


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file that is open in rasterio."""

    dataset: "DatasetReader"
    place: Place | None
    """Where it lies, by its own tags; None where GDAL is to say it."""


@contextmanager
def _opened_dataset(path: Path) -> Iterator[_Opened]:
    """Open a GeoTIFF, PNG or JPEG in rasterio, once what GDAL passes over has been checked.

    Raises
    ------
    TileError
        The file cannot be opened, or is damaged; also for whatever GDAL says while it is read.
    """
    import rasterio
    from rasterio.errors import NotGeoreferencedWarning
    from rasterio.io import DatasetReader

    quiet = ("ignore", None, NotGeoreferencedWarning, None, 0)
    if quiet not in warnings.filters:  # A chip without coordinates is nothing to warn about.
        # Set for good, since all threads share the filters.
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
    log = logging.getLogger("rasterio")
    if log.level != logging.CRITICAL:  # setting it empties the caches of all loggers
        log.setLevel(logging.CRITICAL)  # what it logs, it also raises
    place = None
    with opened(path) as file:
        start = file.read(4)
        driver = next((name for magic, name in _DRIVERS.items() if start.startswith(magic)), None)
        if driver is None:
            raise TileError("is no GeoTIFF, PNG or JPEG, whatever its name says")
        if driver == "GTiff":
            place = plain_place(path, file, check_tiff(file))
        elif driver == "PNG":
            check_png(file)
    options = {"GEOREF_SOURCES": "NONE"} if place else {}
    try:
        with (
            rasterio.Env(**(_PLACED if place else _GDAL)),
            DatasetReader(str(path), driver=driver, sharing=False, **options) as dataset,
        ):
            yield _Opened(dataset, place)
    except TileError:
        raise
    except Exception as error:  # rasterio lets errors of GDAL through that have no public base
        raise TileError(_reason(error, path)) from error


def _read(it: _Opened, window: Window | None = None) -> Raster:
    from rasterio.enums import ColorInterp, MaskFlags
    from rasterio.windows import Window as Rectangle

    dataset = it.dataset
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
    place = it.place or place_of(dataset)
    whole = None if window else place
    return Raster(
        pixels=pixels[:count],
        descriptions=_descriptions(dataset)[:count],
        picture=picture,
        nodata=dataset.nodata,
        masked=dataset.dataset_mask(window=at) == 0 if has_mask else None,
        crs=place.system.name if place else None,
        transform=place.numbers(window) if place else None,
        bounds=whole.bounds(dataset.width, dataset.height) if whole else None,
        footprint=whole.outline(dataset.width, dataset.height) if whole else None,
        tags=dataset.tags() | ({"AREA_OR_POINT": "Area"} if it.place else {}),
    )


def _descriptions(dataset: "DatasetReader") -> tuple[str | None, ...]:
    try:
        return tuple(dataset.descriptions)
    except UnicodeDecodeError as error:
        raise TileError("describes its bands in a text that is not UTF-8") from error


def _reason(error: Exception, path: Path) -> str:
    """One line on why a file cannot be read, without GDAL's repetitions of its path."""
    said = re.sub(rf"'?({re.escape(str(path))}|{re.escape(path.name)})'?[:,]?\s*", "", str(error.__cause__ or error))
    return f"is truncated or damaged ({said.strip().rstrip('.') or type(error).__name__})"
