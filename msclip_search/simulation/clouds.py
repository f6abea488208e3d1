"""Clouds and their shadows."""

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msclip_search.simulation.noise import Field, field

# Reflectance of a thick cloud at the top of the atmosphere: nearly white, darker where water and ice absorb, dark where
# vapour above it absorbs (B09, B10). Representative values after the cloud tests of Fmask (Zhu & Woodcock 2012, Remote
# Sensing of Environment 118) and Sen2Cor, whose thresholds they satisfy.
_LOW = np.array([0.60, 0.59, 0.58, 0.59, 0.60, 0.61, 0.62, 0.62, 0.63, 0.42, 0.006, 0.42, 0.33], dtype=np.float32)
_HIGH = np.array([0.62, 0.61, 0.60, 0.61, 0.62, 0.63, 0.64, 0.64, 0.64, 0.58, 0.21, 0.33, 0.25], dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Clouds:
    """Clouds over a tile and its margin, at 10 m."""

    opacity: Field
    """Share of the light from below that they hold back, 0 to 1, (side, side)."""
    reflectance: NDArray[np.float32]
    """Of the cloud, (13,)."""
    shadow: Field | None
    """Share of the sunlight that they keep from the ground, (side, side)."""


def draw(random: np.random.Generator, side: int, *, cloudy: float) -> Clouds | None:
    """Draw a sky.

    Parameters
    ----------
    random
        Where the numbers come from.
    side
        Pixels of 10 m.
    cloudy
        Probability of anything but a clear sky: half of it are cumulus, the rest veils and closed cover.
    """
    kind = float(random.random())
    if kind >= cloudy:
        return None
    kind /= cloudy
    scale = 2 ** (2.5 + 3.5 * float(random.random()))
    shape = field(random, side, scale=scale, rough=0.55)
    bright = np.float32(0.75 + 0.45 * float(random.random()))
    if kind < 0.5:  # cumulus, with shadows
        cover = 0.05 + 0.5 * float(random.random())
        edge, sharp = _quantile(1 - cover), 1.2 + 2.5 * float(random.random())
        opacity = np.clip((shape - np.float32(edge)) * np.float32(sharp), 0, 1)
        other = field(random, side, scale=scale, rough=0.5)
        shadow = np.clip((other - np.float32(edge + 0.1)) * np.float32(sharp), 0, 1)
        shadow *= np.float32(0.55 + 0.35 * float(random.random())) * (1 - opacity)
        return Clouds(opacity * np.float32(0.97), _LOW * bright, shadow)
    if kind < 0.85:  # a veil
        depth = 0.03 + 0.35 * float(random.random()) ** 2
        veil = np.clip(np.float32(depth) * (1 + np.float32(0.5) * shape), 0, 0.7)
        high = float(random.random()) < 0.7
        return Clouds(veil, (_HIGH if high else _LOW) * bright, None)
    thick = np.clip(np.float32(0.93) + np.float32(0.08) * shape, 0.3, 1)
    return Clouds(thick, _LOW * bright, None)


@functools.cache
def _quantile(share: float) -> float:
    from statistics import NormalDist

    return NormalDist().inv_cdf(share)


def classes(clouds: Clouds) -> NDArray[np.uint8]:
    """Return the scene classification where it is cloud or shadow, else 0: 3 shadow, 8 and 9 cloud, 10 veil."""
    found = np.zeros(clouds.opacity.shape, dtype=np.uint8)
    if clouds.shadow is not None:
        found[clouds.shadow > 0.3] = 3
    found[clouds.opacity > 0.08] = 10
    found[clouds.opacity > 0.4] = 8
    found[clouds.opacity > 0.75] = 9
    return found
