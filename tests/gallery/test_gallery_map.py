"""The map against a projection computed here, and the land against points whose side of the coast is known."""

import re

import numpy as np
import pytest
import shapely

from msclip_search.gallery.land import rings
from msclip_search.gallery.map import Map, draw_map
from msclip_search.gallery.view import View, choose_view, unrolled
from msclip_search.geometry import Footprint
from tests.gallery.making import square

NUMBER = re.compile(r"-?\d+\.?\d*")


def map_of(*places: tuple[float, float], size: float = 0.01) -> tuple[Map, list[Footprint]]:
    outlines = [square(west, south, size) for west, south in places]
    drawn = draw_map(list(enumerate(outlines, 1)))
    assert drawn
    return drawn, outlines


@pytest.mark.parametrize(
    "places",
    [
        [(11.0, 47.0)],
        [(11.0, 47.0), (11.03, 47.01)],
        [(-3.0, 40.0), (24.0, 61.0), (10.0, 52.0)],
        [(-120.0, 40.0), (140.0, -30.0), (20.0, 0.0)],
        [(179.995, -17.0), (-179.2, -16.0)],
        [(170.0, 60.0), (-165.0, 64.0), (179.0, 70.0)],
        [(0.0, 88.0)],
        [(0.0, -85.0), (120.0, -84.0), (-120.0, -83.0)],
    ],
)
def test_marks_lie_where_a_projection_puts_them(places: list[tuple[float, float]]) -> None:
    drawn, outlines = map_of(*places)
    view = drawn.view
    assert {mark.rank for mark in drawn.marks} == set(range(1, len(places) + 1))
    for mark in drawn.marks:
        west, south, east, north = outlines[mark.rank - 1].bbox
        longitude = (west + east + 360 * (east < west)) / 2
        x = ((longitude - view.west) % 360) / (view.east - view.west) * view.width
        y = (view.north - (south + north) / 2) / (view.north - view.south) * view.height
        assert (mark.x, mark.y) == pytest.approx((x, y), abs=0.01)
        assert 0 <= mark.x <= view.width
        assert 0 <= mark.y <= view.height


def test_the_scale_is_true_in_the_middle() -> None:
    for latitude in (0.0, 47.0, 70.0):
        drawn, _ = map_of((11.0, latitude), (11.2, latitude + 0.1))
        view = drawn.view
        across = (view.east - view.west) * np.cos(np.radians((view.south + view.north) / 2)) / view.width
        assert across == pytest.approx((view.north - view.south) / view.height, rel=1e-6)
        assert drawn.scale
        kilometres, pixels = drawn.scale
        assert float(kilometres.split()[0]) == pytest.approx(pixels * across * 111.32, rel=1e-6)


def test_tiles_that_can_be_seen_are_drawn_as_they_lie() -> None:
    drawn, outlines = map_of((11.0, 47.0), (11.02, 47.0))
    view = drawn.view
    for mark in drawn.marks:
        assert mark.outline
        drawn_at = np.array(NUMBER.findall(mark.outline), float).reshape(-1, 2)
        corners = np.array(outlines[mark.rank - 1].geojson()["coordinates"][0])[:-1]
        x = (corners[:, 0] - view.west) / (view.east - view.west) * view.width
        y = (view.north - corners[:, 1]) / (view.north - view.south) * view.height
        assert drawn_at == pytest.approx(np.stack([x, y], axis=1), abs=0.06)


def test_a_tile_across_the_antimeridian_is_one() -> None:
    drawn, _ = map_of((179.995, -17.0))
    (mark,) = drawn.marks
    assert mark.outline
    points = np.array(NUMBER.findall(mark.outline), float).reshape(-1, 2)
    assert np.ptp(points[:, 0]) < drawn.view.width / 2
    assert points[:, 0].mean() == pytest.approx(drawn.view.width / 2, abs=1)


def test_what_is_shown_depends_on_how_far_tiles_lie_apart() -> None:
    near, _ = map_of((11.0, 47.0), (11.05, 47.02))
    assert near.land is None
    assert near.overview
    assert near.overview.view.degrees == 44
    country, _ = map_of((8.0, 47.0), (14.0, 53.0))
    assert country.land
    assert country.overview
    assert country.overview.view.west == -180
    assert all(mark.outline is None for mark in country.marks)
    world, _ = map_of((-120.0, 40.0), (140.0, -30.0), (20.0, 0.0))
    assert world.land
    assert world.overview is None
    assert world.scale is None
    assert (world.view.west, world.view.east) == (-180, 180)
    assert draw_map([]) is None


def test_the_frame_of_the_overview_is_what_the_map_shows() -> None:
    country, _ = map_of((8.0, 47.0), (14.0, 53.0))
    small, view = country.overview, country.view
    assert small
    scale = small.view.width / 360
    assert small.x == pytest.approx((view.west + 180) * scale, abs=0.01)
    assert small.width == pytest.approx((view.east - view.west) * scale, abs=0.01)
    assert small.y == pytest.approx((84 - view.north) * scale, abs=0.01)
    assert small.height == pytest.approx((view.north - view.south) * scale, abs=0.01)


def test_ranks_are_written_where_there_is_room() -> None:
    drawn, _ = map_of(*[(10 + 0.001 * number, 50.0) for number in range(5)], (30.0, 50.0))
    assert [mark.rank for mark in drawn.marks] == [6, 5, 4, 3, 2, 1]
    assert {mark.rank for mark in drawn.marks if mark.numbered} == {1, 6}


@pytest.mark.parametrize(
    ("boxes", "expected"),
    [
        ([(10, 0, 11, 1)], (10, 0, 11, 1)),
        ([(10, 0, 11, 1), (-5, 3, -4, 4)], (-5, 0, 11, 4)),
        ([(179, 0, -179, 1)], (179, 0, 181, 1)),
        ([(-178, 0, -177, 1), (176, 0, 177, 1)], (176, 0, 183, 1)),
        ([(-180, 80, 180, 90)], (-180, 80, 180, 90)),
    ],
)
def test_boxes_are_unrolled(boxes: list[tuple[float, ...]], expected: tuple[float, ...]) -> None:
    assert unrolled(boxes) == pytest.approx(expected)  # type: ignore[arg-type]


def test_rounding_never_unrolls_neighbours_around_the_world() -> None:
    random = np.random.default_rng(1)
    for _ in range(3_000):
        west = random.uniform(-180, 179, 5).round(int(random.integers(2, 15)))[0] + random.uniform(0, 0.1, 5)
        boxes = [(float(at), 48.0, float(at) + 0.009, 48.006) for at in west]
        start, _, end, _ = unrolled(boxes)
        assert end - start == pytest.approx(max(west) - min(west) + 0.009, abs=1e-6)


def test_a_map_around_a_pole_can_be_drawn() -> None:
    view = choose_view([(-180, 80, 180, 90)])
    assert (view.south, view.north) == (-58, 90)
    with pytest.raises(ValueError, match="has an area"):
        View(west=0, south=0, east=0, north=1, width=1, height=1)


LAND = [(10, 50), (-100, 40), (25, 0), (135, -25), (-60, -10), (178.5, 67), (-177, 67), (0, -85), (-45, 75)]
SEA = [(-30, 40), (0, 0), (-140, 20), (80, -30), (179, 0), (-179, 30), (50, 42), (5, 57), (-85, 60)]


@pytest.mark.parametrize("view", [View.world([(0, -89, 1, 89)]), View.world([(0, -89, 1, 89)], width=1440)])
def test_land_is_land(view: View) -> None:
    """Caspian Sea and Hudson Bay are water; Chukotka lies on both sides of the antimeridian."""
    from msclip_search.gallery.land import land_path

    ground = shapely.Polygon()
    for ring in land_path(view).split("z")[:-1]:
        start, steps = ring[1:].split("l")
        moves = np.array(re.findall(r"-?\d+", steps), float).reshape(-1, 2)
        points = np.cumsum(np.vstack([np.array(start.split(), float), moves]), axis=0) / 2
        ground = ground.symmetric_difference(shapely.make_valid(shapely.Polygon(points)))
    for places, expected in ((LAND, True), (SEA, False)):
        for longitude, latitude in places:
            x, y = view.project(np.array([float(longitude)]), np.array([float(latitude)]))
            assert ground.contains(shapely.Point(x[0], y[0])) == expected, (longitude, latitude)


def test_the_outlines_are_within_the_world() -> None:
    assert len(rings()) > 100
    for ring in rings():
        assert np.abs(ring[:, 1]).max() <= 90
        assert np.abs(np.diff(ring[:, 0])).max() <= 361
