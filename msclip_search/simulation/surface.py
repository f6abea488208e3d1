"""A landscape on a date: which reflectance the ground shows, and what lies where.

Everything here is a table of patches first (a row a patch), and a look-up into it for each canvas pixel after that.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msclip_search.bands import BANDS
from msclip_search.simulation import calendar as tables
from msclip_search.simulation.canvas import PIXEL, Labels, Landscape, Mask
from msclip_search.simulation.noise import Field, field, white
from msclip_search.simulation.places import Sun


@dataclass(frozen=True, slots=True)
class Surface:
    """What the ground of a tile and its margin shows on a date, at 10 m."""

    reflectance: NDArray[np.float32]
    """(13, side, side), bands in the order of `BANDS`."""
    shade: Field | None
    """Share of each pixel in the shadow of something that stands above it, (side, side)."""
    lit: Field | None
    """Sunlight that the slope receives over that of level ground, (side, side); None where it is level."""
    snow: Field | None
    """Share of each pixel under snow that has fallen, (side, side)."""
    classes: NDArray[np.uint8]
    """Classes of the scene classification, clouds apart, (side, side)."""
    tags: dict[str, Mask]
    """Where each tag holds, (side, side)."""


_MANY = 768
"""Patches that numbers are drawn for at a time: more than nearly all landscapes have, events included."""
_TILTS = np.linspace(-1, 1, len(BANDS)).astype(np.float32)
_LEAVES = np.array([0, 0, 0, -0.2, 0, 0.75, 1, 1, 1, 1, 0.4, -0.2, -0.5], dtype=np.float32)
"""How each band follows the vigour of plants: leaves brighten the near infrared, their water darkens the far."""
_LUSH = 0.1
"""Vigour of plants on average: real tiles of spring and summer are brighter than their spectra."""
_DEEP = frozenset({"B06", "B07", "B08", "B8A", "B09"})
"""Bands in which crowns and tussocks scatter light many times, so that gaps and shade between them show most."""
_DULL = 0.72
"""Contrast of clumps and grains in all other bands, over that in these."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What a date does to a landscape."""

    phase: float
    """Time of the year, 0 to 1, as the northern hemisphere counts it."""
    sun: Sun
    snow: float
    """Snow that has fallen: 0 is none, 1 covers all low ground."""


def dress(landscape: Landscape, moment: Moment, *, place: np.random.Generator, date: np.random.Generator) -> Surface:
    """Give a landscape the look of a date.

    Parameters
    ----------
    landscape
        What lies where.
    moment
        The date.
    place
        Numbers that stay the same from date to date.
    date
        Numbers of this date.
    """
    kinds = np.fromiter((tables.PLACE[cover] for cover in landscape.covers), np.intp, len(landscape.covers))
    step = _steps(kinds, moment.phase, place)
    main, other, share = _patches(kinds, step, place, date)
    labels, side = landscape.labels, len(landscape.labels)
    texture = tables.texture()[:, kinds]
    weight = _mixture(labels, share, texture, place)
    bright = _brightness(labels, texture, place)
    dull = bright * np.float32(_DULL) + np.float32(1 - _DULL)
    reflectance = np.empty((len(BANDS), side // 2, side // 2), dtype=np.float32)
    change = other - main
    for band in range(len(BANDS)):
        fine = np.take(change[:, band], labels, mode="clip")
        fine *= weight
        fine += np.take(main[:, band], labels, mode="clip")
        fine *= bright if BANDS[band] in _DEEP else dull
        halved(fine, out=reflectance[band])
    _mottle(reflectance, texture[2], labels, place)
    lit = None if landscape.relief is None else _lit(landscape.relief, moment.sun)
    snow = None
    if moment.snow > 0:
        snow = _snow(labels, texture[4], moment.snow, lit, date)
        fallen = tables.spectra()[[tables.SUBSTANCES.index("snow_fresh"), tables.SUBSTANCES.index("snow_old")]]
        age = float(date.random())
        for band in range(len(BANDS)):
            white_ = float(fallen[0, band]) * (1 - age) + float(fallen[1, band]) * age
            reflectance[band] += snow * (np.float32(white_) - reflectance[band])
    _glitter(reflectance, kinds, labels, date)  # the last to draw: an event may bring the only water
    shade = None if landscape.tall is None else _shade(landscape.tall, moment.sun)
    classes = _classes(kinds, main + np.float32(0.5) * change * share[:, None])
    return Surface(
        reflectance,
        shade,
        lit,
        snow,
        np.ascontiguousarray(classes[labels[::2, ::2]]),
        _tags(landscape, kinds, step, snow),
    )


def halved(fine: Field, *, out: Field | None = None) -> Field:
    """Average 2 × 2 pixels into one."""
    rows = fine[0::2] + fine[1::2]
    total: Field = np.add(rows[:, 0::2], rows[:, 1::2], out=out)
    total *= np.float32(0.25)
    return total


def _drawn(random: np.random.Generator, rows: int, count: int) -> NDArray[np.float32]:
    """Draw normal numbers for patches, (rows, count).

    Those of a patch stay the same when others are added to the table: what an event leaves alone looks as before.
    """
    return random.standard_normal((-(-count // _MANY) * _MANY, rows), dtype=np.float32)[:count].T


def _steps(kinds: NDArray[np.intp], phase: float, place: np.random.Generator) -> NDArray[np.intp]:
    """Each patch's place in the calendar: some are sown early and some late."""
    early = _drawn(place, 1, len(kinds))[0] * 0.012 + float(place.standard_normal()) * 0.02
    steps: NDArray[np.intp] = np.floor((phase + early) % 1.0 * tables.STEPS).astype(np.intp) % tables.STEPS
    return steps


def _patches(
    kinds: NDArray[np.intp], step: NDArray[np.intp], place: np.random.Generator, date: np.random.Generator
) -> tuple[Field, Field, Field]:
    """Spectra of the two materials of each patch, (patches, 13) each, and the share of the second, (patches,)."""
    calendar, variations = tables.calendar(), tables.variations()
    spectra = tables.soiled(int(float(place.random()) * len(tables.SOILS)), float(place.random()))
    count = len(kinds)
    regional = place.standard_normal((3, len(tables.SUBSTANCES)), dtype=np.float32)
    vigour = np.float32(0.08) * _drawn(place, 3, count)
    vigour[:2] += np.float32(_LUSH + 0.13 * float(place.standard_normal())) + vigour[2]
    own = _drawn(place, 4, count)
    today = _drawn(date, 2, count)
    ends = []
    for which, chosen in enumerate((calendar.main[kinds, step], calendar.other[kinds, step])):
        deviation = np.float32(0.75) * regional[0][chosen] + np.float32(0.5) * own[which] + np.float32(0.25) * today[0]
        gain = np.clip(1 + variations[chosen] * deviation, 0.4, 1.9)
        tilt = np.float32(0.05) * (regional[1][chosen] + np.float32(0.6) * own[2])
        bend = np.float32(0.04) * regional[2][chosen]
        colour = 1 + tilt[:, None] * _TILTS + bend[:, None] * (1 - 2 * _TILTS * _TILTS)
        colour *= 1 + (vigour[which] * tables.greenness()[chosen])[:, None] * _LEAVES
        ends.append(spectra[chosen] * gain[:, None] * colour)
    spread = tables.texture()[0][kinds]
    share = calendar.share[kinds, step] + spread * (np.float32(0.8) * own[3] + np.float32(0.4) * today[1])
    return ends[0], ends[1], np.clip(share, 0, 1)


def _mixture(labels: Labels, share: Field, texture: Field, place: np.random.Generator) -> Field:
    """Share of the second material in each pixel."""
    side = len(labels)
    weight = field(place, side, scale=2 ** (3.5 + 2.5 * float(place.random())), rough=0.6, finest=1)
    weight += np.float32(0.5) * white(place, side, side)
    weight *= np.take(texture[1], labels, mode="clip")
    weight += np.take(share, labels, mode="clip")
    return np.clip(weight, 0, 1, out=weight)


def _brightness(labels: Labels, texture: Field, place: np.random.Generator) -> Field:
    side = len(labels)
    bright = field(place, side, scale=8, rough=0.8, finest=1)
    bright *= np.take(texture[2], labels, mode="clip")
    grain = white(place, side, side) * np.take(texture[3], labels, mode="clip")
    bright += grain
    bright += 1
    return np.maximum(bright, np.float32(0.15), out=bright)


def _mottle(reflectance: NDArray[np.float32], clump: Field, labels: Labels, place: np.random.Generator) -> None:
    """Vary leaves, which the near infrared sees, and water in leaves and soil, which the far infrared sees."""
    strength = np.float32(0.6) * np.take(clump, labels[::2, ::2], mode="clip")
    for first, last in ((5, 10), (11, 13)):
        vary = field(place, reflectance.shape[1], scale=8, rough=0.7, finest=1)
        vary *= strength
        vary += 1
        reflectance[first:last] *= vary


def _glitter(
    reflectance: NDArray[np.float32], kinds: NDArray[np.intp], labels: Labels, date: np.random.Generator
) -> None:
    """Let water throw back the sun from its waves, the same in every band, here more and there less."""
    wet = np.fromiter((tables.NAMES[kind] in tables.WET for kind in kinds), np.bool_, len(kinds))
    strength, size = 0.0003 * 12 ** float(date.random()), 2 ** (3.5 + 2.5 * float(date.random()))
    if not wet.any():
        return
    sparkle = field(date, reflectance.shape[1], scale=size, rough=0.55)
    sparkle += np.float32(1.5)
    sparkle *= np.float32(strength) * np.take(wet, labels[::2, ::2])
    reflectance += np.maximum(sparkle, 0, out=sparkle)


def _lit(relief: Field, sun: Sun) -> Field:
    """Sunlight on a slope over that on level ground, by the cosine of its incidence, sky light kept."""
    ground = halved(relief)
    east = np.empty_like(ground)
    south = np.empty_like(ground)
    step = np.float32(1 / (2 * 2 * PIXEL))
    east[:, 1:-1] = (ground[:, 2:] - ground[:, :-2]) * step
    east[:, 0], east[:, -1] = east[:, 1], east[:, -2]
    south[1:-1] = (ground[2:] - ground[:-2]) * step
    south[0], south[-1] = south[1], south[-2]
    flat, up = math.cos(sun.elevation), math.sin(sun.elevation)
    to_east, to_south = flat * math.sin(sun.azimuth), -flat * math.cos(sun.azimuth)
    cosine = np.float32(up) - np.float32(to_east) * east - np.float32(to_south) * south
    cosine /= np.sqrt(1 + east * east + south * south)
    lit: Field = np.maximum(cosine, 0) * np.float32(1 / up)
    return lit


def _snow(labels: Labels, lies: Field, amount: float, lit: Field | None, date: np.random.Generator) -> Field:
    side = len(labels)
    cover = halved(field(date, side, scale=24, rough=0.6, finest=1)) * np.float32(0.35) + np.float32(2.2 * amount - 0.6)
    if lit is not None:
        cover -= np.float32(0.8) * (lit - 1)
    lying: Field = np.clip(cover, 0, 1) * halved(np.take(lies, labels, mode="clip"))
    return lying


def _shade(tall: Field, sun: Sun) -> Field:
    """Share of each 10 m pixel that lies in the shadow of something tall."""
    rise = math.tan(sun.elevation)
    highest = float(tall.max())
    reach = min(int(highest / rise / PIXEL), 8)
    dark = np.zeros(tall.shape, dtype=np.bool_)
    side = len(tall)
    for step in range(1, reach + 1):
        # From here towards the sun: does something stand above the ray?
        east, south = round(step * math.sin(sun.azimuth)), round(-step * math.cos(sun.azimuth))
        here = (slice(max(0, -south), side - max(0, south)), slice(max(0, -east), side - max(0, east)))
        there = (slice(max(0, south), side - max(0, -south)), slice(max(0, east), side - max(0, -east)))
        dark[here] |= tall[there] - np.float32(step * PIXEL * rise) > tall[here]
    return halved(dark.astype(np.float32))


def _classes(kinds: NDArray[np.intp], spectra: Field) -> NDArray[np.uint8]:
    """Class of each patch in the scene classification: 4 vegetation, 5 bare or built, 6 water, 11 snow and ice."""
    names = [tables.NAMES[kind] for kind in kinds]
    red, near = spectra[:, BANDS.index("B04")], spectra[:, BANDS.index("B08")]
    classes = np.where(near - red > np.float32(0.36) * (near + red), 4, 5).astype(np.uint8)
    classes[[name in tables.WET for name in names]] = 6
    classes[[name in tables.FIRN for name in names]] = 11
    return classes


def _tags(landscape: Landscape, kinds: NDArray[np.intp], step: NDArray[np.intp], snow: Field | None) -> dict[str, Mask]:
    """Where each tag holds, at 10 m: in at least half of a pixel's quarter fields."""
    calendar = tables.calendar()
    rows: dict[str, list[int]] = {}
    named = [calendar.tags[kind][when] for kind, when in zip(kinds.tolist(), step.tolist(), strict=True)]
    for row, tags in enumerate(named):
        for tag in tags:
            rows.setdefault(tag, []).append(row)
    found: dict[str, Mask] = {}
    for tag, chosen in rows.items():
        table = np.zeros(len(kinds), dtype=np.bool_)
        table[chosen] = True
        found[tag] = np.take(table, landscape.labels, mode="clip")
    for tag, mask in landscape.marks:
        found[tag] = found[tag] | mask if tag in found else mask
    coarse = {tag: _most(mask) for tag, mask in found.items()}
    if snow is not None:
        lying = snow > np.float32(0.5)
        coarse["snow"] = coarse["snow"] | lying if "snow" in coarse else lying
    return coarse


def _most(mask: Mask) -> Mask:
    """Reduce 2 × 2 to one: true where at least half is."""
    votes = mask[0::2, 0::2].astype(np.int8)
    votes += mask[0::2, 1::2]
    votes += mask[1::2, 0::2]
    votes += mask[1::2, 1::2]
    return votes >= 2
