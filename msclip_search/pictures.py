"""Tiles as people look at them: true and false colour by one fixed stretch, and the one door to Pillow.

The stretch, for reflectance r (1 is a white surface):

    up to r = 0.156     brightness = r / 0.24
    up to r = 0.9       brightness = 0.65 + 0.35 · d · u / (1 + (d - 1) · u),    u = (r - 0.156) / 0.744,    d = 8.857

Water, plants and soil stand on the straight line, a little brighter than in the usual rendering of reflectance 0 to
0.3; from there on it bends without a corner, so that sand, cloud and snow keep their structure instead of turning
white. True colour is then moved away from grey by a fifth, which restores the colours that the bend takes. In
false colour B08 counts for four fifths, so that bare soil is nearly grey. Nothing depends on the tile: two pictures can
be compared.
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

_SLOPE = 0.24
"""Reflectance that would be white if the line went on."""
_KNEE = 0.65
"""Brightness up to which it is straight."""
_WHITE = 0.9
"""Reflectance that is white."""
_LETTERS = 13
"""Height of the letters of a sheet, pixels."""
_PAPER, _INK = (250, 250, 248), (60, 60, 60)
_VIVID = 1.2
_INFRARED = 0.8

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
    planes = _planes(reflectance, bands, FALSE_COLOUR)
    if planes.dtype == np.uint8:
        return np.ascontiguousarray(planes)
    return _to_bytes(stretch(planes * np.array([_INFRARED, 1, 1], np.float32)))


def stretch(reflectance: NDArray[np.generic]) -> NDArray[np.float32]:
    """Map reflectance × 10000 to brightness from 0 to 1: see the module. What is no number is dark."""
    units = np.nan_to_num(reflectance.astype(np.float32), nan=0, posinf=0, neginf=0).clip(0, _WHITE * QUANTIFICATION)
    line = units / (_SLOPE * QUANTIFICATION)
    bend = _KNEE * _SLOPE
    beyond = ((units / QUANTIFICATION - bend) / (_WHITE - bend)).clip(0)
    steep = (_WHITE - bend) / _SLOPE / (1 - _KNEE)  # so that line and bend meet without a corner
    bright: NDArray[np.float32] = np.where(
        line <= _KNEE, line, _KNEE + (1 - _KNEE) * steep * beyond / (1 + (steep - 1) * beyond)
    ).astype(np.float32)
    return bright


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


def sheet(cells: Sequence[tuple[Sequence[Picture], str]], *, columns: int) -> Picture:
    """Lay pictures out in rows, each with a line of text below it.

    Parameters
    ----------
    cells
        For each cell the pictures that stand side by side, all of one size, and the text.
    columns
        Cells a row.
    """
    from PIL import Image, ImageDraw, ImageFont

    font = ImageFont.load_default(_LETTERS)
    gap, line = _LETTERS // 2, _LETTERS + 6
    height = max(picture.shape[0] for pictures, _ in cells for picture in pictures)
    widths = [sum(picture.shape[1] for picture in pictures) + 2 * (len(pictures) - 1) for pictures, _ in cells]
    wide, high = max(widths) + gap, height + line + gap
    rows = -(-len(cells) // columns)
    paper = Image.new("RGB", (columns * wide + gap, rows * high + gap), _PAPER)
    draw = ImageDraw.Draw(paper)
    for number, (pictures, said) in enumerate(cells):
        text = said
        row, column = divmod(number, columns)
        x, y = gap + column * wide, gap + row * high
        at = x
        for picture in pictures:
            paper.paste(Image.fromarray(picture), (at, y))
            at += picture.shape[1] + 2
        while text and draw.textlength(text, font) > wide - gap:
            text = f"{text.removesuffix('…')[:-1].rstrip()}…"
        draw.text((x, y + height + 2), text, fill=_INK, font=font)
    return np.asarray(paper)


def enlarge(picture: Picture, times: int) -> Picture:
    """Repeat each pixel along both sides."""
    return np.ascontiguousarray(picture.repeat(times, axis=0).repeat(times, axis=1))


def _planes(pixels: NDArray[np.generic], bands: Sequence[str], wanted: Sequence[str]) -> NDArray[np.generic]:
    """Bands that a picture is made of, last axis first: (height, width, 3)."""
    if missing := [band for band in wanted if band not in bands]:
        raise BandsError(f"lacks {', '.join(missing)}, which the picture is made of")
    places = [list(bands).index(band) for band in wanted]
    return np.moveaxis(pixels[places], 0, 2)


def _to_bytes(bright: NDArray[np.floating]) -> Picture:
    return np.ascontiguousarray((bright.clip(0, 1) * 255 + 0.5).astype(np.uint8))
