"""What happens between two dates: nothing before, what it says after, and nowhere that it cannot."""

import functools

import numpy as np
import pytest

from msclip_search.simulation import EVENTS, SimulatedTile, Simulation, simulate
from msclip_search.simulation.canvas import MARGIN, Canvas, Landscape, Mask
from msclip_search.simulation.covers import COVERS
from msclip_search.simulation.places import Sun
from msclip_search.simulation.scenes import SCENES
from msclip_search.simulation.surface import Moment, dress

WHERE = {
    "flood": ("cropland in strips", "pasture", "rice paddies"),
    "fire": ("conifer forest", "shrubland", "savanna"),
    "felling": ("conifer forest", "broadleaf forest", "rainforest"),
    "building": ("cropland in large fields", "pasture", "grassland"),
}
LEFT = {
    "flood": {"flood", "flooded fields"},
    "fire": {"burn scar"},
    "felling": {"clear-cut"},
    "building": {"residential area", "industrial area"},
}
"""What each event leaves: one of these at least."""
TILES = 8
CASES = [(event, scene) for event, scenes in WHERE.items() for scene in scenes]


@functools.cache
def series(scene: str, event: str | None, number: int) -> tuple[SimulatedTile, ...]:
    return tuple(simulate(Simulation(seed=4, series=3, scenes=(scene,), event=event, cloudy=0), number))


def test_every_event_is_tested_here() -> None:
    assert set(WHERE) == set(LEFT) == set(EVENTS)


@pytest.mark.parametrize(("event", "scene"), CASES)
def test_before_its_turn_an_event_changes_nothing(event: str, scene: str) -> None:
    for number in range(TILES):
        without, with_it = series(scene, None, number), series(scene, event, number)
        assert [tile.event for tile in without] == [None] * 3
        turns = [tile.event for tile in with_it]
        assert turns[0] is None
        assert turns[-1] == event
        assert turns == sorted(turns, key=lambda name: name is not None)  # what has happened stays
        for old, new in zip(without, with_it, strict=True):
            assert (old.datetime, old.west, old.north, old.place) == (new.datetime, new.west, new.north, new.place)
            if new.event is None:
                assert set(old.masks) == set(new.masks)
                for tag, mask in old.masks.items():
                    np.testing.assert_array_equal(mask, new.masks[tag])
                np.testing.assert_array_equal(old.pixels, new.pixels)


@pytest.mark.parametrize(("event", "scene"), CASES)
def test_afterwards_it_shows_in_the_tags(event: str, scene: str) -> None:
    found = 0
    for number in range(TILES):
        before, after = series(scene, event, number)[0], series(scene, event, number)[-1]
        nowhere = np.zeros((64, 64), dtype=np.bool_)
        new = {tag: after.masks[tag] & ~before.masks.get(tag, nowhere) for tag in LEFT[event] & set(after.tags)}
        found += any(np.count_nonzero(mask) > 100 for mask in new.values())
    assert found >= TILES - 2


def landscapes(scene: str, event: str, seed: int) -> tuple[Landscape, Landscape]:
    """Draw a landscape, and the same one after an event."""
    both = []
    for happened in (False, True):
        canvas = Canvas(64, np.random.Generator(np.random.PCG64(seed)))
        SCENES[scene].draw(canvas)
        if happened:
            canvas.random = np.random.Generator(np.random.PCG64(seed + 1))
            EVENTS[event](canvas)
        both.append(canvas.finish())
    return both[0], both[1]


def shown(landscape: Landscape) -> np.ndarray[tuple[int, ...], np.dtype[np.str_]]:
    return np.array(landscape.covers)[landscape.labels]


def marked(landscape: Landscape, tag: str) -> Mask:
    masks = [mask for name, mask in landscape.marks if name == tag]
    return np.logical_or.reduce(masks) if masks else np.zeros(landscape.labels.shape, dtype=np.bool_)


GREEN = {"forest", "shrubland", "grassland", "savanna", "heathland", "pasture", "cropland", "orchard"}


def grows(cover: str) -> bool:
    return bool(set(COVERS[cover].tags) & GREEN) or cover in {"tree", "evergreen tree"}


@pytest.mark.parametrize("scene", [*WHERE["fire"], "residential area", "lake", "airport", "open sea"])
def test_only_what_grows_burns(scene: str) -> None:
    for seed in range(6):
        before, after = landscapes(scene, "fire", seed)
        scar = marked(after, "burn scar")
        assert all(grows(str(cover)) for cover in np.unique(shown(before)[scar]))
        assert set(np.unique(shown(after)[scar])) <= {"burnt"}
        np.testing.assert_array_equal(shown(before)[~scar], shown(after)[~scar])


@pytest.mark.parametrize("scene", [*WHERE["felling"], "cropland in strips", "lake", "city centre"])
def test_only_woods_are_felled(scene: str) -> None:
    for seed in range(6):
        before, after = landscapes(scene, "felling", seed)
        cut = marked(after, "clear-cut")
        assert all("forest" in COVERS[str(cover)].tags for cover in np.unique(shown(before)[cut]))
        assert not any("forest" in COVERS[str(cover)].tags for cover in np.unique(shown(after)[cut]))
        np.testing.assert_array_equal(shown(before)[~cut], shown(after)[~cut])


@pytest.mark.parametrize("scene", WHERE["building"])
def test_houses_are_built_on_open_land_alone(scene: str) -> None:
    closed = {"forest", "glacier", "sea ice", "snow", "runway"}
    for seed in range(6):
        before, after = landscapes(scene, "building", seed)
        site = marked(after, "residential area") | marked(after, "industrial area")
        new = shown(before) != shown(after)
        assert not (new & ~site).any()
        assert new.any()
        for cover in np.unique(shown(before)[new]):
            assert not set(COVERS[str(cover)].tags) & closed


def test_a_flood_of_fields_covers_farmed_land() -> None:
    for seed in range(6):
        before, after = landscapes("cropland in strips", "flood", seed)
        fields, water = marked(after, "flooded fields"), marked(after, "flood")
        assert fields.any()
        assert not (fields & ~water).any()
        wet = np.isin(shown(after), ["flood", "shallow flood"])
        assert wet[water].mean() > 0.9
        assert not (wet & ~water).any()
        farmed = {str(cover) for cover in np.unique(shown(before)[fields])}
        assert all(
            set(COVERS[cover].tags) & {"cropland", "pasture", "grassland"} or cover == "rice" for cover in farmed
        )


def test_the_margin_is_drawn_as_well() -> None:
    _, after = landscapes("conifer forest", "fire", 1)
    assert after.labels.shape == (2 * (64 + 2 * MARGIN),) * 2


@pytest.mark.parametrize(("event", "scene"), CASES)
def test_what_an_event_leaves_alone_looks_as_before(event: str, scene: str) -> None:
    before, after = landscapes(scene, event, 5)
    moment = Moment(0.5, Sun(0.9, 2.5), snow=0.0)
    dressed = [
        dress(land, moment, place=np.random.default_rng(1), date=np.random.default_rng(2)) for land in (before, after)
    ]
    same = before.labels == after.labels
    whole = same[0::2, 0::2] & same[0::2, 1::2] & same[1::2, 0::2] & same[1::2, 1::2]
    assert whole.any()
    for band, (one, other) in enumerate(zip(dressed[0].reflectance, dressed[1].reflectance, strict=True)):
        np.testing.assert_array_equal(one[whole], other[whole], err_msg=f"band {band}")


def test_skies_are_the_same_with_and_without_an_event() -> None:
    for number in range(TILES):
        pair = [
            simulate(Simulation(seed=4, series=2, scenes=("pasture",), event=event, cloudy=1), number)[1]
            for event in (None, "flood")
        ]
        sky = [np.where(np.isin(tile.classes, (3, 8, 9, 10)), tile.classes, 0) for tile in pair]
        np.testing.assert_array_equal(sky[0], sky[1])
