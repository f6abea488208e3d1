"""What moves goods and people: highways, railways, airports, harbours."""

import math

import numpy as np

from msclip_search.simulation import shapes
from msclip_search.simulation.canvas import Canvas, Mask
from msclip_search.simulation.scenes import furniture, town
from msclip_search.simulation.scenes.furniture import HALLS, ROOFS
from msclip_search.simulation.scenes.registry import scene


@scene(
    "highway",
    tags=("highway",),
    climates=("temperate", "continental", "mediterranean", "arid", "monsoon", "boreal"),
    weight=1.2,
)
def highway(canvas: Canvas) -> None:
    """Draw a dual carriageway through land."""
    surroundings(canvas)
    _carriageway(canvas, canvas.angle(), canvas.between(-0.35, 0.35) * canvas.reach)
    if canvas.chance(0.5):
        furniture.road(canvas, width=canvas.between(6, 12))


def surroundings(canvas: Canvas) -> None:
    """Paint what a road may run through."""
    draw = canvas.between(0, 1)
    if draw < 0.5:
        width = canvas.scale(60, 250)
        numbers = shapes.cells(canvas, width=width, length=1.8 * width, angle=canvas.angle(), wander=10)
        canvas.paint_many(
            numbers,
            {
                "winter cereals": 2.0,
                "maize": 1.5,
                "pasture": 2.0,
                "meadow": 1.0,
                "fallow": 1.0,
                "ploughed": 0.7,
                "broadleaf": 0.8,
                "conifers": 0.4,
            },
        )
        if canvas.chance(0.4):
            furniture.hedges(canvas, numbers, share=canvas.between(0.1, 0.6), wide=canvas.chance(0.4))
    elif draw < 0.8:
        canvas.fill(canvas.choose(("meadow", "pasture", "steppe", "dry shrubs")))
        furniture.copse(canvas, canvas.between(0.1, 0.6), cover=canvas.choose(("tree", "conifers", "broadleaf")))
    else:
        canvas.fill("lawn")
        canvas.paint(shapes.blobs(canvas, canvas.between(0.1, 0.4), metres=80, soft=0.3), "yard")
        furniture.copse(canvas, canvas.between(0.1, 0.4), metres=canvas.scale(40, 200))
    if canvas.chance(0.6):
        part = shapes.blobs(canvas, canvas.between(0.1, 0.6), metres=400, rough=0.3)
        size = canvas.scale(15, 60)
        furniture.houses(
            canvas,
            angle=canvas.angle(),
            lot=size,
            depth=1.2 * size,
            built=0.85,
            roofs=ROOFS if size < 30 else HALLS,
            street=9,
            block=5 * size,
            within=part,
        )
    if canvas.chance(0.6):
        furniture.copse(canvas, canvas.between(0.02, 0.2), metres=canvas.scale(40, 150))
    if canvas.chance(0.5):
        furniture.trees(canvas, canvas.scale(0.01, 0.08))


def _carriageway(canvas: Canvas, angle: float, offset: float) -> None:
    distance = shapes.distance_to_line(
        canvas, angle=angle, offset=offset, bend=canvas.between(0, 0.1) * canvas.reach, scale=canvas.scale(900, 2500)
    )
    away = abs(distance)
    lane = canvas.between(8, 14)
    median = canvas.between(1, 4)
    verge = away < np.float32(lane + canvas.between(8, 26))
    canvas.paint(verge, canvas.choose(("meadow", "tree", "alley grass", "lawn")))
    canvas.paint(away < np.float32(lane + median / 2), "asphalt" if canvas.chance(0.85) else "concrete")
    if canvas.chance(0.6):
        canvas.paint(away < np.float32(median), canvas.choose(("alley grass", "tree", "concrete")))
    canvas.mark("highway", away < np.float32(lane + 6))


@scene(
    "highway junction",
    tags=("highway", "highway junction"),
    climates=("temperate", "continental", "mediterranean", "arid", "monsoon"),
)
def junction(canvas: Canvas) -> None:
    """Draw two highways that cross, with loops."""
    surroundings(canvas)
    angle = canvas.angle()
    x, y = canvas.spot(0.25)
    cross = angle + canvas.between(0.9, 2.2)
    for heading in (angle, cross):
        offset = math.cos(heading) * y - math.sin(heading) * x
        _carriageway(canvas, heading, offset)
    radius = canvas.between(35, 90)
    for quarter in range(4):
        if not canvas.chance(0.5):
            continue
        middle = (angle + cross) / 2 + quarter * math.pi / 2
        cx, cy = x + 1.25 * radius * math.cos(middle), y + 1.25 * radius * math.sin(middle)
        loop = shapes.disc(canvas, cx, cy, radius) & ~shapes.disc(canvas, cx, cy, radius - canvas.between(8, 13))
        inner = shapes.disc(canvas, cx, cy, radius - 10)
        if canvas.chance(0.15):
            canvas.paint(inner, canvas.choose(("meadow", "alley grass", "tree")))
        canvas.paint(loop, "asphalt")
        canvas.mark("highway", loop)
    canvas.mark("highway junction", shapes.disc(canvas, x, y, 2.2 * radius))


@scene("airport", tags=("airport",))
def airport(canvas: Canvas) -> None:
    """Draw runways in grass, aprons and halls."""
    canvas.fill(canvas.choose(("meadow", "lawn", "steppe", "fallow")))
    angle = canvas.angle()
    canvas.mark("airport")
    offset = canvas.between(-0.3, 0.3) * canvas.reach
    for line in (offset, offset + canvas.between(120, 220) * (1 if canvas.chance(0.5) else -1)):
        distance = shapes.distance_to_line(canvas, angle=angle, offset=line)
        strip = abs(distance) < (canvas.between(20, 32) if line == offset else canvas.between(10, 14))
        canvas.paint(strip, "runway")
        canvas.mark("runway", strip)
    u, v = canvas.turned(angle)
    for _ in range(int(canvas.between(1, 5))):
        place = canvas.between(-0.8, 0.8) * canvas.reach
        link = (abs(u - np.float32(place)) < 11) & (abs(v - np.float32(offset)) < 170)
        canvas.paint(link, "runway")
    side = 1 if canvas.chance(0.5) else -1
    apron = side * (v - np.float32(offset)) > np.float32(canvas.between(170, 280))
    canvas.paint(apron & (abs(u) < np.float32(canvas.between(0.3, 1.0) * canvas.reach)), "concrete")
    furniture.houses(
        canvas,
        angle=angle,
        lot=90,
        depth=60,
        built=0.8,
        roofs=HALLS,
        street=40,
        block=380,
        within=side * (v - np.float32(offset)) > np.float32(330),
        street_cover="concrete",
        height=14,
    )


@scene("harbour", tags=("harbour", "sea"), climates=("temperate", "mediterranean", "monsoon", "tropical", "boreal"))
def harbour(canvas: Canvas) -> None:
    """Draw quays, basins, ships and stacked containers."""
    canvas.fill("paving")
    angle = canvas.angle()
    u, v = canvas.turned(angle)
    shore = canvas.between(-0.3, 0.3) * canvas.reach
    pitch = canvas.between(160, 420)
    phase = u * np.float32(1 / pitch) + np.float32(canvas.between(10, 11))
    basin = ((phase - np.floor(phase)) < np.float32(canvas.between(0.35, 0.65))) & (v > np.float32(shore))
    water = basin | (v > np.float32(shore + canvas.between(150, 600)))
    furniture.houses(
        canvas,
        angle=angle,
        lot=canvas.between(50, 110),
        depth=50,
        built=1.1,
        roofs=HALLS,
        street=18,
        block=canvas.between(200, 400),
        within=v < np.float32(shore - 20),
        height=10,
    )
    stacks = (v > np.float32(shore - 10)) & ~water
    canvas.paint(stacks & shapes.dots(canvas, spacing=30, share=0.9, angle=angle, jitter=0.1), "containers")
    canvas.paint(water, canvas.choose(("turbid water", "sea water", "green water")))
    quay = water & abs(v - np.float32(shore)).astype(np.bool_)
    furniture.boats(canvas, quay, 2 + int(canvas.between(0, 6)), length=70)
    canvas.mark("harbour")
    canvas.mark("sea", water)


@scene("railway yard", tags=("railway", "industrial area"))
def rail_yard(canvas: Canvas) -> None:
    """Draw many tracks side by side among halls."""
    town.industrial.draw(canvas)
    angle = canvas.angle()
    distance = shapes.distance_to_line(canvas, angle=angle, offset=canvas.between(-60, 60), bend=15, scale=2000)
    u, _ = canvas.turned(angle)
    half = np.float32(canvas.between(50, 130)) * (
        1 - np.float32(0.6) * np.minimum(abs(u) * np.float32(1 / (1.4 * canvas.reach)), 1)
    )
    yard: Mask = abs(distance) < half
    canvas.paint(yard, "rails")
    lines = yard & shapes.rows(canvas, spacing=canvas.between(14, 24), share=0.35, angle=angle)
    canvas.paint(lines, "containers")
    canvas.mark("railway", yard)
