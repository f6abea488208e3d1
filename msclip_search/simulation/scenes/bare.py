"""Deserts, mountains, snow and ice."""

import numpy as np

from msclip_search.simulation import shapes
from msclip_search.simulation.canvas import Canvas
from msclip_search.simulation.noise import Field
from msclip_search.simulation.scenes import furniture
from msclip_search.simulation.scenes.registry import scene


def _ridges(canvas: Canvas, *, metres: float, steepness: float) -> Field:
    """Make mountains: noise folded at its middle gives crests."""
    folded = (
        np.float32(1.2)
        - abs(canvas.noise(metres, rough=0.4, finest=2))
        + np.float32(0.35) * canvas.noise(metres / 3, rough=0.4, finest=2)
    )
    height: Field = folded * np.float32(furniture.ridge_height(metres, steepness) * 1.6)
    return height


@scene("sand dunes", tags=("sand dunes", "desert"), climates=("arid",))
def dunes(canvas: Canvas) -> None:
    """Draw waves of sand across the wind."""
    canvas.fill(canvas.choose(("dunes", "dunes", "red dunes")))
    length = canvas.scale(80, 500)
    u, _ = canvas.turned(canvas.angle())
    phase = (u + canvas.noise(2.5 * length, rough=0.35, finest=2) * np.float32(0.3 * length)) * np.float32(1 / length)
    part = phase - np.floor(phase)
    rise = np.float32(canvas.between(0.6, 0.85))
    saw = np.where(part < rise, part / rise, (1 - part) / (1 - rise))  # a long slope to windward, a short one behind
    canvas.lift(
        saw * np.float32(length * canvas.between(0.05, 0.12))
        + canvas.noise(3 * length, finest=2) * np.float32(0.02 * length)
    )
    canvas.mark("desert")
    if canvas.chance(0.3):
        canvas.paint((saw < np.float32(0.15)) & shapes.blobs(canvas, 0.5, metres=400), "desert plain")


@scene("rocky desert", tags=("desert", "bare rock"), climates=("arid",))
def rocky_desert(canvas: Canvas) -> None:
    """Draw stone plains and dry valleys."""
    canvas.fill("desert plain")
    rock = canvas.choose(("red rock", "dark rock", "rock", "limestone"))
    canvas.paint(shapes.blobs(canvas, canvas.between(0.2, 0.7), metres=canvas.scale(100, 500), rough=0.6), rock)
    metres = canvas.scale(200, 800)
    canvas.lift(_ridges(canvas, metres=metres, steepness=canvas.scale(0.1, 0.5)))
    for _ in range(int(canvas.between(1, 4))):
        middle = shapes.distance_to_line(
            canvas, angle=canvas.angle(), offset=canvas.between(-0.6, 0.6) * canvas.reach, bend=60, scale=300
        )
        canvas.paint(abs(middle) < canvas.scale(5, 30), "gravel")


@scene("dry lake bed", tags=("desert",), climates=("arid",))
def playa(canvas: Canvas) -> None:
    """Draw pale clay, flat as a table."""
    canvas.fill("desert plain")
    canvas.paint(shapes.blobs(canvas, canvas.between(0.5, 0.95), metres=700, rough=0.35), "clay pan")
    canvas.mark("dry lake bed", canvas.covered({"clay pan"}))


@scene("salt flat", tags=("salt flat",), climates=("arid",))
def salt_flat(canvas: Canvas) -> None:
    """Draw white salt, in polygons, perhaps with a film of water."""
    canvas.fill("salt crust")
    if canvas.chance(0.5):
        numbers = shapes.cells(canvas, width=60, length=60, angle=0, wander=10)
        canvas.paint_many(numbers, {"salt crust": 1.0})
        canvas.paint(shapes.edges(numbers) & shapes.blobs(canvas, 0.5, metres=200), "clay pan")
    if canvas.chance(0.5):
        canvas.paint(
            shapes.blobs(canvas, canvas.between(0.1, 0.4), metres=500, rough=0.4),
            canvas.choose(("clay pan", "shallow flood")),
        )


@scene("badlands", tags=("badlands",), climates=("arid", "mediterranean", "continental"))
def badlands(canvas: Canvas) -> None:
    """Draw soft rock cut into gullies."""
    canvas.fill(canvas.choose(("clay pan", "red rock", "desert plain", "red soil")))
    canvas.paint(shapes.blobs(canvas, 0.3, metres=100, rough=0.7), canvas.choose(("dry shrubs", "steppe")))
    canvas.lift(_ridges(canvas, metres=canvas.scale(60, 200), steepness=canvas.between(0.4, 0.9)))
    canvas.mark("badlands")


def _mountain(canvas: Canvas) -> Field:
    height = _ridges(canvas, metres=canvas.scale(500, 1500), steepness=canvas.between(0.45, 1.0))
    canvas.lift(height)
    low, high = -canvas.between(0.2, 1.0), canvas.between(0.3, 1.2)
    middle, spread = float(np.float32(height[::8, ::8].mean())), float(np.float32(height[::8, ::8].std())) + 1.0
    level = (height - np.float32(middle)) * np.float32(1 / spread) + canvas.noise(150, rough=0.6) * np.float32(0.35)
    canvas.fill(canvas.choose(("rock", "rock", "limestone", "dark rock")))
    canvas.paint(level < np.float32(high), canvas.choose(("meadow", "heath", "steppe", "rock")))
    wood = level < np.float32(low)
    canvas.paint(wood, canvas.choose(("conifers", "dark conifers", "meadow", "shrubs")))
    return level


@scene(
    "mountains", tags=("mountains",), climates=("alpine", "mediterranean", "continental", "arid", "arctic"), weight=1.3
)
def mountains(canvas: Canvas) -> None:
    """Draw steep slopes with woods below and rock above."""
    level = _mountain(canvas)
    if canvas.chance(0.45):
        canvas.paint(level > np.float32(canvas.between(0.2, 1.6)), canvas.choose(("snow", "old snow")))
    if canvas.chance(0.25):
        furniture.river(canvas, width=canvas.scale(8, 30), cover="glacial water", banks="gravel")
    canvas.mark("mountains")


@scene("snowy mountains", tags=("mountains", "snow"), climates=("alpine", "arctic", "continental"))
def snowy_mountains(canvas: Canvas) -> None:
    """Draw snow with rock showing through."""
    level = _mountain(canvas)
    canvas.paint(level > np.float32(canvas.between(-1.5, -0.2)), "snow")
    bare = canvas.noise(120, rough=0.7) > np.float32(shapes.quantile(1 - canvas.between(0.05, 0.3)))
    canvas.paint(bare & (level > np.float32(-0.5)), canvas.choose(("rock", "dark rock")))
    canvas.mark("mountains")


@scene("glacier", tags=("glacier",), climates=("alpine", "arctic"))
def glacier(canvas: Canvas) -> None:
    """Draw a tongue of ice between moraines."""
    _mountain(canvas)
    angle = canvas.angle()
    distance = shapes.distance_to_line(canvas, angle=angle, bend=canvas.between(20, 90), scale=800)
    half = np.float32(canvas.scale(120, 450)) * (1 + np.float32(0.15) * canvas.noise(400))
    canvas.paint(abs(distance) < half + np.float32(canvas.between(20, 90)), "debris ice")
    ice = abs(distance) < half
    canvas.paint(ice, "glacier ice")
    u, v = canvas.turned(angle)
    if canvas.chance(0.6):
        crevasse = canvas.at(canvas.curve(25, rough=0.9), u + np.float32(0.35) * abs(v) * np.float32(0.5))
        canvas.paint(ice & (crevasse > 1.3) & shapes.blobs(canvas, 0.5, metres=250), "old snow")
    if canvas.chance(0.5):
        canvas.paint(abs(distance - np.float32(canvas.between(-0.4, 0.4)) * half) < canvas.between(8, 25), "debris ice")
    with canvas.within(ice):
        if canvas.chance(0.5):
            canvas.paint(u > np.float32(canvas.between(-0.2, 0.8) * canvas.reach), "old snow")
    canvas.mark("glacier", ice)
    canvas.mark("mountains", ~ice)


@scene("snow-covered land", tags=("snow",), climates=("boreal", "arctic", "continental"))
def snow_cover(canvas: Canvas) -> None:
    """Draw fields under snow, with woods, hedges and roads standing out."""
    width = canvas.scale(80, 350)
    numbers = shapes.cells(canvas, width=width, length=1.6 * width, angle=canvas.angle(), wander=12)
    canvas.paint_many(numbers, {"snow": 5.0, "old snow": 2.0})
    canvas.mark("snow")
    if canvas.chance(0.7):
        furniture.copse(canvas, canvas.between(0.05, 0.4), cover=canvas.choose(("conifers", "tree", "dark conifers")))
    if canvas.chance(0.5):
        furniture.hedges(canvas, numbers, share=0.4)
    if canvas.chance(0.5):
        furniture.road(canvas, width=8)
    if canvas.chance(0.3):
        furniture.farmsteads(canvas, 2)


@scene("ice sheet", tags=("snow",), climates=("arctic",))
def ice_sheet(canvas: Canvas) -> None:
    """Draw snow to the horizon, faint ridges of wind."""
    canvas.fill("snow")
    canvas.paint(shapes.blobs(canvas, canvas.between(0.1, 0.5), metres=800, rough=0.4), "old snow")
    if canvas.chance(0.3):
        canvas.paint(shapes.blobs(canvas, 0.1, metres=300, rough=0.4), "glacier ice")
    furniture.slope(canvas, metres=canvas.scale(60, 400), height=canvas.between(0.3, 4), rough=0.6)


@scene("lava field", tags=("lava field",), climates=("arctic", "arid", "tropical"))
def lava(canvas: Canvas) -> None:
    """Draw black flows, old ones under moss."""
    canvas.fill(canvas.choose(("steppe", "old lava", "dark rock", "shrubs")))
    canvas.paint(shapes.blobs(canvas, canvas.between(0.4, 0.95), metres=600, rough=0.55), "lava")
    canvas.paint(shapes.blobs(canvas, canvas.between(0.05, 0.3), metres=300, rough=0.6), "old lava")
    if canvas.chance(0.4):
        x, y = canvas.spot(0.5)
        radius = canvas.scale(80, 250)
        east, south = canvas.x - np.float32(x), canvas.y - np.float32(y)
        away = np.sqrt(east * east + south * south) * np.float32(1 / radius)
        cone = np.maximum(1 - abs(away - np.float32(0.4)) * np.float32(1.6), 0)
        canvas.lift(cone * np.float32(0.35 * radius))
        canvas.paint(away < 1, "dark rock")
        canvas.mark("volcano", away < 1)
