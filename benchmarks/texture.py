"""Numbers that describe a tile: levels of bands and indices, contrast at four scales, what bands have in common.

All on the logarithm of reflectance, so that a contrast means the same in a dark band as in a bright one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

INDICES = {
    "NDVI": ("B08", "B04"),
    "NDWI": ("B03", "B08"),
    "MNDWI": ("B03", "B11"),
    "NDBI": ("B11", "B08"),
    "NBR": ("B08", "B12"),
    "NDRE": ("B07", "B05"),
    "NIR": ("B08", "B8A"),
}
"""Normalized differences of two bands."""
TEXTURED = ("B02", "B03", "B04", "B08", "B05", "B8A", "B11", "B12", "NDVI")
"""Planes whose contrasts are measured."""
SCALES = (1, 2, 4, 8)
"""Sides, in pixels, of the squares that are averaged before contrasts are measured."""
FLOOR = 0.005
"""Reflectance added before the logarithm: the deepest water is not minus infinity."""
QUIET = 1e-4
"""Contrast below which there is none."""


@dataclass(frozen=True, slots=True)
class Features:
    """Names and values."""

    names: tuple[str, ...]
    values: Array
    """(tiles, names)."""


def features(tiles: Sequence[NDArray[np.generic]], bands: Sequence[str]) -> Features:
    """Describe tiles of (bands, height, width) each, reflectance × 10000 without offset."""
    rows = [_describe(tile, bands) for tile in tiles]
    return Features(tuple(rows[0]), np.array([list(row.values()) for row in rows]))


def _describe(tile: NDArray[np.generic], bands: Sequence[str]) -> dict[str, float]:
    reflectance = np.maximum(tile.astype(np.float64) / 10_000, 0) + FLOOR
    planes = dict(zip(bands, np.log(reflectance), strict=True))
    own = dict(zip(bands, reflectance, strict=True))
    indices = {name: (own[a] - own[b]) / (own[a] + own[b]) for name, (a, b) in INDICES.items()}
    found = {}
    for name, plane in {**planes, **indices}.items():
        low, middle, high = np.percentile(plane, (10, 50, 90))
        found[f"{name} mean"] = float(plane.mean())
        found[f"{name} deviation"] = float(np.log(plane.std() + QUIET))
        found |= {f"{name} p10": low, f"{name} p50": middle, f"{name} p90": high}
    for name in TEXTURED:
        found |= _contrasts(name, {**planes, **indices}[name])
    stack = np.stack([*planes.values()]).reshape(len(bands), -1)
    stack -= stack.mean(axis=1, keepdims=True)
    stack /= np.sqrt((stack**2).mean(axis=1, keepdims=True)) + QUIET
    together = stack @ stack.T / stack.shape[1]
    for first in range(len(bands)):
        for second in range(first):
            found[f"{bands[second]}~{bands[first]}"] = float(together[second, first])
    return found


def _contrasts(name: str, plane: Array) -> dict[str, float]:
    """Steepness (rms, faintest and strongest tenth) and curvature at each scale, as logarithms."""
    found = {}
    for scale in SCALES:
        small = _averaged(plane, scale)
        steep = np.hypot(np.diff(small, axis=0)[:, :-1], np.diff(small, axis=1)[:-1])
        low, high = np.percentile(steep, (10, 98))
        bend = small[1:-1, 1:-1] - (small[:-2, 1:-1] + small[2:, 1:-1] + small[1:-1, :-2] + small[1:-1, 2:]) / 4
        for what, value in (
            ("rms", np.sqrt((steep**2).mean())),
            ("least", low),
            ("most", high),
            ("laplacian", np.sqrt((bend**2).mean())),
        ):
            found[f"{name} {what} {scale}"] = float(np.log(value + QUIET))
    return found


def _averaged(plane: Array, scale: int) -> Array:
    height, width = (side // scale * scale for side in plane.shape)
    averages: Array = plane[:height, :width].reshape(height // scale, scale, width // scale, scale).mean(axis=(1, 3))
    return averages
