"""What a tile has to be like to be found."""

import datetime as dt
import math
import numbers
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from msclip_search.errors import QueryError
from msclip_search.filters.area import check_area
from msclip_search.filters.wording import area_in_words, box_in_words, distance_in_words, interval_in_words, or_list
from msclip_search.geometry import Box
from msclip_search.words import latitude_in_words, longitude_in_words

_LONGITUDE, _LATITUDE = 180.0, 90.0
_ORDER = "longitude comes first"
LEVELS = ("L1C", "L2A")
"""Of processing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Clauses that all have to hold; one that is None, or empty, asks for nothing.

    A tile that does not know what a clause asks about (no coordinates, no date, no mask of clouds) is not found.

    Raises
    ------
    QueryError
        A value is out of its range, or not of its kind.
    """

    bbox: Box | None = None
    """west, south, east, north in degrees, borders included; west > east crosses the antimeridian."""
    intersects: Any = None
    """A shapely geometry in longitude and latitude, its border included."""
    near: tuple[float, float] | None = None
    """longitude, latitude of a place; goes with `radius`."""
    radius: float | None = None
    """Metres on the ellipsoid from `near` to the nearest point of the tile, at most."""
    start: dt.datetime | None = None
    """Sensed at this time or later; it knows its zone."""
    end: dt.datetime | None = None
    """Sensed at this time or earlier; it knows its zone."""
    max_cloud: float | None = None
    """Percent of the valid pixels that are cloud, at most."""
    max_nodata: float | None = None
    """Percent of the pixels that hold nothing, at most."""
    levels: tuple[str, ...] = ()
    """Processing levels, "L1C" or "L2A": any of them."""
    labels: tuple[str, ...] = ()
    """Any of them."""
    where: str | None = None
    """A condition in SQL. It is evaluated elsewhere: see `Condition`."""

    def __post_init__(self) -> None:
        """Refuse what no tile can be asked for."""
        for name in ("bbox", "near"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _numbers(getattr(self, name)))
        for name in ("radius", "max_cloud", "max_nodata"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, *_numbers((getattr(self, name),)))
        if self.bbox is not None:
            _check_box(self.bbox)
        if self.intersects is not None:
            check_area(self.intersects, "The geometry")
        _check_circle(self.near, self.radius)
        _check_interval(self.start, self.end)
        _check_percent("cloud", self.max_cloud)
        _check_percent("nodata", self.max_nodata)
        _check_texts("levels", self.levels)
        _check_texts("labels", self.labels)
        if unknown := [level for level in self.levels if level not in LEVELS]:
            raise QueryError(f"There is no level {unknown[0]!r}: a level is {or_list(LEVELS)}.")
        if self.where is not None and not (isinstance(self.where, str) and self.where.strip()):
            raise QueryError("The condition is empty: write one such as `mgrs_tile = '32TMT'`.")

    @property
    def is_empty(self) -> bool:
        """Whether every tile fits."""
        return all(getattr(self, field.name) in (None, ()) for field in fields(self))

    def echo(self) -> list[str]:
        """Write each clause as it was understood: "within 50 km of 7.98° E 46.53° N", "cloud at most 10 %"."""
        said = []
        if self.bbox is not None:
            said.append(box_in_words(self.bbox))
        if self.intersects is not None:
            said.append(area_in_words(self.intersects))
        if self.near is not None and self.radius is not None:
            place = f"{longitude_in_words(self.near[0])} {latitude_in_words(self.near[1])}"
            said.append(f"within {distance_in_words(self.radius)} of {place}")
        if self.start or self.end:
            said.append(interval_in_words(self.start, self.end))
        for name, limit in (("cloud", self.max_cloud), ("nodata", self.max_nodata)):
            if limit is not None:
                said.append(f"{name} at most {limit:g} %")
        if self.levels:
            said.append(f"level {or_list(self.levels)}")
        if self.labels:
            said.append(f"labelled {or_list(self.labels)}")
        if self.where is not None:
            said.append(f"where {self.where.strip()}")
        return said


def _numbers(values: Any) -> tuple[float, ...]:  # noqa: ANN401 - whatever a caller gives
    """Take numbers, of Python or numpy, as floats."""
    try:
        found = tuple(values)
    except TypeError:
        raise QueryError(f"Places and boxes of a filter are numbers, several of them, not {values!r}.") from None
    for value in found:
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise QueryError(f"A filter asks for a number here, not {value!r}.")
    return tuple(float(value) for value in found)


def _check_box(bbox: Sequence[float]) -> None:
    if len(bbox) != 4:
        raise QueryError(f"A box has four numbers, west,south,east,north, not {len(bbox)}.")
    west, south, east, north = bbox
    _check_places((west, east), (south, north), "A box is west,south,east,north")
    if south > north:
        raise QueryError(
            f"The south edge of the box, {south:g}, lies north of its north edge, {north:g}. "
            f"A box is west,south,east,north: {_ORDER}."
        )


def _check_circle(near: Sequence[float] | None, radius: float | None) -> None:
    if (near is None) != (radius is None):
        raise QueryError("A place and a radius go together: the one says near what, the other how near.")
    if near is None or radius is None:
        return
    if len(near) != 2:
        raise QueryError(f"A place has two numbers, longitude,latitude, not {len(near)}.")
    _check_places(near[:1], near[1:], "A place is longitude,latitude")
    if not (math.isfinite(radius) and radius > 0):
        raise QueryError(f"A radius is a number of metres above 0, not {radius:g}.")


def _check_places(longitudes: Sequence[float], latitudes: Sequence[float], order: str) -> None:
    """Refuse coordinates that are not on the globe, with a hint where the axes may be swapped."""
    for value in (*longitudes, *latitudes):
        if not math.isfinite(value):
            raise QueryError(f"{order}, in degrees: {value} is no number of degrees.")
    if beyond := [value for value in latitudes if abs(value) > _LATITUDE]:
        swapped = all(abs(value) <= _LATITUDE for value in longitudes)
        hint = f"{order}: {_ORDER}." if swapped else f"{order}, in degrees."
        raise QueryError(f"The latitude {beyond[0]:g} is not between -90 and 90. {hint}")
    for value in longitudes:
        if abs(value) > _LONGITUDE:
            turned = (value + _LONGITUDE) % (2 * _LONGITUDE) - _LONGITUDE
            hint = f" Write {turned:g}." if abs(value) <= 2 * _LONGITUDE else f" {order}, in degrees."
            raise QueryError(f"The longitude {value:g} is not between -180 and 180.{hint}")


def _check_interval(start: dt.datetime | None, end: dt.datetime | None) -> None:
    for value in (start, end):
        if value is None:
            continue
        if not isinstance(value, dt.datetime) or value.utcoffset() is None:
            raise QueryError(f"A time of a filter is a datetime that knows its zone, not {value!r}.")
    if start and end and start > end:
        raise QueryError(
            f"The interval ends before it begins: from {start.isoformat()} to {end.isoformat()}. "
            "The earlier time comes first."
        )


def _check_percent(name: str, limit: float | None) -> None:
    if limit is not None and not 0 <= limit <= 100:
        raise QueryError(f"The largest share of {name} is given in percent, 0 to 100, not {limit:g}.")


def _check_texts(name: str, texts: Sequence[str]) -> None:
    if not isinstance(texts, tuple) or not all(isinstance(text, str) for text in texts):
        raise QueryError(f"The {name} of a filter are a tuple of texts, not {texts!r}.")
    if not all(texts):
        raise QueryError(f"One of the {name} is empty: write its name.")
