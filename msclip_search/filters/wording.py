"""Clauses of a filter as people read them."""

import datetime as dt
from collections.abc import Sequence
from typing import Any

from msclip_search.geometry import Box
from msclip_search.words import latitude_in_words, longitude_in_words

LAST_MOMENT = dt.time(23, 59, 59, 999_999)
"""The end of a day: times are kept in microseconds."""
_KINDS = {
    "Point": "a point",
    "MultiPoint": "points",
    "LineString": "a line",
    "LinearRing": "a line",
    "MultiLineString": "lines",
    "Polygon": "a polygon",
    "MultiPolygon": "polygons",
}


def box_in_words(bbox: Box) -> str:
    """Write a box: "5° E 45° N to 11° E 48° N"."""
    west, south, east, north = bbox
    corners = ((west, south), (east, north))
    said = " to ".join(f"{longitude_in_words(x)} {latitude_in_words(y)}" for x, y in corners)
    return said + (", across the antimeridian" if west > east else "")


def area_in_words(area: Any) -> str:  # noqa: ANN401 - shapely has no types
    """Write what kind of geometry it is, and where: "meeting a polygon within 5° E 45° N to 11° E 48° N"."""
    return f"meeting {_KINDS.get(area.geom_type, 'geometries')} within {box_in_words(area.bounds)}"


def distance_in_words(metres: float) -> str:
    """Write a distance: "500 m", "50 km"."""
    return f"{metres / 1000:,.10g} km" if metres >= 1000 else f"{metres:.10g} m"


def interval_in_words(start: dt.datetime | None, end: dt.datetime | None) -> str:
    """Write an interval in UTC: "from 2023-05-01 to 2023-10-01", whole days by their dates."""
    start, end = (value and value.astimezone(dt.UTC) for value in (start, end))
    whole_days = (start is None or start.time() == dt.time()) and (end is None or end.time() == LAST_MOMENT)
    first, last = (_moment(value, whole_days=whole_days) if value else "" for value in (start, end))
    if first and last:
        if whole_days and first == last:
            return f"on {first}"
        return f"from {first} to {last}"
    return f"from {first} on" if first else f"until {last}"


def or_list(texts: Sequence[str]) -> str:
    """Write "a, b or c"."""
    return " or ".join(filter(None, (", ".join(texts[:-1]), texts[-1])))


def _moment(value: dt.datetime, *, whole_days: bool) -> str:
    if whole_days:
        return value.date().isoformat()
    return value.replace(tzinfo=None).isoformat(" ", "auto" if value.microsecond or value.second else "minutes") + "Z"
