"""The air and its clouds against published optical depths, limits of radiative transfer, and an inversion."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from msclip_search.bands import BANDS, LAYOUTS
from msclip_search.simulation import atmosphere, clouds
from msclip_search.simulation.atmosphere import WAVELENGTHS, Air, Path
from msclip_search.simulation.clouds import Clouds
from msclip_search.simulation.materials import MATERIALS
from msclip_search.simulation.places import Sun
from msclip_search.simulation.request import Simulation
from msclip_search.simulation.simulator import _stored

Reals = NDArray[np.float64]
SUNS = [Sun(math.radians(elevation), 2.5) for elevation in (15, 25, 40, 55, 67)]
VISIBLE = [BANDS.index(band) for band in ("B01", "B02", "B03", "B04")]
WINDOWS = [place for place, band in enumerate(BANDS) if band not in {"B09", "B10"}]


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def rayleigh(micrometres: Reals) -> Reals:
    """Return the optical depth of molecules at sea level: Bodhaine et al. 1999, equation 30."""
    square = micrometres**2
    upper = 1.0455996 - 341.29061 / square - 0.90230850 * square
    lower = 1 + 0.0027059889 / square - 85.968563 * square
    depth: Reals = 0.0021520 * upper / lower
    return depth


def top(path: Path, ground: Reals) -> Reals:
    """Return reflectance at the top of the atmosphere over level ground: Vermote et al. 1997, equation 4 of 6S."""
    seen: Reals = path.gas * (path.haze + path.through * ground / (1 - path.albedo * ground))
    return seen


def test_the_formula_of_the_oracle_gives_the_published_table() -> None:
    # Bodhaine et al. 1999, table 3, of the standard atmosphere.
    np.testing.assert_allclose(rayleigh(np.array([0.40, 0.55])), [0.36, 0.097], rtol=0.02)


def test_bands_lie_where_the_instrument_has_them() -> None:
    # ESA, Sentinel-2A: central wavelengths in nm.
    centres = [442.7, 492.4, 559.8, 664.6, 704.1, 740.5, 782.8, 832.8, 864.7, 945.1, 1373.5, 1613.7, 2202.4]
    np.testing.assert_allclose(WAVELENGTHS * 1000, centres, atol=1)


@pytest.mark.parametrize("sun", SUNS)
def test_thin_air_scatters_as_single_scattering_says(sun: Sun) -> None:
    # With next to no air above the ground what scatters once is all: τ P(θ) / 4μμ', P = ¾ (1 + cos² θ).
    thin, up = 1e-3, math.sin(sun.elevation)
    path = atmosphere.path(Air(0.0, 1.2, 1.0, thin), sun, view=0.0)
    depth = path.haze / thin * 4 * up / (0.75 * (1 + up**2))
    visible = WAVELENGTHS < 1.0
    np.testing.assert_allclose(depth[visible], rayleigh(WAVELENGTHS[visible]), rtol=0.03)
    # Half of it is thrown back, so half is lost on either way.
    lost = (1 - path.through) / (thin * rayleigh(WAVELENGTHS) * (1 / up + 1))
    np.testing.assert_allclose(lost[visible], 0.5, rtol=0.03)


@pytest.mark.parametrize("angstrom", [0.3, 1.2, 1.7])
def test_haze_of_thin_aerosol_falls_with_wavelength_as_angstrom_says(angstrom: float) -> None:
    path = atmosphere.path(Air(1e-4, angstrom, 1.0, 0.0), SUNS[2])
    want = (WAVELENGTHS / WAVELENGTHS[3]) ** -angstrom
    np.testing.assert_allclose(path.haze / path.haze[3], want, rtol=0.01)


@pytest.mark.parametrize("sun", SUNS)
@pytest.mark.parametrize("aerosol", [0.0, 0.03, 0.2, 0.6])
@pytest.mark.parametrize("vapour", [0.1, 4.0])
def test_no_light_is_made_and_none_is_less_than_nothing(sun: Sun, aerosol: float, vapour: float) -> None:
    path = atmosphere.path(Air(aerosol, 1.2, vapour, 1.0), sun)
    for part in (path.through, path.gas, path.diffuse, path.albedo):
        assert part.shape == (13,)
        assert ((part >= 0) & (part <= 1)).all()
    assert (path.haze > 0).all()
    black, white = top(path, np.zeros(13)), top(path, np.ones(13))
    assert (black < white).all()
    assert (white < 1.15).all()


def test_the_air_throws_back_what_6s_says() -> None:
    """Spherical albedo of molecules after 6S's formula, its exponential integral by quadrature."""
    nodes, weights = np.polynomial.legendre.leggauss(200)
    cosines = (nodes + 1) / 2
    path = atmosphere.path(Air(0.0, 1.2, 1.0, 1.0), SUNS[0])
    for wavelength, albedo in zip(WAVELENGTHS, path.albedo, strict=True):
        depth = 0.008569 * wavelength**-4 * (1 + 0.0113 * wavelength**-2 + 0.00013 * wavelength**-4)
        third = float((weights / 2 * cosines * np.exp(-depth / cosines)).sum())  # E3
        want = (3 * depth - third * (4 + 2 * depth) + 2 * np.exp(-depth)) / (4 + 3 * depth)
        assert albedo == pytest.approx(want, rel=1e-3)


@pytest.mark.parametrize("sun", SUNS[1:])
def test_white_ground_under_clean_air_sends_nearly_all_light_back(sun: Sun) -> None:
    path = atmosphere.path(Air(0.0, 1.2, 1.0, 1.0), sun)
    back = path.haze + path.through / (1 - path.albedo)
    assert ((back > 0.85) & (back < 1.1)).all()


def test_more_aerosol_is_more_haze_over_dark_ground() -> None:
    water = np.array(MATERIALS["water_clear"].reflectance)
    for sun in SUNS:
        seen = [top(atmosphere.path(Air(aerosol, 1.2, 1.5, 1.0), sun), water) for aerosol in (0.03, 0.1, 0.3, 0.6)]
        assert (np.diff(np.stack(seen)[:, WINDOWS], axis=0) > 0).all()
        # Blue sky: with clean air the haze is bluer than with any aerosol of this exponent.
        assert seen[0][0] > 2 * seen[0][3]


def test_bands_of_water_vapour_are_dark_and_windows_are_clear() -> None:
    for vapour in (1.0, 2.5, 4.0):
        for sun in SUNS:
            path = atmosphere.path(Air(0.1, 1.2, vapour, 1.0), sun)
            # 1375 nm is opaque below the cirrus (Gao et al. 1993), 945 nm half so, windows let most through.
            assert path.gas[BANDS.index("B10")] < 0.01
            assert path.gas[BANDS.index("B10")] < path.gas[BANDS.index("B09")] < 0.6
            assert path.gas[WINDOWS].min() > 0.6
            assert top(path, np.full(13, 0.9))[BANDS.index("B10")] < 0.01
    dry, damp = (atmosphere.path(Air(0.1, 1.2, vapour, 1.0), SUNS[2]).gas for vapour in (0.5, 4.0))
    assert (damp <= dry).all()
    assert dry[BANDS.index("B02")] == damp[BANDS.index("B02")]


def test_a_low_sun_sees_more_air() -> None:
    low, high = (atmosphere.path(Air(0.1, 1.2, 1.5, 1.0), sun) for sun in (SUNS[0], SUNS[-1]))
    assert (low.haze > high.haze).all()
    assert (low.through < high.through).all()
    assert (low.diffuse[VISIBLE] > high.diffuse[VISIBLE]).all()


def test_states_of_the_air_are_drawn_within_their_limits() -> None:
    drawn = [atmosphere.draw(generator(seed), humid=humid) for seed in range(300) for humid in (0.0, 1.0)]
    assert all(0.03 <= air.aerosol <= 0.6 for air in drawn)
    assert all(0 <= air.angstrom <= 2 for air in drawn)
    assert all(0 < air.vapour < 7 for air in drawn)
    assert all(0.7 <= air.pressure <= 1.03 for air in drawn)
    damp = [air.vapour for air in drawn[1::2]]
    assert np.mean(damp) > 3 * np.mean([air.vapour for air in drawn[::2]])


class Sure(np.random.Generator):
    """Guesses without error."""

    def standard_normal(self, *_: object, **__: object) -> Reals:  # type: ignore[override]
        return np.zeros(2)


@pytest.mark.parametrize("sun", SUNS[1:])
@pytest.mark.parametrize("aerosol", [0.03, 0.15, 0.4])
def test_the_ground_comes_back_from_the_top_when_the_air_is_known(sun: Sun, aerosol: float) -> None:
    air = Air(aerosol, 1.2, 1.5, 0.9)
    path = atmosphere.path(air, sun)
    for material in ("water_clear", "conifer_dark", "burnt_fresh", "soil_dark"):
        ground = np.array(MATERIALS[material].reflectance)
        seen = np.broadcast_to(top(path, ground)[:, None, None], (13, 4, 4)).astype(np.float32)
        stored, bands = _stored(Simulation(level="L2A"), seen.copy(), air, sun, Sure(np.random.PCG64(0)))
        assert bands == LAYOUTS["l2a"]
        # What bounces between ground and air is left in.
        want = np.delete(ground / (1 - path.albedo * ground), BANDS.index("B10"))
        np.testing.assert_allclose(stored[:, 2, 2] / 10_000, want, atol=0.0003)
        raw, bands = _stored(Simulation(level="L1C"), seen.copy(), air, sun, Sure(np.random.PCG64(0)))
        assert bands == BANDS
        np.testing.assert_allclose(raw[:, 1, 1] / 10_000, seen[:, 1, 1], atol=0.0001)


def test_stored_values_are_rounded_and_offset_as_a_product_is() -> None:
    seen = np.linspace(-0.05, 7, 13 * 16, dtype=np.float32).reshape(13, 4, 4)
    for offset, added in ((False, 0), (True, 1000)):
        simulation = Simulation(level="L1C", offset=offset)
        stored, _ = _stored(simulation, seen.copy(), Air(0.1, 1.2, 1.0, 1.0), SUNS[2], Sure(np.random.PCG64(0)))
        want = np.clip(np.rint(seen.astype(np.float64) * 10_000) + added, 1, 65_535)  # 0 is no data
        assert stored.dtype == np.uint16
        assert np.abs(stored - want).max() <= 1
        assert stored.min() >= 1


SKIES = [sky for seed in range(150) if (sky := clouds.draw(generator(seed), 76, cloudy=1.0)) is not None]


def test_the_sky_is_as_often_clouded_as_asked() -> None:
    for cloudy in (0.0, 0.3, 1.0):
        found = [clouds.draw(generator(seed), 8, cloudy=cloudy) is not None for seed in range(600)]
        assert np.mean(found) == pytest.approx(cloudy, abs=0.06)


def test_clouds_hold_back_a_share_of_the_light() -> None:
    assert len(SKIES) == 150
    for sky in SKIES:
        for part in (sky.opacity, sky.shadow):
            if part is not None:
                assert part.shape == (76, 76)
                assert part.dtype == np.float32
                assert part.min() >= 0
                assert part.max() <= 1
    means = [float(sky.opacity.mean()) for sky in SKIES]
    assert min(means) < 0.1
    assert max(means) > 0.9
    assert any(sky.shadow is not None and sky.shadow.max() > 0.3 for sky in SKIES)


def test_classes_rise_with_opacity_and_shadows_lie_beside_clouds() -> None:
    # Classes of the scene classification (Sen2Cor): 3 shadow, 8 and 9 cloud, 10 thin cirrus.
    seen: dict[int, list[NDArray[np.float32]]] = {}
    for sky in SKIES:
        classes = clouds.classes(sky)
        assert classes.dtype == np.uint8
        for value in np.unique(classes):
            seen.setdefault(int(value), []).append(sky.opacity[classes == value])
            if value == 3:
                assert sky.shadow is not None
                assert (sky.shadow[classes == 3] > 0).all()
    assert set(seen) == {0, 3, 8, 9, 10}
    lowest = {value: min(float(part.min()) for part in parts) for value, parts in seen.items()}
    highest = {value: max(float(part.max()) for part in parts) for value, parts in seen.items()}
    assert max(highest[0], highest[3]) <= lowest[10]
    assert highest[10] <= lowest[8]
    assert highest[8] <= lowest[9]
    assert lowest[8] > 0.25  # more than a veil
    assert highest[0] < 0.15  # clear


def test_clouds_are_told_from_snow_by_the_short_wave_infrared() -> None:
    # Snow: (B03 - B11)/(B03 + B11) above 0.4 (Dozier 1989, Hall et al. 1995), and 1.6 µm dark; clouds stay bright.
    green, short = BANDS.index("B03"), BANDS.index("B11")
    for name in ("snow_fresh", "snow_old"):
        snow = MATERIALS[name].reflectance
        assert (snow[green] - snow[short]) / (snow[green] + snow[short]) > 0.4
        assert snow[short] < 0.15

    def cloud(sky: Clouds) -> Reals:
        return sky.reflectance.astype(np.float64)

    for sky in SKIES:
        assert cloud(sky)[short] > 0.2
        assert (cloud(sky)[green] - cloud(sky)[short]) / (cloud(sky)[green] + cloud(sky)[short]) < 0.4
        # White: the whiteness test of Fmask (Zhu and Woodcock 2012) over the visible bands.
        visible = cloud(sky)[1:4]
        assert np.abs(visible - visible.mean()).sum() / visible.mean() < 0.7
        assert (visible > 0.3).all()


def test_some_veils_are_cirrus_that_shows_in_b10_alone() -> None:
    cirrus = [float(sky.reflectance[BANDS.index("B10")]) for sky in SKIES]
    assert max(cirrus) > 0.1
    assert np.median(cirrus) < 0.02
