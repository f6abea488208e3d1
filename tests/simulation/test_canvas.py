"""The grid that scenes paint on: coordinates, clipping, patches, heights and marks, against plain formulas."""

import math

import numpy as np
import pytest

from msclip_search.simulation.canvas import MARGIN, PER_PIXEL, PIXEL, Canvas


def blank(size: int = 32, seed: int = 0) -> Canvas:
    return Canvas(size, np.random.Generator(np.random.PCG64(seed)))


def left(canvas: Canvas, metres: float = 0.0) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Everything west of a line."""
    return np.broadcast_to(canvas.x < metres, (canvas.side, canvas.side)).copy()


@pytest.mark.parametrize("size", [32, 64, 224])
def test_coordinates_are_metres_from_the_centre(size: int) -> None:
    canvas = blank(size)
    assert canvas.side == 2 * (size + 12)
    assert (MARGIN, PER_PIXEL, PIXEL) == (6, 2, 5.0)
    want = [(place - canvas.side / 2 + 0.5) * 5.0 for place in range(canvas.side)]
    np.testing.assert_array_equal(canvas.x[0], want)
    np.testing.assert_array_equal(canvas.y[:, 0], want)
    assert canvas.reach == canvas.side * 2.5


@pytest.mark.parametrize("angle", [0.0, 0.7, math.pi / 2, 2.9])
def test_coordinates_turn_with_an_angle(angle: float) -> None:
    canvas = blank()
    u, v = canvas.turned(angle)
    turned = (canvas.x.astype(np.float64) + 1j * canvas.y.astype(np.float64)) * np.exp(-1j * angle)
    np.testing.assert_allclose(u, turned.real, atol=1e-3)
    np.testing.assert_allclose(v, turned.imag, atol=1e-3)


def test_a_curve_is_looked_up_by_metres_from_its_middle() -> None:
    canvas = blank()
    curve = np.arange(400)
    at = np.array([[-50.0, 0.0, 5.0, 12.4, 99.9]], dtype=np.float32)
    np.testing.assert_array_equal(canvas.at(curve, at), [[190, 200, 201, 202, 219]])


@pytest.mark.parametrize("size", [32, 64, 512])
def test_a_curve_is_long_enough_for_the_corners(size: int) -> None:
    canvas = blank(size)
    curve = np.arange(len(canvas.curve(100)))
    u, _ = canvas.turned(math.pi / 4)
    places = canvas.at(curve, u)
    assert places[0, 0] < places[canvas.side // 2, canvas.side // 2] < places[-1, -1]
    assert places.min() >= 0
    np.testing.assert_array_equal(np.diff(np.sort(np.unique(places))), 1)


def test_draws_stay_in_their_ranges() -> None:
    canvas = blank()
    even = [canvas.between(3, 7) for _ in range(2000)]
    assert 3 <= min(even) < 3.05
    assert 6.95 < max(even) <= 7
    assert np.mean(even) == pytest.approx(5, abs=0.1)
    sizes = [canvas.scale(1, 100) for _ in range(2000)]
    assert min(sizes) >= 1
    assert max(sizes) <= 100
    assert np.median(sizes) == pytest.approx(10, rel=0.2)
    assert np.mean([canvas.chance(0.3) for _ in range(2000)]) == pytest.approx(0.3, abs=0.04)
    picked = [canvas.choose("abcd") for _ in range(2000)]
    for name in "abcd":
        assert picked.count(name) == pytest.approx(500, abs=80)


def test_paint_replaces_what_is_below_the_mask_alone() -> None:
    canvas = blank()
    canvas.fill("meadow")
    canvas.paint(left(canvas), "rock")
    landscape = canvas.finish()
    covers = np.array(landscape.covers)[landscape.labels]
    np.testing.assert_array_equal(covers == "rock", left(canvas))
    np.testing.assert_array_equal(covers == "meadow", ~left(canvas))
    np.testing.assert_array_equal(canvas.covered({"rock"}), left(canvas))
    assert canvas.covered({"rock", "meadow"}).all()
    assert not canvas.covered({"conifers"}).any()


def test_nothing_is_painted_raised_or_marked_outside_a_clip() -> None:
    canvas = blank()
    canvas.fill("meadow")
    north = np.broadcast_to(canvas.y < 0, (canvas.side, canvas.side)).copy()
    numbers = np.zeros((canvas.side, canvas.side), dtype=np.intp)
    with canvas.within(left(canvas)):
        with canvas.within(north):
            canvas.fill("rock")
            canvas.mark("mountains")
            canvas.raise_(np.ones_like(north), 20)
        canvas.paint_many(numbers, {"conifers": 1.0}, mask=~north)
    landscape = canvas.finish()
    np.testing.assert_array_equal(canvas.covered({"rock"}), left(canvas) & north)
    np.testing.assert_array_equal(canvas.covered({"conifers"}), left(canvas) & ~north)
    np.testing.assert_array_equal(canvas.covered({"meadow"}), ~left(canvas))
    ((tag, where),) = landscape.marks
    assert tag == "mountains"
    np.testing.assert_array_equal(where, left(canvas) & north)
    assert landscape.tall is not None
    np.testing.assert_array_equal(landscape.tall, np.where(left(canvas) & north, 20, 0))
    canvas.fill("lava")
    assert canvas.covered({"lava"}).all()


def test_parcels_are_given_covers_by_weight_and_each_keeps_one() -> None:
    canvas = blank(64)
    numbers = (np.arange(canvas.side * canvas.side) // 16).reshape(canvas.side, canvas.side)
    canvas.paint_many(numbers, {"maize": 3.0, "rice": 1.0, "lava": 0.0}, patches=2000)
    landscape = canvas.finish()
    covers = np.array(landscape.covers)[landscape.labels]
    assert np.mean(covers == "maize") == pytest.approx(0.75, abs=0.05)
    assert np.mean(covers == "rice") == pytest.approx(0.25, abs=0.05)
    for parcel in range(0, int(numbers.max()), 97):
        assert len(np.unique(landscape.labels[numbers == parcel])) == 1


def test_neighbouring_parcels_are_patches_of_their_own() -> None:
    canvas = blank()
    numbers = np.broadcast_to(np.arange(canvas.side), (canvas.side, canvas.side)).astype(np.intp)
    canvas.paint_many(numbers, {"maize": 1.0}, patches=40)
    labels = canvas.finish().labels
    assert (labels[:, 1:] != labels[:, :-1]).all()
    assert len(np.unique(labels)) == 40


def test_heights_of_the_ground_add_up() -> None:
    canvas = blank()
    assert canvas.finish().relief is None
    assert canvas.finish().tall is None
    u, v = canvas.turned(0.3)
    canvas.lift(u)
    canvas.lift(2 * v)
    relief = canvas.finish().relief
    assert relief is not None
    np.testing.assert_allclose(relief, u.astype(np.float64) + 2 * v.astype(np.float64), atol=1e-3)
