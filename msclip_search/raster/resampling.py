"""Bringing bands of coarser pixels to the grid of finer ones."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def enlarge(pixels: NDArray[np.generic], factor: int) -> NDArray[np.generic]:
    """Divide each pixel into smaller ones, and interpolate between the centres of the old ones along both axes.

    That is what GDAL calls bilinear. It is reckoned in whole numbers for whole numbers, so that it is the same on every
    machine, and rounds halves up.

    Parameters
    ----------
    pixels
        (height, width), integers of up to 32 bits or floats.
    factor
        How many new pixels one old pixel is long.

    Returns
    -------
    NDArray
        (factor × height, factor × width), dtype of `pixels`.
    """
    if factor == 1:
        return pixels
    parts = (2 * factor) ** 2
    if pixels.dtype.kind in "iu":
        means = (_sums(pixels.astype(np.int64), factor) + parts // 2) // parts
    else:
        means = _sums(pixels.astype(np.float64), factor) / parts
    return np.ascontiguousarray(means.astype(pixels.dtype))


def _sums(values: NDArray[Any], factor: int) -> NDArray[Any]:
    return _along_rows(_along_rows(values, factor).T, factor).T


def _along_rows(values: NDArray[Any], factor: int) -> NDArray[Any]:
    """Interpolate between rows, without yet dividing by 2 × factor."""
    # Twice the distance of a new centre from the first old one, in new pixels.
    distance = 2 * np.arange(factor * len(values)) + 1 - factor
    above, share = np.divmod(distance, 2 * factor)
    last = len(values) - 1
    upper, lower = values[above.clip(0, last)], values[(above + 1).clip(0, last)]
    between: NDArray[Any] = upper * (2 * factor - share)[:, None] + lower * share[:, None]
    return between
