"""What a filter refuses, and how it says what it asks for."""

import datetime as dt
import math
import re
from typing import Any

import numpy as np
import pytest
import shapely

from msclip_search import QueryError
from msclip_search.filters import Filter

UTC = dt.UTC
DAY = dt.datetime(2023, 5, 1, tzinfo=UTC)
LATER = dt.datetime(2023, 10, 1, 23, 59, 59, 999_999, UTC)
BOW = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"bbox": (5, 45, 11)}, r"^A box has four numbers, west,south,east,north, not 3\.$"),
    ({"bbox": (5, 45, 11, math.nan)}, r"nan is no number of degrees"),
    ({"bbox": (5, math.inf, 11, 48)}, r"inf is no number of degrees"),
    ({"bbox": (46.5, 170, 47, 190)}, r"^The latitude 170 is not between -90 and 90\. .*: longitude comes first\.$"),
    ({"bbox": (-20, 140, -10, 150)}, r"longitude comes first\.$"),
    ({"bbox": (100, 95, 110, 98)}, r"^The latitude 95 is not between -90 and 90\. .*, in degrees\.$"),
    ({"bbox": (170, -10, 190, 10)}, r"^The longitude 190 is not between -180 and 180\. Write -170\.$"),
    ({"bbox": (400_000, 5, 500_000, 6)}, r"^The longitude 400000 .* west,south,east,north, in degrees\.$"),
    (
        {"bbox": (5, 48, 11, 45)},
        r"^The south edge of the box, 48, lies north of its north edge, 45\. .*longitude comes",
    ),
    ({"near": (7.98, 46.53)}, r"^A place and a radius go together"),
    ({"radius": 500}, r"^A place and a radius go together"),
    (
        {"near": (46.5, 190), "radius": 5},
        r"^The latitude 190 .* A place is longitude,latitude: longitude comes first\.$",
    ),
    ({"near": (7, 46, 400), "radius": 5}, r"^A place has two numbers, longitude,latitude, not 3\.$"),
    ({"near": (math.nan, 46), "radius": 5}, r"nan is no number of degrees"),
    ({"near": (7, 46), "radius": 0}, r"^A radius is a number of metres above 0, not 0\.$"),
    ({"near": (7, 46), "radius": -5}, r"above 0, not -5\.$"),
    ({"near": (7, 46), "radius": math.nan}, r"above 0, not nan\.$"),
    ({"near": (7, 46), "radius": math.inf}, r"above 0, not inf\.$"),
    ({"start": dt.datetime(2023, 5, 1)}, r"knows its zone, not datetime"),  # noqa: DTZ001
    ({"end": dt.date(2023, 5, 1)}, r"knows its zone, not datetime"),
    (
        {"start": LATER, "end": DAY},
        r"^The interval ends before it begins: from 2023-10-01T.* to 2023-05-01T.* comes first",
    ),
    ({"max_cloud": -1}, r"^The largest share of cloud is given in percent, 0 to 100, not -1\.$"),
    ({"max_cloud": 100.5}, r"not 100\.5\.$"),
    ({"max_nodata": math.nan}, r"^The largest share of nodata .* not nan\.$"),
    ({"levels": "L2A"}, r"^The levels of a filter are a tuple of texts"),
    ({"labels": ("",)}, r"^One of the labels is empty: write its name\.$"),
    ({"where": " "}, r"^The condition is empty"),
    ({"intersects": (5, 45, 11, 48)}, r"^The geometry is a shapely geometry, not tuple"),
    ({"intersects": shapely.Polygon()}, r"^The geometry is empty"),
    ({"intersects": shapely.Point(46, 120)}, r"longitude comes first"),
    ({"intersects": shapely.Point(math.nan, 1)}, r"^The geometry (has the position \[nan, 1\]|is empty)"),
    ({"intersects": shapely.Point(400_000, 5_000_000)}, r"projected coordinate system"),
    ({"intersects": BOW}, r"^The geometry is not valid \(self-intersection at 0\.5 0\.5\)\. Repair it"),
]


@pytest.mark.parametrize(
    ("clauses", "sentence"), REFUSED, ids=[str(list(clauses.values()))[:40] for clauses, _ in REFUSED]
)
def test_what_cannot_be_asked_is_refused(clauses: dict[str, Any], sentence: str) -> None:
    with pytest.raises(QueryError, match=sentence) as raised:
        Filter(**clauses)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "clauses",
    [
        {"bbox": (-180, -90, 180, 90)},
        {"bbox": (170, -10, -170, 10)},
        {"bbox": (7, 46, 7, 46)},
        {"near": (-180, 90), "radius": 1e-3},
        {"start": DAY, "end": DAY},
        {"max_cloud": 0, "max_nodata": 100},
        {"intersects": shapely.GeometryCollection([shapely.Point(1, 2), shapely.box(180, 0, 179, 1)])},
    ],
)
def test_the_edges_of_what_can_be_asked(clauses: dict[str, Any]) -> None:
    assert not Filter(**clauses).is_empty
    assert len(Filter(**clauses).echo()) == 1 + ("max_nodata" in clauses)


def test_nothing_asked_is_an_empty_filter() -> None:
    assert Filter().is_empty
    assert Filter().echo() == []
    assert Filter(levels=(), labels=()).is_empty
    assert not Filter(max_cloud=0).is_empty
    assert not Filter(where="cloud < 5").is_empty


ECHO: list[tuple[dict[str, Any], str]] = [
    ({"bbox": (5, 45, 11, 48)}, "5° E 45° N to 11° E 48° N"),
    ({"bbox": (170, -20.25, -170, 0)}, "170° E 20.25° S to 170° W 0°, across the antimeridian"),
    ({"intersects": shapely.box(5, 45, 11, 48)}, "meeting a polygon within 5° E 45° N to 11° E 48° N"),
    ({"intersects": shapely.MultiPoint([(5, 45), (6, 46)])}, "meeting points within 5° E 45° N to 6° E 46° N"),
    ({"near": (7.98, 46.53), "radius": 50_000.0}, "within 50 km of 7.98° E 46.53° N"),
    ({"near": (-7.98, -46.53), "radius": 500}, "within 500 m of 7.98° W 46.53° S"),
    ({"near": (0, 0), "radius": 1234.5}, "within 1.2345 km of 0° 0°"),
    ({"start": DAY, "end": LATER}, "from 2023-05-01 to 2023-10-01"),
    ({"start": DAY}, "from 2023-05-01 on"),
    ({"end": LATER}, "until 2023-10-01"),
    ({"start": DAY, "end": DAY.replace(hour=23, minute=59, second=59, microsecond=999_999)}, "on 2023-05-01"),
    ({"start": DAY, "end": DAY.replace(hour=12)}, "from 2023-05-01 00:00Z to 2023-05-01 12:00Z"),
    (
        {"start": dt.datetime(2023, 5, 1, 2, 0, 1, tzinfo=dt.timezone(dt.timedelta(hours=3)))},
        "from 2023-04-30 23:00:01Z on",
    ),
    ({"max_cloud": 10}, "cloud at most 10 %"),
    ({"max_nodata": 0.5}, "nodata at most 0.5 %"),
    ({"levels": ("L2A",)}, "level L2A"),
    ({"labels": ("Forest", "Sea", "Ice")}, "labelled Forest, Sea or Ice"),
    ({"where": "mgrs_tile LIKE '32T%' "}, "where mgrs_tile LIKE '32T%'"),
]


@pytest.mark.parametrize(("clauses", "said"), ECHO, ids=[said for _, said in ECHO])
def test_a_filter_says_what_it_asks_for(clauses: dict[str, Any], said: str) -> None:
    assert Filter(**clauses).echo() == [said]


def test_clauses_are_said_in_order() -> None:
    wanted = Filter(max_cloud=10, bbox=(5, 45, 11, 48), labels=("Sea",))
    assert wanted.echo() == ["5° E 45° N to 11° E 48° N", "cloud at most 10 %", "labelled Sea"]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"max_cloud": "10"}, "asks for a number here, not '10'"),
        ({"max_nodata": True}, "asks for a number here, not True"),
        ({"bbox": "1234"}, "asks for a number here, not '1'"),
        ({"near": 5, "radius": 1.0}, "are numbers, several of them, not 5"),
        ({"near": (1.0, 2.0), "radius": "5km"}, "asks for a number here, not '5km'"),
        ({"where": 5}, "The condition is empty"),
        ({"levels": ("L3",)}, "There is no level 'L3': a level is L1C or L2A"),
        ({"labels": ("",)}, "One of the labels is empty"),
        ({"labels": "Forest"}, "are a tuple of texts, not 'Forest'"),
    ],
)
def test_values_of_another_kind_are_refused(wrong: dict[str, Any], sentence: str) -> None:
    with pytest.raises(QueryError, match=re.escape(sentence)):
        Filter(**wrong)


def test_arrays_of_numpy_are_numbers() -> None:
    clauses: dict[str, Any] = {"bbox": np.array([5, 45, 11, 48]), "max_cloud": np.float32(10)}
    given = Filter(**clauses)
    assert given == Filter(bbox=(5.0, 45.0, 11.0, 48.0), max_cloud=10.0)
    assert not given.is_empty
