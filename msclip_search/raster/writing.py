"""Writing GeoTIFFs."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msclip_search.raster.files import Raster

_STORABLE = frozenset(["u1", "u2", "u4", "u8", "i1", "i2", "i4", "i8", "f4", "f8"])
"""Types of numbers that a GeoTIFF holds; half floats become floats of 32 bits, which hold every one of their values."""


def encode_geotiff(raster: Raster, *, names: Sequence[str | None], tags: Mapping[str, str]) -> bytes:
    """Compress a raster as GeoTIFF, values, type, coordinates, nodata and mask as they are.

    It is made in memory, so that the disk's refusals come from Python, which reports all of them.

    Parameters
    ----------
    raster
        What to write.
    names
        Descriptions of the bands, in order; None leaves one without.
    tags
        Tags of the file.
    """
    import rasterio
    from rasterio import Affine
    from rasterio.io import MemoryFile

    pixels = raster.pixels if raster.pixels.dtype.str[1:] in _STORABLE else raster.pixels.astype(np.float32)
    count, height, width = pixels.shape
    profile: dict[str, Any] = {"driver": "GTiff", "count": count, "height": height, "width": width}
    profile |= {"dtype": pixels.dtype, "compress": "deflate", "nodata": raster.nodata, "bigtiff": "if_safer"}
    if pixels.dtype.itemsize in {2, 4}:
        profile["predictor"] = 3 if pixels.dtype.kind == "f" else 2
    if raster.picture:
        profile["photometric"] = "rgb"
    if raster.transform:
        profile |= {"crs": raster.crs, "transform": Affine(*raster.transform)}
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), MemoryFile() as memory:
        with memory.open(**profile) as dataset:
            dataset.write(pixels)
            dataset.descriptions = tuple(names)
            dataset.update_tags(**tags)
            if raster.masked is not None:
                dataset.write_mask(~raster.masked)
        return bytes(memory.getbuffer())


def encode_chip(
    pixels: NDArray[Any],
    *,
    bands: Sequence[str],
    crs: str,
    west: float,
    north: float,
    tags: Mapping[str, str] | None = None,
) -> bytes:
    """Compress a small GeoTIFF of 10 m pixels whose bands carry their names, fast rather than small.

    Parameters
    ----------
    pixels
        (bands, height, width).
    bands
        Their names, written as band descriptions.
    crs
        A projected coordinate system.
    west, north
        Its upper left corner, metres.
    tags
        Tags of the file.
    """
    from rasterio import Affine
    from rasterio.io import MemoryFile

    count, height, width = pixels.shape
    profile = {"driver": "GTiff", "count": count, "height": height, "width": width, "dtype": pixels.dtype}
    profile |= {
        "crs": crs,
        "transform": Affine(10, 0, west, 0, -10, north),
        "compress": "deflate",
        "predictor": 2,
        "zlevel": 1,
        "blockysize": height,
    }
    with MemoryFile() as memory:
        with memory.open(**profile) as dataset:
            dataset.write(pixels)
            dataset.descriptions = tuple(bands)
            if tags:
                dataset.update_tags(**tags)
        return bytes(memory.getbuffer())


def write_chip(path: Path, pixels: NDArray[Any], *, bands: Sequence[str], crs: str, west: float, north: float) -> None:
    """Write a small GeoTIFF of 10 m pixels: see `encode_chip`."""
    path.write_bytes(encode_chip(pixels, bands=bands, crs=crs, west=west, north=north))
