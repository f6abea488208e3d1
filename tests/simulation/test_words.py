"""Captions read back word by word against the tags, and shares against counting."""

import itertools
import re

import numpy as np
import pytest

from msclip_search.simulation import SCENES, SimulatedTile, Simulation, simulate
from msclip_search.simulation.captions import captions
from msclip_search.simulation.places import PLACES, Place
from msclip_search.simulation.vocabulary import GROUPS, WORDS, holds

BAVARIA = next(place for place in PLACES if place.name == "Bavaria")
SAID = {phrase: tag for tag, word in WORDS.items() for phrase in word.phrases}
PHRASE = re.compile("|".join(rf"(?<!\w){re.escape(phrase)}(?!\w)" for phrase in sorted(SAID, key=len, reverse=True)))
GLUE = {
    *("a", "an", "the", "and", "with", "next", "to", "nearby", "beside", "in", "of", "from", "this", "shows", "seen"),
    *("space", "satellite", "image", "aerial", "view", "scene", "tile", "sentinel-2"),
}
"""Words that say nothing about what is on the ground."""
# Words of phrases that have a capital.
NAMES = {"African", "Alps", "Amazon", "Mediterranean", "Sahara", "Sea", "Wadden"}
LEAST = {
    "haze": 0.25,
    "ship": 0.002,
    **dict.fromkeys(("greenhouses", "clouds", "cloud shadow"), 0.1),
    **dict.fromkeys(("stream", "dam", "sports field", "railway", "runway"), 0.01),
    **dict.fromkeys(("island", "park", "highway"), 0.02),
    **dict.fromkeys(("river", "ponds", "beach"), 0.03),
    **dict.fromkeys(("highway junction", "quarry", "landfill"), 0.04),
    **dict.fromkeys(("volcano", "solar park", "open-pit mine", "tailings pond"), 0.05),
}
SEASONS = ("winter", "spring", "summer", "autumn", "the wet season", "the dry season")


def generator(seed: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(seed))


def read(caption: str, place: str) -> tuple[set[str], set[str], set[str]]:
    """Return the tags that a caption speaks of, its seasons, and whatever words are left."""
    rest = caption.replace(f", {place}", "")
    seasons = {season for season in SEASONS if rest.endswith(f" in {season}")}
    for season in seasons:
        rest = rest.removesuffix(f" in {season}")
    tags = {SAID[phrase] for phrase in PHRASE.findall(rest)}
    left = set(re.findall(r"[\w-]+", PHRASE.sub(" ", rest).lower()))
    return tags, seasons, left - GLUE


def check(written: tuple[str, ...], tags: tuple[str, ...], scene: str, season: str, place: Place) -> None:
    """Hold captions against what may be said."""
    assert len(written) == len(set(written))
    for number, caption in enumerate(written):
        if number == 0 and caption == scene:
            assert "clouds" not in tags
            assert not tags or set(SCENES[scene].tags) & set(tags)
            continue
        spoken, seasons, left = read(caption, place.name)
        assert spoken, caption
        assert spoken <= set(tags), caption
        assert seasons <= {season}, caption
        assert not left, caption


def test_no_phrase_means_two_things() -> None:
    phrases = [phrase for word in WORDS.values() for phrase in word.phrases]
    phrases += [phrase for group in GROUPS.values() for phrase in group.phrases]
    assert len({phrase.casefold() for phrase in phrases}) == len(phrases)
    for phrase in phrases:
        assert phrase
        assert phrase == " ".join(phrase.split())
        assert {word for word in phrase.split() if not word.islower()} <= NAMES


@pytest.mark.parametrize("tag", WORDS)
def test_a_tag_has_many_words_and_its_own_name_comes_first(tag: str) -> None:
    word = WORDS[tag]
    assert len(word.phrases) >= 6
    assert re.sub("^(a|an|the) ", "", word.phrases[0]) in {tag, f"{tag}s"}
    assert word.least == LEAST.get(tag, 0.08)


def test_groups_are_of_known_tags() -> None:
    assert len(GROUPS) >= 12
    for group in GROUPS.values():
        assert 2 <= len(group.tags) == len(set(group.tags))
        assert set(group.tags) <= set(WORDS)
        assert len(group.phrases) >= 4


def test_the_reader_of_these_tests_notices_what_is_not_there() -> None:
    assert read("a satellite image of a river", "Bavaria") == ({"river"}, set(), set())
    assert read("castles beside a dam in winter, Bavaria", "Bavaria") == ({"dam"}, {"winter"}, {"castles"})


@pytest.mark.parametrize("season", SEASONS)
def test_captions_speak_of_the_tags_alone(season: str) -> None:
    names = list(WORDS)
    for seed, scene in enumerate(list(SCENES) * 2):
        random = generator(seed)
        own = SCENES[scene].tags[: seed % 2]
        others = [str(tag) for tag in random.permutation(names)[: random.integers(0, 5)]]
        tags = tuple(dict.fromkeys((*own, *others)))
        written = captions(random, tags, scene, season=season, place=BAVARIA)
        check(written, tags, scene, season, BAVARIA)
        if tags:
            assert tags[0] in {tag for caption in written for tag in read(caption, "Bavaria")[0]}
            assert any(caption.endswith(f" in {season}, Bavaria") for caption in written)


@pytest.mark.parametrize("scene", ["airport", "flooded farmland"])
def test_a_scene_is_named_where_it_shows(scene: str) -> None:
    tags = ("forest", *SCENES[scene].tags)
    for seed in range(20):
        assert captions(generator(seed), tags, scene, season="summer", place=BAVARIA)[0] == scene
        for others in (("forest",), (*tags, "clouds")):
            written = captions(generator(seed), others, scene, season="summer", place=BAVARIA)
            assert scene not in written or scene in SAID
            assert written[0] != scene


def test_captions_come_in_several_wordings() -> None:
    counts = []
    for seed in range(200):
        written = captions(generator(seed), ("forest", "river", "village"), "river", season="summer", place=BAVARIA)
        assert written == captions(
            generator(seed), ("forest", "river", "village"), "river", season="summer", place=BAVARIA
        )
        counts.append(len(written))
    assert min(counts) >= 3
    assert max(counts) <= 6
    alone = [
        captions(generator(seed), ("forest",), "mixed forest", season="summer", place=BAVARIA) for seed in range(100)
    ]
    assert min(len(written) for written in alone) >= 2
    assert len(set(itertools.chain(*alone))) > 20
    heard = {phrase for written in alone for caption in written for phrase in PHRASE.findall(caption)}
    assert heard - {"mixed forest"} == set(WORDS["forest"].phrases)


def test_a_tile_without_words_is_called_by_its_scene() -> None:
    assert captions(generator(0), (), "airport", season="winter", place=BAVARIA) == ("airport",)


def months(tile: SimulatedTile) -> str:
    """Name the season by its month, as a calendar does."""
    month = tile.datetime.month if tile.place.latitude >= 0 else (tile.datetime.month + 5) % 12 + 1
    return ("winter", "spring", "summer", "autumn")[month % 12 // 3]


@pytest.mark.parametrize("cloudy", [0.0, 1.0])
def test_tiles_say_what_they_hold(cloudy: float) -> None:
    seasons = 0
    for number in range(100):
        (tile,) = simulate(Simulation(seed=2, size=32, cloudy=cloudy), number)
        check(tile.captions, tile.tags, tile.scene, tile.season, tile.place)
        shares = {tag: float(mask.mean()) for tag, mask in tile.masks.items()}
        assert all(shares[tag] >= WORDS[tag].least for tag in tile.tags)
        if not tile.masks.keys() & {"clouds", "haze", "cloud shadow"}:
            assert set(tile.tags) == {tag for tag in shares if shares[tag] >= WORDS[tag].least}
            ordered = [shares[tag] for tag in tile.tags]
            assert ordered == sorted(ordered, reverse=True)
        if abs(tile.place.latitude) > 23.5 and 4 <= tile.datetime.day <= 27:
            assert tile.season == months(tile)
            seasons += 1
    assert seasons > 30


def test_shares_are_counted_and_the_largest_comes_first() -> None:
    random = generator(9)
    masks = {
        tag: random.random((100, 100)) < share
        for tag, share in (
            ("forest", 0.5),
            ("lake", 0.3),
            ("river", 0.05),
            ("sea", 0.05),
            ("ship", 0.01),
            ("haze", 0.2),
        )
    }
    shares = {tag: float(np.asarray(mask, dtype=np.float64).mean()) for tag, mask in masks.items()}
    want = sorted((tag for tag in masks if shares[tag] >= WORDS[tag].least), key=lambda tag: shares[tag], reverse=True)
    assert want == ["forest", "lake", "river", "ship"]
    assert list(holds(masks)) == want
    assert holds({}) == ()


def test_equal_shares_are_told_in_the_order_of_their_names() -> None:
    half = np.zeros((10, 10), dtype=np.bool_)
    half[:5] = True
    names = ["village", "airport", "quarry", "forest"]
    for order in itertools.permutations(names):
        assert holds(dict.fromkeys(order, half)) == tuple(sorted(names))


@pytest.mark.parametrize("tag", ["forest", "river", "ship", "haze"])
def test_the_least_share_is_enough_and_less_is_not(tag: str) -> None:
    side = 200
    just = int(np.ceil(WORDS[tag].least * side * side))
    for count, said in ((just, True), (just - 1, False), (0, False), (side * side, True)):
        mask = (np.arange(side * side) < count).reshape(side, side)
        assert (tag in holds({tag: mask})) == said
