"""The description of a window against a second one, written plainly in float64, number by number."""

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from msclip_search.models.nano import cells, descriptor
from msclip_search.models.nano.descriptor import NAMES, describe
from msclip_search.models.nano.spec import SPEC

Window = NDArray[np.float32]
INDICES = {
    "B08-B04": ("B08", "B04"),
    "B03-B11": ("B03", "B11"),
    "B11-B08": ("B11", "B08"),
    "B08-B12": ("B08", "B12"),
    "B07-B05": ("B07", "B05"),
    "B03-B08": ("B03", "B08"),
}


def window(seed: int, height: int, width: int) -> Window:
    """Patches of one spectrum each, with noise, as reflectance."""
    random = np.random.default_rng(seed)
    spectra = random.uniform(0.0, 0.5, (10, 3, 3))
    rows, columns = np.arange(height) * 3 // height, np.arange(width) * 3 // width
    noisy = spectra[:, rows][:, :, columns] * random.normal(1, 0.1, (10, height, width))
    return np.clip(noisy, 0.0001, 1.2).astype(np.float32)


def at_level(values: NDArray[np.float64], level: float) -> float:
    """Return the value nearest to a quantile, of pixels at equal distances."""
    step = max(1, round((values.size / 1024) ** 0.5))
    top, left = (min(step // 2, side - 1) for side in values.shape)
    lattice = sorted(values[top::step, left::step].ravel().tolist())
    return float(lattice[round(level * (len(lattice) - 1))])


def halved(plane: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average squares of two by two; a last odd row or column is left out."""
    even = plane[: plane.shape[0] // 2 * 2, : plane.shape[1] // 2 * 2]
    return (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


def measured(name: str, plane: NDArray[np.float64]) -> dict[str, float]:
    """Measure one plane of a window."""
    numbers = {f"{name} mean": plane.mean(), f"{name} deviation": np.log(plane.std() + 1e-3)}
    for word, level in zip(
        ("p2", "p10", "p25", "p50", "p75", "p90", "p98"), (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98), strict=True
    ):
        numbers[f"{name} {word}"] = at_level(plane, level)
    for scale in (1, 2, 4, 8):
        if scale > 1:
            plane = halved(plane)
        slopes = ("p10", "p30", "p50", "p70", "p90", "p98")
        if min(plane.shape) < 2:
            numbers |= {f"{name} steepness {word} {scale}": np.nan for word in ("rms", "most", *slopes)}
        else:
            steep = np.diff(plane, axis=1)[:-1] ** 2 + np.diff(plane, axis=0)[:, :-1] ** 2
            numbers[f"{name} steepness rms {scale}"] = np.log(np.mean(steep) + 1e-6)
            numbers[f"{name} steepness most {scale}"] = np.log(np.max(steep) + 1e-6)
            for word in slopes:
                at = at_level(steep, int(word[1:]) / 100)
                numbers[f"{name} steepness {word} {scale}"] = np.log(at + 1e-6)
        if scale < 8:
            bent = np.diff(plane, 2, axis=0)[:, 1:-1] + np.diff(plane, 2, axis=1)[1:-1]
            numbers[f"{name} curvature {scale}"] = np.log(np.mean(bent**2) + 1e-6) if bent.size else np.nan
    return numbers


def planes_of(pixels: Window) -> dict[str, NDArray[np.float64]]:
    """Return a window's logarithms and normalized differences in float64."""
    bands = dict(zip(SPEC.bands, pixels.astype(np.float64), strict=True))
    bands = {name: np.maximum(band, 0) + 0.005 for name, band in bands.items()}
    planes = {name: np.log(band) for name, band in bands.items()}
    for name, (one, other) in INDICES.items():
        planes[name] = 2 * (bands[one] - bands[other]) / (bands[one] + bands[other])
    return planes


def oracle(pixels: Window) -> dict[str, float]:
    """Describe a window as a whole in float64."""
    numbers: dict[str, float] = {}
    for name, plane in planes_of(pixels).items():
        numbers |= measured(name, plane)
    return numbers


def described(pixels: Window) -> Window:
    """Describe a single window as a whole."""
    found: Window = describe(torch.from_numpy(pixels[None])).whole[0].numpy()
    return found


@pytest.mark.parametrize(
    ("height", "width"),
    [
        (8, 8),
        (16, 16),
        (33, 33),
        (64, 64),
        (224, 224),
        (8, 40),
        (65, 31),
        (100, 12),
        (9, 9),
        (60, 60),
        (200, 300),
        (8, 9400),
    ],
)
def test_every_number_is_the_oracles(height: int, width: int) -> None:
    pixels = window(height * 1000 + width, height, width)
    wanted = oracle(pixels)
    assert set(NAMES) == set(wanted)
    assert len(NAMES) == len(wanted) == 704
    np.testing.assert_allclose(described(pixels), [wanted[name] for name in NAMES], rtol=1e-4, atol=2e-4)


def test_what_a_window_is_too_small_to_show_is_nan() -> None:
    assert not np.isnan(described(window(1, 24, 24))).any()
    found = dict(zip(NAMES, described(window(1, 8, 8)), strict=True))
    missing = {name for name, value in found.items() if np.isnan(value)}
    # There are 2 x 2 squares of 4 pixels, which have a slope but no bend, and one of 8, which has neither.
    assert missing == {
        name for name in NAMES if name.endswith("curvature 4") or (" steepness " in name and name.endswith(" 8"))
    }
    assert len(missing) == 9 * 16


def test_a_window_of_one_value_is_finite() -> None:
    found = described(np.full((10, 16, 16), 0.2, np.float32))
    assert np.isfinite(found).all()
    levels = dict(zip(NAMES, found, strict=True))
    assert levels["B04 p50"] == pytest.approx(np.log(0.205), abs=1e-6)
    assert levels["B08-B04 mean"] == pytest.approx(0, abs=1e-6)
    assert levels["B04 steepness most 1"] == pytest.approx(np.log(1e-6), abs=1e-3)


def test_pixels_without_data_count_as_the_mean_of_the_others() -> None:
    pixels = window(1, 24, 24)
    holes = np.zeros((24, 24), bool)
    holes[:5, 3:9] = holes[20, 20] = True
    mean = pixels[:, ~holes].astype(np.float64).mean(axis=1)
    filled, empty, negative = (np.where(holes, value, pixels) for value in (mean[:, None, None], 0, -0.1))
    wanted = described(filled.astype(np.float32))
    for missing in (empty, negative):
        np.testing.assert_allclose(described(missing.astype(np.float32)), wanted, atol=1e-4)
    assert not np.allclose(described(pixels), wanted, atol=1e-2)


def test_one_band_that_is_0_is_data() -> None:
    pixels = window(2, 16, 16)
    pixels[3] = 0
    wanted = oracle(pixels)
    np.testing.assert_allclose(described(pixels), [wanted[name] for name in NAMES], rtol=1e-4, atol=2e-4)


def test_a_window_without_any_data_is_finite() -> None:
    assert np.isfinite(described(np.zeros((10, 16, 16), np.float32))).all()


@pytest.mark.parametrize("room", [1, 3 * 24 * 24, 1 << 24])
def test_windows_do_not_depend_on_those_beside_them(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    windows = np.stack([window(seed, 24, 24) for seed in range(7)])
    windows[3] = 0
    windows[5, :, :4] = 0
    alone = np.stack([described(each) for each in windows])
    monkeypatch.setattr(descriptor, "_PIXELS", room)
    np.testing.assert_allclose(describe(torch.from_numpy(windows)).whole.numpy(), alone, atol=1e-5)
    shuffled = torch.from_numpy(windows[[6, 0, 3, 5, 2]])
    np.testing.assert_allclose(describe(shuffled).whole.numpy(), alone[[6, 0, 3, 5, 2]], atol=1e-5)


def test_the_input_stays_as_it_is() -> None:
    pixels = window(4, 16, 16)
    pixels[:, :3] = 0
    given = torch.from_numpy(pixels[None].copy())
    describe(given)
    np.testing.assert_array_equal(given.numpy()[0], pixels)


def test_no_windows_have_no_description() -> None:
    none = describe(torch.zeros(0, 10, 16, 40))
    assert none.whole.shape == (0, len(NAMES))
    assert none.cells.shape == (0, len(cells.NAMES), 2, 5)


def test_a_pattern_is_described_alike_at_any_size() -> None:
    noise = np.random.default_rng(7).gamma(8, 0.03, (10, 64, 64)).astype(np.float32)
    small, large = (dict(zip(NAMES, described(np.tile(noise, (1, n, n))), strict=True)) for n in (1, 3))
    for name in NAMES:
        if name.endswith((" mean", " deviation")):
            assert small[name] == pytest.approx(large[name], abs=1e-4), name
        elif not name.endswith(" 8"):  # an eighth of the side is too few for quantiles
            assert small[name] == pytest.approx(large[name], abs=0.9), name
    numbers = [name for name in NAMES if not name.endswith(" 8")]
    apart = np.median([abs(small[name] - large[name]) for name in numbers])
    assert apart < 0.03
    other = dict(zip(NAMES, described(noise * np.float32(0.5)), strict=True))
    assert np.median([abs(small[name] - other[name]) for name in numbers]) > 3 * apart
