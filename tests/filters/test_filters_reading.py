"""Clauses as people type them."""

import contextlib
import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from msclip_search import QueryError
from msclip_search.filters import read_bbox, read_distance, read_geometry, read_interval, read_point

UTC = dt.UTC


def first(*moment: int) -> dt.datetime:
    return dt.datetime(*moment, tzinfo=UTC)  # type: ignore[misc,arg-type]


def last(year: int, month: int, day: int) -> dt.datetime:
    return dt.datetime(year, month, day, 23, 59, 59, 999_999, UTC)


@pytest.mark.parametrize(
    ("text", "box"),
    [
        ("5,45,11,48", (5, 45, 11, 48)),
        (" 5.5 , -45., +11 ,.5 ", (5.5, -45, 11, 0.5)),
        ("170,-10,-170,1e1", (170, -10, -170, 10)),
    ],
)
def test_boxes(text: str, box: tuple[float, ...]) -> None:
    assert read_bbox(text) == box


def test_places() -> None:
    assert read_point("7.98,46.53") == (7.98, 46.53)
    assert read_point("-180, -90") == (-180, -90)


@pytest.mark.parametrize(
    ("text", "metres"),
    [("50km", 50_000), ("500m", 500), ("500 m", 500), (" 0.5 km ", 500), (".25KM", 250), ("1.m", 1), ("1e0m", None)],
)
def test_distances(text: str, metres: float | None) -> None:
    if metres is None:
        with pytest.raises(QueryError):
            read_distance(text)
    else:
        assert read_distance(text) == metres


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2023-05-01/2023-10-01", first(2023, 5, 1), last(2023, 10, 1)),
        ("2023-05-01/..", first(2023, 5, 1), None),
        ("2023-05-01/", first(2023, 5, 1), None),
        ("../2023-10-01", None, last(2023, 10, 1)),
        ("/2023-10-01", None, last(2023, 10, 1)),
        ("2023-05-01", first(2023, 5, 1), last(2023, 5, 1)),
        ("2024-02", first(2024, 2, 1), last(2024, 2, 29)),
        ("2023", first(2023, 1, 1), last(2023, 12, 31)),
        ("2022/2023-02", first(2022, 1, 1), last(2023, 2, 28)),
        (" 2023-05-01 / 2023-05-02 ", first(2023, 5, 1), last(2023, 5, 2)),
        ("2023-05-01T10:20:30Z", first(2023, 5, 1, 10, 20, 30), first(2023, 5, 1, 10, 20, 30)),
        ("2023-05-01t10:20:30.5z/..", first(2023, 5, 1, 10, 20, 30, 500_000), None),
        ("2023-05-01T10:20/2023-05-01 11:00", first(2023, 5, 1, 10, 20), first(2023, 5, 1, 11)),
        ("2023-05-01T00:20:00+02:00/..", first(2023, 4, 30, 22, 20), None),
        ("../2023-05-01T10:20:30.123456789Z", None, first(2023, 5, 1, 10, 20, 30, 123_456)),
    ],
)
def test_intervals(text: str, start: dt.datetime | None, end: dt.datetime | None) -> None:
    assert read_interval(text) == (start, end)
    for moment in read_interval(text):
        assert moment is None or moment.tzinfo is UTC


REFUSED: list[tuple[Callable[[str], Any], str, str]] = [
    (read_bbox, "", r"^A box is four numbers, west,south,east,north, as in 5,45,11,48, not ''\.$"),
    (read_bbox, "5,45,11", "A box is four numbers"),
    (read_bbox, "5,45,0,11,48,100", "A box is four numbers"),
    (read_bbox, "5;45;11;48", "A box is four numbers"),
    (read_bbox, "5,45,nan,48", "A box is four numbers"),
    (read_bbox, "5,45,1_1,48", "A box is four numbers"),
    (read_bbox, "5,45,٣,48", "A box is four numbers"),
    (read_bbox, "5,45,1e999,48", "inf is no number of degrees"),
    (read_bbox, "5,48,11,45", "lies north of its north edge"),
    (read_bbox, "46.5,170,47,190", "longitude comes first"),
    (read_point, "7.98", "A place is two numbers, longitude,latitude, as in 7.98,46.53, not '7.98'"),
    (read_point, "7.98;46.53", "A place is two numbers"),
    (read_point, "46.53,98", "longitude comes first"),
    (read_distance, "50", "with its unit, km or m, as in 50km or 500m, not '50'"),
    (read_distance, "50 mi", "with its unit, km or m"),
    (read_distance, "-5km", "number above 0"),
    (read_distance, "0m", "number above 0"),
    (read_distance, "0,5 km", "number above 0"),
    (read_distance, f"{'9' * 400}km", "number above 0"),
    (read_interval, "", "one side at least"),
    (read_interval, "../..", "one side at least, as in 2023-05-01/2023-10-01"),
    (read_interval, "/", "one side at least"),
    (read_interval, "2023/2024/2025", "An interval has two sides"),
    (read_interval, "2023-10-01/2023-05-01", "ends before it begins"),
    (read_interval, "2023-02-30", r"'2023-02-30' in '2023-02-30' is no date: day is out of range for month\.$"),
    (read_interval, "2023-13", "is no date: month must be in 1..12"),
    (read_interval, "0000", "is no date"),
    (read_interval, "2023-05-01T25:00:00Z/..", "is no date: hour must be in 0..23"),
    (read_interval, "0001-01-01T00:00:00+02:00/..", "is no date"),
    (read_interval, "yesterday", r"^'yesterday' is no date or time: write them as in"),
    (read_interval, "01.05.2023", "is no date or time"),
    (read_interval, "20230501", "is no date or time"),
    (read_interval, "2023-5-1", "is no date or time"),
]


@pytest.mark.parametrize(("read", "text", "sentence"), REFUSED, ids=[text[:30] or "nothing" for _, text, _ in REFUSED])
def test_what_cannot_be_read_is_said(read: Callable[[str], Any], text: str, sentence: str) -> None:
    with pytest.raises(QueryError, match=sentence) as raised:
        read(text)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("read", [read_bbox, read_point, read_distance, read_interval, read_geometry])
@given(text=st.text(max_size=20) | st.from_regex(r"[0-9T:Z/.,\- {}\[\]km]{0,25}", fullmatch=True))
def test_any_text_is_read_or_refused(read: Callable[[str], Any], text: str) -> None:
    with contextlib.suppress(QueryError):
        read(text)
