"""Tiles in which every number says where it belongs, so that a misplaced read shows as a wrong number."""

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning

from msclip_search.archives import Reading
from msclip_search.archives.chips import Chip
from msclip_search.archives.paths import Found
from msclip_search.bands import BANDS, LAYOUTS
from msclip_search.errors import TileError
from msclip_search.tile import Tile

TEN = LAYOUTS["ten"]
READING = Reading(want=TEN)
PICTURES = Reading(want=LAYOUTS["rgb"])
HEIGHT, WIDTH = 24, 40
TILED = {"tiled": True, "blockxsize": 16, "blockysize": 16}
PACKED: list[dict[str, Any]] = [
    {},
    {"compress": "deflate", "predictor": 2},
    {"compress": "lzw"},
    {"compress": "zstd", "predictor": 2, **TILED},
    {"compress": "deflate", "zlevel": 9, **TILED},
    {"compress": "packbits", "blockysize": 5},
    {"compress": "lzma"},
    {"compress": "zstd", "BIGTIFF": "YES"},
    {"ENDIANNESS": "BIG"},
    {"compress": "deflate", "ENDIANNESS": "BIG", "BIGTIFF": "YES", **TILED},
]
"""Options for GDAL: every kind of compression, block, byte order."""
PLACE = rasterio.Affine(10, 0, 600_000, 0, -10, 5_300_000)


def painted(bands: Sequence[str], dtype: str = "uint16", *, height: int = HEIGHT, width: int = WIDTH) -> NDArray[Any]:
    """Paint (bands, height, width): 960 a band by its name, 40 a row, 1 a column, from 1 to 12,480 (by default)."""
    ground = 1 + np.arange(height * width).reshape(height, width)
    return np.stack([ground + height * width * BANDS.index(band) for band in bands]).astype(dtype)


def write_tiff(path: Path, pixels: NDArray[Any], **options: Any) -> Path:  # noqa: ANN401 - what GDAL takes
    """Write a file with rasterio, with `descriptions`, `tags` and a `mask` ((height, width), true is valid).

    Without a coordinate system it has no place either, unless one is given.
    """
    descriptions, tags, mask = (options.pop(name, None) for name in ("descriptions", "tags", "mask"))
    count, height, width = pixels.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": pixels.dtype.name}
    profile |= {"crs": "EPSG:32632"} | ({"transform": PLACE} if options.get("crs", "") is not None else {})
    with warnings.catch_warnings(), rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # here only: reading is to warn of nothing
        with rasterio.open(path, "w", **(profile | options)) as dataset:
            dataset.write(pixels)
            if descriptions is not None:
                dataset.descriptions = descriptions
            if tags is not None:
                dataset.update_tags(**tags)
            if mask is not None:
                dataset.write_mask(mask)
    return path


def write_picture(path: Path, pixels: NDArray[Any], driver: str, **options: Any) -> Path:  # noqa: ANN401
    """Write a picture without a place."""
    return write_tiff(path, pixels, driver=driver, crs=None, **options)


def read(path: Path, reading: Reading = READING) -> Tile:
    """Read a file as an archive reads it."""
    (tile,) = Chip(Found(path), reading).read()
    return tile


def by_rasterio(path: Path) -> NDArray[Any]:
    with rasterio.open(path) as dataset:
        pixels: NDArray[Any] = dataset.read()
    return pixels


def reason(path: Path, reading: Reading = READING) -> str:
    """Why a file is refused, in one line that reads on from its name."""
    with pytest.raises(TileError) as refused:
        read(path, reading)
    said = str(refused.value)
    assert said.split(maxsplit=1)[0] in {"is", "has", "holds", "lacks", "calls", "describes", "may", "cannot"}
    assert "\n" not in said
    assert not said.endswith(".")
    assert path.name not in said
    return said


def make(folder: Path, *names: str) -> Path:
    """Make files with a byte in them."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")
    return folder
