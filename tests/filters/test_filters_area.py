"""GeoJSON, as it should be and as it comes."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import shapely
from shapely.geometry import mapping

from msclip_search import QueryError
from msclip_search.filters import Filter, area, read_geometry

BOX = shapely.box(5, 45, 11, 48)
PARTS = shapely.MultiPolygon([shapely.box(179, -18, 180, -16), shapely.box(-180, -18, -179, -16)])
SHAPES = [
    BOX,
    PARTS,
    shapely.Point(7, 46),
    shapely.MultiPoint([(7, 46), (8, 47)]),
    shapely.LineString([(7, 46), (8, 47), (8, 48)]),
    shapely.MultiLineString([[(7, 46), (8, 47)], [(0, 0), (1, 1)]]),
    shapely.Polygon(BOX.exterior, [shapely.box(6, 46, 7, 47).exterior.coords]),
]


def feature(geometry: Any) -> dict[str, Any]:  # noqa: ANN401
    return {"type": "Feature", "properties": {"name": "x"}, "geometry": geometry}


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.geom_type)
def test_every_type_is_read_from_text_and_from_files(tmp_path: Path, shape: Any) -> None:  # noqa: ANN401
    for wrapped in (
        mapping(shape),
        feature(mapping(shape)),
        {"type": "FeatureCollection", "features": [feature(None), feature(mapping(shape))]},
        {"type": "GeometryCollection", "geometries": [mapping(shape)]},
    ):
        text = json.dumps(wrapped)
        path = tmp_path / "area.geojson"
        path.write_text(text, encoding="utf-8-sig")
        for given in (text, f"\n {text}", path, str(path)):
            read = read_geometry(given)
            assert read.normalize().equals_exact(shape.normalize())
            assert Filter(intersects=read).echo()


def test_heights_are_dropped_and_rings_closed() -> None:
    ring = [[5, 45, 100], [11, 45, 100], [11, 48, 100.5], [5, 48, 100]]
    read = read_geometry(json.dumps({"type": "Polygon", "coordinates": [ring]}))
    assert not read.has_z
    assert read.equals(BOX)


def test_parts_that_overlap_are_dissolved() -> None:
    one, two = shapely.box(0, 0, 2, 2), shapely.box(1, 1, 3, 3)
    multi = json.dumps({"type": "MultiPolygon", "coordinates": [mapping(part)["coordinates"] for part in (one, two)]})
    several = json.dumps({"type": "FeatureCollection", "features": [feature(mapping(part)) for part in (one, two)]})
    for text in (multi, several):
        read = read_geometry(text)
        assert read.is_valid
        assert read.area == pytest.approx(7)
        assert read.equals(one.union(two))
    mixed = [mapping(one), mapping(shapely.Point(9, 9)), mapping(shapely.LineString([(5, 5), (6, 6)]))]
    read = read_geometry(json.dumps({"type": "GeometryCollection", "geometries": mixed}))
    assert read.geom_type == "GeometryCollection"
    assert [read.intersects(shapely.Point(at)) for at in ((1, 1), (9, 9), (5.5, 5.5), (8, 8))] == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize(
    "name",
    [
        "urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84", "OGC:CRS84", "EPSG:4326",
        "urn:ogc:def:crs:EPSG::4326", "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
    ],
)  # fmt: skip
def test_names_of_longitude_and_latitude(name: str) -> None:
    crs = {"type": "name", "properties": {"name": name}}
    assert read_geometry(json.dumps({**mapping(BOX), "crs": crs})).equals(BOX)
    assert read_geometry(json.dumps({"type": "FeatureCollection", "crs": crs, "features": [feature(mapping(BOX))]}))


def polygon(*ring: tuple[float, float]) -> str:
    return json.dumps({"type": "Polygon", "coordinates": [ring]})


REFUSED = [
    ("", r"^The geometry is empty: give GeoJSON, or the path of a file of it\.$"),
    ("{", r"^The GeoJSON cannot be parsed: .*line 1 column 2"),
    ("{}", r"has the type null; known are Feature, "),
    ('{"type": ["Point"]}', r'has the type \["Point"\]; known are'),
    ('{"type": "Circle"}', r'has the type "Circle"; known are'),
    ('{"type": "Point"}', "a Point whose `coordinates` are not lists"),
    ('{"type": "Point", "coordinates": "7,46"}', "a Point whose `coordinates` are not lists"),
    ('{"type": "Point", "coordinates": [7]}', r"a position that is not \[longitude, latitude\] in numbers: \[7\.0\]"),
    ('{"type": "Point", "coordinates": ["7", "46"]}', "a position that is not"),
    ('{"type": "Point", "coordinates": [true, 46]}', "a position that is not"),
    ('{"type": "Point", "coordinates": [NaN, 46]}', "cannot be parsed: NaN is no number of JSON"),
    ('{"type": "Point", "coordinates": [1e999, 46]}', "projected coordinate system"),
    ('{"type": "Point", "coordinates": [1' + "0" * 5000 + ", 46]}", "projected coordinate system"),
    ('{"type": "Point", "coordinates": []}', "is empty: it holds no geometry"),
    ('{"type": "Polygon", "coordinates": []}', "is empty: it holds no geometry"),
    ('{"type": "Polygon", "coordinates": [[]]}', "is empty: it holds no geometry"),
    ('{"type": "MultiPolygon", "coordinates": []}', "is empty: it holds no geometry"),
    ('{"type": "Polygon", "coordinates": [[5, 45], [6, 46]]}', "a Polygon whose `coordinates` are not lists"),
    ('{"type": "Polygon", "coordinates": [[[5, 45], [6, 46]]]}', "a Polygon that is none"),
    ('{"type": "LineString", "coordinates": [[5, 45]]}', "a LineString that is none"),
    ('{"type": "LineString", "coordinates": [[5, 45], [5, 45]]}', "is not valid"),
    ('{"type": "FeatureCollection", "features": []}', "is empty"),
    ('{"type": "FeatureCollection"}', "a FeatureCollection without a list `features`"),
    ('{"type": "GeometryCollection", "geometries": [3]}', "is no GeoJSON object"),
    ('{"type": "Feature", "geometry": null}', "is empty"),
    ('{"type": "GeometryCollection", "geometries": [' * 20 + "]}" * 20, "nests collections more than 8 deep"),
    ('{"a":' * 100_000, "cannot be parsed"),
    (polygon((45, 105), (48, 105), (48, 111)), r"\[45, 105\].*may be swapped: in GeoJSON, longitude comes first"),
    (polygon((400_000, 5e6), (500_000, 5e6), (500_000, 6e6)), "may be in a projected coordinate system: reproject it"),
    (polygon((170, 0), (190, 0), (190, 5)), r"\[190, 0\].* cut there into two parts \(RFC 7946\)"),
    (polygon((0, 0), (1, 1), (1, 0), (0, 1)), r"not valid \(self-intersection at 0\.5 0\.5\)\. Repair it"),
    (json.dumps({**mapping(BOX), "crs": {"properties": {"name": "EPSG:32632"}}}), r'system "EPSG:32632"\. .*reproject'),
    (json.dumps({**mapping(BOX), "crs": {"properties": {"name": "EPSG:14326"}}}), r'system "EPSG:14326"\.'),
    (json.dumps({**mapping(BOX), "crs": 3}), r"system 3\.0\. GeoJSON is read in longitude and latitude"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "sentence"), REFUSED, ids=[text[:50] or "nothing" for text, _ in REFUSED])
def test_what_is_no_area_is_refused(text: str, sentence: str) -> None:
    with pytest.raises(QueryError, match=sentence) as raised:
        read_geometry(text)
    assert len(str(raised.value)) < 400


def test_files_that_cannot_be_read_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty, binary, large, pipe = (tmp_path / name for name in ("empty", "binary", "large", "pipe"))
    empty.write_text(" \n")
    binary.write_bytes(b"\xff\xfe\x00")
    large.write_text("x" * 100)
    os.mkfifo(pipe)
    for path, sentence in (
        (tmp_path / "none.geojson", r"The GeoJSON .*none\.geojson is not there: give the path of a file, or text that"),
        (tmp_path, "is not a file"),
        (pipe, "is not a file"),
        (empty, "is empty"),
        (binary, "cannot be read: it is not text in UTF-8"),
        (Path("a\0b"), "cannot be read: embedded null"),
        (Path("x" * 5000), "cannot be read: file name too long"),
        (large, r"The GeoJSON .*large cannot be parsed"),
    ):
        with pytest.raises(QueryError, match=sentence):
            read_geometry(path)
    with pytest.raises(QueryError, match=r"The GeoJSON POLYGON\(\(1 2\)\) is not there"):
        read_geometry("POLYGON((1 2))")
    monkeypatch.setattr(area, "LARGEST_FILE", 99)
    with pytest.raises(QueryError, match=r"has 0 MB; 0 MB can be read\. Simplify it first"):
        read_geometry(large)

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)
    with pytest.raises(QueryError, match="cannot be read: permission denied"):
        read_geometry(empty)
