"""From stored numbers to reflectance × 10000: nodata, the offset of baseline 04.00, floats from 0 to 1.

Nodata is decided on stored values, before any offset.
"""

import numpy as np
from numpy.typing import NDArray

QUANTIFICATION = 10_000
"""Stored units of a reflectance of 1."""

_LARGEST_PLAIN_REFLECTANCE = 2.0
"""Floats up to here can only be reflectance from 0 to 1: in units of 1/10000 they would all be darker than night."""


def nodata_mask(pixels: NDArray[np.generic], *, declared: float | None = None) -> NDArray[np.bool_]:
    """Tell which pixels hold no data: 0, not a number, or the declared value in all bands.

    Parameters
    ----------
    pixels
        Stored values, (bands, height, width).
    declared
        The value for nodata that the file declares, if it does.

    Returns
    -------
    NDArray[np.bool_]
        (height, width), true where there is no data.
    """
    empty: NDArray[np.bool_] = (pixels == 0).all(axis=0)
    if declared is not None and not np.isnan(declared) and declared != 0:
        empty |= (pixels == declared).all(axis=0)
    if pixels.dtype.kind == "f":
        empty |= ~np.isfinite(pixels).any(axis=0)
    return empty


def is_plain_reflectance(pixels: NDArray[np.generic]) -> bool:
    """Tell whether floats are reflectance from 0 to 1 rather than × 10000.

    Parameters
    ----------
    pixels
        Stored values with nodata and non-finite values already set to 0.
    """
    return pixels.dtype.kind == "f" and 0 < float(pixels.max(initial=0)) <= _LARGEST_PLAIN_REFLECTANCE


def from_plain(pixels: NDArray[np.generic]) -> NDArray[np.float32]:
    """Turn reflectance from 0 to 1 into reflectance × 10000, float32."""
    return pixels.astype(np.float32) * np.float32(QUANTIFICATION)


def fill(pixels: NDArray[np.generic], empty: NDArray[np.bool_]) -> NDArray[np.generic]:
    """Set nodata pixels and non-finite values to 0, the canonical nodata; a copy only where there are any."""
    wrong = pixels.dtype.kind == "f" and not np.isfinite(pixels).all()
    if not wrong and not (pixels[:, empty] != 0).any():
        return pixels
    filled = np.where(empty, np.zeros((), pixels.dtype), pixels)
    return np.nan_to_num(filled, copy=False, nan=0, posinf=0, neginf=0) if wrong else filled


def add_offset(pixels: NDArray[np.generic], offset: float, *, empty: NDArray[np.bool_]) -> NDArray[np.generic]:
    """Add an offset to the valid pixels, without ever wrapping around.

    Integers go through a signed type, and the result stops at 1, so that 0 still means nodata.

    Parameters
    ----------
    pixels
        Stored values, (bands, height, width), uint16, int16 or a float type.
    offset
        In stored units: −1000 for products of baseline 04.00 and later.
    empty
        Nodata, (height, width): left as it is.

    Returns
    -------
    NDArray
        int32 for integers, else the dtype of `pixels`.
    """
    signed = pixels.astype(np.int32) if pixels.dtype.kind in "iu" else pixels
    moved = np.maximum(signed + np.asarray(offset, dtype=signed.dtype), np.ones((), signed.dtype))
    return np.where(empty, signed, moved)


def to_storage(pixels: NDArray[np.generic]) -> NDArray[np.generic]:
    """Return pixels in a dtype that encoders take (uint8, uint16, int16, float32) and that holds every value."""
    if pixels.dtype in (np.uint8, np.uint16, np.int16, np.float32):
        return pixels
    if (
        pixels.dtype.kind in "iu"
        and pixels.size
        and int(pixels.min()) >= 0
        and int(pixels.max()) <= np.iinfo(np.uint16).max
    ):
        return pixels.astype(np.uint16)
    return pixels.astype(np.float32)
