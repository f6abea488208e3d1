"""What the instrument makes of the light: blur, pixels of 10, 20 and 60 m, noise, and numbers.

- Blur: a kernel on top of the pixel's own square that brings the modulation transfer at the Nyquist frequency to 0.25
  to 0.5, as measured in orbit (ESA, Sentinel-2 Level-1C Data Quality Reports).
- Noise: signal-to-noise ratios at the reference radiances of the mission's requirements (ESA, Sentinel-2 User Handbook,
  2015), converted to reflectance by the solar irradiances of the same book. The instrument in orbit is better: by a
  factor that is drawn, and by more in the bands of 60 m, where the factors fit still water and B10 of real tiles.
- Registration: bands lie a tenth of a pixel of their own apart, as the mission's requirements allow them to.
- Noise belongs to the band's own pixels: it is added before anything is resampled to 10 m.
"""

import functools
import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msclip_search.bands import BANDS
from msclip_search.simulation.canvas import MARGIN
from msclip_search.simulation.noise import white

Planes = NDArray[np.float32]

RESOLUTIONS = {
    1: tuple(BANDS.index(band) for band in ("B02", "B03", "B04", "B08")),
    2: tuple(BANDS.index(band) for band in ("B05", "B06", "B07", "B8A", "B11", "B12")),
    6: tuple(BANDS.index(band) for band in ("B01", "B09", "B10")),
}
"""Pixels of 10 m along the side of a band's own pixel, and those bands."""

_RADIANCE = np.array([129, 128, 128, 108, 74.5, 68, 67, 103, 52.5, 9, 6, 4, 1.5])
_IRRADIANCE = np.array(
    [1884.7, 1959.7, 1823.2, 1512.1, 1424.6, 1287.6, 1162.1, 1041.6, 955.3, 812.9, 367.2, 245.6, 85.3]
)
_RATIO = np.array([129, 154, 168, 142, 117, 89, 105, 174, 72, 114, 50, 100, 100])
REFERENCE = math.pi * _RADIANCE / _IRRADIANCE
"""Reflectance, sun overhead, at which the ratios hold: (13,)."""
_BETTER = np.array([4, 1, 1, 1.1, 1.25, 1.25, 1.25, 1.15, 1.25, 2, 3, 1, 1])
NOISE = REFERENCE / _RATIO / _BETTER
"""Standard deviation there, reflectance: (13,)."""
_FLOOR = np.array([0.25, 0.15, 0.15, 0.1, 0.15, 0.15, 0.15, 0.05, 0.15, 0.15, 0.8, 0.8, 0.8])
"""Share of the noise's variance there that is left in the dark: most of it in bands that see little light."""

_SOFTER = np.array([1, 1, 1, 1.15, 1, 1, 1, 1.3, 1, 1, 1, 1.1, 1.1], dtype=np.float32)
"""Blur of each band over that of the shortest waves: silicon stops red and infrared light deeper, where it spreads."""
METHODS = ("nearest", "bilinear", "cubic", "spline")
"""How bands of 20 and 60 m come to 10 m."""


@dataclass(frozen=True, slots=True)
class Optics:
    """State of the instrument and of whoever resampled its bands."""

    blur: float
    """Weight of each neighbour beside a pixel, 0 to 0.2, in the bands of the shortest waves."""
    shift: Planes
    """Half of what each band is displaced by to the south and the east, in its own pixels: (13, 2)."""
    noise: float
    """Over that of the requirements."""
    resampling: str
    """How bands of 20 and 60 m come to 10 m: nearest, bilinear, cubic or spline."""
    offset: tuple[int, int, int, int]
    """Where the grids of 20 m (east, south) and 60 m (east, south) begin, pixels of 10 m."""


def draw(random: np.random.Generator, resampling: str | None = None) -> Optics:
    """Draw an instrument; a way of resampling may be given."""
    a, b, c = (float(value) for value in random.random(3))
    grids = [int(float(value) * step) for value, step in zip(random.random(4), (2, 2, 6, 6), strict=True)]
    return Optics(
        blur=0.09 + 0.08 * a,
        shift=np.float32(0.05) * random.standard_normal((len(BANDS), 2), dtype=np.float32),
        noise=0.45 + 0.45 * b,
        resampling=resampling or METHODS[int(c * len(METHODS))],
        offset=(grids[0], grids[1], grids[2], grids[3]),
    )


def measure(light: Planes, optics: Optics, random: np.random.Generator, *, size: int) -> Planes:
    """Turn reflectance at the top of the atmosphere into what the bands measure, resampled to 10 m.

    Parameters
    ----------
    light
        (13, side, side) at 10 m, tile and margin; is used up.
    optics
        The instrument.
    random
        Where the noise comes from.
    size
        Pixels of the tile's side, `side` less the margins.

    Returns
    -------
    array
        (13, size, size), float32.
    """
    out = np.empty((len(BANDS), size, size), dtype=np.float32)
    for factor, bands in RESOLUTIONS.items():
        chosen, blur = light[list(bands)], np.float32(optics.blur) * _SOFTER[list(bands)]
        if factor == 1:
            native = blurred(chosen, blur, optics.shift[list(bands)])[:, MARGIN : MARGIN + size, MARGIN : MARGIN + size]
        else:
            at = optics.offset[:2] if factor == 2 else optics.offset[2:]
            native = blurred(aggregated(chosen, factor, at), blur, optics.shift[list(bands)])
        native = _noisy(native, np.array(bands), optics.noise, random)
        if factor > 1:
            native = resampled(native, factor, at, size, optics.resampling)
        out[list(bands)] = native
    return out


def blurred(planes: Planes, weight: float | Planes, shift: Planes) -> Planes:
    """Blur each plane by [w + s, 1 − 2w, w − s] along both axes; edges stay.

    Parameters
    ----------
    planes
        (bands, height, width).
    weight
        w: of either neighbour, for all bands or for each.
    shift
        s of each band along the columns and along the rows, (bands, 2): moves it by 2s pixels.
    """
    side = np.asarray(weight, dtype=np.float32).reshape(-1, 1, 1)
    middle = 1 - 2 * side
    before, after = (side[:, None] + sign * shift[:, :, None, None] for sign in (1, -1))
    out = planes * middle
    out[:, 1:] += before[:, 0] * planes[:, :-1]
    out[:, :-1] += after[:, 0] * planes[:, 1:]
    out[:, :1] += before[:, 0] * planes[:, :1]
    out[:, -1:] += after[:, 0] * planes[:, -1:]
    again = out * middle
    again[:, :, 1:] += before[:, 1] * out[:, :, :-1]
    again[:, :, :-1] += after[:, 1] * out[:, :, 1:]
    again[:, :, :1] += before[:, 1] * out[:, :, :1]
    again[:, :, -1:] += after[:, 1] * out[:, :, -1:]
    return again


def aggregated(planes: Planes, factor: int, offset: tuple[int, int]) -> Planes:
    """Average `factor` × `factor` pixels into one, on a grid that begins at `offset` (east, south)."""
    east, south = offset
    rows, columns = (planes.shape[1] - south) // factor, (planes.shape[2] - east) // factor
    part = planes[:, south : south + rows * factor, east : east + columns * factor]
    lines = sum((part[:, start::factor] for start in range(1, factor)), start=part[:, 0::factor])
    total: Planes = sum((lines[:, :, start::factor] for start in range(1, factor)), start=lines[:, :, 0::factor])
    return total * np.float32(1 / factor**2)


def _noisy(native: Planes, bands: NDArray[np.intp], gain: float, random: np.random.Generator) -> Planes:
    """Add shot noise and a floor."""
    count, height, width = native.shape
    level = (NOISE[bands] * gain).astype(np.float32)[:, None, None]
    slope = ((1 - _FLOOR) / REFERENCE)[bands].astype(np.float32)[:, None, None]
    floor = _FLOOR[bands].astype(np.float32)[:, None, None]
    deviation: Planes = np.sqrt(np.maximum(native, 0) * slope + floor) * level
    deviation *= white(random, count * height, width).reshape(native.shape)
    deviation += native
    return deviation


def resampled(native: Planes, factor: int, offset: tuple[int, int], size: int, method: str) -> Planes:
    """Bring planes to 10 m and cut out the tile: (bands, size, size)."""
    east, south = offset
    places, weights = _taps(native.shape[1], factor, south, size, method)
    rows = native[:, places[0]] * weights[0][:, None]
    for tap in range(1, len(places)):
        rows += native[:, places[tap]] * weights[tap][:, None]
    places, weights = _taps(native.shape[2], factor, east, size, method)
    out: Planes = rows[:, :, places[0]] * weights[0]
    for tap in range(1, len(places)):
        out += rows[:, :, places[tap]] * weights[tap]
    return out


@functools.lru_cache(maxsize=256)
def _taps(count: int, factor: int, offset: int, size: int, method: str) -> tuple[NDArray[np.intp], Planes]:
    """Which native pixels make up each of the tile's, and their weights: (taps, size) each.

    Cubic is Catmull and Rom's, through the values; spline is the cubic B-spline, which smooths. Edges repeat.
    """
    centre = (np.arange(size) + MARGIN - offset + 0.5) / factor - 0.5
    if method == "nearest":
        places, weights = np.floor(centre + 0.5)[None], np.ones((1, size))
    elif method == "bilinear":
        left = np.floor(centre)
        part = centre - left
        places, weights = np.stack([left, left + 1]), np.stack([1 - part, part])
    else:
        left = np.floor(centre)
        t = centre - left
        places = np.stack([left - 1, left, left + 1, left + 2])
        weights = (
            0.5 * np.stack([-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, -(t**2) + t**3])
            if method == "cubic"
            else np.stack([(1 - t) ** 3, 4 - 6 * t**2 + 3 * t**3, 1 + 3 * t + 3 * t**2 - 3 * t**3, t**3]) / 6
        )
    return np.clip(places, 0, count - 1).astype(np.intp), weights.astype(np.float32)
