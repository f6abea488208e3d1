"""Hits: a sequence, a table for whoever speaks Arrow, and GeoJSON."""

import collections.abc
import datetime as dt
import json
import math
from typing import Any

import duckdb
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
import shapely.geometry

from msclip_search import Hit, Hits, SearchIndex
from msclip_search.store import open_writer
from msclip_search.tile import Window
from tests.folder.making import MODEL, NONE_DELETED, located, record, units

MOMENT = dt.datetime(2023, 6, 1, 10, 20, 31, tzinfo=dt.UTC)


@pytest.fixture(scope="module")
def hits(tmp_path_factory: pytest.TempPathFactory) -> Hits:
    """Six hits: one in Tyrol, one across the antimeridian, and four without coordinates."""
    root = tmp_path_factory.mktemp("hits") / "idx"
    rows = [
        located(0, west=11.0, south=47.0),
        located(1, west=179.95, south=-17.0),
        record(2, datetime=MOMENT, cloud=12.5, nodata=0.0, labels=("a", "b"), window=Window(1, 2, 3, 4)),
        *(record(number) for number in range(3, 6)),
    ]
    open_writer(root, model=MODEL, kind="auto").commit(rows, units(6), delete=NONE_DELETED)
    with SearchIndex.open(root) as index:
        return index.search("a lake", k=10)


def numbers(found: collections.abc.Iterable[Hit]) -> list[int]:
    return [int(hit.tile_id, 16) for hit in found]


def test_hits_are_a_sequence(hits: Hits) -> None:
    every = list(hits)
    assert len(hits) == len(every) == 6
    assert sorted(numbers(every)) == list(range(6))
    assert [hit.rank for hit in every] == list(range(1, 7))
    assert [hits[at] for at in range(6)] == every
    assert [hits[at] for at in range(-6, 0)] == every
    assert hits[np.int64(2)] == every[2]  # type: ignore[call-overload]
    assert list(reversed(hits)) == every[::-1]
    assert every[3] in hits
    assert Hit(**{name: getattr(every[0], name) for name in Hit.__slots__} | {"rank": 99}) not in hits
    for at in (6, -7):
        with pytest.raises(IndexError):
            hits[at]
    for hit, score, percentile in zip(every, hits.scores.tolist(), hits.percentiles.tolist(), strict=True):
        assert (hit.score, hit.percentile) == (score, percentile)


@pytest.mark.parametrize(
    "cut", [slice(2), slice(1, 4), slice(None, None, -1), slice(-2, None), slice(9, 12), slice(None, None, 2)]
)
def test_slices_are_hits(hits: Hits, cut: slice) -> None:
    part = hits[cut]
    assert isinstance(part, Hits)
    assert list(part) == list(hits)[cut]
    assert (part.query, part.top_k, part.searched) == (hits.query, 10, 6)
    assert part.to_table().column("tile_id").to_pylist() == [hit.tile_id for hit in list(hits)[cut]]


def by_number(hits: Hits) -> dict[int, Hit]:
    return dict(zip(numbers(hits), hits, strict=True))


def test_a_hit_says_what_is_known_of_its_tile(hits: Hits) -> None:
    hit = by_number(hits)[2]
    assert (hit.source, hit.window, hit.datetime, hit.cloud, hit.nodata, hit.labels) == (
        "/tiles/2.tif", Window(1, 2, 3, 4), MOMENT, 12.5, 0.0, ("a", "b"),
    )  # fmt: skip
    assert (hit.footprint, hit.bbox) == (None, None)
    assert hit.to_dict() == {
        "rank": hit.rank,
        "score": hit.score,
        "percentile": hit.percentile,
        "tile_id": f"{2:032x}",
        "source": "/tiles/2.tif",
        "window": [1, 2, 3, 4],
        "bbox": None,
        "datetime": "2023-06-01T10:20:31Z",
        "cloud": 12.5,
        "nodata": 0.0,
        "labels": ["a", "b"],
    }
    assert by_number(hits)[0].bbox == pytest.approx((11.0, 47.0, 11.1, 47.1))
    assert by_number(hits)[1].bbox == pytest.approx((179.95, -17.0, -179.95, -16.9))
    assert by_number(hits)[0].to_dict()["datetime"] is None


def test_hits_as_json(hits: Hits) -> None:
    body = json.loads(json.dumps(hits.to_dict(), allow_nan=False))
    assert body["query"] == {"text": "a lake", "top_k": 10}
    assert body["searched"] == 6
    assert body["hits"] == [hit.to_dict() for hit in hits]


def assert_table(names: list[str], rows: list[dict[str, Any]], hits: Hits) -> None:
    assert names[:5] == ["query", "rank", "score", "percentile", "tile_id"]
    assert len(rows) == 6
    for row, hit in zip(rows, hits, strict=True):
        assert (row["query"], row["rank"], row["score"], row["tile_id"]) == ("a lake", hit.rank, hit.score, hit.tile_id)
        assert row["percentile"] == hit.percentile
        assert row["source"] == hit.source
        assert tuple(row["labels"]) == hit.labels
        assert row["cloud"] == hit.cloud
        assert row["datetime"] == hit.datetime
        assert (row["geometry"] is None) == (hit.footprint is None)
        if hit.footprint:
            assert bytes(row["geometry"]) == hit.footprint.wkb


def test_pyarrow_takes_hits(hits: Hits) -> None:
    table = pa.table(hits)
    assert_table(table.column_names, table.to_pylist(), hits)
    assert json.loads(table.schema.metadata[b"geo"])["version"] == "1.1.0"
    assert pa.RecordBatchReader.from_stream(hits).read_all().equals(hits.to_table())


def test_polars_takes_hits(hits: Hits) -> None:
    assert not isinstance(hits, collections.abc.Sequence)  # of which polars would make a column of objects
    frame = pl.DataFrame(hits)
    assert_table(frame.columns, frame.to_dicts(), hits)
    assert frame["score"].dtype == pl.Float32


def test_duckdb_takes_hits(hits: Hits) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET autoinstall_known_extensions = false; SET autoload_known_extensions = false")
        connection.register("found", hits)
        cursor = connection.execute("SELECT * EXCLUDE (datetime), epoch(datetime) AS at FROM found ORDER BY rank")
        names = [column[0] for column in cursor.description or []]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
        for row in rows:
            row["datetime"] = dt.datetime.fromtimestamp(row["at"], dt.UTC) if row["at"] else None
        assert_table(names, rows, hits)
        best = connection.execute("SELECT tile_id FROM found WHERE cloud > 10").fetchall()
    assert best == [(f"{2:032x}",)]


def test_no_hits_are_a_table_too(hits: Hits) -> None:
    none = hits[:0]
    assert pl.DataFrame(none).shape == (0, len(hits.to_table().column_names))
    assert pa.table(none).schema.equals(pa.table(hits).schema)
    assert none.to_geojson() == {"type": "FeatureCollection", "features": []}


def test_geojson_is_valid(hits: Hits) -> None:
    body = json.loads(json.dumps(hits.to_geojson(), allow_nan=False))
    assert set(body) == {"type", "features"}
    assert body["type"] == "FeatureCollection"
    by_id = {int(feature["id"], 16): feature for feature in body["features"]}
    assert [feature["properties"]["rank"] for feature in body["features"]] == list(range(1, 7))
    for number, feature in by_id.items():
        assert feature["type"] == "Feature"
        assert feature["properties"]["query"] == "a lake"
        assert feature["properties"]["tile_id"] == feature["id"]
        assert {"geometry", "properties"} <= set(feature)
        assert (feature["geometry"] is None) == ("bbox" not in feature) == (number > 1)
        assert "bbox" not in feature["properties"]
    tyrol = shapely.geometry.shape(by_id[0]["geometry"])
    assert tyrol.geom_type == "Polygon"
    assert tyrol.exterior.is_ccw
    assert tyrol.bounds == pytest.approx((11.0, 47.0, 11.1, 47.1))
    assert by_id[0]["bbox"] == pytest.approx([11.0, 47.0, 11.1, 47.1])
    # RFC 7946: cut at the antimeridian, and a box whose west is greater than its east.
    fiji = shapely.geometry.shape(by_id[1]["geometry"])
    assert fiji.geom_type == "MultiPolygon"
    assert sorted(round(part.bounds[0], 2) for part in fiji.geoms) == [-180, 179.95]
    assert by_id[1]["bbox"] == pytest.approx([179.95, -17.0, -179.95, -16.9])
    for part in fiji.geoms:
        assert part.exterior.is_ccw
        assert all(math.fabs(x) <= 180 for x, _ in part.exterior.coords)
