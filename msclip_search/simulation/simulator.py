"""One tile from beginning to end: landscape, date, light, instrument."""

import datetime as dt
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from msclip_search.bands import BANDS, LAYOUTS
from msclip_search.simulation import atmosphere, clouds, places, sensor, surface
from msclip_search.simulation.canvas import MARGIN, Canvas, Landscape, Mask
from msclip_search.simulation.captions import captions
from msclip_search.simulation.compose import compose
from msclip_search.simulation.events import EVENTS
from msclip_search.simulation.materials import MATERIALS
from msclip_search.simulation.places import PLACES, Place
from msclip_search.simulation.request import OFFSET, Simulation
from msclip_search.simulation.scenes import SCENES, Scene
from msclip_search.simulation.vocabulary import holds

_REGION = 1 << 40
"""In place of the number of a place, for what all places of a region share."""
_STRUCK = 0.4
"""Share of a region's places that an event strikes."""
_WINTRY = {"arctic": 0.75, "boreal": 0.6, "continental": 0.3, "alpine": 0.5, "temperate": 0.08}
"""Probability of lying snow in winter."""
_DAMP = {"tropical": 0.9, "monsoon": 0.8, "savanna": 0.5, "temperate": 0.4, "mediterranean": 0.35}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SimulatedTile:
    """A tile and the truth about it."""

    number: int
    """Of its place, from 0."""
    turn: int
    """Of its date within the series, from 0."""
    pixels: NDArray[np.uint16]
    """(bands, size, size), reflectance × 10000, plus 1000 with the offset."""
    bands: tuple[str, ...]
    classes: NDArray[np.uint8]
    """Scene classification (SCL), (size, size)."""
    masks: dict[str, Mask] = field(repr=False)
    """Where each tag holds, (size, size); every tag that holds anywhere."""
    tags: tuple[str, ...]
    """What can be said of the tile, the largest share first."""
    captions: tuple[str, ...]
    scene: str
    place: Place
    epsg: int
    west: float
    north: float
    """Upper left corner, metres, on the 10 m grid."""
    datetime: dt.datetime
    """UTC."""
    season: str
    level: str
    offset: int
    event: str | None = None
    """What has happened before this date."""

    @property
    def platform(self) -> str:
        """Which of the two satellites would have seen it: they take turns."""
        return "S2A" if self.datetime.toordinal() // 5 % 2 else "S2B"


def simulate(simulation: Simulation, number: int) -> list[SimulatedTile]:
    """Simulate the dates of one place, by its number from 0."""
    chance = functools.partial(_random, simulation.seed, number)
    layout = chance(0)
    scene, place, spot = _where(simulation, layout, number)
    shared = _random(simulation.seed, _REGION) if simulation.place else layout  # a region is seen in one pass
    days = places.dates(shared, place, simulation.series)
    turning = 1 + int(float(shared.random()) * (simulation.series - 1))
    phase_of_place = float(shared.random()) if abs(place.latitude) < 20 else 0.0
    struck = simulation.event is not None and (not simulation.place or float(layout.random()) < _STRUCK)
    plain = _landscape(simulation, scene, place, number, event=None)
    changed = _landscape(simulation, scene, place, number, event=simulation.event) if struck else plain
    tiles = []
    for turn, day in enumerate(days):
        happened = simulation.event if struck and turn >= turning else None
        tiles.append(
            _observe(
                simulation,
                changed if happened else plain,
                _Scene(scene, place, spot, number, turn, day, phase_of_place, happened),
                ground=chance(1),
                date=chance(2, turn, 0),
                sky=chance(2, turn, 1),
            )
        )
    return tiles


@dataclass(frozen=True, slots=True)
class _Scene:
    """Where, when and what."""

    name: str
    place: Place
    spot: tuple[int, float, float]
    """EPSG code, west, north."""
    number: int
    turn: int
    day: dt.datetime
    phase: float
    """Shift of the seasons."""
    event: str | None


def _random(seed: int, number: int, *stream: int) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence((seed, number, *stream))))


def _where(
    simulation: Simulation, random: np.random.Generator, number: int
) -> tuple[str, Place, tuple[int, float, float]]:
    """Draw a scene and a place that has such a thing."""
    if simulation.place:
        place = places.near(*simulation.place)
        scene = _drawn(random, _scenes(simulation.scenes, place.climate, shore=place.shore))
        return scene.name, place, places.cell(place, number, simulation.size)
    scene = _drawn(random, _scenes(simulation.scenes, None, shore=True))
    fitting = [place for place in PLACES if scene.found(place.climate, shore=place.shore)]
    place = fitting[int(float(random.random()) * len(fitting))]
    return scene.name, place, places.spot(place, float(random.random()), float(random.random()))


@functools.lru_cache(maxsize=64)
def _scenes(names: Sequence[str], climate: str | None, *, shore: bool) -> tuple[tuple[Scene, ...], NDArray[np.float64]]:
    chosen = tuple(SCENES[name] for name in names) if names else tuple(SCENES.values())
    here = tuple(scene for scene in chosen if climate is None or scene.found(climate, shore=shore)) or chosen
    return here, np.cumsum([scene.weight for scene in here])


def _drawn(random: np.random.Generator, scenes: tuple[tuple[Scene, ...], NDArray[np.float64]]) -> Scene:
    chosen, weights = scenes
    return chosen[int(np.searchsorted(weights, float(random.random()) * weights[-1], side="right"))]


def _landscape(simulation: Simulation, scene: str, place: Place, number: int, *, event: str | None) -> Landscape:
    """Draw what lies where; with an event, the same land and what the event made of it."""
    canvas = Canvas(simulation.size, _random(simulation.seed, number, 3), climate=place.climate)
    compose(canvas, SCENES[scene], place, alone=bool(simulation.scenes))
    if event:
        canvas.random = _random(simulation.seed, number, 4)
        EVENTS[event](canvas)
    return canvas.finish()


def _observe(
    simulation: Simulation,
    landscape: Landscape,
    scene: _Scene,
    *,
    ground: np.random.Generator,
    date: np.random.Generator,
    sky: np.random.Generator,
) -> SimulatedTile:
    day = scene.day.timetuple().tm_yday
    latitude = scene.place.latitude
    light = places.sun(latitude, day)
    phase = (places.phase(latitude, day) + scene.phase) % 1.0
    moment = surface.Moment(phase, light, _snow(date, scene.place, phase))
    dressed = surface.dress(landscape, moment, place=ground, date=date)
    air = atmosphere.draw(sky, humid=_DAMP.get(scene.place.climate, 0.2) * (0.5 + 0.5 * abs(1 - 2 * abs(phase - 0.5))))
    way = atmosphere.path(air, light)
    above = clouds.draw(sky, dressed.reflectance.shape[1], cloudy=simulation.cloudy)
    top = _top(dressed, way, above, beyond=0.7 * float(ground.random()))
    seen = sensor.measure(top, sensor.draw(sky, simulation.resampling), sky, size=simulation.size)
    stored, bands = _stored(simulation, seen, air, light, sky)
    inside = slice(MARGIN, MARGIN + simulation.size)
    classes = dressed.classes[inside, inside].copy()
    masks = {tag: mask[inside, inside] for tag, mask in dressed.tags.items()}
    if dressed.snow is not None:
        classes[dressed.snow[inside, inside] > 0.5] = 11
    if above is not None:
        over = clouds.classes(above)[inside, inside]
        np.copyto(classes, over, where=over > 0)
        hidden = (over == 8) | (over == 9)
        masks = {tag: mask & ~hidden for tag, mask in masks.items()}
        masks |= {"clouds": hidden, "haze": over == 10, "cloud shadow": over == 3}
    tags = holds(masks)
    season = places.season(latitude, day)
    return SimulatedTile(
        number=scene.number,
        turn=scene.turn,
        pixels=stored,
        bands=bands,
        classes=classes,
        masks={tag: mask for tag, mask in masks.items() if mask.any()},
        tags=tags,
        captions=captions(sky, tags, scene.name, season=season, place=scene.place),
        scene=scene.name,
        place=scene.place,
        epsg=scene.spot[0],
        west=scene.spot[1],
        north=scene.spot[2],
        datetime=scene.day,
        season=season,
        level=simulation.level,
        offset=OFFSET if simulation.offset else 0,
        event=scene.event,
    )


def _snow(date: np.random.Generator, place: Place, phase: float) -> float:
    """Draw how much snow lies."""
    draw, amount = float(date.random()), float(date.random())
    winter = max(0.0, 1 - abs((phase + 0.5) % 1 - 0.53) / 0.2)  # 0 in summer, 1 in January
    return 0.15 + 0.7 * amount if draw < _WINTRY.get(place.climate, 0.0) * winter else 0.0


def _top(
    dressed: surface.Surface, way: atmosphere.Path, sky: clouds.Clouds | None, *, beyond: float
) -> NDArray[np.float32]:
    """Carry the light of the ground to the top of the atmosphere: (13, side, side), reflectance.

    Of the light that the air scatters in from around, a share comes from beyond the tile, where grass grows.
    """
    light = dressed.reflectance
    diffuse = way.diffuse.astype(np.float32)
    grass = MATERIALS["pasture"].reflectance
    for band in range(len(BANDS)):
        plane = light[band]
        around = (1 - beyond) * float(plane[::4, ::4].mean(dtype=np.float64)) + beyond * float(grass[band])
        share = diffuse[band]
        if dressed.lit is not None:
            plane *= dressed.lit * (1 - share) + share
        if dressed.shade is not None:
            plane *= 1 - dressed.shade * (1 - share)
        if sky is not None and sky.shadow is not None:
            plane *= 1 - sky.shadow * (1 - np.float32(0.6) * share)
        adjacency = np.float32(0.5) * share
        through, gas, haze = (float(values[band]) for values in (way.through, way.gas, way.haze))
        bounce = through * gas / (1 - float(way.albedo[band]) * around)
        plane *= np.float32(bounce) * (1 - adjacency)
        plane += np.float32(haze * gas ** (0.235 if BANDS[band] == "B10" else 1.0) + bounce * float(adjacency) * around)
        if sky is not None:
            plane += sky.opacity * (sky.reflectance[band] - plane)
    return light


def _stored(
    simulation: Simulation, seen: NDArray[np.float32], air: atmosphere.Air, light: places.Sun, date: np.random.Generator
) -> tuple[NDArray[np.uint16], tuple[str, ...]]:
    """Turn what was measured into the numbers of a product; L2A inverts the atmosphere, as well as it is known."""
    bands = LAYOUTS["l1c"] if simulation.level == "L1C" else LAYOUTS["l2a"]
    if simulation.level == "L2A":
        a, b = (float(value) for value in date.standard_normal(2))
        guess = atmosphere.Air(max(0.01, air.aerosol * (1 + 0.25 * a)), 1.2, air.vapour * (1 + 0.08 * b), air.pressure)
        known = atmosphere.path(guess, light)
        haze = known.haze.astype(np.float32)[:, None, None]
        gain = (1 / (known.through * known.gas)).astype(np.float32)[:, None, None]
        level = (known.gas.astype(np.float32))[:, None, None] * haze
        keep = [BANDS.index(band) for band in bands]
        seen = (seen[keep] - level[keep]) * gain[keep]
    seen *= np.float32(10_000)
    seen += np.float32(0.5)
    np.floor(seen, out=seen)  # before the offset, which is a whole number: the same values with it and without
    seen += np.float32(OFFSET if simulation.offset else 0)
    return np.clip(seen, 1, 65_535).astype(np.uint16), bands
