"""The pictures of hits, small enough for a page that carries them all."""

import base64
from dataclasses import dataclass

from msclip_search.archives import read_stored
from msclip_search.errors import BandsError, TileError
from msclip_search.pictures import Picture, encode, false_colour, shrink, true_colour
from msclip_search.search import Hit

LARGEST_PICTURE = 13_500
"""Bytes: two of them in base64, with the words about a tile, stay below 40 KB."""
_LONGEST = 384
"""Pixels of a picture's longer side."""
_LOSSLESS = 96
"""Pixels up to which every value is kept: a page enlarges these so that single pixels show."""
_QUALITIES = (90, 82, 74, 66, 58, 50)
_SMALLER = 0.75


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What a page shows of a tile: its pictures, or why there are none."""

    true: str | None = None
    """Address (data:) of the picture in true colour."""
    false: str | None = None
    """Address of the picture in false colour."""
    reason: str | None = None
    """Why there is no picture."""
    reason_false: str | None = None
    """Why there is none in false colour alone."""
    small: bool = False
    """Single pixels are worth seeing."""


def frame(hit: Hit) -> Frame:
    """Make the pictures of a hit. What cannot be shown is said in the frame, never raised."""
    try:
        stored = read_stored(hit.source, hit.window, fingerprint=hit.fingerprint)
        pixels, bands = stored.reflectance(hit.offset)
        true = true_colour(pixels, bands)
    except TileError as error:
        return Frame(reason=str(error))
    small = max(true.shape[:2]) <= _LOSSLESS
    try:
        false = _address(false_colour(pixels, bands))
    except BandsError as error:
        return Frame(true=_address(true), reason_false=str(error), small=small)
    return Frame(true=_address(true), false=false, small=small)


def compress(picture: Picture) -> bytes:
    """Compress a picture as WebP of at most `LARGEST_PICTURE` bytes: first by quality, then by size."""
    if max(picture.shape[:2]) <= _LOSSLESS and len(content := encode(picture, "webp")) <= LARGEST_PICTURE:
        return content
    longest = min(max(picture.shape[:2]), _LONGEST)
    while True:
        smaller = shrink(picture, longest)
        for quality in _QUALITIES:
            if len(content := encode(smaller, "webp", quality=quality)) <= LARGEST_PICTURE:
                return content
        longest = int(longest * _SMALLER)


def _address(picture: Picture) -> str:
    return f"data:image/webp;base64,{base64.b64encode(compress(picture)).decode()}"
