"""The pixels of a tile that was indexed, found again by what the sidecar keeps of it."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msclip_search import radiometry
from msclip_search.archives.arrays import read_array
from msclip_search.archives.chips import name_raster, parse_treatment
from msclip_search.archives.patches import read_patch
from msclip_search.archives.sources import is_unchanged, source_state
from msclip_search.errors import TileError
from msclip_search.raster import Raster, check_window, read_window
from msclip_search.tile import Window

_IMPORTED = "imported"
"""How a fingerprint says that nothing was read but a vector: see `exchange.records`."""


@dataclass(frozen=True, slots=True)
class StoredPixels:
    """A tile as its source holds it."""

    raster: Raster
    """All bands of the window."""
    bands: tuple[str | None, ...]
    """What each of them is; None is something else."""

    def reflectance(self, offset: float | None) -> tuple[NDArray[np.generic], tuple[str, ...]]:
        """Return the bands of Sentinel-2 as reflectance × 10000 without offset, and their names.

        Parameters
        ----------
        offset
            What is added to the stored values.

        Returns
        -------
        (NDArray, tuple of str)
            (bands, height, width), 0 where there is no data, or 8 bits for a picture; and the bands in that order.
        """
        raster = self.raster
        named = [(place, band) for place, band in enumerate(self.bands) if band]
        empty = radiometry.nodata_mask(raster.pixels, declared=raster.nodata)
        if raster.masked is not None:
            empty |= raster.masked
        pixels = radiometry.fill(raster.pixels[[place for place, _ in named]], empty, declared=raster.nodata)
        if radiometry.is_plain_reflectance(pixels):
            pixels = radiometry.from_plain(pixels)
        if offset is not None:
            pixels = radiometry.add_offset(pixels, offset, empty=empty)
        return pixels, tuple(band for _, band in named)


def read_stored(source: str, window: Window, *, fingerprint: str) -> StoredPixels:
    """Read the pixels of a tile again.

    Parameters
    ----------
    source
        The file.
    window
        Which rectangle of it.
    fingerprint
        What it was when it was indexed, and how it was read then.

    Raises
    ------
    TileError
        The file is not there, may not be read, is not what it was, or its bands are not known; or the tile is known by
        a row of a table alone.
    """
    path = Path(source)
    treatment = fingerprint.partition(" ")[2]
    if treatment == _IMPORTED:
        raise TileError("was imported as a row of a table, which has no pixels")
    source_state(path)  # says why there is none
    if not is_unchanged(source, fingerprint):
        raise TileError("has changed since it was indexed")
    layout = parse_treatment(treatment)
    if path.is_dir():
        raster = _whole(read_patch(path).raster, window)
    elif path.suffix.lower() in {".npy", ".npz"}:
        raster = _cut(read_array(path, layout=layout), window)
    else:
        raster = read_window(path, window)
    return StoredPixels(raster, name_raster(raster, layout).bands)


def _whole(raster: Raster, window: Window) -> Raster:
    """Refuse a rectangle that is not the whole of a patch."""
    _, height, width = raster.pixels.shape
    if window != Window(0, 0, width, height):
        raise TileError(f"is {width} x {height} px, of which a tile takes all, not {window}")
    return raster


def _cut(raster: Raster, window: Window) -> Raster:
    """Take a rectangle of an array."""
    _, height, width = raster.pixels.shape
    check_window(height, width, window)
    rows, columns = slice(window.y, window.y + window.height), slice(window.x, window.x + window.width)
    return replace(raster, pixels=raster.pixels[:, rows, columns])
