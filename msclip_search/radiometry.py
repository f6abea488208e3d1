"""From stored numbers to reflectance × 10000: nodata, the offset of baseline 04.00, floats from 0 to 1.

Nodata is decided on stored values, before any offset.
"""

import numpy as np
from numpy.typing import NDArray

QUANTIFICATION = 10_000
"""Stored units of a reflectance of 1."""

_LARGEST_PLAIN_REFLECTANCE = 65_535 / QUANTIFICATION
"""No more fits into 16 bits. Floats up to here are reflectance around 0 to 1, with glint and saturated cloud of 2 or 3:
in units of 1/10000 they would all be darker than night."""


_LARGEST_FLOAT = np.float32(1e30)
"""Beyond it lie the ends of the float types, which mark nodata whether a file declares them or not."""


def nodata_mask(pixels: NDArray[np.generic], *, declared: float | None = None) -> NDArray[np.bool_]:
    """Tell which pixels hold no data: every band is 0, no number, or the declared value.

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
    empty = _empty(pixels[:1], declared)
    return _empty(pixels, declared) if empty.any() else empty  # of nearly all tiles, one band tells that all is well


def _empty(pixels: NDArray[np.generic], declared: float | None) -> NDArray[np.bool_]:
    empty: NDArray[np.bool_] = (_gaps(pixels, declared) | (pixels == 0)).all(axis=0)
    return empty


def _gaps(pixels: NDArray[np.generic], declared: float | None) -> NDArray[np.bool_]:
    """Tell which values, band by band, are declared nodata or no number."""
    if pixels.dtype.kind != "f":
        return np.zeros(pixels.shape, np.bool_) if declared is None else np.asarray(pixels == declared)
    gaps: NDArray[np.bool_] = ~(np.abs(pixels) < _LARGEST_FLOAT)  # true for what is no number, too
    if declared is not None:
        with np.errstate(over="ignore"):
            value = np.asarray(declared).astype(pixels.dtype)  # as it is stored: 0.1 of 32 bits is not 0.1 of 64
        gaps |= pixels == value
    return gaps


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


def fill(
    pixels: NDArray[np.generic], empty: NDArray[np.bool_], *, declared: float | None = None
) -> NDArray[np.generic]:
    """Set what holds no data to 0, the canonical nodata; a copy only where there is any.

    Parameters
    ----------
    pixels
        Stored values, (bands, height, width).
    empty
        Pixels without data, (height, width).
    declared
        The value for nodata that the file declares. It counts in each band by itself, as does what is no number.
    """
    if pixels.dtype.kind != "f" and declared is None and not empty.any():
        return pixels
    gaps = _gaps(pixels, declared) | empty
    return np.where(gaps, np.zeros((), pixels.dtype), pixels) if (gaps & (pixels != 0)).any() else pixels


def add_offset(pixels: NDArray[np.generic], offset: float, *, empty: NDArray[np.bool_]) -> NDArray[np.generic]:
    """Add an offset to the valid pixels, without ever wrapping around.

    Integers go through a wide signed type, and the result stops at 1, so that 0 still means nodata.

    Parameters
    ----------
    pixels
        Reflectance × 10000, (bands, height, width), integers or floats.
    offset
        A whole number in the same units: −1000 for products of baseline 04.00 and later.
    empty
        Nodata, (height, width): left as it is.

    Returns
    -------
    NDArray
        int64 for integers, else the dtype of `pixels`.
    """
    signed = pixels.astype(np.int64) if pixels.dtype.kind in "iu" else pixels
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
