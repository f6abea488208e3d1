import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rasterio.warp import transform_bounds

from msclip_search.geometry import Footprint, footprint
from tests.archives.ground import SIDE, assert_corners, crs_of, degrees, outline, parts, raster


@pytest.mark.parametrize("zone", [1, 31, 32, 60, -1, -22, -60])
@pytest.mark.parametrize("north", [1_000, 4_900_000, 9_000_000])
def test_a_utm_tile_has_its_four_corners(tmp_path: Path, zone: int, north: float) -> None:
    west, top = 500_000.0, north if zone > 0 else 10_000_000 - north
    found = outline(tmp_path, crs_of(zone), (10, 0, west, 0, -10, top))
    (shape,) = parts(found)
    edge = 10 * SIDE
    expected = [
        degrees(zone, *corner)
        for corner in ((west, top), (west + edge, top), (west + edge, top - edge), (west, top - edge))
    ]
    assert_corners(shape, expected)
    x, y = zip(*expected, strict=True)
    box = (min(x), min(y), max(x), max(y))
    assert found.bbox == pytest.approx(box, abs=1e-8)
    assert found.planar_bounds == found.bbox


def test_a_rotated_and_sheared_tile_follows_its_pixels(tmp_path: Path) -> None:
    a, b, c, d, e, f = 9.0, 3.0, 600_000.0, 2.5, -8.0, 5_300_000.0
    found = raster(tmp_path, "EPSG:32632", (a, b, c, d, e, f))
    assert found.footprint
    (shape,) = parts(found.footprint)
    pixels = ((0, 0), (SIDE, 0), (SIDE, SIDE), (0, SIDE))
    ground = [(a * x + b * y + c, d * x + e * y + f) for x, y in pixels]
    assert_corners(shape, [degrees(32, *corner) for corner in ground])
    x, y = zip(*ground, strict=True)
    assert found.bounds == (min(x), min(y), max(x), max(y))


def test_a_tile_that_stands_on_its_head_is_the_same_place(tmp_path: Path) -> None:
    upright = outline(tmp_path, "EPSG:32632", (10, 0, 600_000, 0, -10, 5_300_000))
    flipped = outline(tmp_path, "EPSG:32632", (10, 0, 600_000, 0, 10, 5_300_000 - 10 * SIDE))
    assert_corners(parts(flipped)[0], parts(upright)[0].exterior.coords[:-1])


def test_a_geographic_tile_is_where_it_says(tmp_path: Path) -> None:
    found = raster(tmp_path, "EPSG:4326", (0.001, 0, 10.5, 0, -0.001, 47.25))
    assert found.crs == "EPSG:4326"
    assert found.bounds == pytest.approx((10.5, 47.234, 10.516, 47.25))
    assert found.footprint
    assert found.footprint.bbox == pytest.approx((10.5, 47.234, 10.516, 47.25))
    assert len(parts(found.footprint)[0].exterior.coords) == 5


def test_a_tile_in_another_projection_agrees_with_gdal(tmp_path: Path) -> None:
    found = raster(tmp_path, "EPSG:3857", (10, 0, 1_000_000, 0, -10, 6_000_000))
    assert found.bounds
    assert found.footprint
    assert found.footprint.bbox == pytest.approx(transform_bounds("EPSG:3857", "OGC:CRS84", *found.bounds), abs=1e-7)


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        (None, (10, 0, 600_000, 0, -10, 5_300_000)),  # no system
        ("EPSG:32632", (1, 0, 0, 0, 1, 0)),  # no place: GDAL's way of saying so
        ('LOCAL_CS["a table",UNIT["metre",1]]', (10, 0, 600_000, 0, -10, 5_300_000)),
        ("EPSG:4978", (10, 0, 600_000, 0, -10, 5_300_000)),  # geocentric
    ],
)
def test_a_tile_without_a_place_has_none(tmp_path: Path, crs: str | None, transform: tuple[float, ...]) -> None:
    found = raster(tmp_path, crs, transform)
    assert (found.crs, found.bounds, found.footprint) == (None, None, None)
    assert found.pixels.shape == (1, SIDE, SIDE)


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:32632", (10, 0, 1e12, 0, -10, 1e12)),
        ("EPSG:32632", (10, 0, 1e300, 0, -10, 0)),
        ("EPSG:4326", (1, 0, 10, 0, -1, 5000)),
        ("EPSG:4326", (1, 0, 10, 0, -1, 95)),
        ("IAU_2015:49900", (0.1, 0, 10, 0, -0.1, 50)),  # Mars
    ],
)
def test_coordinates_off_the_earth_give_no_footprint_but_a_tile(
    tmp_path: Path, crs: str, transform: tuple[float, ...]
) -> None:
    found = raster(tmp_path, crs, transform)
    assert found.footprint is None
    assert found.crs == crs
    assert found.bounds is not None


# The antimeridian.


@pytest.mark.parametrize(("zone", "east"), [(1, 166_021.0), (-1, 166_021.0), (60, 833_978.0), (-60, 833_978.0)])
def test_a_tile_across_the_antimeridian_is_split(tmp_path: Path, zone: int, east: float) -> None:
    # At the equator the outer edge of zones 1 and 60 lies 333,978 m from the middle one.
    top = 1_000.0 if zone > 0 else 9_999_000.0
    west = east - 40
    found = outline(tmp_path, crs_of(zone), (10, 0, west, 0, -10, top))
    ring = [degrees(zone, x, y) for x in (west, west + 160) for y in (top - 160, top)]
    west_side, east_side = [x for x, _ in ring if x > 0], [x for x, _ in ring if x < 0]
    assert west_side
    assert east_side
    polygons = sorted(parts(found), key=lambda part: float(part.bounds[0]))
    assert [polygon.bounds[0] for polygon in polygons] == pytest.approx([-180, min(west_side)], abs=1e-9)
    assert [polygon.bounds[2] for polygon in polygons] == pytest.approx([max(east_side), 180], abs=1e-9)
    assert polygons[0].bounds[0] == -180
    assert polygons[1].bounds[2] == 180
    assert found.shape.geom_type == "MultiPolygon"
    south, north = min(y for _, y in ring), max(y for _, y in ring)
    assert found.bbox == pytest.approx((min(west_side), south, max(east_side), north), abs=1e-9)
    assert found.bbox[0] > found.bbox[2]
    assert found.bbox == pytest.approx(
        transform_bounds(crs_of(zone), "OGC:CRS84", west, top - 160, west + 160, top), abs=1e-6
    )
    assert found.planar_bounds == pytest.approx((-180, south, 180, north), abs=1e-9)
    assert found.geojson()["type"] == "MultiPolygon"


@pytest.mark.parametrize(("zone", "east"), [(1, 166_400.0), (60, 833_400.0)])
def test_a_tile_beside_the_antimeridian_is_whole(tmp_path: Path, zone: int, east: float) -> None:
    found = outline(tmp_path, crs_of(zone), (10, 0, east, 0, -10, 1_000))
    assert found.shape.geom_type == "Polygon"
    assert len(parts(found)) == 1
    assert found.bbox[0] < found.bbox[2]
    assert abs(found.bbox[0]) == pytest.approx(180, abs=0.01)


@pytest.mark.parametrize(
    ("longitude", "bbox"),
    [
        ((200, 201), (-160, -159)),
        ((359, 360), (-1, 0)),
        ((359.5, 360.5), (-0.5, 0.5)),
        ((180, 181), (-180, -179)),
        ((179, 180), (179, 180)),
        ((179.5, 180.5), (179.5, -179.5)),
        ((-180.5, -179.5), (179.5, -179.5)),
        ((-181, -180), (179, 180)),
        ((0, 1), (0, 1)),
    ],
)
def test_longitudes_are_brought_home(tmp_path: Path, longitude: tuple[float, float], bbox: tuple[float, float]) -> None:
    west, east = longitude
    found = outline(tmp_path, "EPSG:4326", ((east - west) / SIDE, 0, west, 0, -1 / SIDE, 10))
    assert found.bbox == pytest.approx((bbox[0], 9, bbox[1], 10), abs=1e-9)
    assert sum(part.area for part in parts(found)) == pytest.approx(1)


@settings(deadline=None)  # the machine may be busy
@given(
    middle=st.floats(-180, 180),
    latitude=st.floats(-80, 80),
    width=st.floats(1e-4, 20),
    angle=st.floats(0, 2 * math.pi),
    turns=st.integers(-2, 2),
)
def test_any_small_ring_keeps_its_area_and_box(
    middle: float, latitude: float, width: float, angle: float, turns: int
) -> None:
    turned = angle + np.arange(4) * np.pi / 2
    x, y = middle + width * np.cos(turned), latitude + width / 4 * np.sin(turned)
    found = footprint((x + 180) % 360 - 180 + 360 * turns, y)
    assert found is not None
    polygons = parts(found)
    assert sum(polygon.area for polygon in polygons) == pytest.approx(width**2 / 2, rel=1e-6)
    west, south, east, north = found.bbox
    assert (south, north) == pytest.approx((y.min(), y.max()), abs=1e-9)
    for side, edge in ((west, x.min()), (east, x.max())):
        assert abs(math.remainder(side - edge, 360)) < 1e-9
    assert (west > east) == (len(polygons) == 2)


def test_what_is_no_outline_gives_none() -> None:
    assert footprint([0, 1, 1, 0], [0, 0, float("nan"), 1]) is None
    assert footprint([0, 1, 1, float("inf")], [0, 0, 1, 1]) is None
    assert footprint([0, 1, 2, 3], [0, 0, 0, 0]) is None
    assert footprint([180, -179, -178, 180], [0, 0, 0, 0]) is None
    assert footprint([0, 1, 1, 0], [89, 89, 91, 91]) is None


def test_rounding_at_a_pole_is_forgiven() -> None:
    found = footprint([0, 1, 1, 0], [89, 89, 90 + 1e-9, 90 + 1e-9])
    assert found
    assert found.bbox == (0, 89, 1, 90)


def test_wkb_is_all_there_is_to_a_footprint() -> None:
    ring = np.array([[0, 1, 1, 0], [0, 0, 1, 1]], np.float64)
    found = footprint(*ring)
    assert found is not None
    assert found == Footprint(found.wkb)
    assert found.geojson() == {"type": "Polygon", "coordinates": (((0, 0), (1, 0), (1, 1), (0, 1), (0, 0)),)}
    assert footprint(*ring[:, ::-1]) is not None
    assert parts(footprint(*ring[:, ::-1]) or found)
