"""Where things are dug, gathered, boiled down or dumped."""

import numpy as np

from msclip_search.simulation import shapes
from msclip_search.simulation.canvas import Canvas, Mask
from msclip_search.simulation.noise import Field
from msclip_search.simulation.scenes import furniture, traffic
from msclip_search.simulation.scenes.registry import scene


def _around(canvas: Canvas) -> None:
    canvas.fill(canvas.choose(("meadow", "broadleaf", "conifers", "shrubs", "steppe", "desert plain", "fallow")))
    furniture.copse(canvas, canvas.between(0.1, 0.5), cover=canvas.choose(("tree", "conifers", "shrubs")))


def _pit(canvas: Canvas, radius: float) -> tuple[Mask, Field]:
    """Outline a pit; returns it and the way from its middle to its edge, 0 to 1."""
    x, y = canvas.spot(0.3)
    east, south = canvas.x - np.float32(x), canvas.y - np.float32(y)
    stretch = np.float32(canvas.between(0.6, 1.0))
    away = np.sqrt(east * east + stretch * south * south) * np.float32(1 / radius)
    away = away * (1 + np.float32(0.12) * canvas.noise(0.7 * radius, rough=0.4))
    return away < 1, away


@scene(
    "quarry",
    tags=("quarry",),
    climates=("temperate", "mediterranean", "continental", "boreal", "arid", "monsoon", "alpine"),
)
def quarry(canvas: Canvas) -> None:
    """Draw pale rock laid bare, with a pool at the bottom."""
    _around(canvas)
    radius = canvas.scale(90, 300)
    pit, away = _pit(canvas, radius)
    canvas.paint(pit, "quarry face")
    canvas.paint(pit & shapes.blobs(canvas, 0.35, metres=90, rough=0.6), canvas.choose(("gravel", "yard", "limestone")))
    if canvas.chance(0.5):
        canvas.paint(away < canvas.between(0.15, 0.4), canvas.choose(("glacial water", "green water", "lake water")))
    steps = np.floor(away * np.float32(canvas.between(3, 6)))
    canvas.lift(np.minimum(steps, 6) * np.float32(canvas.between(6, 14)) * pit)
    canvas.mark("quarry", pit)
    furniture.road(canvas, width=8, cover="dirt track")
    for _ in range(2):
        x, y = canvas.spot(0.5)
        canvas.paint(shapes.box(canvas, x, y, length=30, width=14, angle=canvas.angle()), "metal roofs")


@scene(
    "open-pit mine",
    tags=("open-pit mine",),
    climates=("arid", "continental", "boreal", "temperate", "savanna", "tropical"),
)
def mine(canvas: Canvas) -> None:
    """Draw benches stepping down into a large pit, and heaps of waste."""
    _around(canvas)
    radius = canvas.scale(200, 700)
    pit, away = _pit(canvas, radius)
    cover = canvas.choose(("mine bench", "mine bench", "coal bench"))
    rings = canvas.between(5, 11)
    numbers = np.minimum(away * np.float32(rings), 40).astype(np.intp)
    canvas.paint_many(numbers, {cover: 3.0, "mine bench": 1.0}, mask=pit, patches=12)
    spoil = (away > 1) & (away < canvas.between(1.15, 1.5)) & shapes.blobs(canvas, 0.6, metres=300, rough=0.3)
    canvas.paint(spoil, canvas.choose(("mine bench", "gravel", "fallow")))
    if canvas.chance(0.45):
        canvas.paint(away < canvas.between(0.1, 0.25), canvas.choose(("glacial water", "turbid water", "green water")))
    canvas.lift(np.minimum(np.floor(away * np.float32(rings)), np.float32(rings)) * np.float32(canvas.between(6, 14)))
    road = (away - np.floor(away * np.float32(rings)) * np.float32(1 / rings)) < np.float32(6 / radius)
    canvas.paint(pit & road, "dirt track")
    canvas.mark("open-pit mine", pit | spoil)


@scene("tailings pond", tags=("tailings pond",), climates=("arid", "boreal", "continental", "mediterranean"))
def tailings(canvas: Canvas) -> None:
    """Draw fine waste settling behind a dyke."""
    _around(canvas)
    pit, away = _pit(canvas, canvas.scale(180, 500))
    canvas.paint(away < 1.07, "gravel")
    canvas.paint(pit, "tailings")
    wet = (away + canvas.noise(200) * np.float32(0.15)) < np.float32(canvas.between(0.3, 0.8))
    canvas.paint(wet & pit, canvas.choose(("glacial water", "turbid water", "green water")))
    canvas.mark("tailings pond", pit)


@scene("salt pans", tags=("salt pans",), climates=("mediterranean", "arid", "monsoon", "tropical"))
def salt_pans(canvas: Canvas) -> None:
    """Draw shallow basins of brine, pink to white, between dykes."""
    width = canvas.scale(30, 160)
    numbers = shapes.strips(canvas, width=width, length=1.7 * width, angle=canvas.angle(), uneven=0.5)
    canvas.paint_many(
        numbers,
        {"brine": 3.0, "shallow water": 2.0, "turbid water": 1.5, "salt heap": 1.3, "green water": 1.0, "mud": 0.6},
    )
    canvas.mark("salt pans")
    canvas.paint(shapes.edges(numbers), canvas.choose(("dirt track", "alley soil", "salt heap")))


@scene("landfill", tags=("landfill",))
def landfill(canvas: Canvas) -> None:
    """Draw a heap of waste, a part of it covered with soil."""
    _around(canvas)
    pit, away = _pit(canvas, canvas.scale(100, 260))
    canvas.paint(pit, "fallow")
    canvas.paint(pit & shapes.blobs(canvas, canvas.between(0.2, 0.6), metres=120), "rubbish")
    canvas.lift(np.maximum(1 - away, 0) * np.float32(canvas.between(20, 60)))
    canvas.mark("landfill", pit)
    furniture.road(canvas, width=7, cover="dirt track")
    x, y = canvas.spot(0.6)
    canvas.paint(shapes.box(canvas, x, y, length=60, width=25, angle=canvas.angle()), "metal roofs")


@scene(
    "solar park",
    tags=("solar park",),
    climates=("temperate", "mediterranean", "arid", "continental", "monsoon", "savanna"),
)
def solar_park(canvas: Canvas) -> None:
    """Draw rows of dark panels in fenced blocks."""
    traffic.surroundings(canvas)
    angle = canvas.between(-0.15, 0.15) if canvas.chance(0.8) else canvas.angle()
    width = canvas.scale(90, 260)
    blocks = shapes.strips(canvas, width=width, length=1.4 * width, angle=angle, uneven=0.3)
    x, y = canvas.spot(0.3)
    field = shapes.disc(canvas, x, y, canvas.reach * canvas.between(0.5, 1.3), bend=canvas.noise(400) * np.float32(60))
    field = field & (blocks * 31 % 97 < 88)
    canvas.paint(field, canvas.choose(("alley grass", "alley soil", "meadow")))
    panels = shapes.rows(canvas, spacing=canvas.between(6, 14), share=canvas.between(0.5, 0.85), angle=angle)
    inside = field & ~shapes.edges(blocks)
    canvas.paint_many(blocks, {"solar panels": 1.0}, mask=inside & panels, patches=8)
    canvas.mark("solar park", inside)
    if canvas.chance(0.5):
        furniture.road(canvas, width=6, cover="dirt track", bend=0)
