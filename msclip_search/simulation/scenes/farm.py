"""Farmed land."""

import numpy as np

from msclip_search.simulation import shapes
from msclip_search.simulation.canvas import Canvas, Labels
from msclip_search.simulation.scenes import furniture
from msclip_search.simulation.scenes.registry import scene

_CROPS = {
    "winter cereals": 4.0,
    "maize": 2.5,
    "rapeseed": 1.0,
    "roots": 1.0,
    "alfalfa": 0.8,
    "sunflower": 0.7,
    "ploughed": 1.0,
    "fallow": 0.8,
}
_DRY_CROPS = {"winter cereals": 3.0, "cotton": 1.5, "sunflower": 1.5, "fallow": 3.0, "red soil": 1.0, "alfalfa": 0.8}


def _crops(canvas: Canvas) -> dict[str, float]:
    crops = _DRY_CROPS if canvas.chance(0.3) else _CROPS
    return {name: weight * canvas.scale(0.2, 5) for name, weight in crops.items()}


def dress(canvas: Canvas, numbers: Labels) -> None:
    """Put between fields what lies between fields."""
    if canvas.chance(0.35):
        furniture.tracks(canvas, numbers, share=canvas.between(0.2, 0.7))
    if canvas.chance(0.25):
        furniture.hedges(canvas, numbers, share=canvas.between(0.1, 0.5))
    if canvas.chance(0.2):
        furniture.trees(canvas, canvas.scale(0.002, 0.015), finest=int(canvas.between(0, 2)))
    if canvas.chance(0.2):
        furniture.farmsteads(canvas, int(canvas.between(1, 3)))
    if canvas.chance(0.3):
        furniture.road(canvas, width=canvas.between(6, 12))


@scene("cropland in strips", tags=("cropland",), climates=("temperate", "continental", "mediterranean"))
def strips(canvas: Canvas) -> None:
    """Draw long fields side by side."""
    width = canvas.scale(40, 260)
    numbers = shapes.strips(
        canvas, width=width, length=width * canvas.scale(2, 8), angle=canvas.angle(), uneven=canvas.between(0.3, 0.9)
    )
    canvas.paint_many(numbers, _crops(canvas))
    dress(canvas, numbers)


@scene("cropland in large fields", tags=("cropland",), climates=("temperate", "continental", "mediterranean", "arid"))
def fields(canvas: Canvas) -> None:
    """Draw large fields of irregular outline."""
    width = canvas.scale(180, 600)
    numbers = shapes.cells(
        canvas,
        width=width,
        length=width * canvas.scale(1, 2.2),
        angle=canvas.angle(),
        wander=canvas.choose((0.0, 0.0, 10.0, 40.0)),
    )
    canvas.paint_many(numbers, _crops(canvas))
    dress(canvas, numbers)


@scene("smallholder fields", tags=("cropland",), climates=("mediterranean", "savanna", "monsoon", "tropical"))
def smallholder(canvas: Canvas) -> None:
    """Draw tiny fields of every kind."""
    width = canvas.scale(20, 60)
    numbers = shapes.cells(canvas, width=width, length=width * canvas.scale(1, 2.5), angle=canvas.angle(), wander=8)
    canvas.paint_many(numbers, {**_DRY_CROPS, "maize": 2.0, "savanna grass": 0.5, "shrubs": 0.4})
    furniture.trees(canvas, canvas.scale(0.01, 0.06), cover="evergreen tree")
    if canvas.chance(0.5):
        furniture.farmsteads(canvas, int(canvas.between(1, 6)))


@scene("pivot irrigation", tags=("pivot irrigation",), climates=("arid", "continental"))
def pivots(canvas: Canvas) -> None:
    """Draw round fields under turning sprinklers, on dry ground."""
    canvas.fill(canvas.choose(("desert plain", "fallow", "steppe", "dry shrubs")))
    radius = canvas.scale(110, 400)
    pitch = radius * canvas.between(2.02, 2.3)
    x0, y0 = canvas.between(0, pitch), canvas.between(0, pitch)
    steps = int(2 * canvas.reach / pitch) + 3
    crops = ("alfalfa", "maize", "winter cereals", "cotton", "roots", "fallow")
    for row in range(steps):
        for column in range(steps):
            if canvas.chance(0.15):
                continue
            x, y = column * pitch - canvas.reach - x0, row * pitch - canvas.reach - y0
            if max(abs(x), abs(y)) > canvas.reach + radius:
                continue
            circle = shapes.disc(canvas, x, y, radius)
            canvas.paint(circle, canvas.choose(crops))
            canvas.mark("pivot irrigation", circle)
            if canvas.chance(0.3):  # a sector of its own
                wedge = shapes.box(canvas, x + radius / 2, y, length=radius, width=2 * radius, angle=0)
                with canvas.within(circle):
                    canvas.paint(wedge, canvas.choose(crops))
    if canvas.chance(0.4):
        furniture.road(canvas, width=8, bend=0, cover="dirt track")


@scene("pasture", tags=("pasture",), climates=("temperate",))
def pasture(canvas: Canvas) -> None:
    """Draw grazed grass between hedges, with single trees."""
    width = canvas.scale(60, 320)
    numbers = shapes.cells(
        canvas,
        width=width,
        length=width * canvas.between(1, 1.7),
        angle=canvas.angle(),
        wander=canvas.choose((0.0, 15.0, 35.0)),
    )
    canvas.paint_many(
        numbers,
        {"pasture": 7.0, "meadow": canvas.between(0.2, 2.5), "alfalfa": 0.8, "winter cereals": 0.4, "broadleaf": 0.3},
    )
    if canvas.chance(0.85):
        furniture.hedges(canvas, numbers, share=canvas.between(0.3, 1.0), wide=canvas.chance(0.6))
    if canvas.chance(0.6):
        furniture.trees(canvas, canvas.scale(0.004, 0.04), finest=int(canvas.between(0, 2)))
    if canvas.chance(0.45):
        furniture.copse(canvas, canvas.between(0.04, 0.2), metres=canvas.between(150, 400))
    if canvas.chance(0.35):
        furniture.farmsteads(canvas, int(canvas.between(1, 3)))
    if canvas.chance(0.25):
        furniture.road(canvas, width=7)
    if canvas.chance(0.5):
        furniture.slope(canvas, metres=canvas.between(300, 900), height=canvas.between(5, 35), rough=0.4)


@scene("rice paddies", tags=("rice paddies",), climates=("monsoon", "tropical", "mediterranean"))
def rice(canvas: Canvas) -> None:
    """Draw small level basins with dykes between them."""
    width = canvas.scale(25, 110)
    terraces = canvas.chance(0.3)
    numbers = (
        shapes.cells(canvas, width=width, length=2.5 * width, angle=canvas.angle(), wander=30)
        if terraces
        else shapes.strips(canvas, width=width, length=2.5 * width, angle=canvas.angle(), uneven=0.3)
    )
    canvas.paint_many(numbers, {"rice": 9.0, "fallow": 0.3, "evergreen tree": 0.3})
    if canvas.chance(0.6):
        canvas.paint(shapes.edges(numbers) & shapes.blobs(canvas, 0.6, metres=200), "alley grass")
    if canvas.chance(0.4):
        furniture.road(canvas, width=8)
    if canvas.chance(0.4):
        furniture.farmsteads(canvas, int(canvas.between(1, 5)))


@scene("greenhouses", tags=("greenhouses",), climates=("mediterranean", "temperate", "arid", "monsoon"))
def greenhouses(canvas: Canvas) -> None:
    """Draw plastic or glass over crops, packed close."""
    plastic = canvas.chance(0.7)
    numbers = shapes.strips(
        canvas, width=canvas.scale(30, 80), length=canvas.scale(60, 200), angle=canvas.angle(), uneven=0.6
    )
    share = canvas.between(0.45, 0.95)
    kinds = {
        "plastic tunnels" if plastic else "glasshouses": share,
        "fallow": 0.6 * (1 - share),
        "alfalfa": 0.4 * (1 - share),
    }
    canvas.paint_many(numbers, kinds)
    canvas.paint(shapes.edges(numbers), canvas.choose(("yard", "dirt track", "alley grass")))
    if canvas.chance(0.5):
        furniture.farmsteads(canvas, int(canvas.between(1, 4)))


@scene("flooded farmland", tags=("flooded fields",), climates=("temperate", "continental", "monsoon"))
def flooded(canvas: Canvas) -> None:
    """Draw fields of which a part stands under brown water."""
    (strips if canvas.chance(0.6) else fields).draw(canvas)
    flood(canvas, canvas.between(0.3, 0.85))


def flood(canvas: Canvas, share: float) -> None:
    """Let water stand on the low part of the land."""
    low = canvas.noise(canvas.scale(250, 900), rough=0.45) - np.float32(0)
    under = low < np.float32(_level(share))
    with canvas.within(under):
        farmed = canvas.covered(FARMED)
    canvas.paint(under, "shallow flood")
    deep = low < np.float32(_level(share) - canvas.between(0.1, 0.35))
    canvas.paint(deep, "flood")
    standing = deep & shapes.specks(canvas, canvas.scale(0.003, 0.03))  # what still looks out of the water
    canvas.paint(standing, canvas.choose(("tree", "reeds", "alley grass")))
    canvas.mark("flood", under)
    canvas.mark("flooded fields", under & farmed)


def _level(share: float) -> float:
    return float(np.float32(shapes.quantile(share)))


FARMED = {*_CROPS, *_DRY_CROPS, "pasture", "meadow", "rice"}
"""Covers of farmed land."""
