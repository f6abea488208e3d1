"""Tiles as people look at them: true and false colour by one fixed stretch, and the one door to Pillow.

The stretch, for reflectance r (1 is a white surface): with x = r / 0.16,

    brightness = x · (1 + x / 25) / (1 + x),    0 below r = 0 and 1 from r = 0.8 on.

In the dark it is a straight line, as in the usual rendering of reflectance 0 to 0.3, so that water and forest keep
their structure; towards the bright end it bends, so that sand, cloud and snow keep theirs instead of turning white.
True colour is then moved away from grey by a quarter, which restores the colours that the bend takes. Nothing depends
on the tile: two pictures can be compared.
"""

import io
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from msclip_search.errors import BandsError
from msclip_search.radiometry import QUANTIFICATION

TRUE_COLOUR = ("B04", "B03", "B02")
FALSE_COLOUR = ("B08", "B04", "B03")

_MIDDLE = 0.16
"""Reflectance at which the line begins to bend: half of full brightness, but for a few percent."""
_WHITE = 0.8
"""Reflectance that is white."""
_VIVID = 1.25

Picture = NDArray[np.uint8]
"""(height, width, 3): red, green, blue."""


def true_colour(reflectance: NDArray[np.generic], bands: Sequence[str]) -> Picture:
    """Render B04, B03, B02 as red, green and blue.

    Parameters
    ----------
    reflectance
        (bands, height, width), reflectance × 10000 without offset, 0 where there is no data; or 8 bits, which are a
        picture already and keep their values.
    bands
        The bands by name, in order.

    Returns
    -------
    NDArray[np.uint8]
        (height, width, 3).

    Raises
    ------
    BandsError
        A band is missing.
    """
    planes = _planes(reflectance, bands, TRUE_COLOUR)
    if planes.dtype == np.uint8:
        return np.ascontiguousarray(planes)
    bright = stretch(planes)
    grey = bright.mean(axis=2, keepdims=True)
    return _to_bytes(grey + _VIVID * (bright - grey))


def false_colour(reflectance: NDArray[np.generic], bands: Sequence[str]) -> Picture:
    """Render B08, B04, B03 as red, green and blue: plants are red. See `true_colour`."""
    return _to_bytes(stretch(_planes(reflectance, bands, FALSE_COLOUR)))


def stretch(reflectance: NDArray[np.generic]) -> NDArray[np.float32]:
    """Map reflectance × 10000 to brightness from 0 to 1: see the module. What is no number is dark."""
    units = np.nan_to_num(reflectance.astype(np.float32), nan=0, posinf=0, neginf=0)
    x = units.clip(0, _WHITE * QUANTIFICATION) / (_MIDDLE * QUANTIFICATION)
    return (x * (1 + x / (_WHITE / _MIDDLE) ** 2) / (1 + x)).astype(np.float32, copy=False)


def encode(picture: Picture, form: Literal["png", "webp"], *, quality: int | None = None) -> bytes:
    """Compress a picture.

    Parameters
    ----------
    picture
        (height, width, 3).
    form
        "png" keeps every value; so does "webp" without a quality.
    quality
        For "webp", from 0 to 100.
    """
    from PIL import Image

    sink = io.BytesIO()
    image = Image.fromarray(picture)
    if form == "png":
        image.save(sink, "PNG", optimize=True)
    elif quality is None:
        image.save(sink, "WEBP", lossless=True, method=4)
    else:
        image.save(sink, "WEBP", quality=quality, method=4)
    return sink.getvalue()


def shrink(picture: Picture, longest: int) -> Picture:
    """Bring the longer side down to a number of pixels; a smaller picture stays as it is."""
    height, width, _ = picture.shape
    if max(height, width) <= longest:
        return picture
    from PIL import Image

    scale = longest / max(height, width)
    size = (max(round(width * scale), 1), max(round(height * scale), 1))
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def _planes(pixels: NDArray[np.generic], bands: Sequence[str], wanted: Sequence[str]) -> NDArray[np.generic]:
    """Bands that a picture is made of, last axis first: (height, width, 3)."""
    if missing := [band for band in wanted if band not in bands]:
        raise BandsError(f"lacks {', '.join(missing)}, which the picture is made of")
    places = [list(bands).index(band) for band in wanted]
    return np.moveaxis(pixels[places], 0, 2)


def _to_bytes(bright: NDArray[np.floating]) -> Picture:
    return np.ascontiguousarray((bright.clip(0, 1) * 255 + 0.5).astype(np.uint8))
