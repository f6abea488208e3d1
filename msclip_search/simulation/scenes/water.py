"""Rivers and lakes."""

import math

import numpy as np

from msclip_search.simulation import shapes
from msclip_search.simulation.canvas import Canvas, Mask
from msclip_search.simulation.scenes import furniture
from msclip_search.simulation.scenes.registry import scene

_LAND = ("meadow", "pasture", "pasture", "broadleaf", "broadleaf", "broadleaf", "conifers", "shrubs", "steppe")
_FIELDS = {
    "winter cereals": 1.5,
    "maize": 1.5,
    "pasture": 3.5,
    "meadow": 1.5,
    "alfalfa": 0.7,
    "fallow": 0.4,
    "ploughed": 0.3,
    "broadleaf": 2.0,
}
_STILL = ("lake water", "lake water", "lake water", "green water", "turbid water")


def land(canvas: Canvas) -> None:
    """Paint a plain shore landscape: woods and grass, or fields."""
    if canvas.chance(0.6):
        width = canvas.scale(50, 250)
        numbers = shapes.cells(canvas, width=width, length=1.8 * width, angle=canvas.angle(), wander=10)
        canvas.paint_many(numbers, {name: weight * canvas.scale(0.2, 5) for name, weight in _FIELDS.items()})
        if canvas.chance(0.5):
            furniture.hedges(canvas, numbers, share=canvas.between(0.1, 0.6))
        if canvas.chance(0.5):
            furniture.copse(canvas, canvas.between(0.05, 0.3), metres=canvas.scale(80, 300))
        return
    canvas.fill(canvas.choose(_LAND))
    wood = shapes.blobs(canvas, canvas.between(0.1, 0.6), metres=canvas.scale(80, 400), rough=0.55, soft=0.2)
    canvas.paint(wood, canvas.choose(("broadleaf", "conifers", "tree")))
    canvas.raise_(wood, 14)


def built(canvas: Canvas, where: Mask) -> None:
    """Build houses on a part of the shore."""
    part = where & shapes.blobs(canvas, canvas.between(0.2, 0.7), metres=600, rough=0.2)
    canvas.paint(part, "lawn")
    furniture.houses(
        canvas,
        angle=canvas.angle(),
        lot=canvas.between(15, 30),
        depth=canvas.between(20, 35),
        built=canvas.between(0.6, 1.0),
        roofs=furniture.ROOFS,
        street=8,
        block=140,
        within=part,
    )
    canvas.mark("residential area", part)


@scene(
    "river",
    tags=("river",),
    climates=("boreal", "temperate", "continental", "alpine", "mediterranean", "monsoon", "tropical", "savanna"),
    weight=1.5,
)
def river(canvas: Canvas) -> None:
    """Draw a river through land."""
    land(canvas)
    if canvas.chance(0.3):
        built(canvas, np.ones((canvas.side, canvas.side), dtype=np.bool_))
    banks = canvas.choose(("tree", "tree", "tree", "meadow", "meadow", "gravel", "marsh"))
    width = canvas.scale(45, 450)
    water = furniture.river(
        canvas,
        width=width,
        cover=canvas.choose(("turbid water", "green water", "lake water")),
        banks=banks if canvas.chance(0.75) else None,
    )
    if canvas.chance(0.25):
        furniture.boats(canvas, water, 1 + int(canvas.between(0, 3)), length=60)
    if canvas.chance(0.3):
        furniture.road(canvas, width=canvas.between(9, 18), bend=0)


@scene("braided river", tags=("river", "gravel banks"), climates=("alpine", "arctic", "arid"))
def braided(canvas: Canvas) -> None:
    """Draw many channels between banks of gravel."""
    canvas.fill(canvas.choose(("meadow", "shrubs", "tundra", "rock")))
    angle = canvas.angle()
    distance = shapes.distance_to_line(canvas, angle=angle, bend=60, scale=700)
    bed = abs(distance) < canvas.between(120, 300)
    canvas.paint(bed, "gravel")
    canvas.mark("gravel banks", bed)
    cover = canvas.choose(("glacial water", "turbid water"))
    with canvas.within(bed):
        for _ in range(3 + int(canvas.between(0, 4))):
            middle = shapes.distance_to_line(
                canvas, angle=angle, offset=canvas.between(-180, 180), bend=canvas.between(30, 80), scale=250
            )
            channel = abs(middle) < canvas.scale(6, 22)
            canvas.paint(channel, cover)
            canvas.mark("river", channel)


@scene(
    "lake",
    tags=("lake",),
    climates=("boreal", "temperate", "continental", "alpine", "arctic", "savanna", "mediterranean"),
    weight=1.3,
)
def lake(canvas: Canvas) -> None:
    """Draw a lake with its shore."""
    land(canvas)
    if canvas.chance(0.3):
        built(canvas, np.ones((canvas.side, canvas.side), dtype=np.bool_))
    water = _basin(canvas, canvas.between(0.25, 0.85))
    if canvas.chance(0.4):
        canvas.paint(_rim(water), canvas.choose(("reeds", "gravel", "beach", "tree")))
    cover = canvas.choose(_STILL)
    canvas.paint(water, cover)
    canvas.raise_(water, 0)
    canvas.mark("lake", water)
    if canvas.chance(0.2):
        furniture.boats(canvas, water, 2, length=15)


def _basin(canvas: Canvas, share: float) -> Mask:
    x, y = canvas.spot(0.4)
    radius = canvas.reach * math.sqrt(share) * 1.1
    return shapes.disc(
        canvas, x, y, radius, bend=canvas.noise(canvas.scale(200, 600), rough=0.4) * np.float32(0.28 * radius)
    )


def _rim(water: Mask) -> Mask:
    rim = water.copy()
    for step in (2, 3):
        rim[step:] |= water[:-step]
        rim[:-step] |= water[step:]
        rim[:, step:] |= water[:, :-step]
        rim[:, :-step] |= water[:, step:]
    return rim & ~water


@scene("algal bloom", tags=("algal bloom", "lake"), climates=("temperate", "continental", "monsoon"))
def bloom(canvas: Canvas) -> None:
    """Draw green streaks of algae on a lake."""
    whole = canvas.chance(0.4)
    if whole:
        water = np.ones((canvas.side, canvas.side), dtype=np.bool_)
    else:
        land(canvas)
        water = _basin(canvas, canvas.between(0.5, 0.95))
    canvas.paint(water, "green water")
    bend = canvas.noise(300) * np.float32(60)
    _, v = canvas.turned(canvas.angle())
    streak = canvas.at(canvas.curve(60, rough=0.7), np.clip(v + bend, -1.4 * canvas.reach, 1.4 * canvas.reach))
    streak = streak + canvas.noise(250)
    algae = water & (streak > np.float32(1.41 * shapes.quantile(1 - canvas.between(0.2, 0.6))))
    canvas.paint(algae, "scum")
    canvas.mark("lake", water)


@scene(
    "reservoir with a dam", tags=("reservoir", "dam"), climates=("mediterranean", "continental", "temperate", "arid")
)
def reservoir(canvas: Canvas) -> None:
    """Draw a dammed valley, bare ground below the high-water mark."""
    land(canvas)
    angle = canvas.angle()
    distance = shapes.distance_to_line(canvas, angle=angle, bend=canvas.between(40, 120), scale=500)
    u, _ = canvas.turned(angle)
    half = np.float32(canvas.between(70, 200)) * (1 + np.float32(0.35) * canvas.noise(250, rough=0.5))
    wall = canvas.between(-0.3, 0.4) * canvas.reach
    filled = (abs(distance) < half) & (u < wall)
    rim = (abs(distance) < half + np.float32(canvas.between(10, 40))) & (u < wall)
    canvas.paint(rim, canvas.choose(("gravel", "fallow", "clay pan")))
    canvas.paint(filled, canvas.choose(("lake water", "green water", "glacial water")))
    canvas.paint((abs(distance) < 12) & (u >= wall), "turbid water")
    dam = (abs(u - np.float32(wall)) < canvas.between(8, 22)) & (abs(distance) < half + 40)
    canvas.paint(dam, "concrete")
    canvas.raise_(dam, 15)
    canvas.mark("reservoir", filled)
    canvas.mark("dam", dam)
    metres = canvas.scale(400, 900)
    furniture.slope(canvas, metres=metres, height=furniture.ridge_height(metres, 0.2))


@scene("fish ponds", tags=("fish ponds",), climates=("monsoon", "tropical", "temperate"))
def ponds(canvas: Canvas) -> None:
    """Draw rectangular ponds between dykes."""
    width = canvas.scale(40, 150)
    numbers = shapes.strips(canvas, width=width, length=1.8 * width, angle=canvas.angle(), uneven=0.4)
    canvas.paint_many(numbers, {"green water": 4.0, "turbid water": 4.0, "lake water": 2.0, "mud": 0.8, "rice": 0.5})
    canvas.mark("fish ponds")
    canvas.paint(
        shapes.edges(numbers, thick=canvas.chance(0.5)), canvas.choose(("alley grass", "dirt track", "alley soil"))
    )
    if canvas.chance(0.4):
        furniture.farmsteads(canvas, int(canvas.between(1, 4)))
