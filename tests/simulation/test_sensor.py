"""The instrument against explicit sums, convolutions and interpolations in double precision."""

import numpy as np
import pytest
from numpy.typing import NDArray

from msclip_search.bands import BANDS
from msclip_search.simulation import sensor
from msclip_search.simulation.canvas import MARGIN
from msclip_search.simulation.sensor import METHODS, NOISE, REFERENCE, RESOLUTIONS, Optics

Reals = NDArray[np.float64]
PLACES = [(2, (0, 0)), (2, (1, 0)), (2, (1, 1)), (6, (0, 0)), (6, (5, 2)), (6, (3, 4))]


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def planes(seed: int, count: int, side: int) -> NDArray[np.float32]:
    return generator(seed).random((count, side, side), dtype=np.float32)


def optics(
    *,
    blur: float = 0.1,
    noise: float = 0.0,
    resampling: str = "nearest",
    offset: tuple[int, int, int, int] = (0, 0, 0, 0),
    shift: tuple[float, float] = (0.0, 0.0),
) -> Optics:
    moved = np.tile(np.array(shift, dtype=np.float32), (len(BANDS), 1))
    return Optics(blur=blur, noise=noise, resampling=resampling, offset=offset, shift=moved)


def test_each_band_has_its_published_resolution() -> None:
    # ESA, Sentinel-2 User Handbook, 2015.
    metres = {BANDS[band]: 10 * factor for factor, bands in RESOLUTIONS.items() for band in bands}
    assert metres == dict(zip(BANDS, (60, 10, 10, 10, 20, 20, 20, 10, 20, 60, 60, 20, 20), strict=True))


@pytest.mark.parametrize(("factor", "offset"), PLACES)
def test_pixels_are_averaged_on_a_grid_with_an_offset(factor: int, offset: tuple[int, int]) -> None:
    fine = planes(1, 3, 76)
    east, south = offset
    part = fine[:, south:, east:].astype(np.float64)
    rows, columns = part.shape[1] // factor, part.shape[2] // factor
    blocks = part[:, : rows * factor, : columns * factor].reshape(3, rows, factor, columns, factor)
    np.testing.assert_allclose(sensor.aggregated(fine, factor, offset), blocks.mean(axis=(2, 4)), atol=1e-6)


@pytest.mark.parametrize("weight", [0.0, 0.05, 0.15])
def test_blur_is_a_convolution_with_repeated_edges(weight: float) -> None:
    fine = planes(2, 2, 30)
    shift = np.array([[0.0, 0.0], [0.04, -0.03]], dtype=np.float32)
    padded = np.pad(fine.astype(np.float64), ((0, 0), (1, 1), (1, 1)), mode="edge")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(1, 2))
    got = sensor.blurred(fine, weight, shift)
    for plane, (south, east) in enumerate(shift.astype(np.float64)):
        down, across = (np.array([weight + step, 1 - 2 * weight, weight - step]) for step in (south, east))
        want = (windows[plane] * np.outer(down, across)).sum(axis=(2, 3))
        np.testing.assert_allclose(got[plane], want, atol=1e-6)
    flat = np.full((2, 9, 9), 0.37, dtype=np.float32)
    np.testing.assert_allclose(sensor.blurred(flat, weight, shift), flat, rtol=1e-6)


@pytest.mark.parametrize(("south", "east"), [(0.05, 0.0), (-0.04, 0.06)])
def test_a_band_is_displaced_by_twice_its_shift(south: float, east: float) -> None:
    axis = np.arange(60, dtype=np.float32)
    light = np.broadcast_to(2 * axis[None, :] + 3 * axis[:, None], (13, 60, 60)).copy()
    still, moved = (
        sensor.measure(light.copy(), optics(resampling="bilinear", shift=shift), generator(9), size=48)
        for shift in ((0.0, 0.0), (south, east))
    )
    for factor, bands in RESOLUTIONS.items():
        inner = (list(bands), slice(12, 36), slice(12, 36))
        want = -(2 * 2 * east + 3 * 2 * south) * factor
        np.testing.assert_allclose(moved[inner] - still[inner], want, atol=1e-3)


def kernel(method: str, distance: float) -> float:
    """Return the weight of a value at a distance, in its own pixels: the kernels of Keys 1981 and of de Boor."""
    away = abs(distance)
    if method == "bilinear":
        return max(0.0, 1 - away)
    if method == "cubic":
        if away < 1:
            return 1.5 * away**3 - 2.5 * away**2 + 1
        return -0.5 * away**3 + 2.5 * away**2 - 4 * away + 2 if away < 2 else 0.0
    if away < 1:
        return 2 / 3 - away**2 + away**3 / 2
    return (2 - away) ** 3 / 6 if away < 2 else 0.0


@pytest.mark.parametrize("method", [method for method in METHODS if method != "nearest"])
@pytest.mark.parametrize(("factor", "offset"), PLACES)
def test_resampling_weighs_the_pixels_around_by_their_distance(
    method: str, factor: int, offset: tuple[int, int]
) -> None:
    size = 24
    side = size + 2 * MARGIN
    east, south = offset
    native = planes(3, 2, (side - max(offset)) // factor)

    def weights(first: int) -> Reals:
        """One row for each pixel of the tile, one column for each native pixel, edges repeated."""
        count = native.shape[1]
        matrix = np.zeros((size, count))
        for pixel in range(size):
            at = MARGIN + pixel + 0.5  # the pixel's middle, in pixels of 10 m from the corner of the margin
            for number in range(-3, count + 3):
                middle = first + (number + 0.5) * factor
                matrix[pixel, min(max(number, 0), count - 1)] += kernel(method, (at - middle) / factor)
        return matrix

    want = weights(south) @ native.astype(np.float64) @ weights(east).T
    got = sensor.resampled(native, factor, offset, size, method)
    np.testing.assert_allclose(got, want, atol=1e-5)


@pytest.mark.parametrize(("factor", "offset"), PLACES)
def test_nearest_shows_the_pixel_that_a_place_lies_in(factor: int, offset: tuple[int, int]) -> None:
    size = 24
    native = planes(4, 2, (size + 2 * MARGIN - max(offset)) // factor)
    east, south = ((np.arange(size) + MARGIN - first) // factor for first in offset)
    got = sensor.resampled(native, factor, offset, size, "nearest")
    last = native.shape[1] - 1
    np.testing.assert_array_equal(got, native[:, np.minimum(south, last)][:, :, np.minimum(east, last)])


@pytest.mark.parametrize("method", [method for method in METHODS if method != "nearest"])
@pytest.mark.parametrize(("factor", "offset"), PLACES)
def test_a_ramp_stays_where_it_is(method: str, factor: int, offset: tuple[int, int]) -> None:
    # From 10 m to the band's own pixels and back: whatever was shifted would show as another value.
    size = 36
    axis = (np.arange(size + 2 * MARGIN) - MARGIN).astype(np.float32)
    ramp = (2 * axis[None, :] + 3 * axis[:, None])[None]
    back = sensor.resampled(sensor.aggregated(ramp, factor, offset), factor, offset, size, method)
    inner = slice(2 * factor, size - 2 * factor)
    np.testing.assert_allclose(back[0, inner, inner], ramp[0, MARGIN:-MARGIN, MARGIN:-MARGIN][inner, inner], atol=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_a_level_scene_stays_level_in_every_band(method: str) -> None:
    level = np.linspace(0.05, 0.6, len(BANDS), dtype=np.float32)
    light = np.broadcast_to(level[:, None, None], (13, 44, 44)).copy()
    got = sensor.measure(light, optics(resampling=method, offset=(1, 0, 4, 3)), generator(5), size=32)
    assert got.shape == (13, 32, 32)
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, np.broadcast_to(level[:, None, None], got.shape), rtol=1e-5)


def deviations(level: NDArray[np.float32], gain: float) -> Reals:
    """Measure the noise of a level scene, band by band, in the bands' own pixels."""
    size = 480
    light = np.broadcast_to(level[:, None, None], (13, size + 12, size + 12)).copy()
    got = sensor.measure(light, optics(noise=gain, blur=0.0), generator(6), size=size).astype(np.float64)
    found = np.zeros(13)
    for factor, bands in RESOLUTIONS.items():
        for band in bands:
            native = got[band, ::factor, ::factor]
            assert abs(native.mean() - float(level[band])) < 4 * native.std() / np.sqrt(native.size)
            found[band] = native.std()
    return found


@pytest.mark.parametrize("gain", [0.5, 1.0])
def test_noise_at_the_reference_is_what_it_is_said_to_be(gain: float) -> None:
    np.testing.assert_allclose(deviations(REFERENCE.astype(np.float32), gain), NOISE * gain, rtol=0.05)


def test_noise_is_no_worse_than_the_requirements_and_grows_with_light() -> None:
    # Signal-to-noise ratios of the mission's requirements: ESA, Sentinel-2 User Handbook, 2015, B01 to B12.
    required = np.array([129, 154, 168, 142, 117, 89, 105, 174, 72, 114, 50, 100, 100])
    assert (1.01 * REFERENCE / required > NOISE).all()
    dark, bright = (deviations((REFERENCE * times).astype(np.float32), 1.0) for times in (0, 4))
    assert (dark > 0).all()
    assert (dark < 0.99 * NOISE).all()
    # Shot noise alone would double it; a floor under it makes that less.
    assert (bright > 1.05 * NOISE).all()
    assert (bright < 2.1 * NOISE).all()
    # What is left in the dark and what grows with the light add up in the variance, in proportion to the light.
    slope = (bright**2 - dark**2) / 4
    np.testing.assert_allclose(dark**2 + slope, NOISE**2, rtol=0.12)


def test_noise_belongs_to_the_pixels_of_the_band() -> None:
    light = np.full((13, 60, 60), 0.2, dtype=np.float32)
    got = sensor.measure(light, optics(noise=1.0), generator(7), size=48)
    for factor, bands in RESOLUTIONS.items():
        blocks = got[list(bands)].reshape(len(bands), 48 // factor, factor, 48 // factor, factor)
        assert not np.ptp(blocks, axis=(2, 4)).any()
        assert (np.diff(blocks[:, :, 0, :, 0], axis=1) != 0).mean() > 0.95


@pytest.mark.parametrize("weight", [0.05, 0.15])
def test_a_point_spreads_over_its_neighbours_alone(weight: float) -> None:
    light = np.zeros((13, 60, 60), dtype=np.float32)
    light[:, 30, 30] = 1.0
    got = sensor.measure(light, optics(blur=weight), generator(8), size=48).astype(np.float64)
    for factor, bands in RESOLUTIONS.items():
        at = (30 - MARGIN) // factor * factor
        for band in bands:
            side = weight * float(sensor._SOFTER[band])
            line = np.array([side, 1 - 2 * side, side])
            reach = slice(at - factor, at + 2 * factor)
            want = np.kron(np.outer(line, line), np.ones((factor, factor))) / factor**2
            np.testing.assert_allclose(got[band, reach, reach], want, atol=1e-6)
            assert got[band].sum() == pytest.approx(1, abs=1e-4)


def test_instruments_are_drawn_within_their_limits() -> None:
    drawn = [sensor.draw(generator(seed)) for seed in range(400)]
    assert {one.resampling for one in drawn} == set(METHODS)
    for one in drawn:
        assert 0 <= one.blur <= 0.2
        assert 0 < one.noise <= 1
        assert one.shift.shape == (13, 2)
        # The mission allows 0.3 pixels between bands at three standard deviations: User Handbook, 2015.
        assert np.abs(2 * one.shift).max() < 0.6
    assert np.std([2 * one.shift for one in drawn]) < 0.15

    ranges = [{one.offset[place] for one in drawn} for place in range(4)]
    assert ranges == [{0, 1}, {0, 1}, set(range(6)), set(range(6))]
    assert {sensor.draw(generator(seed), "cubic").resampling for seed in range(20)} == {"cubic"}


def test_blur_brings_the_contrast_of_the_finest_stripes_to_what_was_measured_in_orbit() -> None:
    # Modulation transfer at the Nyquist frequency: 2/π is the pixel's own square, the kernel takes 1 - 4w of it.
    for seed in range(50):
        weight = sensor.draw(generator(seed)).blur
        stripes = np.tile(np.array([0.2, 0.4], dtype=np.float32), (1, 20, 10))
        still = np.zeros((1, 2), dtype=np.float32)
        contrast = np.ptp(sensor.blurred(stripes, weight, still)[:, 5:-5, 5:-5]) / 0.2
        assert contrast == pytest.approx(1 - 4 * weight, abs=1e-4)
        assert 0.15 < contrast * 2 / np.pi < 0.6
