"""A tile: what is embedded, and all that is kept about it."""

import datetime as dt
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msclip_search.geometry import Footprint


@dataclass(frozen=True, slots=True)
class Window:
    """A rectangle of pixels inside a source."""

    x: int
    """Columns left of it."""
    y: int
    """Rows above it."""
    width: int
    height: int

    def __post_init__(self) -> None:
        """Refuse what is no rectangle."""
        if min(self.x, self.y) < 0 or min(self.width, self.height) < 1:
            raise ValueError(f"A window starts at 0 or later and holds a pixel at least, got {self}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class TileRecord:
    """Everything the sidecar keeps about a tile, except what the store adds when it writes the vector."""

    tile_id: str
    """The tile's only lasting name: for an anonymous chip, a hash of its content."""
    cell_id: str | None = None
    """The ground it covers whatever the product, so that two dates of one place can be compared."""
    source: str
    """Where it was read from: a path or address, without credentials or query string."""
    window: Window
    """Which pixels of the source."""
    footprint: Footprint | None = None
    """Outline in OGC:CRS84; None where the file has no coordinates."""
    crs: str | None = None
    """Coordinate system of the pixels: "EPSG:32632", or WKT where it has no code."""
    datetime: dt.datetime | None = None
    """Sensing time, UTC."""
    cloud: float | None = None
    """Percent of the valid pixels; None where there is no mask."""
    shadow: float | None = None
    """Percent of the valid pixels; None where there is no mask."""
    snow: float | None = None
    """Percent of the valid pixels; None where there is no mask."""
    nodata: float | None = None
    """Percent of all pixels."""
    platform: str | None = None
    """ "Sentinel-2A", … """
    level: str | None = None
    """ "L1C" or "L2A"."""
    baseline: str | None = None
    """Processing baseline, "05.09"."""
    offset: float | None = None
    """What was added to the stored values; None: nothing is known, they were taken as stored."""
    offset_source: str | None = None
    """Who said so: "user", "product", …; "as stored" where nobody did."""
    product_id: str | None = None
    mgrs_tile: str | None = None
    """Tile of the military grid, "32TMT"."""
    labels: tuple[str, ...] = ()
    caption: str | None = None
    fingerprint: str
    """Size and modification time of the source, and how it was read: equal means nothing has changed."""


@dataclass(frozen=True, slots=True)
class Tile:
    """Pixels ready for an encoder, with their record."""

    pixels: NDArray[np.generic]
    """(bands, height, width) in the order of the model; reflectance × 10000 (uint16, int16, float32), or a true-colour
    rendering (uint8)."""
    record: TileRecord
