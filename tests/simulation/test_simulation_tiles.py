"""Whole tiles: the same everywhere, and what they say of themselves."""

import hashlib
import itertools
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from msclip_search import SimulatedTile, Simulation, simulate
from msclip_search.bands import LAYOUTS
from msclip_search.simulation import SCENES

ROOT = Path(__file__).resolve().parents[2]

DIGEST = """
import hashlib
from msclip_search import Simulation, simulate
from msclip_search.simulation import SCENES
digest = hashlib.sha256()
for number, scene in enumerate(SCENES):
    for level in ("L2A", "L1C"):
        request = Simulation(seed=5, size=48, level=level, scenes=(scene,), series=2, event="flood", cloudy=0.5)
        for tile in simulate(request, number):
            digest.update(tile.pixels.tobytes() + tile.classes.tobytes() + repr(tile.captions).encode())
print(digest.hexdigest())
"""


GOLDEN = "bad8ce104cc273c577cf285f08cd56f863d620fd503ac1a55bb6c509c0010bb5"
"""Of these tiles, wherever they are made. A change of the simulator changes it, knowingly."""


def digest(**environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", DIGEST],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ | environment,
    )
    return done.stdout.strip()


def test_processors_without_vector_units_make_the_same_tiles() -> None:
    features = subprocess.run(
        [sys.executable, "-c", "from numpy._core._multiarray_umath import __cpu_dispatch__ as d; print(' '.join(d))"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    if not features:
        pytest.skip("this numpy chooses no code by the processor")
    assert digest(NPY_DISABLE_CPU_FEATURES=features) == GOLDEN


def test_every_machine_makes_the_same_tiles() -> None:
    assert digest() == GOLDEN


def the_same(one: SimulatedTile, other: SimulatedTile) -> bool:
    return (
        np.array_equal(one.pixels, other.pixels)
        and np.array_equal(one.classes, other.classes)
        and one.masks.keys() == other.masks.keys()
        and all(np.array_equal(mask, other.masks[tag]) for tag, mask in one.masks.items())
        and (one.tags, one.captions, one.datetime, one.west) == (other.tags, other.captions, other.datetime, other.west)
    )


def test_a_tile_depends_on_its_number_alone() -> None:
    simulation = Simulation(seed=1, size=32)
    forward = [simulate(simulation, number)[0] for number in range(12)]
    backward = [simulate(simulation, number)[0] for number in reversed(range(12))]
    assert all(the_same(*pair) for pair in zip(forward, reversed(backward), strict=True))
    digests = {hashlib.sha256(tile.pixels.tobytes()).hexdigest() for tile in forward}
    assert len(digests) == 12
    assert not the_same(forward[0], simulate(Simulation(seed=2, size=32), 0)[0])


def test_the_offset_is_added_and_nothing_else() -> None:
    plain = simulate(Simulation(seed=4, size=32), 3)[0]
    offset = simulate(Simulation(seed=4, size=32, offset=True), 3)[0]
    above = plain.pixels > 1  # what is darker than nothing is stored as 1 without an offset
    np.testing.assert_array_equal(offset.pixels[above], plain.pixels[above] + 1000)
    assert above.mean() > 0.9


@pytest.mark.parametrize(("level", "bands"), [("L1C", LAYOUTS["l1c"]), ("L2A", LAYOUTS["l2a"])])
def test_each_level_has_its_bands(level: str, bands: tuple[str, ...]) -> None:
    tile = simulate(Simulation(seed=4, size=36, level=level), 0)[0]
    assert tile.bands == bands
    assert tile.pixels.shape == (len(bands), 36, 36)
    assert tile.pixels.dtype == np.uint16
    assert tile.pixels.min() >= 1


@pytest.mark.parametrize("size", [32, 61, 64, 224, 512])
def test_tiles_have_any_size(size: int) -> None:
    tile = simulate(Simulation(seed=4, size=size), 2)[0]
    assert tile.pixels.shape[1:] == tile.classes.shape == (size, size)
    assert {mask.shape for mask in tile.masks.values()} <= {(size, size)}


@pytest.mark.parametrize("scene", ["cropland in strips", "residential area", "open-pit mine"])
def test_the_dates_of_a_place_show_one_place(scene: str) -> None:
    series = simulate(Simulation(seed=6, size=64, scenes=(scene,), series=4, cloudy=0), 1)
    assert len({(tile.west, tile.north, tile.epsg, tile.scene) for tile in series}) == 1
    assert [tile.datetime for tile in series] == sorted({tile.datetime for tile in series})
    assert [tile.turn for tile in series] == [0, 1, 2, 3]
    # What lies where stays: edges of one date are edges of the next. The fields themselves change.
    contrast = [np.abs(np.diff(tile.pixels[2].astype(float), axis=1)).ravel() for tile in series]
    elsewhere = simulate(Simulation(seed=7, size=64, scenes=(scene,), cloudy=0), 1)[0]
    other = np.abs(np.diff(elsewhere.pixels[2].astype(float), axis=1)).ravel()
    for one, two in itertools.pairwise(contrast):
        assert np.corrcoef(one, two)[0, 1] > np.corrcoef(one, other)[0, 1] + 0.15


def test_a_region_lies_edge_to_edge_and_is_seen_on_the_same_days() -> None:
    simulation = Simulation(seed=7, size=32, place=(11.6, 48.2), series=2, event="flood")
    tiles = [simulate(simulation, number) for number in range(25)]
    corners = {(tile.west, tile.north) for tile, _ in tiles}
    west, north = min(corner[0] for corner in corners), max(corner[1] for corner in corners)
    assert corners == {(west + 320 * column, north - 320 * row) for column in range(5) for row in range(5)}
    assert len({(before.datetime, after.datetime) for before, after in tiles}) == 1
    assert {before.event for before, _ in tiles} == {None}
    assert {after.event for _, after in tiles} == {None, "flood"}
    climate = tiles[0][0].place.climate
    assert all(climate in SCENES[tile.scene].climates for tile, _ in tiles)


def test_scenes_are_those_asked_for() -> None:
    wanted = ("flooded farmland", "conifer forest")
    found = {simulate(Simulation(seed=8, size=32, scenes=wanted), number)[0].scene for number in range(20)}
    assert found == set(wanted)


def test_classes_agree_with_masks_of_the_sky() -> None:
    seen = set()
    for number in range(60):
        tile = simulate(Simulation(seed=9, size=32, cloudy=1), number)[0]
        for tag, classes in {"clouds": (8, 9), "haze": (10,), "cloud shadow": (3,)}.items():
            np.testing.assert_array_equal(tile.masks.get(tag, np.zeros((32, 32), bool)), np.isin(tile.classes, classes))
            seen |= {tag} & tile.masks.keys()
    assert seen == {"clouds", "haze", "cloud shadow"}


def test_nothing_is_said_of_what_clouds_hide() -> None:
    closed = 0
    for number in range(120):
        tile = simulate(Simulation(seed=10, size=32, cloudy=1), number)[0]
        hidden = np.isin(tile.classes, (8, 9))
        for tag, mask in tile.masks.items():
            assert tag == "clouds" or not (mask & hidden).any()
        if hidden.all():
            closed += 1
            assert tile.tags == ("clouds",)
            assert all(re.search("cloud", caption) for caption in tile.captions)
    assert closed > 3
