"""Where the pixels of a file lie on the ground."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from msclip_search.geometry import Footprint, footprint
from msclip_search.tile import Window

if TYPE_CHECKING:
    from rasterio.crs import CRS
    from rasterio.io import DatasetReader
    from rasterio.transform import Affine

_LONG_EDGE = 5_000.0
"""Metres. Up to 60° of latitude, a straight edge up to here stays within a metre of the line between its corners in
degrees; up to 80°, within 3 m."""
_POLAR = 85.0
"""Degrees. Beyond, no edge is straight in longitude and latitude."""
_EDGE_POINTS = 16


@dataclass(frozen=True, slots=True)
class System:
    """A coordinate system, with what is asked of it for each tile."""

    crs: "CRS"
    name: str
    """ "EPSG:32632" or WKT."""
    projected: bool
    degrees: bool
    """Longitude and latitude."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the pixels of a file lie; of a file with no place on the ground, there is none."""

    system: System
    transform: "Affine"
    """From columns and rows to units of the system."""

    def numbers(self, window: Window | None) -> tuple[float, ...]:
        """Return the six numbers of the transform, from the corner of a window."""
        a, b, c, d, e, f = self.transform[:6]
        x, y = (window.x, window.y) if window else (0, 0)
        return a, b, c + a * x + b * y, d, e, f + d * x + e * y

    def bounds(self, width: int, height: int) -> tuple[float, float, float, float]:
        """Return left, bottom, right, top of so many pixels."""
        x, y = self._edge(width, height)
        if self.transform.is_rectilinear:
            return x[0], y[2], x[2], y[0]
        return min(x), min(y), max(x), max(y)

    def outline(self, width: int, height: int) -> Footprint | None:
        """Return the outline of so many pixels in degrees; None where the projection knows nothing of them."""
        x, y = self._edge(width, height)
        is_long = self.system.projected and max(max(x) - min(x), max(y) - min(y)) > _LONG_EDGE
        try:
            degrees = self._to_degrees(*(self._edge(width, height, points=_EDGE_POINTS) if is_long else (x, y)))
            if max(map(abs, degrees[1])) > _POLAR:
                degrees = self._to_degrees(*self._edge(width, height, points=_EDGE_POINTS))
        except Exception:  # noqa: BLE001 - PROJ's errors have no public base
            return None
        return footprint(*degrees)

    def _edge(self, width: int, height: int, *, points: int = 1) -> tuple[list[float], list[float]]:
        """X and y along the outer edge of the pixels, from the first one's row by row."""
        a, b, c, d, e, f = self.transform[:6]
        at = [(column * width, row * height) for column, row in _square(points)]
        return [a * column + b * row + c for column, row in at], [d * column + e * row + f for column, row in at]

    def _to_degrees(self, x: list[float], y: list[float]) -> tuple[list[float], list[float]]:
        from rasterio.warp import transform

        longitudes, latitudes = transform(self.system.crs, _crs84(), x, y)
        return longitudes, latitudes


@functools.cache
def _square(points: int) -> Sequence[tuple[float, float]]:
    """Columns and rows along the edge of a square of side 1, 4 × points."""
    along = np.linspace(0, 1, points, endpoint=False)
    columns = np.concatenate([along, np.ones(points), 1 - along, np.zeros(points)])
    rows = np.concatenate([np.zeros(points), along, np.ones(points), 1 - along])
    return list(zip(columns.tolist(), rows.tolist(), strict=True))


@functools.cache
def _crs84() -> "CRS":
    from rasterio.crs import CRS

    return CRS.from_user_input("OGC:CRS84")


def place_of(dataset: "DatasetReader") -> Place | None:
    """Ask GDAL where a dataset lies."""
    return make_place(system_of(dataset.crs), dataset.transform)


def make_place(system: System | None, transform: "Affine") -> Place | None:
    """Place pixels on the ground; None where the coordinates are of no use there."""
    useful = system and (system.projected or system.degrees) and not (transform.is_identity or transform.is_degenerate)
    return Place(system, transform) if system and useful else None


def system_of(crs: "CRS | None") -> System | None:
    """Ask GDAL about a coordinate system."""
    return System(crs, crs.to_string(), crs.is_projected, crs.is_geographic) if crs else None
