"""Shapes against plain formulas in double precision, per pixel, and parcels against what their sizes promise."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from msclip_search.simulation import shapes
from msclip_search.simulation.canvas import Canvas, Labels

Reals = NDArray[np.float64]


def blank(size: int = 64, seed: int = 0) -> Canvas:
    return Canvas(size, np.random.Generator(np.random.PCG64(seed)))


def metres(canvas: Canvas) -> tuple[Reals, Reals]:
    """Return east and south of each pixel's middle from the centre, worked out anew."""
    axis = (np.arange(canvas.side) - (canvas.side - 1) / 2) * 5.0
    south, east = np.meshgrid(axis, axis, indexing="ij")
    return east, south


def same(got: NDArray[np.bool_], signed: Reals, *, sure: float = 0.01) -> None:
    """Compare a mask with a signed distance, inside above 0, except where rounding decides."""
    clear = np.abs(signed) > sure
    assert clear.mean() > 0.98
    assert got.any()
    assert not got.all()
    np.testing.assert_array_equal(got[clear], (signed > 0)[clear])


@pytest.mark.parametrize(("x", "y", "radius"), [(0, 0, 100), (37.5, -81, 63), (-300, 300, 250)])
def test_a_disc_is_what_lies_nearer_than_its_radius(x: float, y: float, radius: float) -> None:
    canvas = blank()
    east, south = metres(canvas)
    same(shapes.disc(canvas, x, y, radius), radius - np.hypot(east - x, south - y))
    bend = canvas.noise(100) * np.float32(20)
    got = shapes.disc(canvas, x, y, radius, bend=bend)
    same(got, radius + bend.astype(np.float64) - np.hypot(east - x, south - y))


@pytest.mark.parametrize(("x", "y", "angle"), [(0, 0, 0.0), (120, -40, 0.6), (-75, 210, 2.5)])
def test_a_box_is_what_lies_between_its_sides(x: float, y: float, angle: float) -> None:
    canvas = blank()
    east, south = metres(canvas)
    along = (east - x) * math.cos(angle) + (south - y) * math.sin(angle)
    across = (south - y) * math.cos(angle) - (east - x) * math.sin(angle)
    got = shapes.box(canvas, x, y, length=183, width=61, angle=angle)
    same(got, np.minimum(91.5 - np.abs(along), 30.5 - np.abs(across)))


@pytest.mark.parametrize(("angle", "offset"), [(0.0, 0.0), (0.9, 45.0), (math.pi / 2, -120.0), (4.0, 200.0)])
def test_distance_to_a_straight_line(angle: float, offset: float) -> None:
    canvas = blank()
    east, south = metres(canvas)
    got = shapes.distance_to_line(canvas, angle=angle, offset=offset)
    np.testing.assert_allclose(got, south * math.cos(angle) - east * math.sin(angle) - offset, atol=1e-3)


@pytest.mark.parametrize("seed", range(6))
def test_distance_to_a_bent_line_is_the_way_to_where_it_is_zero(seed: int) -> None:
    canvas = blank(seed=seed)
    got = shapes.distance_to_line(canvas, angle=0.4 * seed, bend=100, scale=400).astype(np.float64)
    east, south = metres(canvas)
    changes = np.zeros(got.shape, dtype=np.bool_)
    changes[:, :-1] |= (got[:, 1:] > 0) != (got[:, :-1] > 0)
    changes[:-1] |= (got[1:] > 0) != (got[:-1] > 0)
    line = np.stack([east[changes], south[changes]], axis=1)
    inner = (np.hypot(east, south) < 250) & (np.abs(got) < 30)
    near = np.stack([east[inner], south[inner]], axis=1)[::7]
    want = np.hypot(*(near[:, None] - line[None]).transpose(2, 0, 1)).min(axis=1)
    assert len(want) > 100
    wrong = np.abs(np.abs(got[inner][::7]) - want)
    assert np.quantile(wrong, 0.95) < 8
    assert wrong.mean() < 3
    assert np.abs(got[inner][::7]).mean() == pytest.approx(want.mean(), rel=0.2)


@pytest.mark.parametrize(("spacing", "share", "angle"), [(40, 0.5, 0.0), (61, 0.3, 0.8), (150, 0.85, 2.2)])
def test_rows_are_a_share_of_each_spacing(spacing: float, share: float, angle: float) -> None:
    canvas = blank()
    got = shapes.rows(canvas, spacing=spacing, share=share, angle=angle)
    east, south = metres(canvas)
    across = south * math.cos(angle) - east * math.sin(angle)
    # Where the first row begins is left to chance: some beginning has to explain every pixel.
    wrong = [np.mean((((across / spacing + start) % 1.0) < share) != got) for start in np.arange(0, 1, 0.002)]
    assert min(wrong) < 0.01
    assert got.mean() == pytest.approx(share, abs=0.06)


@pytest.mark.parametrize(("spacing", "share", "angle"), [(40, 0.5, 0.0), (90, 0.9, 0.8), (57, 0.7, 2.2)])
def test_dots_stand_on_a_grid(spacing: float, share: float, angle: float) -> None:
    canvas = blank()
    got = shapes.dots(canvas, spacing=spacing, share=share, angle=angle, jitter=0)
    east, south = metres(canvas)
    along = east * math.cos(angle) + south * math.sin(angle)
    across = south * math.cos(angle) - east * math.sin(angle)
    away = np.hypot(*(value - (np.floor(value / spacing) + 0.5) * spacing for value in (along, across)))
    same(got, share * spacing / 2 - away, sure=0.05)
    jittered = shapes.dots(canvas, spacing=spacing, share=share, angle=angle)
    assert jittered.mean() == pytest.approx(got.mean(), abs=0.05)
    assert (jittered != got).any()


def test_edges_are_where_another_number_lies_to_the_east_or_south() -> None:
    canvas = blank(32)
    numbers = shapes.cells(canvas, width=60, length=90, angle=0.5)
    side = canvas.side
    want = np.zeros((side, side), dtype=np.bool_)
    for row in range(side):
        for column in range(side):
            here = numbers[row, column]
            east = column + 1 < side and numbers[row, column + 1] != here
            south = row + 1 < side and numbers[row + 1, column] != here
            want[row, column] = east or south
    assert want.any()
    np.testing.assert_array_equal(shapes.edges(numbers), want)
    padded = np.pad(want, ((1, 0), (1, 0)))
    thick = padded[1:, 1:] | padded[:-1, 1:] | padded[1:, :-1] | padded[:-1, :-1]
    np.testing.assert_array_equal(shapes.edges(numbers, thick=True), thick)


def within(numbers: Labels) -> tuple[set[int], set[int]]:
    """Return the numbers that touch the canvas's rim, and those that lie wholly inside."""
    rim = {int(number) for line in (numbers[0], numbers[-1], numbers[:, 0], numbers[:, -1]) for number in line}
    return rim, {int(number) for number in np.unique(numbers)} - rim


def test_cells_are_as_large_and_as_long_as_asked() -> None:
    areas, stretch = [], []
    for seed in range(4):
        canvas = blank(160, seed)
        numbers = shapes.cells(canvas, width=60, length=120, angle=0)
        rim, inside = within(numbers)
        areas.append((canvas.side * 5.0) ** 2 / (len(inside) + len(rim) / 2))
        for number in list(inside)[::5]:
            rows, columns = np.nonzero(numbers == number)
            stretch.append((np.ptp(columns) + 1) / (np.ptp(rows) + 1))
    assert np.mean(areas) == pytest.approx(60 * 120, rel=0.08)
    assert 1.6 < np.median(stretch) < 2.5


def test_cells_are_convex_and_in_one_piece() -> None:
    # Cells of a Voronoi diagram: each row and each column of pixels crosses one in a single run.
    canvas = blank(96, 3)
    numbers = shapes.cells(canvas, width=80, length=80, angle=0)
    broken = 0
    _, inside = within(numbers)
    assert len(inside) > 80
    for number in inside:
        for mask in (numbers == number, (numbers == number).T):
            runs = np.count_nonzero(np.diff(mask.astype(np.int8), axis=1, prepend=0) == 1, axis=1)
            broken += int(np.any(runs > 1))
            assert np.ptp(np.flatnonzero(runs)) + 1 == np.count_nonzero(runs)
    assert broken <= 0.03 * 2 * len(inside)


def test_wandering_edges_keep_the_size_of_cells() -> None:
    straight, bent = (
        len(np.unique(shapes.cells(blank(128, 5), width=70, length=70, angle=0.3, wander=wander)))
        for wander in (0.0, 20.0)
    )
    assert bent == pytest.approx(straight, rel=0.25)


@pytest.mark.parametrize("share", [0.1, 0.35, 0.5, 0.8])
def test_blobs_and_specks_cover_their_share(share: float) -> None:
    blobs = [shapes.blobs(blank(64, seed), share, metres=80).mean() for seed in range(80)]
    specks = [shapes.specks(blank(64, seed), share).mean() for seed in range(20)]
    assert np.mean(blobs) == pytest.approx(share, abs=0.05)
    assert np.mean(specks) == pytest.approx(share, abs=0.03)


def test_specks_are_smaller_than_blobs() -> None:
    def rim(mask: NDArray[np.bool_]) -> float:
        return float(np.mean(mask[:, 1:] != mask[:, :-1]))

    canvas = blank()
    speck, clump = (shapes.specks(canvas, 0.2, finest=finest) for finest in (0, 2))
    assert rim(speck) > 1.5 * rim(clump) > 1.5 * rim(shapes.blobs(canvas, 0.2, metres=300, rough=0.2))


@pytest.mark.parametrize(("share", "value"), [(0.5, 0.0), (0.8413447, 1.0), (0.0227501, -2.0), (0.9331928, 1.5)])
def test_quantiles_are_those_of_a_normal_distribution(share: float, value: float) -> None:
    assert shapes.quantile(share) == pytest.approx(value, abs=1e-5)


def test_quantiles_end_somewhere() -> None:
    assert math.isfinite(shapes.quantile(0))
    assert shapes.quantile(-1) == shapes.quantile(0) == -shapes.quantile(1)


@pytest.mark.parametrize(("width", "length", "uneven"), [(50, 200, 0.5), (90, 150, 0.1), (40, 300, 0.9)])
def test_strips_are_as_wide_and_their_parcels_as_long_as_asked(width: float, length: float, uneven: float) -> None:
    wide, long = [], []
    for seed in range(12):
        canvas = blank(128, seed)
        numbers = shapes.strips(canvas, width=width, length=length, angle=0, uneven=uneven)
        down, across = numbers[:, canvas.side // 2], numbers[:: canvas.side // 8]
        extent = canvas.side * 5.0
        wide.append(extent / (np.count_nonzero(np.diff(down)) + 0.5))
        long += [extent / (np.count_nonzero(np.diff(line)) + 0.5) for line in across]
    assert np.mean(wide) == pytest.approx(width, rel=0.12)
    assert np.mean(long) == pytest.approx(length, rel=0.15)


def test_strips_run_along_their_angle() -> None:
    canvas = blank()
    numbers = shapes.strips(canvas, width=60, length=3000, angle=math.pi / 4, uneven=0.2)
    southeast = np.mean(numbers[1:, 1:] != numbers[:-1, :-1])
    northeast = np.mean(numbers[:-1, 1:] != numbers[1:, :-1])
    assert southeast < 0.02
    assert northeast > 0.08
