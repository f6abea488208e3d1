"""The bands of Sentinel-2's instrument, and how those of a file come to be known by name.

A file that is read with its bands in the wrong order gives embeddings that look right and mean nothing, so a name is
taken from the file's own band descriptions, else from what the user says, else from the number of bands where that
number has one settled meaning, and never guessed beyond that.
"""

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from msclip_search.errors import BandsError, MsclipError

BANDS = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B10", "B11", "B12")
"""All thirteen, in the order of the instrument (and of L1C products)."""

_CIRRUS = "B10"
_NO_B10 = tuple(band for band in BANDS if band != _CIRRUS)
_TEN = tuple(band for band in BANDS if band not in {"B01", "B09", "B10"})

LAYOUTS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "l1c": BANDS,
        "l2a": _NO_B10,
        "ten": _TEN,
        "eurosat": (*(band for band in BANDS if band != "B8A"), "B8A"),
        "rgb": ("B04", "B03", "B02"),
    }
)
"""Named orders of bands: `l1c` (13), `l2a` (12, no B10), `ten` (10 and 20 m bands), `eurosat` (13, B8A last), `rgb`."""

SETTLED: Mapping[int, tuple[str, ...]] = MappingProxyType({10: _TEN, 12: _NO_B10})
"""Numbers of bands that everybody writes in one order. Thirteen is not among them: B8A stands ninth or last."""

# The asset names of the public STAC catalogues, which end up as band descriptions of stacked files.
_COMMON = {
    "coastal": "B01",
    "blue": "B02",
    "green": "B03",
    "red": "B04",
    "rededge1": "B05",
    "rededge2": "B06",
    "rededge3": "B07",
    "rededge071": "B05",
    "rededge075": "B06",
    "rededge078": "B07",
    "nir": "B08",
    "nir08": "B8A",
    "nir09": "B09",
    "cirrus": "B10",
    "swir16": "B11",
    "swir22": "B12",
}
# "B4", "b04", "T32UQD_20230601_B8A_20m", "B11, central wavelength 1610 nm"; never "Band 4", which is a position.
_NAME = re.compile(r"(?<![0-9a-z])b(0?[1-9]|1[0-2]|0?8a)(?![0-9a-z])", re.IGNORECASE)
# "b1", "b2", … in this order: some programs number whatever bands there are like this.
_NUMBER = re.compile(r"(?<![0-9a-z])b([1-9][0-9]*)(?![0-9a-z])", re.IGNORECASE)


@functools.lru_cache(maxsize=4096)  # the files of an archive say the same names
def band_name(text: str | None) -> str | None:
    """Return the band that a description names ("B4", "B04", "nir", …), or None.

    A description that names two different bands names none.
    """
    if not text:
        return None
    if common := _COMMON.get(text.strip().lower()):
        return common
    found = {match.group(1).upper().lstrip("0") for match in _NAME.finditer(text)}
    if len(found) != 1:
        return None
    code = found.pop()
    return "B8A" if code == "8A" else f"B{int(code):02d}"


def parse_layout(text: str) -> tuple[str, ...]:
    """Return the bands that the user names: a layout ("eurosat") or a list ("B02,B03,B04").

    Raises
    ------
    MsclipError
        A name that is no layout and no band, or a band named twice.
    """
    if named := LAYOUTS.get(text.strip().lower()):
        return named
    words = [word for word in re.split(r"[,\s]+", text) if word]
    names = [band_name(word) for word in words]
    if not words or None in names:
        wrong = words[names.index(None)] if words else ""
        raise MsclipError(
            f"'{wrong}' is no band of Sentinel-2 and no layout. Bands are {', '.join(BANDS)}; "
            f"layouts are {', '.join(LAYOUTS)}."
        )
    bands = tuple(name for name in names if name)
    if twice := next((band for band in bands if bands.count(band) > 1), None):
        raise MsclipError(f"The bands name {twice} twice: {','.join(bands)}.")
    return bands


@dataclass(frozen=True, slots=True)
class Naming:
    """What each band of a file is, and how that is known."""

    bands: tuple[str | None, ...]
    """One name for each band of the file, in the file's order; None is something else (a mask, a scene class)."""
    overruled: bool = False
    """The file's own descriptions say otherwise than the user did, and were believed."""


def _are_numbered(descriptions: Sequence[str | None]) -> bool:
    """Tell whether descriptions count from b1 up without a B8A, so that they may be places as well as names."""
    numbers = [match.group(1) if (match := _NUMBER.search(text or "")) else "" for text in descriptions]
    return bool(numbers) and numbers == [str(place) for place in range(1, len(numbers) + 1)]


def _described(descriptions: Sequence[str | None], layout: Sequence[str] | None) -> Naming | None:
    """Name bands by their descriptions; None where these name none."""
    own = tuple(band_name(text) for text in descriptions)
    if twice := next((band for band in own if band and own.count(band) > 1), None):
        raise BandsError(f"describes two of its bands as {twice}")
    if layout is None or not any(own):
        return Naming(own) if any(own) else None
    agree = len(layout) == len(own) and all(band in {None, said} for band, said in zip(own, layout, strict=True))
    return Naming(tuple(layout)) if agree else Naming(own, overruled=True)


def name_bands(count: int, *, descriptions: Sequence[str | None] = (), layout: Sequence[str] | None = None) -> Naming:
    """Decide what the bands of a file are.

    The file's own descriptions come first, then what the user said, then a settled number of bands. What the user said
    also names bands that the file leaves without a name, and decides where descriptions only count (b1, b2, …).

    Parameters
    ----------
    count
        Bands in the file.
    descriptions
        The file's band descriptions, in order; empty where the format has none.
    layout
        The bands in order, as the user named them.

    Raises
    ------
    BandsError
        The bands cannot be known, or the user's list has another length.
    """
    if _are_numbered(descriptions):
        if layout is None:
            raise BandsError(
                f"calls its bands {descriptions[0]} to {descriptions[-1]}, which may be their names or only their "
                "places: say which with --bands"
            )
    elif described := _described(descriptions, layout):
        return described
    if layout is not None:
        if len(layout) != count:
            raise BandsError(f"has {count} band{'s' * (count != 1)} where --bands names {len(layout)}")
        return Naming(tuple(layout))
    if settled := SETTLED.get(count):
        return Naming(settled)
    if count == len(BANDS):
        raise BandsError(
            "has 13 bands that it does not name, and two orders are in use: give --bands l1c "
            "(B8A ninth, after B08) or --bands eurosat (B8A last)"
        )
    raise BandsError(f"has {count} band{'s' * (count != 1)} that it does not name: say which with --bands B02,B03,…")


def likelier_layout(layout: Sequence[str], means: Sequence[float]) -> str | None:
    """Name the other order of thirteen bands, where the pixels speak for it and against the one given.

    B10 lies where the atmosphere lets nothing from the ground through, so it is the darkest band of nearly every tile.
    That is enough to warn by, and not enough to decide by.

    Parameters
    ----------
    layout
        The bands of the file in order, as the user named them.
    means
        Mean of each band's valid stored values.

    Returns
    -------
    str or None
        "l1c" or "eurosat"; None where nothing speaks against the order given.
    """
    orders = {name: LAYOUTS[name] for name in ("l1c", "eurosat")}
    if tuple(layout) not in orders.values():
        return None
    darkest = min(range(len(means)), key=means.__getitem__)
    if layout[darkest] == _CIRRUS:
        return None
    return next((name for name, bands in orders.items() if bands[darkest] == _CIRRUS), None)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which bands of a file a model takes."""

    positions: tuple[int, ...]
    """Zero-based positions in the file, in the order that the model wants."""
    substituted: tuple[tuple[str, str], ...]
    """Pairs (wanted, taken instead)."""


def choose_bands(
    have: Sequence[str | None], *, want: Sequence[str], substitutes: Sequence[tuple[str, str]] = ()
) -> Choice:
    """Find a model's bands in a file.

    Parameters
    ----------
    have
        The file's bands by name, in the file's order.
    want
        The model's bands, in the model's order.
    substitutes
        Pairs (wanted, stand-in) that the model permits.

    Raises
    ------
    BandsError
        Bands are missing; all are named.
    """
    place = {band: position for position, band in enumerate(have) if band}
    allowed = dict(substitutes)
    positions: list[int] = []
    substituted: list[tuple[str, str]] = []
    missing: list[str] = []
    for band in want:
        stand_in = allowed.get(band, "")
        if band in place:
            positions.append(place[band])
        elif stand_in in place:
            positions.append(place[stand_in])
            substituted.append((band, stand_in))
        else:
            missing.append(band)
    if missing:
        raise BandsError(f"lacks {', '.join(missing)}, which the model needs (it has {_listed(have)})")
    return Choice(tuple(positions), tuple(substituted))


def _listed(bands: Sequence[str | None]) -> str:
    return ", ".join(band for band in bands if band) or "no band of Sentinel-2"
