"""What the columns of an index hold, against a count in plain Python."""

import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from msclip_search import IndexDamaged, QueryError
from msclip_search.catalog import DISTINCT, SCHEMA, row_hashes
from msclip_search.filters.sql import SqlCondition
from msclip_search.search.columns import FEW, ColumnInfo, describe_columns
from msclip_search.store import open_snapshot, open_writer
from msclip_search.tile import TileRecord, Window
from tests.folder.making import MODEL, NONE_DELETED, located, record, units

TYPES = {
    "text": (
        "tile_id", "cell_id", "source", "crs", "platform", "level", "baseline", "offset_source", "product_id",
        "mgrs_tile", "caption", "fingerprint",
    ),
    "number": (
        "bbox.xmin", "bbox.ymin", "bbox.xmax", "bbox.ymax", "cloud", "shadow", "snow", "nodata", "offset",
    ),
    "whole number": ("window.x", "window.y", "window.width", "window.height", "vector_xxh64"),
    "date": ("datetime",),
    "list of text": ("labels",),
    "outline": ("geometry",),
}  # fmt: skip
RECORD = [name for names in TYPES.values() for name in names if "." not in name]


def value_of(tile: TileRecord, name: str, vector: np.ndarray[Any, Any]) -> Any:  # noqa: ANN401
    """Read a value of a record as the column of that name is to hold it; None where there is none."""
    whole, _, part = name.partition(".")
    if whole == "window":
        return getattr(tile.window, part)
    if whole in {"bbox", "geometry"}:
        if tile.footprint is None:
            return None
        edges = dict(zip(("xmin", "ymin", "xmax", "ymax"), shapely.from_wkb(tile.footprint.wkb).bounds, strict=True))
        return edges[part] if part else b"outline"
    if name == "vector_xxh64":
        return int(row_hashes(vector[np.newaxis])[0])
    found = getattr(tile, name)
    return float(np.float32(found)) if isinstance(found, float) else found


def expected(tiles: Sequence[TileRecord], vectors: np.ndarray[Any, Any], name: str, kind: str) -> dict[str, Any]:
    values = [value_of(tile, name, vector) for tile, vector in zip(tiles, vectors, strict=True)]
    values = [value for value in values if value not in {None, ()}]
    counted = Counter(label for value in values for label in value) if kind == "list of text" else Counter(values)
    common = sorted(counted.items(), key=lambda one: (-one[1], one[0])) if "text" in kind else []
    many = len(common) > FEW and kind == "text"
    ordered = kind not in {"list of text", "outline"} and values
    ends = (min(values), max(values)) if ordered else (None, None)
    least, greatest = (_iso(end) if isinstance(end, dt.datetime) else end for end in ends)
    return {
        "tiles": len(values),
        "least": least,
        "greatest": greatest,
        "distinct": len(common) if "text" in kind else None,
        "values": [] if many else [{"value": value, "tiles": number} for value, number in common[:FEW]],
    }


def _iso(moment: dt.datetime) -> str:
    """Write a date as hits have it: fractions only where there are some."""
    return moment.strftime("%Y-%m-%dT%H:%M:%S" + ".%f" * bool(moment.microsecond) + "Z")


def check(found: Sequence[ColumnInfo], tiles: Sequence[TileRecord], vectors: np.ndarray[Any, Any]) -> None:
    kinds = {name: kind for kind, names in TYPES.items() for name in names}
    assert {column.name: column.type for column in found} == kinds
    for column in found:
        told = column.to_dict()
        told["values"] = list(told["values"])
        wanted = expected(tiles, vectors, column.name, column.type)
        assert {key: told[key] for key in wanted} == wanted, column.name


text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=3)
percent = st.none() | st.floats(0, 100, width=32)
moments = st.datetimes(dt.datetime(2015, 1, 1), dt.datetime(2040, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001
places = st.none() | st.tuples(st.floats(-179, 179.95), st.floats(-80, 80))


@st.composite
def tiles(draw: st.DrawFn) -> TileRecord:
    place = draw(places)
    plain = located(0, west=place[0], south=place[1]) if place else record(0)
    return replace(
        plain,
        window=Window(*draw(st.tuples(st.integers(0, 9), st.integers(0, 9), st.integers(1, 9), st.integers(1, 9)))),
        datetime=draw(st.none() | moments),
        cloud=draw(percent),
        platform=draw(st.none() | st.sampled_from(["Sentinel-2A", "Sentinel-2B"])),
        mgrs_tile=draw(st.none() | text),
        labels=tuple(draw(st.lists(st.sampled_from("abcdefghijklmnopqrst"), max_size=4, unique=True))),
        caption=draw(st.none() | text),
        offset=draw(st.none() | st.just(-1000.0)),
    )


@given(drawn=st.lists(tiles(), max_size=30), cuts=st.lists(st.integers(1, 8), max_size=3), data=st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_columns_hold_what_the_live_tiles_say(drawn: list[TileRecord], cuts: list[int], data: st.DataObject) -> None:
    named = [replace(tile, tile_id=f"{at:032x}", source=f"/t/{at}.tif") for at, tile in enumerate(drawn)]
    gone = data.draw(st.sets(st.integers(0, len(named) - 1))) if named else set()
    vectors = units(len(named))
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "idx"
        writer = open_writer(root, model=MODEL)
        begin = 0
        for size in [*cuts, 100]:
            part = slice(begin, begin + size)
            writer.commit(named[part], vectors[part], delete=NONE_DELETED)
            begin += size
        writer.commit([], vectors[:0], delete=np.array(sorted(gone), dtype=np.int64))
        live = [at for at in range(len(named)) if at not in gone]
        read: list[int] = []
        found = describe_columns(open_snapshot(root), advance=read.append)
        check(found, [named[at] for at in live], vectors[live])
        assert read == sorted(read)
        assert read[-1:] == [len(named)][: len(named)]


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> list[ColumnInfo]:
    """Describe an index of one more tile than different values are counted, in two segments."""
    root = tmp_path_factory.mktemp("many") / "idx"
    writer = open_writer(root, model=MODEL)
    number, half = DISTINCT + 1, 6000
    records = [
        record(
            at, mgrs_tile=f"{at % DISTINCT:05d}", labels=(f"l{at}",), level=f"L{at % FEW:02d}", crs=f"C{at % 13:02d}"
        )
        for at in range(number)
    ]
    for part in (slice(0, half), slice(half, number)):
        writer.commit(records[part], units(len(records[part])), delete=NONE_DELETED)
    return describe_columns(open_snapshot(root))


def test_values_are_counted_up_to_a_limit_and_listed_where_they_are_few(columns: list[ColumnInfo]) -> None:
    by_name = {column.name: column for column in columns}
    assert (by_name["tile_id"].distinct, by_name["tile_id"].values) == (None, ())
    assert (by_name["tile_id"].least, by_name["tile_id"].greatest) == (f"{0:032x}", f"{DISTINCT:032x}")
    assert (by_name["mgrs_tile"].distinct, by_name["mgrs_tile"].greatest) == (DISTINCT, "09999")
    assert (by_name["labels"].distinct, by_name["labels"].values) == (None, ())
    assert by_name["labels"].tiles == DISTINCT + 1
    assert [one.value for one in by_name["level"].values] == sorted(f"L{at:02d}" for at in range(FEW))
    assert sum(one.tiles for one in by_name["level"].values) == DISTINCT + 1
    assert (by_name["crs"].distinct, by_name["crs"].values) == (13, ())


def test_conditions_know_the_same_columns(columns: list[ColumnInfo]) -> None:
    pytest.importorskip("duckdb")
    for column in columns:
        assert SqlCondition(f"{column.sql} IS NULL").columns == (column.name.partition(".")[0],)
    with pytest.raises(QueryError, match="There is no column 'clouds'") as said:
        SqlCondition("clouds < 10")
    listed = str(said.value).partition("There are ")[2].partition(". A text")[0].split(", ")
    assert listed == list(dict.fromkeys(column.name.partition(".")[0] for column in columns)) == SCHEMA.names


@pytest.mark.parametrize(
    ("kind", "condition"),
    [
        ("text", "{} = 'x'"),
        ("number", "{} < 10.5"),
        ("whole number", "{} % 2 = 0"),
        ("date", "{} >= TIMESTAMP '2023-01-01'"),
        ("list of text", "list_contains({}, 'x')"),
        ("outline", "{} IS NOT NULL"),
    ],
)
def test_a_type_says_what_a_condition_may_do(columns: list[ColumnInfo], kind: str, condition: str) -> None:
    pytest.importorskip("duckdb")
    found = [column for column in columns if column.type == kind]
    assert {column.name for column in found} == set(TYPES[kind])
    for column in found:
        SqlCondition(condition.format(column.sql))


def test_a_damaged_sidecar_is_said(tmp_path: Path) -> None:
    open_writer(tmp_path, model=MODEL).commit([record(1)], units(1), delete=NONE_DELETED)
    snapshot = open_snapshot(tmp_path)
    path = snapshot.layout.sidecar(1)
    path.write_bytes(b"x" * path.stat().st_size)
    with pytest.raises(IndexDamaged, match="is damaged"):
        describe_columns(snapshot)
