"""Whatever the tile: its area, its middle, its edges."""

from pathlib import Path

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from msclip_search.geometry import Footprint, footprint, planar_bounds
from msclip_search.raster import LARGEST_SIDE
from tests.archives.ground import SIDE, crs_of, degrees, metres_a_degree, outline, parts


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


def near(middle: float, width: float) -> st.SearchStrategy[float]:
    return st.floats(middle - width, middle + width)


@settings(max_examples=200, deadline=None)
@given(data=st.data(), size=st.sampled_from([1e-7, 1e-4, 1e-3, 1, 50]))
def test_four_corners_make_the_outline_that_shapely_makes(data: st.DataObject, size: float) -> None:
    x, y = data.draw(st.floats(-90, 90)), data.draw(st.floats(-5, 5))
    around = ((0, 0), (1, 0), (1, -1), (0, -1))[:: data.draw(st.sampled_from([1, -1]))]
    off = [data.draw(st.tuples(near(0, 0.6), near(0, 0.6)), label="off") for _ in around]  # also dents and bow ties
    ring = [(x + size * (a + dx), y + size * (b + dy)) for (a, b), (dx, dy) in zip(around, off, strict=True)]
    found = footprint(*zip(*ring, strict=True))
    polygon = shapely.Polygon(ring)
    expected = shapely.geometry.polygon.orient(polygon)
    assert (found and found.wkb) == (shapely.to_wkb(expected) if polygon.area else None)


def test_the_bounds_of_many_are_those_of_each() -> None:
    some = [footprint([x, x + 1, x + 1, x], [5, 5, 4, 4]) for x in (10.25, -30.5, 179.5)]
    bounds = planar_bounds([*some, None])
    assert [tuple(row) for row in bounds[:3].tolist()] == [outline.planar_bounds for outline in some if outline]
    assert np.isnan(bounds[3]).all()


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


@pytest.mark.parametrize(
    "shape",
    [
        shapely.box(11.2, 48.1, 11.9, 48.7),
        shapely.box(-180, -20, -179.5, -19),
        shapely.box(-180, 60, 180, 90),
        shapely.Polygon([(0, 0), (3, 1), (2, 5), (-1, 4), (-2, 2)]),
        shapely.Polygon([(0, 0), (9, 0), (9, 9), (0, 9)], [[(1, 1), (2, 1), (2, 2)]]),
        shapely.Polygon([(0, 0, 5), (3, 1, 5), (2, 5, 5)]),
        shapely.MultiPolygon([shapely.box(5, 5, 6, 6), shapely.box(8, 1, 9, 2)]),
    ],
)
def test_bounds_are_shapelys_for_any_shape_in_either_byte_order(shape: shapely.Geometry) -> None:
    for byte_order in (0, 1):
        found = Footprint(shapely.to_wkb(shape, byte_order=byte_order))
        assert found.planar_bounds == found.bbox == shape.bounds


def test_a_box_across_the_antimeridian_has_west_above_east() -> None:
    shape = shapely.MultiPolygon([shapely.box(179.5, -2, 180, -1), shapely.box(-180, -2, -179.7, -1)])
    assert Footprint(shapely.to_wkb(shape)).bbox == (179.5, -2, -179.7, -1)
