"""Random fields: their moments, how far they hang together, and the corner cutting they are built by."""

import itertools

import numpy as np
import pytest
from numpy.typing import NDArray

from msclip_search.simulation.noise import along, double, field, white


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def correlations(fields: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean autocorrelation along rows by lag, without wrapping around: Wiener and Khinchin's theorem."""
    side = fields.shape[-1]
    power = np.abs(np.fft.rfft(fields, 2 * side, axis=-1)) ** 2
    covariance = np.fft.irfft(power, axis=-1)[..., : side // 2].mean(axis=(0, 1))
    unbiased = covariance / (side - np.arange(side // 2))
    correlation: NDArray[np.float64] = unbiased / unbiased[0]
    return correlation


@pytest.mark.parametrize(
    ("scale", "rough", "finest"),
    [(1, 0.5, 0), (2, 0.5, 1), (4, 0.0, 0), (8, 0.5, 0), (8, 0.8, 1), (12, 0.4, 2), (32, 0.6, 1), (40, 1.0, 0)],
)
def test_a_field_has_mean_0_and_variance_1(scale: float, rough: float, finest: int) -> None:
    random = generator(1)
    fields = np.stack([field(random, 96, scale=scale, rough=rough, finest=finest) for _ in range(120)])
    drawn = fields.astype(np.float64)
    assert abs(drawn.mean()) < 0.08
    assert (drawn**2).mean() == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize("scale", [5, 16, 64])
def test_a_curve_has_mean_0_and_variance_1(scale: float) -> None:
    random = generator(2)
    drawn = np.stack([along(random, 400, scale=scale) for _ in range(300)]).astype(np.float64)
    assert abs(drawn.mean()) < 0.1
    assert (drawn**2).mean() == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("scale", [4, 8, 16, 32])
def test_one_smooth_scale_hangs_together_like_a_quadratic_b_spline(scale: int) -> None:
    # Noise on a lattice under a quadratic B-spline correlates as a quintic one: 66, 26 and 1 at distance 0, 1 and 2.
    random = generator(3)
    fields = np.stack([field(random, 256, scale=scale, rough=0) for _ in range(40)]).astype(np.float64)
    got = correlations(fields)
    assert got[scale] == pytest.approx(26 / 66, abs=0.07)
    assert got[2 * scale] == pytest.approx(1 / 66, abs=0.07)


def test_the_way_over_which_a_field_hangs_together_follows_its_scale() -> None:
    def halved(scale: float) -> int:
        random = generator(4)
        fields = np.stack([field(random, 256, scale=scale, rough=0.5) for _ in range(40)]).astype(np.float64)
        return int(np.argmax(correlations(fields) < 0.5))

    ways = [halved(scale) for scale in (8, 16, 32, 64)]
    for short, long in itertools.pairwise(ways):
        assert 1.5 < long / short < 2.6, ways


def test_a_rougher_field_changes_more_from_pixel_to_pixel() -> None:
    def steps(rough: float) -> float:
        random = generator(5)
        drawn = [np.diff(field(random, 128, scale=32, rough=rough).astype(np.float64)).std() for _ in range(10)]
        return float(np.mean(drawn))

    got = [steps(rough) for rough in (0.0, 0.3, 0.6, 0.9)]
    assert got == sorted(got)
    assert got[-1] > 5 * got[0]


def test_nothing_is_finer_than_the_finest_lattice() -> None:
    # Second differences beyond the lattice's spacing are those of a spline: halving the step quarters them.
    rough = field(generator(6), 128, scale=64, rough=1.0, finest=0).astype(np.float64)
    smooth = field(generator(6), 128, scale=64, rough=1.0, finest=3).astype(np.float64)
    assert np.abs(np.diff(smooth, n=2)).mean() < np.abs(np.diff(rough, n=2)).mean() / 15


@pytest.mark.parametrize(("height", "width"), [(2, 2), (3, 7), (10, 4)])
def test_a_lattice_is_doubled_by_cutting_corners(height: int, width: int) -> None:
    def cutting(count: int) -> NDArray[np.float64]:
        """Return Chaikin's subdivision as a matrix: each edge gives the points at a quarter and three quarters."""
        matrix = np.zeros((2 * count - 2, count))
        for edge in range(count - 1):
            matrix[2 * edge, [edge, edge + 1]] = 0.75, 0.25
            matrix[2 * edge + 1, [edge, edge + 1]] = 0.25, 0.75
        return matrix

    grid = generator(7).standard_normal((height, width), dtype=np.float32)
    want = cutting(height) @ grid.astype(np.float64) @ cutting(width).T
    got = double(grid)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, want, atol=1e-6)


@pytest.mark.parametrize("side", [33, 76, 152])
def test_the_same_seed_gives_the_same_numbers_in_single_precision(side: int) -> None:
    first, again, other = (field(generator(seed), side, scale=20, rough=0.5) for seed in (8, 8, 9))
    assert first.shape == (side, side)
    assert first.dtype == np.float32
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()
    line, same, another = (along(generator(seed), side, scale=20) for seed in (8, 8, 9))
    assert line.shape == (side,)
    assert line.dtype == np.float32
    assert line.tobytes() == same.tobytes() != another.tobytes()


class Last(np.random.Generator):
    """Draws the largest number below 1, which reaches farthest into the sheet."""

    def random(self, *_: object, **__: object) -> float:  # type: ignore[override]
        return float(np.nextafter(1.0, 0.0))


@pytest.mark.parametrize(("height", "width"), [(1, 1), (76, 152), (1024, 1024), (1025, 3), (3, 1500)])
def test_white_noise_keeps_its_shape_wherever_it_is_cut(height: int, width: int) -> None:
    for random in (generator(10), Last(np.random.PCG64(10))):
        cut = white(random, height, width)
        assert cut.shape == (height, width)
        assert cut.dtype == np.float32


def test_white_noise_is_white_and_the_same_whatever_was_made_of_it() -> None:
    random = generator(11)
    cuts = np.stack([white(random, 64, 64) for _ in range(60)]).astype(np.float64)
    assert abs(cuts.mean()) < 0.02
    assert cuts.var() == pytest.approx(1, abs=0.03)
    np.testing.assert_allclose(correlations(cuts)[1:8], 0, atol=0.02)
    before = [white(generator(seed), 256, 256).copy() for seed in range(8)]
    for seed in range(8):
        for scale in (1, 2, 16):
            field(generator(seed), 256, scale=scale, rough=0.5)
    for seed, cut in enumerate(before):
        np.testing.assert_array_equal(white(generator(seed), 256, 256), cut)
