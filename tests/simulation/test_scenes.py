"""Scenes one by one: known covers and words, tags that show, and look-alikes that an index tells apart."""

import functools

import numpy as np
import pytest

from msclip_search.bands import BANDS
from msclip_search.simulation import SCENES, SimulatedTile, Simulation, simulate
from msclip_search.simulation.canvas import Canvas
from msclip_search.simulation.covers import COVERS
from msclip_search.simulation.materials import MATERIALS
from msclip_search.simulation.places import PLACES
from msclip_search.simulation.scenes.registry import CLIMATES
from msclip_search.simulation.vocabulary import WORDS

SEEDS = 12
ELSEWHERE = {("rice paddies", "rice paddies")}
"""Tags of scenes that not every date shows: rice is stubble in winter."""


@functools.cache
def tiles(scene: str) -> tuple[SimulatedTile, ...]:
    drawn = [simulate(Simulation(seed=seed, scenes=(scene,), cloudy=0.0, level="L1C"), 0) for seed in range(SEEDS)]
    return tuple(tile for series in drawn for tile in series)


def test_there_is_much_to_draw_and_to_say() -> None:
    assert len(SCENES) >= 40
    assert len(WORDS) >= 45
    assert {tag for scene in SCENES.values() for tag in scene.tags} <= set(WORDS)


def test_covers_are_made_of_materials_and_called_by_known_words() -> None:
    used = set()
    for name, cover in COVERS.items():
        starts = [stage.start for stage in cover.stages]
        assert starts[0] == 0
        assert starts == sorted(set(starts))
        assert starts[-1] < 1
        for stage in cover.stages:
            used |= {stage.main, stage.other}
            assert {stage.main, stage.other} <= set(MATERIALS), name
            assert 0 <= stage.share <= 1, name
            assert set(stage.tags) | set(cover.tags) <= set(WORDS), name
        assert all(0 <= value <= 0.5 for value in (cover.spread, cover.patch, cover.clump, cover.grain)), name
    assert len(used) > 0.8 * len(MATERIALS)


@pytest.mark.parametrize("size", [64, 224])
@pytest.mark.parametrize("name", SCENES)
def test_a_scene_paints_the_whole_canvas_with_known_covers(name: str, size: int) -> None:
    canvas = Canvas(size, np.random.Generator(np.random.PCG64(size)))
    SCENES[name].draw(canvas)
    landscape = canvas.finish()
    side = 2 * (size + 12)
    assert landscape.labels.shape == (side, side)
    assert landscape.labels.min() >= 0
    assert landscape.labels.max() < len(landscape.covers)
    assert set(landscape.covers) <= set(COVERS)
    for height in (landscape.tall, landscape.relief):
        if height is not None:
            assert height.shape == (side, side)
            assert np.isfinite(height).all()
    if landscape.tall is not None:
        assert 0 <= landscape.tall.min() <= landscape.tall.max() < 100
    for tag, mask in landscape.marks:
        assert tag in WORDS
        assert mask.shape == (side, side)
        assert mask.dtype == np.bool_


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_shows_what_it_is_called(name: str) -> None:
    scene = SCENES[name]
    found = tiles(name)
    assert len(found) == SEEDS
    assert {tile.scene for tile in found} == {name}
    for tag in scene.tags:
        there, said = sum(tag in tile.masks for tile in found), sum(tag in tile.tags for tile in found)
        if (name, tag) in ELSEWHERE:
            assert there >= 3
        else:
            assert there >= 10, f"{tag} is in {there} of {SEEDS} tiles"
            assert said >= 7, f"{tag} is said of {said} of {SEEDS} tiles"
    for tile in found:
        assert tile.place.climate in scene.climates
        assert scene.found(tile.place.climate, shore=tile.place.shore)


@pytest.mark.parametrize("name", SCENES)
def test_a_scene_has_a_place_to_be_and_never_looks_the_same_twice(name: str) -> None:
    scene = SCENES[name]
    assert scene.weight > 0
    assert set(scene.climates) <= set(CLIMATES)
    assert scene.climates
    assert any(scene.found(place.climate, shore=place.shore) for place in PLACES)
    assert len({tile.pixels.tobytes() for tile in tiles(name)}) == SEEDS


def test_every_word_can_be_said_of_some_tile() -> None:
    said = {tag for name in SCENES for tile in tiles(name) for tag in tile.tags}
    seed = 0
    while missing := set(WORDS) - said - {"clouds", "haze", "cloud shadow"}:
        seed += 1
        assert seed <= 20, f"never said: {sorted(missing)}"
        for name, scene in SCENES.items():
            if set(scene.tags) & missing or seed > 5:
                for tile in simulate(Simulation(seed=100 + seed, scenes=(name,), cloudy=0.0, series=4), 0):
                    said |= set(tile.tags)
    skies = [tile for number in range(60) for tile in simulate(Simulation(cloudy=1.0, size=32), number)]
    assert {"clouds", "haze", "cloud shadow"} <= {tag for tile in skies for tag in tile.tags}


def test_all_scenes_come_up_by_themselves() -> None:
    drawn = [simulate(Simulation(size=32), number)[0].scene for number in range(500)]
    assert len(set(drawn)) > 0.9 * len(SCENES)
    assert max(drawn.count(name) for name in SCENES) < 30


def test_clear_skies_are_dark_at_1375_nm() -> None:
    cirrus = [float(np.median(tile.pixels[BANDS.index("B10")])) / 10_000 for name in SCENES for tile in tiles(name)]
    assert np.mean(np.array(cirrus) < 0.01) > 0.95
    assert max(cirrus) < 0.03


def test_vegetation_and_water_show_in_the_indices_of_whole_tiles() -> None:
    def index(tile: SimulatedTile, first: str, second: str) -> float:
        one, other = (tile.pixels[tile.bands.index(band)].astype(np.float64) for band in (first, second))
        return float(np.median((one - other) / (one + other)))

    for name in ("rainforest", "conifer forest", "palm plantation"):
        assert min(index(tile, "B08", "B04") for tile in tiles(name) if "snow" not in tile.tags) > 0.3, name
    assert min(index(tile, "B03", "B08") for tile in tiles("open sea")) > 0.1
    for name in ("ice sheet", "snow-covered land"):
        assert np.median([index(tile, "B03", "B11") for tile in tiles(name)]) > 0.5, name
    for name in ("sand dunes", "salt flat", "dry lake bed"):
        assert max(index(tile, "B08", "B04") for tile in tiles(name)) < 0.35, name


def at(cover: str, band: str, stage: int = 0) -> float:
    """Return what a cover reflects: the mixture of its two materials."""
    shown = COVERS[cover].stages[stage]
    main, other = (MATERIALS[name].reflectance[BANDS.index(band)] for name in (shown.main, shown.other))
    return main * (1 - shown.share) + other * shown.share


def ratio(cover: str, first: str, second: str) -> float:
    return (at(cover, first) - at(cover, second)) / (at(cover, first) + at(cover, second))


def bright(cover: str) -> float:
    return sum(at(cover, band) for band in ("B02", "B03", "B04")) / 3


@pytest.mark.parametrize(
    ("one", "other", "bands"),
    [
        ("flood", "ploughed", ("B03", "B11")),  # modified index of water: Xu 2006
        ("shallow flood", "ploughed", ("B03", "B11")),
        ("ploughed", "burnt", ("B8A", "B12")),  # normalized burn ratio: Key and Benson 2006
        ("snow", "salt crust", ("B03", "B11")),  # index of snow: Hall et al. 1995
        ("lake water", "solar panels", ("B03", "B11")),
        ("green water", "conifers", ("B03", "B08")),  # index of water: McFeeters 1996
        ("sports turf", "tennis court", ("B08", "B04")),  # index of vegetation: Tucker 1979
        ("old snow", "white roofs", ("B03", "B11")),
    ],
)
def test_what_looks_alike_is_told_apart_by_an_index(one: str, other: str, bands: tuple[str, str]) -> None:
    assert ratio(one, *bands) > ratio(other, *bands) + 0.2
    assert 0.25 < bright(one) / bright(other) < 4
