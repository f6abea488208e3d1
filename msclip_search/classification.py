"""The scene classification of L2A products (SCL): which share of a tile is cloud, shadow or snow.

Classes after ESA's definition of Level-2A products: 0 no data, 1 saturated, 2 dark, 3 cloud shadow, 4 vegetation, 5 not
vegetated, 6 water, 7 unclassified, 8 and 9 cloud of medium and high probability, 10 thin cirrus, 11 snow or ice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NAME = "SCL"
"""What a band that holds the classes is called."""
NO_DATA = 0
_CLOUD = (8, 9, 10)
_SHADOW = 3
_SNOW = 11
_LARGEST = 11


@dataclass(frozen=True, slots=True)
class Shares:
    """Percent of the valid pixels; None where nothing tells."""

    cloud: float | None = None
    """Classes 8, 9 and 10."""
    shadow: float | None = None
    snow: float | None = None


def find_classes(pixels: NDArray[np.generic], descriptions: Sequence[str | None]) -> int | None:
    """Return the place of the band that holds the classes, by its description; None without one.

    Parameters
    ----------
    pixels
        Stored values, (bands, height, width).
    descriptions
        The file's band descriptions, in order.
    """
    for place, text in enumerate(descriptions):
        if text and text.strip().upper() == NAME:
            band = pixels[place]
            whole = band.dtype.kind in "ui" or bool((band == np.rint(band)).all())
            return place if whole and float(band.min()) >= 0 and float(band.max()) <= _LARGEST else None
    return None


def shares(classes: NDArray[np.generic], *, empty: NDArray[np.bool_]) -> Shares:
    """Return the shares of a tile.

    Parameters
    ----------
    classes
        The classification, (height, width).
    empty
        Pixels without data, (height, width).
    """
    valid = classes[~empty] if empty.any() else classes
    if not valid.size:
        return Shares()
    percent = {kind: int(np.count_nonzero(valid == kind)) * (100 / valid.size) for kind in (*_CLOUD, _SHADOW, _SNOW)}
    return Shares(sum(percent[kind] for kind in _CLOUD), percent[_SHADOW], percent[_SNOW])
