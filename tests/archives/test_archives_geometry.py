import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.warp import transform_bounds

from msclip_search.geometry import Footprint, footprint
from msclip_search.raster import LARGEST_SIDE, Raster, read_raster
from tests.archives.painting import write_tiff

SIDE = 16
A, F = 6_378_137.0, 1 / 298.257223563


def degrees(zone: int, east: float, north: float) -> tuple[float, float]:
    """Longitude and latitude of UTM coordinates by Krüger's series, to a millimetre; the south has negative zones."""
    n = F / (2 - F)
    radius = A / (1 + n) * (1 + n**2 / 4 + n**4 / 64)
    xi = (north - (10_000_000 if zone < 0 else 0)) / (0.9996 * radius)
    eta = (east - 500_000) / (0.9996 * radius)
    beta = (n / 2 - 2 * n**2 / 3 + 37 * n**3 / 96, n**2 / 48 + n**3 / 15, 17 * n**3 / 480)
    xi_, eta_ = (
        xi - sum(b * math.sin(2 * j * xi) * math.cosh(2 * j * eta) for j, b in enumerate(beta, 1)),
        eta - sum(b * math.cos(2 * j * xi) * math.sinh(2 * j * eta) for j, b in enumerate(beta, 1)),
    )
    chi = math.asin(math.sin(xi_) / math.cosh(eta_))
    delta = (2 * n - 2 * n**2 / 3 - 2 * n**3, 7 * n**2 / 3 - 8 * n**3 / 5, 56 * n**3 / 15)
    latitude = chi + sum(d * math.sin(2 * j * chi) for j, d in enumerate(delta, 1))
    longitude = math.degrees(math.atan2(math.sinh(eta_), math.cos(xi_))) + abs(zone) * 6 - 183
    return (longitude + 180) % 360 - 180, math.degrees(latitude)


def crs_of(zone: int) -> str:
    return f"EPSG:{32600 + zone if zone > 0 else 32700 - zone}"


def raster(folder: Path, crs: str | None, transform: tuple[float, ...], *, side: int = SIDE) -> Raster:
    """Write a tile somewhere on the ground, and read it."""
    pixels = np.ones((1, side, side), np.uint8)
    return read_raster(write_tiff(folder / "a.tif", pixels, crs=crs, transform=rasterio.Affine(*transform)))


def outline(folder: Path, crs: str, transform: tuple[float, ...], *, side: int = SIDE) -> Footprint:
    found = raster(folder, crs, transform, side=side).footprint
    assert found is not None
    return found


def assert_corners(shape: Any, expected: Sequence[tuple[float, float]]) -> None:  # noqa: ANN401 - shapely has no types
    """Find the expected corners and no others, wherever the ring begins, to a millimetre."""
    found = shape.exterior.coords[:-1]
    assert len(found) == len(expected)
    for x, y in expected:
        assert min(math.hypot(x - other[0], y - other[1]) for other in found) < 1e-8


def parts(found: Footprint) -> list[Any]:
    """Polygons of a footprint, which are as GeoParquet and RFC 7946 want them."""
    polygons = list(getattr(found.shape, "geoms", [found.shape]))
    for polygon in polygons:
        assert polygon.is_valid
        assert polygon.exterior.is_ccw
        west, south, east, north = polygon.bounds
        assert -180 <= west < east <= 180
        assert -90 <= south < north <= 90
    return polygons


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


# The poles.


@pytest.mark.parametrize("pixel", [100.0, 1000.0])
@pytest.mark.parametrize(("crs", "sign"), [("EPSG:3413", 1), ("EPSG:3031", -1)])
def test_a_tile_over_a_pole_reaches_around_it(tmp_path: Path, crs: str, sign: int, pixel: float) -> None:
    half = pixel * SIDE / 2
    found = outline(tmp_path, crs, (pixel, 0, -half, 0, -pixel, half))
    (shape,) = parts(found)
    edge = min(abs(y) for _, y in shape.exterior.coords if abs(y) < 90)  # the corners are furthest from the pole
    # True scale lies at 70° and 71°.
    assert (90 - edge) * 111_694 == pytest.approx(half * math.sqrt(2), rel=0.04)
    assert found.bbox == pytest.approx((-180, edge, 180, 90) if sign > 0 else (-180, -90, 180, -edge))
    for longitude in range(-175, 180, 10):
        assert shape.contains(shapely.Point(longitude, sign * (90 - (90 - edge) / 10)))
        assert not shape.contains(shapely.Point(longitude, sign * (edge - 0.001)))
    # A quarter of the way round lies the middle of an edge, nearer to the pole than a corner by the root of 2.
    middle = -45 if sign > 0 else 0
    across = [y for x, y in shape.exterior.coords if abs(math.remainder(x - middle, 90)) < 1 and abs(y) < 90]
    assert across
    assert np.abs(np.abs(across) - (90 - (90 - edge) / math.sqrt(2))).max() < 0.02 * (90 - edge)


@settings(deadline=None)  # the machine may be busy
@given(
    sign=st.sampled_from([1, -1]),
    start=st.floats(-180, 180),
    steps=st.lists(st.floats(1, 100), min_size=4, max_size=12).map(lambda steps: 360 * np.cumsum(steps) / sum(steps)),
    latitude=st.floats(80, 89.99),
    backwards=st.booleans(),
)
def test_any_ring_around_a_pole_is_one_polygon(
    sign: int, start: float, steps: NDArray[np.float64], latitude: float, *, backwards: bool
) -> None:
    assume(np.diff(steps, prepend=0).max() < 179)
    turned = (start + steps[:: -1 if backwards else 1] + 180) % 360 - 180
    found = footprint(turned, np.full(len(turned), sign * latitude))
    assert found is not None
    (shape,) = parts(found)
    south, north = sorted((sign * 90, sign * latitude))
    assert found.bbox == pytest.approx((-180, south, 180, north))
    assert shape.area == pytest.approx(360 * (90 - latitude), rel=1e-6)


@pytest.mark.parametrize(
    ("crs", "east", "north", "longitude"),
    [("EPSG:3413", 100_000, -100_000, 0), ("EPSG:3031", 100_000, 100_000, 45), ("EPSG:3413", -100_000, -100_000, -90)],
)
def test_a_polar_tile_beside_the_pole_is_a_plain_one(
    tmp_path: Path, crs: str, east: float, north: float, longitude: float
) -> None:
    found = outline(tmp_path, crs, (10, 0, east, 0, -10, north))
    assert found.shape.geom_type == "Polygon"
    parts(found)
    assert found.bbox[0] == pytest.approx(longitude, abs=0.1)
    assert found.bbox[2] == pytest.approx(longitude, abs=0.1)
    assert abs(found.bbox[1]) == pytest.approx(90 - math.hypot(east, north) / 111_694, abs=0.06)


def test_a_polar_tile_across_the_antimeridian_is_split(tmp_path: Path) -> None:
    # In EPSG:3413 the antimeridian runs towards the upper left: x = y < 0 turned by 45°, so x = −y.
    found = outline(tmp_path, "EPSG:3413", (10, 0, -1_000_080, 0, -10, 1_000_080))
    assert len(parts(found)) == 2
    west, south, east, north = found.bbox
    assert west > 179.9
    assert east < -179.9
    assert 76 < south < north < 78


# Whatever the tile: its area and its middle.


def metres_a_degree(latitude: float) -> tuple[float, float]:
    """Length of a degree of longitude and of latitude on the ellipsoid."""
    e2 = F * (2 - F)
    w = 1 - e2 * math.sin(math.radians(latitude)) ** 2
    return (
        math.radians(1) * A / math.sqrt(w) * math.cos(math.radians(latitude)),
        math.radians(1) * A * (1 - e2) / w**1.5,
    )


@settings(max_examples=60, deadline=None)
@given(
    zone=st.integers(-60, 60).filter(bool),
    east=st.floats(167_000, 833_000),
    north=st.floats(0, 9_300_000),
    pixel=st.floats(5, 60),
)
def test_a_utm_tile_has_its_area_and_its_middle(
    tmp_path_factory: pytest.TempPathFactory, zone: int, east: float, north: float, pixel: float
) -> None:
    top = north if zone > 0 else 10_000_000 - north
    found = outline(tmp_path_factory.getbasetemp(), crs_of(zone), (pixel, 0, east, 0, -pixel, top))
    edge = pixel * SIDE
    x, y = degrees(zone, east + edge / 2, top - edge / 2)
    across, along = metres_a_degree(y)
    polygons = parts(found)
    assert sum(polygon.area for polygon in polygons) * across * along == pytest.approx(edge**2, rel=0.003)
    assert any(polygon.contains(shapely.Point(x, y)) for polygon in polygons)


@pytest.mark.parametrize(("pixel", "tolerance"), [(4.9, 1.0), (60, 1.0)])
@pytest.mark.parametrize("north", [1_000_000, 6_640_000])
def test_the_outline_stays_by_the_edge_of_the_largest_tile(
    tmp_path: Path, pixel: float, tolerance: float, north: float
) -> None:
    # At 60° the middle of the northern edge bulges away from the line between its corners by 0.8 m over 5 km, 120 m
    # over 61 km; the latter has points between.
    edge = pixel * LARGEST_SIDE
    found = outline(tmp_path, "EPSG:32632", (pixel, 0, 500_000 - edge / 2, 0, -pixel, north), side=LARGEST_SIDE)
    (shape,) = parts(found)
    distances = []
    for share in np.linspace(0, 1, 21):
        x, y = degrees(32, 500_000 - edge / 2 + share * edge, north)
        across, along = metres_a_degree(y)
        ground = shapely.LineString([(lon * across, lat * along) for lon, lat in shape.exterior.coords])
        distances.append(ground.distance(shapely.Point(x * across, y * along)))
    assert max(distances) < tolerance


def test_wkb_is_all_there_is_to_a_footprint() -> None:
    ring = np.array([[0, 1, 1, 0], [0, 0, 1, 1]], np.float64)
    found = footprint(*ring)
    assert found is not None
    assert found == Footprint(found.wkb)
    assert found.geojson() == {"type": "Polygon", "coordinates": (((0, 0), (1, 0), (1, 1), (0, 1), (0, 0)),)}
    assert footprint(*ring[:, ::-1]) is not None
    assert parts(footprint(*ring[:, ::-1]) or found)
