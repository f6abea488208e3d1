"""Lasting names of tiles, and of the ground they cover."""

import numpy as np
import xxhash

from msclip_search.bands import band_name
from msclip_search.raster import Raster


def content_id(raster: Raster) -> str:
    """Name a chip by what it holds: 32 hexadecimal digits of XXH3 over its stored values and what it says of them.

    That is its place, the names of its bands, and which pixels are nodata. How the file is compressed and what it is
    called do not count, nor does what the user says about it.
    """
    digest = xxhash.xxh3_128()
    names = [band_name(text) for text in raster.descriptions]
    said = (raster.crs, raster.bounds, names if any(names) else None, raster.nodata)
    digest.update(f"{raster.pixels.dtype.str[1:]}{raster.pixels.shape}{said}".encode())
    stored = np.ascontiguousarray(raster.pixels).astype(raster.pixels.dtype.newbyteorder("<"), copy=False)
    digest.update(stored.data)
    if raster.masked is not None:
        digest.update(np.packbits(raster.masked).data)
    return digest.hexdigest()


def cell_id(raster: Raster) -> str | None:
    """Name the ground a chip covers: coordinate system and corners, to the metre or the millionth of a degree."""
    if raster.crs is None or raster.bounds is None:
        return None
    metres = max(map(abs, raster.bounds)) > 360
    corners = ",".join(f"{value:.0f}" if metres else f"{value:.6f}" for value in raster.bounds)
    return (
        f"{raster.crs}/{corners}"
        if len(raster.crs) < 32
        else f"{xxhash.xxh64_hexdigest(raster.crs.encode())}/{corners}"
    )
