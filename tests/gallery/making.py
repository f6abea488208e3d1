"""Hits made by hand, of whatever files a test has."""

import datetime as dt
import re
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

from msclip_search import Hits, catalog
from msclip_search.archives import Reading
from msclip_search.files import file_state
from msclip_search.geometry import Footprint, footprint
from msclip_search.tile import TileRecord, Window
from tests.made import BANDS

WRITTEN = dt.datetime(2024, 5, 6, 7, 8, tzinfo=dt.UTC)


def record(
    path: Path,
    window: Window,
    *,
    number: int = 0,
    layout: tuple[str, ...] | None = None,
    offset: float | None = None,
    outline: Footprint | None = None,
    labels: tuple[str, ...] = (),
    cloud: float | None = None,
    sensed: dt.datetime | None = None,
) -> TileRecord:
    """Make what an index keeps of a tile."""
    reading = Reading(want=BANDS, layout=layout, offset=offset)
    return TileRecord(
        tile_id=f"{number:032x}",
        source=str(path),
        window=window,
        footprint=outline,
        crs="EPSG:32632",
        datetime=sensed,
        cloud=cloud,
        nodata=0.0,
        offset=offset,
        labels=labels,
        fingerprint=f"{file_state(path)} {reading.treatment}",
    )


def hits_of(records: list[TileRecord], query: str = "flooded farmland") -> Hits:
    """Rank records as they come."""
    count = len(records)
    return Hits(
        query=query,
        top_k=count,
        searched=1234,
        ranks=np.arange(1, count + 1, dtype=np.int64),
        scores=np.linspace(0.31, -0.05, count, dtype=np.float32),
        percentiles=np.linspace(99.9, 12, count, dtype=np.float32),
        tiles=catalog.to_table(records, np.zeros(count, np.uint64)),
    )


def square(west: float, south: float, size: float = 0.01) -> Footprint:
    """Make an outline with its lower left corner at a place; it may reach beyond 180°."""
    made = footprint([west, west + size, west + size, west], [south, south, south + size, south + size])
    assert made
    return made


def write_scene(
    path: Path, pixels: NDArray[np.generic], *, names: tuple[str, ...] = (), nodata: float | None = None
) -> None:
    """Write a raster of any size with rasterio alone."""
    count, height, width = pixels.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": pixels.dtype}
    profile |= {"crs": "EPSG:32632", "transform": rasterio.Affine(10, 0, 600_000, 0, -10, 5_300_000), "nodata": nodata}
    with rasterio.open(path, "w", **profile) as dataset:
        dataset.write(pixels)
        if names:
            dataset.descriptions = names


def coordinates(count: int, height: int, width: int) -> NDArray[np.uint16]:
    """Pixels that tell their own place: a misplaced window shows as a wrong number."""
    band, row, column = np.indices((count, height, width))
    pixels: NDArray[np.uint16] = (1 + band * 37 + row * 11 + column * 5).astype(np.uint16)
    return pixels


def rendered(red: NDArray[np.generic], green: NDArray[np.generic], blue: NDArray[np.generic]) -> NDArray[np.float64]:
    """Render in true colour as documented, of reflectance × 10000: brightness × 255, (height, width, 3)."""
    r = np.clip(np.stack([red, green, blue], axis=2).astype(np.float64) / 10_000, 0, 0.9)
    u = (r - 0.156) / 0.744
    bright = np.where(r <= 0.156, r / 0.24, 0.65 + 0.35 * 8.857 * u / (1 + 7.857 * u))
    grey = bright.mean(axis=2, keepdims=True)
    made: NDArray[np.float64] = np.clip(grey + 1.2 * (bright - grey), 0, 1) * 255
    return made


def infrared(near: NDArray[np.generic], red: NDArray[np.generic], green: NDArray[np.generic]) -> NDArray[np.float64]:
    """Render in false colour as documented."""
    r = np.clip(np.stack([0.8 * near.astype(np.float64), red, green], axis=2) / 10_000, 0, 0.9)
    u = (r - 0.156) / 0.744
    return np.where(r <= 0.156, r / 0.24, 0.65 + 0.35 * 8.857 * u / (1 + 7.857 * u)) * 255


def attribute(tag: str, name: str) -> str:
    """Value of an attribute of a tag as text."""
    found = re.search(rf'\b{name}="([^"]*)"', tag)
    assert found, tag
    return found[1]
