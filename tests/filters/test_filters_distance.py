"""Distances against published ones and against Vincenty's formula."""

import math
import random

import numpy as np
import pytest
import shapely

from msclip_search.filters.distance import distances, encloses, reach, within
from tests.filters.making import slow_distance, vincenty

# C. F. F. Karney, GeographicLib's documentation and Algorithms for geodesics (2013), table 5; and Geoscience
# Australia's test line from Flinders Peak to Buninyong.
PUBLISHED = [
    ((174.81, -41.32), (-5.50, 40.96), 19_959_679.267),
    ((-73.8, 40.6), (-0.5, 51.6), 5_551_759.400),
    ((0.0, -30.0), (179.8, 29.9), 19_989_832.828),
    ((144.424867889, -37.951033417), (143.926495528, -37.652821139), 54_972.271),
]


@pytest.mark.parametrize(("one", "other", "metres"), PUBLISHED)
def test_published_distances(one: tuple[float, float], other: tuple[float, float], metres: float) -> None:
    for start, end in ((one, other), (other, one)):
        assert distances(np.array([shapely.Point(end)]), *start)[0] == pytest.approx(metres, abs=2e-3)


def test_points_anywhere_agree_with_vincenty() -> None:
    draw = random.Random(5)
    for _ in range(200):
        lon, lat = draw.uniform(-180, 180), draw.choice([-90.0, 90.0, 0.0, draw.uniform(-90, 90)])
        ends = [(draw.uniform(-180, 180), draw.uniform(-90, 90)) for _ in range(5)]
        found = distances(shapely.points(ends), lon, lat)
        for end, metres in zip(ends, found.tolist(), strict=True):
            if metres < 19_900e3:  # beyond, Vincenty's rounds do not settle
                assert metres == pytest.approx(vincenty(lon, lat, *end), abs=1e-3)


def test_sides_of_tiles_are_followed() -> None:
    draw = random.Random(6)
    for _ in range(40):
        lat, side = draw.uniform(-80, 80), draw.choice([0.02, 0.3, 1.0])
        lon = draw.uniform(-170, 170)
        tile = shapely.box(lon, lat, lon + side, lat + side)
        away = draw.choice([0.01, 0.5, 10])
        place = lon + draw.uniform(-away, away + side), lat + draw.uniform(-away, away + side)
        place = (place[0], max(-89.0, min(89.0, place[1])))
        found = distances(np.array([tile]), *place)[0]
        slow = slow_distance(tile, *place, steps=3000)
        assert (found == 0) == (slow == 0)
        assert found == pytest.approx(slow, abs=2)


def test_inside_is_zero_and_nothing_is_no_distance() -> None:
    tile = shapely.box(7, 46, 8, 47)
    ring = shapely.Polygon(tile.exterior, [shapely.box(7.2, 46.2, 7.8, 46.8).exterior.coords])
    found = distances(np.array([tile, ring, None]), 7.5, 46.5)
    assert found[0] == 0
    to_the_hole = min(vincenty(7.5, 46.5, 7.2 + 0.6 * step / 3000, y) for step in range(3001) for y in (46.2, 46.8))
    to_its_sides = min(vincenty(7.5, 46.5, x, 46.2 + 0.6 * step / 3000) for step in range(3001) for x in (7.2, 7.8))
    assert found[1] == pytest.approx(min(to_the_hole, to_its_sides), abs=2)
    assert 20e3 < found[1] < 25e3
    assert math.isnan(found[2])
    assert within(np.array([tile, ring, None]), 7.5, 46.5, 1000).tolist() == [True, False, False]
    assert within(np.array([None]), 7.5, 46.5, 1e9).tolist() == [False]
    assert within(np.array([], dtype=object), 7.5, 46.5, 1e9).tolist() == []


def test_a_tile_around_the_antipode_is_not_here() -> None:
    tile = shapely.box(-173, -47, -172, -46)
    assert distances(np.array([tile]), 7.5, 46.5)[0] > 19_000e3


def test_both_names_of_the_antimeridian_are_one_place() -> None:
    tiles = np.array([shapely.box(179.9, 0, 180, 0.1), shapely.box(-180, 0, -179.9, 0.1)])
    for longitude in (-180.0, 180.0):
        np.testing.assert_allclose(distances(tiles, longitude, 0.05), 0, atol=1e-3)


def test_the_box_around_a_circle_loses_nothing_and_is_small() -> None:
    draw = random.Random(7)
    for _ in range(300):
        lon, lat = draw.uniform(-180, 180), draw.uniform(-90, 90)
        radius = 10 ** draw.uniform(1, 7.2)
        west, south, east, north = reach(lon, lat, radius)
        assert -180 <= west <= 180
        assert -180 <= east <= 180
        assert -90 <= south <= north <= 90
        beside = [(draw.uniform(-180, 180), draw.uniform(-90, 90)) for _ in range(50)]
        turn = min(180.0, math.degrees(radius / 6.37e6) / max(math.cos(math.radians(lat)), 1e-6))
        reached = math.degrees(radius / 6.37e6)
        beside += [
            (
                (lon + draw.uniform(-1.1, 1.1) * turn + 180) % 360 - 180,
                max(-90, min(90, lat + draw.uniform(-1.1, 1.1) * reached)),
            )
            for _ in range(50)
        ]
        found = distances(shapely.points(beside), lon, lat)
        for (x, y), metres in zip(beside, found.tolist(), strict=True):
            inside = south <= y <= north and (west <= x <= east if west <= east else x >= west or x <= east)
            assert inside or metres > radius
    west, south, east, north = reach(7.98, 46.53, 50_000)
    assert east - west == pytest.approx(2 * 50 / 111.32 / math.cos(math.radians(46.53)), rel=0.01)
    assert north - south == pytest.approx(2 * 50 / 111.2, rel=0.01)


def test_the_box_around_a_circle_touches_it() -> None:
    """The farthest points by longitude are found by search, and lie at the box's edge."""
    lon, lat, radius = 20.0, 60.0, 800e3
    _, south, east, north = reach(lon, lat, radius)
    along = [vincenty(lon, lat, east, y) for y in np.linspace(south, north, 4000)]
    assert min(along) == pytest.approx(radius, rel=4e-3)
    assert vincenty(lon, lat, lon, north) == pytest.approx(radius, rel=4e-3)


def test_boxes_that_lie_inside_do() -> None:
    draw = random.Random(9)
    sure = 0
    for _ in range(300):
        lon, lat, radius = draw.uniform(-180, 180), draw.uniform(-90, 90), 10 ** draw.uniform(2, 7)
        reached, size = math.degrees(radius / 6.37e6), 10 ** draw.uniform(-3, 0)
        x, y = (lon + draw.uniform(-1, 1) * reached + 180) % 360 - 180, lat + draw.uniform(-1, 1) * reached
        box = (x, max(-90, min(y, 89)), min(x + size, 180), max(-90, min(y, 89)) + size)
        if encloses(np.array([box]), lon, lat, radius)[0]:
            sure += 1
            corners = shapely.points([(box[0], box[1]), (box[2], box[1]), (box[2], box[3]), (box[0], box[3])])
            assert (distances(corners, lon, lat) < radius).all()
    assert sure > 30
    assert not encloses(np.array([[-180.0, 0.0, 180.0, 1.0], [np.nan] * 4]), 0, 0, 1e6).any()
