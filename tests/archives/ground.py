"""Tiles on the ground, and where they are by arithmetic of our own."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio

from msclip_search.geometry import Footprint
from msclip_search.raster import Raster, read_raster
from tests.archives.painting import write_tiff

SIDE = 16
A, F = 6_378_137.0, 1 / 298.257223563


def degrees(zone: int, east: float, north: float) -> tuple[float, float]:
    """Longitude and latitude of UTM coordinates by Krüger's series, to a millimetre; the south has negative zones."""
    n = F / (2 - F)
    radius = A / (1 + n) * (1 + n**2 / 4 + n**4 / 64)
    xi = (north - (10_000_000 if zone < 0 else 0)) / (0.9996 * radius)
    eta = (east - 500_000) / (0.9996 * radius)
    beta = (n / 2 - 2 * n**2 / 3 + 37 * n**3 / 96, n**2 / 48 + n**3 / 15, 17 * n**3 / 480)
    xi_, eta_ = (
        xi - sum(b * math.sin(2 * j * xi) * math.cosh(2 * j * eta) for j, b in enumerate(beta, 1)),
        eta - sum(b * math.cos(2 * j * xi) * math.sinh(2 * j * eta) for j, b in enumerate(beta, 1)),
    )
    chi = math.asin(math.sin(xi_) / math.cosh(eta_))
    delta = (2 * n - 2 * n**2 / 3 - 2 * n**3, 7 * n**2 / 3 - 8 * n**3 / 5, 56 * n**3 / 15)
    latitude = chi + sum(d * math.sin(2 * j * chi) for j, d in enumerate(delta, 1))
    longitude = math.degrees(math.atan2(math.sinh(eta_), math.cos(xi_))) + abs(zone) * 6 - 183
    return (longitude + 180) % 360 - 180, math.degrees(latitude)


def crs_of(zone: int) -> str:
    return f"EPSG:{32600 + zone if zone > 0 else 32700 - zone}"


def raster(folder: Path, crs: str | None, transform: tuple[float, ...], *, side: int = SIDE) -> Raster:
    """Write a tile somewhere on the ground, and read it."""
    pixels = np.ones((1, side, side), np.uint8)
    return read_raster(write_tiff(folder / "a.tif", pixels, crs=crs, transform=rasterio.Affine(*transform)))


def outline(folder: Path, crs: str, transform: tuple[float, ...], *, side: int = SIDE) -> Footprint:
    found = raster(folder, crs, transform, side=side).footprint
    assert found is not None
    return found


def assert_corners(shape: Any, expected: Sequence[tuple[float, float]]) -> None:  # noqa: ANN401 - shapely has no types
    """Find the expected corners and no others, wherever the ring begins, to a millimetre."""
    found = shape.exterior.coords[:-1]
    assert len(found) == len(expected)
    for x, y in expected:
        assert min(math.hypot(x - other[0], y - other[1]) for other in found) < 1e-8


def parts(found: Footprint) -> list[Any]:
    """Polygons of a footprint, which are as GeoParquet and RFC 7946 want them."""
    polygons = list(getattr(found.shape, "geoms", [found.shape]))
    for polygon in polygons:
        assert polygon.is_valid
        assert polygon.exterior.is_ccw
        west, south, east, north = polygon.bounds
        assert -180 <= west < east <= 180
        assert -90 <= south < north <= 90
    return polygons


def metres_a_degree(latitude: float) -> tuple[float, float]:
    """Length of a degree of longitude and of latitude on the ellipsoid."""
    e2 = F * (2 - F)
    w = 1 - e2 * math.sin(math.radians(latitude)) ** 2
    return (
        math.radians(1) * A / math.sqrt(w) * math.cos(math.radians(latitude)),
        math.radians(1) * A * (1 - e2) / w**1.5,
    )
