"""The sidecar: its columns, its GeoParquet, and what other programs read from it."""

import datetime as dt
import io
import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st

from msclip_search import catalog
from msclip_search.geometry import Footprint, footprint
from msclip_search.store import open_writer
from msclip_search.tile import TileRecord, Window
from tests.folder.making import MODEL, NONE_DELETED, located, record, units

COLUMNS = (
    "tile_id", "cell_id", "source", "window", "geometry", "bbox", "crs", "datetime", "cloud", "shadow", "snow",
    "nodata", "platform", "level", "baseline", "offset", "offset_source", "product_id", "mgrs_tile", "labels",
    "caption", "fingerprint", "vector_xxh64",
)  # fmt: skip


text = st.text(st.characters(codec="utf-8"), max_size=12)


maybe_text = st.none() | text


percent = st.none() | st.floats(0, 100, width=32)


moments = st.datetimes(dt.datetime(2015, 1, 1), dt.datetime(2040, 1, 1), timezones=st.just(dt.UTC))  # noqa: DTZ001


corners = st.tuples(st.floats(-179, 179), st.floats(-80, 79)).map(
    lambda at: footprint([at[0], at[0] + 0.5, at[0] + 0.5, at[0]], [at[1], at[1], at[1] + 0.5, at[1] + 0.5])
)


records = st.builds(
    TileRecord,
    tile_id=text,
    cell_id=maybe_text,
    source=text,
    window=st.builds(Window, st.integers(0, 9999), st.integers(0, 9999), st.integers(1, 999), st.integers(1, 999)),
    footprint=st.none() | corners,
    crs=maybe_text,
    datetime=st.none() | moments,
    cloud=percent,
    shadow=percent,
    snow=percent,
    nodata=percent,
    platform=maybe_text,
    level=maybe_text,
    baseline=maybe_text,
    offset=st.none() | st.floats(-2000, 2000, width=32),
    offset_source=maybe_text,
    product_id=maybe_text,
    mgrs_tile=maybe_text,
    labels=st.lists(text, max_size=3).map(tuple),
    caption=maybe_text,
    fingerprint=text,
)  # fmt: skip


def as_record(row: dict[str, Any]) -> TileRecord:
    """Make a record of a row as pyarrow gives it, field by field."""
    plain = {key: value for key, value in row.items() if key not in {"geometry", "bbox", "vector_xxh64"}}
    return TileRecord(
        **plain
        | {
            "window": Window(**row["window"]),
            "footprint": Footprint(row["geometry"]) if row["geometry"] else None,
            "labels": tuple(row["labels"]),
        }
    )


@given(rows=st.lists(records, min_size=1, max_size=6))
@settings(max_examples=40, deadline=None)
def test_what_goes_in_comes_out(rows: list[TileRecord]) -> None:
    hashes = np.arange(2**64 - len(rows), 2**64, dtype=np.uint64)
    table = pq.read_table(pa.BufferReader(catalog.to_bytes(catalog.to_table(rows, hashes))))
    read = table.to_pylist()
    assert [as_record(row) for row in read] == rows
    assert [row["vector_xxh64"] for row in read] == hashes.tolist()
    for row, wanted in zip(read, rows, strict=True):
        box = tuple(row["bbox"].values()) if row["bbox"] else None
        assert box == (wanted.footprint.planar_bounds if wanted.footprint else None)


def test_the_columns_are_those_of_the_design() -> None:
    table = catalog.to_table([record(1)], np.zeros(1, np.uint64))
    assert tuple(table.column_names) == COLUMNS
    kinds = {field.name: str(field.type) for field in table.schema}
    assert kinds["datetime"] == "timestamp[us, tz=UTC]"
    assert kinds["vector_xxh64"] == "uint64"
    assert kinds["window"] == "struct<x: int32, y: int32, width: int32, height: int32>"
    assert kinds["bbox"] == "struct<xmin: double, ymin: double, xmax: double, ymax: double>"
    assert (kinds["geometry"], kinds["cloud"], kinds["offset"]) == ("binary", "float", "float")
    assert table.schema.field("labels").type.value_type == pa.string()
    never_null = {field.name for field in table.schema if not field.nullable}
    assert never_null == {"tile_id", "source", "window", "labels", "fingerprint", "vector_xxh64"}


def test_times_of_other_zones_are_kept_as_utc() -> None:
    moment = dt.datetime(2023, 6, 1, 23, 30, tzinfo=dt.timezone(dt.timedelta(hours=-4)))
    row = catalog.to_table([record(1, datetime=moment)], np.zeros(1, np.uint64)).to_pylist()[0]
    assert row["datetime"] == dt.datetime(2023, 6, 2, 3, 30, tzinfo=dt.UTC)


@pytest.fixture
def on_the_map(tmp_path: Path) -> Path:
    """Write a sidecar of three tiles: in Tyrol, across the antimeridian, and nowhere."""
    rows = [
        located(0, west=11.0, south=47.0),
        located(1, west=179.95, south=-17.0),
        record(2, cloud=12.5, datetime=dt.datetime(2023, 6, 1, 10, 20, 31, tzinfo=dt.UTC), labels=("a", "b")),
    ]
    writer = open_writer(tmp_path / "idx", model=MODEL, kind="auto")
    writer.commit(rows, units(3), delete=NONE_DELETED)
    return tmp_path / "idx" / "segments" / "000001" / "tiles.parquet"


def test_geoparquet_1_1(on_the_map: Path) -> None:
    file = pq.ParquetFile(on_the_map)
    geo = json.loads(file.metadata.metadata[b"geo"])
    assert geo == {
        "version": "1.1.0",
        "primary_column": "geometry",
        "columns": {
            "geometry": {
                "encoding": "WKB",
                "geometry_types": ["Polygon", "MultiPolygon"],
                "orientation": "counterclockwise",
                "covering": {
                    "bbox": {
                        "xmin": ["bbox", "xmin"],
                        "ymin": ["bbox", "ymin"],
                        "xmax": ["bbox", "xmax"],
                        "ymax": ["bbox", "ymax"],
                    }
                },
            }
        },
    }
    # At the root, a byte array, and neither repeated nor in a group.
    geometry = next(
        file.schema.column(at) for at in range(len(file.schema)) if file.schema.column(at).path == "geometry"
    )
    assert (geometry.physical_type, geometry.max_repetition_level, geometry.max_definition_level) == (
        "BYTE_ARRAY",
        0,
        1,
    )
    # Every geometry is what the metadata promises, and inside its box.
    table = pq.read_table(on_the_map).to_pylist()
    for row in table[:2]:
        shape = shapely.from_wkb(row["geometry"])
        assert shape.geom_type in {"Polygon", "MultiPolygon"}
        assert shape.is_valid
        assert all(part.exterior.is_ccw for part in getattr(shape, "geoms", [shape]))
        box = row["bbox"]
        assert shapely.box(box["xmin"], box["ymin"], box["xmax"], box["ymax"]).covers(shape)
    assert (table[2]["geometry"], table[2]["bbox"]) == (None, None)
    assert table[1]["bbox"] == pytest.approx({"xmin": -180, "ymin": -17, "xmax": 180, "ymax": -16.9})
    # Row groups can be passed over by their boxes.
    group = file.metadata.row_group(0)
    statistics = {group.column(at).path_in_schema: group.column(at).statistics for at in range(group.num_columns)}
    assert (statistics["bbox.xmin"].min, statistics["bbox.xmax"].max) == (-180, 180)
    assert statistics["bbox.ymin"].min == pytest.approx(-17)


def test_duckdb_reads_it(on_the_map: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
        found = connection.execute(
            "SELECT tile_id, source, bbox.ymin, cloud, labels, vector_xxh64, epoch(datetime) "
            "FROM read_parquet($path) ORDER BY tile_id",
            {"path": str(on_the_map)},
        ).fetchall()
        described = connection.read_parquet(str(on_the_map)).columns
    assert tuple(described) == COLUMNS
    hashes = [xxhash.xxh64_intdigest(row.tobytes()) for row in units(3)]
    assert found == [
        (f"{0:032x}", "/tiles/0.tif", 47.0, None, [], hashes[0], None),
        (f"{1:032x}", "/tiles/1.tif", -17.0, None, [], hashes[1], None),
        (f"{2:032x}", "/tiles/2.tif", None, 12.5, ["a", "b"], hashes[2], 1685614831.0),
    ]


def test_polars_reads_it(on_the_map: Path) -> None:
    frame = pl.read_parquet(on_the_map)
    assert tuple(frame.columns) == COLUMNS
    assert frame["tile_id"].to_list() == [f"{number:032x}" for number in range(3)]
    assert frame["labels"].to_list() == [[], [], ["a", "b"]]
    assert frame["datetime"].to_list()[2] == dt.datetime(2023, 6, 1, 10, 20, 31, tzinfo=dt.UTC)
    assert frame["vector_xxh64"].to_list() == [xxhash.xxh64_intdigest(row.tobytes()) for row in units(3)]


def test_row_hashes_are_those_of_little_endian_bytes() -> None:
    vectors = units(9)
    expected = [xxhash.xxh64_intdigest(row.astype("<f2").tobytes()) for row in vectors]
    assert catalog.row_hashes(vectors).tolist() == expected
    assert catalog.row_hashes(vectors.astype(">f2")).tolist() == expected
    assert catalog.row_hashes(np.asfortranarray(vectors)).tolist() == expected
    assert catalog.row_hashes(units(0)).tolist() == []


def test_labels_are_told_apart() -> None:
    lists = [(), ("",), ("a",), ("b",), ("a", "b"), ("b", "a"), ("ab",), ("a", "", "b")]
    assert len({catalog.labels_key(labels) for labels in lists}) == len(lists)


def test_a_summary_counts_the_live_rows(tmp_path: Path) -> None:
    early, late = dt.datetime(2019, 1, 1, tzinfo=dt.UTC), dt.datetime(2024, 5, 6, 7, tzinfo=dt.UTC)
    writer = open_writer(tmp_path / "idx", model=MODEL, kind="auto")
    first = [located(0, west=11, south=47), record(1, datetime=early), record(2, labels=("x",))]
    second = [located(3, west=-70, south=-33), record(4, datetime=late), located(5, west=100, south=60)]
    writer.commit(first, units(3), delete=NONE_DELETED)
    writer.commit(second, units(3), delete=NONE_DELETED)

    def summary() -> catalog.Summary:
        snapshot = writer.snapshot
        return catalog.summarise(snapshot.columns(catalog.SUMMARY_COLUMNS), snapshot.live)

    found = summary()
    assert (found.located, found.dated, found.labelled) == (3, 2, 1)
    assert found.bounds == pytest.approx((-70, -33, 100.1, 60.1))
    assert (found.first, found.last) == (early, late)
    writer.commit([], units(0), delete=np.array([1, 2, 5]))
    found = summary()
    assert (found.located, found.dated, found.labelled) == (2, 1, 0)
    assert found.bounds == pytest.approx((-70, -33, 11.1, 47.1))
    assert (found.first, found.last) == (late, late)
    writer.commit([], units(0), delete=np.array([0, 3, 4]))
    assert summary() == catalog.Summary()


def test_hits_of_several_queries_become_one_geoparquet(on_the_map: Path) -> None:
    tiles = catalog.take(on_the_map, np.array([1, 2]))
    numbers = {
        "ranks": np.array([1, 2]),
        "scores": np.array([0.5, 0.25], np.float32),
        "percentiles": np.array([9, 3], np.float32),
    }
    tables = [catalog.hits_table(tiles, query=name, **numbers) for name in ("a lake", "ice")]
    sink = io.BytesIO()
    catalog.write_hits(tables, sink)
    table = pq.read_table(pa.BufferReader(sink.getvalue()))
    assert table.column_names == ["query", "rank", "score", "percentile", *COLUMNS]
    assert table.column("query").to_pylist() == ["a lake", "a lake", "ice", "ice"]
    assert table.column("score").to_pylist() == [0.5, 0.25, 0.5, 0.25]
    assert table.column("source").to_pylist() == ["/tiles/1.tif", "/tiles/2.tif"] * 2
    assert json.loads(table.schema.metadata[b"geo"])["primary_column"] == "geometry"
    assert table.column("geometry").to_pylist() == [tiles.column("geometry")[0].as_py(), None] * 2
