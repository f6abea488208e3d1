"""Tiles made of numbers, for tests that need some and care little what they show."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msclip_search.bands import LAYOUTS
from msclip_search.raster import write_chip

BANDS = LAYOUTS["ten"]
CRS = "EPSG:32632"


def made_pixels(seed: int, *, size: int = 32) -> NDArray[np.uint16]:
    """Ten bands of smooth noise around a random spectrum, (10, size, size)."""
    random = np.random.default_rng(seed)
    spectrum = random.uniform(200, 4000, (len(BANDS), 1, 1))
    texture = random.normal(1, 0.1, (1, size, size))
    pixels: NDArray[np.uint16] = np.clip(spectrum * texture, 1, 10_000).astype(np.uint16)
    return pixels


def make_archive(folder: Path, count: int, *, first: int = 0, size: int = 32) -> list[Path]:
    """Write tiles side by side; the same number always gives the same tile."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"tile_{number:05d}_20230601.tif" for number in range(first, first + count)]
    for number, path in enumerate(paths, first):
        west, north = 600_000 + 10 * size * (number % 50), 5_300_000 - 10 * size * (number // 50)
        write_chip(path, made_pixels(number, size=size), bands=BANDS, crs=CRS, west=west, north=north)
    return paths
