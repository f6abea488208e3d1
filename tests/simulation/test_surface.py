"""The ground on a date: spectra against the materials, light and shadow against geometry, tags against counting."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pytest

from msclip_search.bands import BANDS
from msclip_search.simulation import surface
from msclip_search.simulation.canvas import MARGIN, Canvas, Landscape, Mask
from msclip_search.simulation.covers import COVERS
from msclip_search.simulation.materials import MATERIALS
from msclip_search.simulation.places import Sun
from msclip_search.simulation.scenes import SCENES
from msclip_search.simulation.surface import Moment, Surface

if TYPE_CHECKING:
    from numpy.typing import NDArray

SIZE = 32
SIDE = SIZE + 2 * MARGIN
SUMMER = Sun(math.radians(55), math.radians(150))
STEADY = [name for name, cover in COVERS.items() if len(cover.stages) == 1]


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def plain(cover: str) -> Canvas:
    canvas = Canvas(SIZE, generator(0))
    canvas.fill(cover)
    return canvas


def dressed(
    landscape: Landscape, *, seed: int = 0, phase: float = 0.5, sun: Sun = SUMMER, snow: float = 0.0
) -> Surface:
    return surface.dress(landscape, Moment(phase, sun, snow), place=generator(seed), date=generator(seed + 1000))


@pytest.mark.parametrize("name", ["heath", "rock", "limestone", "concrete", "conifers", "rainforest", "salt crust"])
def test_a_cover_shows_the_mixture_of_its_materials(name: str) -> None:
    (stage,) = COVERS[name].stages
    main, other = (np.array(MATERIALS[material].reflectance) for material in (stage.main, stage.other))
    want = main + stage.share * (other - main)
    means = [dressed(plain(name).finish(), seed=seed).reflectance.mean(axis=(1, 2)) for seed in range(80)]
    np.testing.assert_allclose(np.mean(means, axis=0), want, rtol=0.1, atol=0.004)


@pytest.mark.parametrize("name", ["broadleaf", "rice", "tundra", "pasture", "meadow", "shrubs"])
def test_a_cover_shows_the_stage_of_its_season(name: str) -> None:
    stages = COVERS[name].stages
    ends = [*(stage.start for stage in stages[1:]), 1.0]
    stage, end = max(zip(stages, ends, strict=True), key=lambda pair: pair[1] - pair[0].start)
    assert end - stage.start > 0.15  # single fields are early or late by some hundredths
    main, other = (np.array(MATERIALS[material].reflectance) for material in (stage.main, stage.other))
    want = main + stage.share * (other - main)
    middle = (stage.start + end) / 2
    found = [dressed(plain(name).finish(), seed=seed, phase=middle) for seed in range(60)]
    got = np.mean([one.reflectance.mean(axis=(1, 2)) for one in found], axis=0)
    np.testing.assert_allclose(got, want, rtol=0.12, atol=0.005)
    said = [{*COVERS[name].tags, *stage.tags} == set(one.tags) for one in found]
    assert np.mean(said) > 0.95


def test_reflectance_stays_among_what_nature_shows() -> None:
    for number, name in enumerate(COVERS):
        got = dressed(plain(name).finish(), seed=number)
        assert got.reflectance.shape == (13, SIDE, SIDE)
        assert got.reflectance.dtype == np.float32
        assert got.reflectance.min() >= 0, name
        assert got.reflectance.max() < 1.6, name
        assert (got.lit, got.shade, got.snow) == (None, None, None)


def test_parcels_of_one_cover_differ_and_stay_the_same_from_date_to_date() -> None:
    canvas = Canvas(SIZE, generator(0))
    columns = np.broadcast_to(np.arange(canvas.side) // 22, (canvas.side, canvas.side)).astype(np.intp)
    canvas.paint_many(columns, {"limestone": 1.0}, patches=4)
    landscape = canvas.finish()
    looks = []
    for date in range(2):
        got = surface.dress(landscape, Moment(0.5, SUMMER, 0), place=generator(7), date=generator(date))
        looks.append([got.reflectance[3, :, 11 * part + 1 : 11 * part + 10].mean() for part in range(4)])
    first, second = np.array(looks)
    assert np.ptp(first) > 0.03 * first.mean()
    assert np.corrcoef(first, second)[0, 1] > 0.6


def slope(east: float, south: float) -> Landscape:
    canvas = plain("meadow")
    canvas.lift((np.float32(east) * canvas.x + np.float32(south) * canvas.y).astype(np.float32))
    return canvas.finish()


@pytest.mark.parametrize(("east", "south"), [(0.3, 0.0), (-0.3, 0.0), (0.0, 0.4), (0.0, -0.4), (0.25, 0.35)])
@pytest.mark.parametrize(("elevation", "azimuth"), [(25, 160), (55, 140), (60, 40)])
def test_a_slope_is_lit_by_the_cosine_of_the_suns_incidence(
    east: float, south: float, elevation: float, azimuth: float
) -> None:
    sun = Sun(math.radians(elevation), math.radians(azimuth))
    # The ground rises by `east` towards the east and by `south` towards the south: the normal leans the other way.
    normal = np.array([-east, south, 1.0]) / math.sqrt(1 + east**2 + south**2)
    level = math.cos(sun.elevation)
    ray = np.array([level * math.sin(sun.azimuth), level * math.cos(sun.azimuth), math.sin(sun.elevation)])
    lit = dressed(slope(east, south), sun=sun).lit
    assert lit is not None
    np.testing.assert_allclose(lit, max(0.0, float(normal @ ray)) / math.sin(sun.elevation), atol=2e-3)


def towered(height: float) -> Landscape:
    """Put a tower of 10 by 10 m over the pixel in the middle."""
    canvas = plain("meadow")
    middle = (np.abs(canvas.x - 5) < 5) & (np.abs(canvas.y - 5) < 5)
    assert np.count_nonzero(middle) == 4
    canvas.raise_(middle, height)
    return canvas.finish()


@pytest.mark.parametrize(("height", "elevation"), [(15, 30), (30, 45), (30, 60), (20, 35)])
@pytest.mark.parametrize("azimuth", [45, 90, 135, 150, 180])
def test_a_tower_throws_its_shadow_away_from_the_sun(height: float, elevation: float, azimuth: float) -> None:
    turned = math.radians(azimuth)
    shade = dressed(towered(height), sun=Sun(math.radians(elevation), turned)).shade
    assert shade is not None
    assert shade.min() >= 0
    assert shade.max() <= 1
    rows, columns = np.nonzero(shade)
    east, south = (columns - SIDE // 2) * 10.0, (rows - SIDE // 2) * 10.0
    along = -east * math.sin(turned) + south * math.cos(turned)
    across = east * math.cos(turned) + south * math.sin(turned)
    length = height / math.tan(math.radians(elevation))
    assert (np.abs(across) <= 15).all()
    assert along.min() > -10
    assert along.max() + 5 == pytest.approx(5 + length, abs=10)
    # Area: the way that the tower's edge sweeps, and not what it stands on itself.
    assert float(shade.sum()) * 100 == pytest.approx(length * 10 * (1 + 0.27 * abs(math.sin(2 * turned))), rel=0.45)


def test_a_low_wall_beside_a_tower_keeps_its_own_short_shadow() -> None:
    # With the sun in the south at 45°, what is 14 m high darkens 14 m to the north of it, whatever else stands there.
    canvas = plain("meadow")
    wall = np.broadcast_to(np.abs(canvas.y - 5) < 5, (canvas.side, canvas.side)).copy()
    canvas.raise_(wall & (canvas.x < 0), 14)
    canvas.raise_(wall & (canvas.x > 100), 29)
    shade = dressed(canvas.finish(), sun=Sun(math.radians(45), math.pi)).shade
    assert shade is not None
    middle = SIDE // 2
    low, high = shade[:, : middle - 2].mean(axis=1), shade[:, middle + 12 :].mean(axis=1)
    for got, length in ((low, 14), (high, 29)):
        assert 10 * float(got.sum()) == pytest.approx(length, abs=5)
        assert not got[middle:].any()
        assert not got[: middle - 2 - length // 10].any()


def test_nothing_lies_in_the_shadow_of_level_roofs() -> None:
    canvas = plain("meadow")
    canvas.raise_(np.ones((canvas.side, canvas.side), dtype=np.bool_), 20)
    shade = dressed(canvas.finish()).shade
    assert shade is not None
    assert not shade.any()


@pytest.mark.parametrize("name", ["meadow", "steppe", "fallow", "heath", "rock"])
def test_snow_brightens_the_visible_and_darkens_the_short_wave(name: str) -> None:
    landscape = plain(name).finish()
    bare, white = (dressed(landscape, seed=3, snow=snow) for snow in (0.0, 0.9))
    assert white.snow is not None
    assert white.snow.min() >= 0
    assert white.snow.max() <= 1
    deep = white.snow > 0.9
    assert deep.mean() > 0.3
    green, short = BANDS.index("B03"), BANDS.index("B11")
    assert (white.reflectance[green] > bare.reflectance[green] + 0.3)[deep].all()
    assert (white.reflectance[short] < bare.reflectance[short])[deep].all()
    index = (white.reflectance[green] - white.reflectance[short])[deep] / (
        white.reflectance[green] + white.reflectance[short]
    )[deep]
    assert index.min() > 0.4  # Hall et al. 1995
    some = dressed(landscape, seed=3, snow=0.45)
    assert some.snow is not None
    assert np.mean((some.snow > 0.3) & (some.snow < 0.7)) > 0.1
    np.testing.assert_array_equal(some.tags["snow"], some.snow > 0.5)
    assert "snow" not in bare.tags


def test_more_snow_lies_in_the_open_than_on_roofs_and_in_woods() -> None:
    def lying(name: str, amount: float) -> float:
        found = [dressed(plain(name).finish(), seed=seed, snow=amount).snow for seed in range(12)]
        return float(np.mean([one.mean() for one in found if one is not None]))

    for amount in (0.3, 0.5, 0.8):
        assert lying("meadow", amount) > lying("conifers", amount)
        assert lying("meadow", amount) > lying("red roofs", amount)
        assert lying("lake water", amount) == 0
    amounts = [lying("meadow", amount) for amount in (0.2, 0.4, 0.6, 0.85)]
    assert amounts == sorted(amounts)
    assert amounts[-1] > 0.8


def counted(mask: Mask) -> Mask:
    """Return where at least two of a pixel's four quarters are in a mask."""
    out = np.zeros((SIDE, SIDE), dtype=np.bool_)
    for row in range(SIDE):
        for column in range(SIDE):
            votes = sum(bool(mask[2 * row + down, 2 * column + right]) for down in (0, 1) for right in (0, 1))
            out[row, column] = votes >= 2
    return out


def test_tags_hold_where_half_of_a_pixel_bears_them() -> None:
    random = generator(5)
    canvas = Canvas(SIZE, random)
    names = STEADY[::3]
    numbers = random.integers(0, 500, (canvas.side, canvas.side)).astype(np.intp)
    canvas.paint_many(numbers, dict.fromkeys(names, 1.0), patches=96)
    marked = random.random((canvas.side, canvas.side)) < 0.5
    canvas.mark("airport", marked)
    canvas.mark("burn scar", marked)
    canvas.paint(numbers < 100, "burnt")
    landscape = canvas.finish()
    covers = np.array(landscape.covers)[landscape.labels]
    want: dict[str, Mask] = {"airport": marked, "burn scar": marked.copy()}
    for name in (*names, "burnt"):
        for tag in (*COVERS[name].tags, *COVERS[name].stages[0].tags):
            want[tag] = want.get(tag, np.zeros_like(marked)) | (covers == name)
    got = dressed(landscape).tags
    assert {tag for tag, mask in got.items() if mask.any()} == {
        tag for tag, mask in want.items() if counted(mask).any()
    }
    for tag, mask in want.items():
        np.testing.assert_array_equal(got[tag], counted(mask), err_msg=tag)


@pytest.mark.parametrize(
    ("cover", "number"),
    [
        ("rainforest", 4),
        ("conifers", 4),
        ("concrete", 5),
        ("rock", 5),
        ("fallow", 5),
        ("lake water", 6),
        ("sea water", 6),
        ("flood", 6),
        ("snow", 11),
        ("glacier ice", 11),
    ],
)
def test_the_scene_classification_knows_the_ground(cover: str, number: int) -> None:
    # Sen2Cor: 4 vegetation, 5 not vegetated, 6 water, 11 snow or ice.
    for seed in range(5):
        assert (dressed(plain(cover).finish(), seed=seed).classes == number).all()


def landscapes() -> Iterator[tuple[str, Landscape]]:
    for number, scene in enumerate(SCENES.values()):
        canvas = Canvas(SIZE, generator(number))
        scene.draw(canvas)
        yield scene.name, canvas.finish()


def test_whole_scenes_keep_their_shapes_and_ranges() -> None:
    shapes: set[tuple[int, ...]] = set()
    for name, landscape in landscapes():
        got = dressed(landscape, snow=0.5)
        fields: list[NDArray[np.float32] | None] = [got.shade, got.lit, got.snow]
        shapes |= {part.shape for part in (*fields, got.classes, *got.tags.values()) if part is not None}
        assert np.isfinite(got.reflectance).all(), name
        assert got.reflectance.min() >= 0, name
        assert got.reflectance.max() < 1.6, name
        assert set(np.unique(got.classes)) <= {4, 5, 6, 11}, name
        if got.lit is not None:
            assert got.lit.min() >= 0, name
    assert shapes == {(SIDE, SIDE)}
