"""Clauses of a filter as people type them."""

import calendar
import datetime as dt
import re

from msclip_search.errors import QueryError
from msclip_search.filters.filter import Filter
from msclip_search.filters.wording import LAST_MOMENT
from msclip_search.geometry import Box

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DISTANCE = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))\s*(km|m)", re.ASCII | re.IGNORECASE)
_DATE = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2}))?)?", re.ASCII)
_TIME = re.compile(
    r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?([Zz]|[+-]\d{2}:\d{2})?",
    re.ASCII,
)
_INTERVAL = "as in 2023-05-01/2023-10-01, 2023-05-01/.., ../2023-10-01, 2023-05-01, 2023-05 or 2023"


def read_bbox(text: str) -> Box:
    """Read "5,45,11,48": west, south, east, north in degrees; west > east crosses the antimeridian.

    Raises
    ------
    QueryError
        These are not four numbers, or not a box on the globe.
    """
    numbers = _numbers(text)
    if numbers is None or len(numbers) != 4:
        raise QueryError(f"A box is four numbers, west,south,east,north, as in 5,45,11,48, not {text!r}.")
    west, south, east, north = numbers
    Filter(bbox=(west, south, east, north))
    return west, south, east, north


def read_point(text: str) -> tuple[float, float]:
    """Read "7.98,46.53": longitude, latitude in degrees.

    Raises
    ------
    QueryError
        These are not two numbers, or not a place on the globe.
    """
    numbers = _numbers(text)
    if numbers is None or len(numbers) != 2:
        raise QueryError(f"A place is two numbers, longitude,latitude, as in 7.98,46.53, not {text!r}.")
    longitude, latitude = numbers
    Filter(near=(longitude, latitude), radius=1.0)
    return longitude, latitude


def read_distance(text: str) -> float:
    """Read "50km" or "500 m" as metres.

    Raises
    ------
    QueryError
        It has no unit, another unit, or is not above 0.
    """
    found = _DISTANCE.fullmatch(text.strip())
    metres = float(found[1]) * (1000 if found[2].lower() == "km" else 1) if found else 0.0
    if not 0 < metres < float("inf"):
        raise QueryError(f"A distance is a number above 0 with its unit, km or m, as in 50km or 500m, not {text!r}.")
    return metres


def read_interval(text: str) -> tuple[dt.datetime | None, dt.datetime | None]:
    """Read dates or RFC 3339 times, "2023-05-01/2023-10-01", as start and end; both are included.

    A date alone is that day, "2023-05" that month, "2023" that year; as an end, a date, month or year means its last
    microsecond. ".." or nothing leaves a side open. A time without a zone is UTC.

    Raises
    ------
    QueryError
        This is not an interval, has no side, names a day that is not, or ends before it begins.
    """
    sides = text.strip().split("/")
    if len(sides) > 2:
        raise QueryError(f"An interval has two sides, {_INTERVAL}, not {text!r}.")
    first, last = (side.strip() for side in (sides[0], sides[-1]))
    start = None if first in {"", ".."} else _moments(first, text)[0]
    end = None if last in {"", ".."} else _moments(last, text)[1]
    if start is None and end is None:
        raise QueryError(f"An interval has one side at least, {_INTERVAL}, not {text!r}.")
    Filter(start=start, end=end)
    return start, end


def _numbers(text: str) -> list[float] | None:
    """Read numbers between commas; None where one is none."""
    parts = [part.strip() for part in text.split(",")]
    return [float(part) for part in parts] if all(_NUMBER.fullmatch(part) for part in parts) else None


def _moments(side: str, text: str) -> tuple[dt.datetime, dt.datetime]:
    """Return the first and last moment of a year, month, day or time, UTC."""
    try:
        if found := _DATE.fullmatch(side):
            year, month, day = (int(part) if part else 0 for part in found.groups())
            first = dt.date(year, month or 1, day or 1)
            last_month = month or 12
            last = dt.date(year, last_month, day or calendar.monthrange(year, last_month)[1])
            return dt.datetime.combine(first, dt.time(), dt.UTC), dt.datetime.combine(last, LAST_MOMENT, dt.UTC)
        if _TIME.fullmatch(side):
            moment = dt.datetime.fromisoformat(side.upper().replace(",", "."))
            moment = (moment if moment.tzinfo else moment.replace(tzinfo=dt.UTC)).astimezone(dt.UTC)
            return moment, moment
    except (ValueError, OverflowError) as error:
        raise QueryError(f"{side!r} in {text!r} is no date: {str(error).rstrip('.')}.") from error
    raise QueryError(f"{side!r} is no date or time: write them {_INTERVAL}, or 2023-05-01T10:20:30Z.")
