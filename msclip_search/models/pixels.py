"""Whether pixels are what a model takes, asked before any of them is moved."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from msclip_search.errors import BandsError
from msclip_search.models.base import Pixels
from msclip_search.models.spec import ModelSpec

SMALLEST = 8
"""Pixels that a tile has at least, in height and width."""

_AXES = 4  # (tiles, bands, height, width)
_STORED: Mapping[str, str] = MappingProxyType({"uint16": "=u2", "int16": "=i2", "float32": "=f4", "uint8": "=u1"})


def checked(pixels: Pixels, spec: ModelSpec) -> Pixels:
    """Return the pixels in the machine's byte order, contiguous and writable: a copy only if they are not.

    Parameters
    ----------
    pixels
        (n, bands, height, width), of the types that `Encoder.encode_tiles` lists.
    spec
        The model that they are for.

    Raises
    ------
    BandsError
        Another number of bands, an 8-bit picture for a model of reflectances, another type or shape.
    """
    if pixels.ndim != _AXES or pixels.shape[1] != len(spec.bands):
        raise BandsError(
            f"{spec.name} takes tiles of {len(spec.bands)} bands ({', '.join(spec.bands)}) as "
            f"(tiles, bands, height, width), not an array of shape {pixels.shape}."
        )
    if pixels.dtype.name not in _STORED:
        raise BandsError(f"Pixels are uint16, int16, float32 or uint8, not {pixels.dtype.name}.")
    if pixels.dtype == np.uint8 and spec.rendering is None:
        raise BandsError(f"{spec.name} takes reflectances, and these are 8-bit pictures (uint8).")
    if min(pixels.shape[2:]) < SMALLEST:
        raise BandsError(
            f"A tile has {SMALLEST} x {SMALLEST} pixels at least, not {pixels.shape[3]} x {pixels.shape[2]}."
        )
    # PyTorch takes neither foreign byte orders nor memory that may not be written to.
    return np.require(pixels, dtype=_STORED[pixels.dtype.name], requirements=["C", "W"])
