"""Where people live and work."""

import numpy as np

from msclip_search.simulation import shapes
from msclip_search.simulation.canvas import Canvas
from msclip_search.simulation.scenes import furniture
from msclip_search.simulation.scenes.furniture import HALLS, ROOFS
from msclip_search.simulation.scenes.registry import scene


def _roofs(canvas: Canvas) -> dict[str, float]:
    """Give a town a roof of its own taste."""
    return {name: weight * canvas.scale(0.15, 6) for name, weight in ROOFS.items()}


def ground(canvas: Canvas, *, green: float) -> None:
    """Lay gardens, yards and trees."""
    canvas.fill("lawn")
    canvas.paint(shapes.specks(canvas, 1 - green, finest=1), canvas.choose(("yard", "paving", "alley grass")))
    furniture.trees(canvas, canvas.between(0.2, 0.7) * green, finest=int(canvas.between(0, 2)), height=8)


@scene("residential area", tags=("residential area",), weight=1.5)
def residential(canvas: Canvas) -> None:
    """Draw houses with gardens along streets."""
    green = canvas.between(0.6, 0.98)
    ground(canvas, green=green)
    angle = canvas.angle()
    furniture.houses(
        canvas,
        angle=angle,
        lot=canvas.scale(11, 30),
        depth=canvas.scale(16, 42),
        built=canvas.between(0.6, 1.0),
        roofs=_roofs(canvas),
        street=canvas.between(6, 11),
        block=canvas.scale(70, 280),
        bend=canvas.choose((0.0, 20.0, 50.0, 90.0)),
        street_cover=canvas.choose(("asphalt", "asphalt", "paving")),
    )
    furniture.trees(canvas, canvas.between(0.05, 0.25) * green)  # over streets and roofs
    canvas.mark("residential area")
    if canvas.chance(0.35):
        _park(canvas)
    if canvas.chance(0.3):
        furniture.road(canvas, width=canvas.between(10, 18))
    if canvas.chance(0.25):
        _field_of_sports(canvas)
    if canvas.chance(0.3):
        furniture.copse(canvas, canvas.between(0.03, 0.12), metres=120)


def _park(canvas: Canvas) -> None:
    x, y = canvas.spot(0.7)
    park = shapes.disc(canvas, x, y, canvas.scale(40, 140), bend=canvas.noise(100) * np.float32(12))
    canvas.paint(park, "lawn")
    with canvas.within(park):
        furniture.trees(canvas, canvas.between(0.1, 0.6), finest=1)
    canvas.mark("park", park)


def _field_of_sports(canvas: Canvas) -> None:
    x, y = canvas.spot(0.8)
    angle = canvas.angle()
    canvas.paint(shapes.box(canvas, x, y, length=130, width=90, angle=angle), canvas.choose(("lawn", "tennis court")))
    canvas.paint(shapes.box(canvas, x, y, length=105, width=65, angle=angle), canvas.choose(("sports turf", "lawn")))
    canvas.mark("sports field", shapes.box(canvas, x, y, length=130, width=90, angle=angle))


@scene("city centre", tags=("city centre", "residential area"))
def city(canvas: Canvas) -> None:
    """Draw closed blocks around courtyards."""
    canvas.fill("asphalt")
    width = canvas.scale(50, 130)
    numbers = (
        shapes.strips(canvas, width=width, length=1.5 * width, angle=canvas.angle(), uneven=0.3)
        if canvas.chance(0.5)
        else shapes.cells(canvas, width=width, length=1.3 * width, angle=canvas.angle(), wander=canvas.between(0, 12))
    )
    small = shapes.cells(canvas, width=canvas.between(12, 22), length=canvas.between(18, 32), angle=canvas.angle())
    canvas.paint_many(small, _roofs(canvas), patches=48)
    canvas.raise_(np.ones((canvas.side, canvas.side), dtype=np.bool_), canvas.between(12, 24))
    yards = shapes.blobs(canvas, canvas.between(0.15, 0.4), metres=35, rough=0.4, soft=0.3)
    canvas.paint(yards, canvas.choose(("yard", "lawn", "tree", "tree")))
    streets = shapes.edges(numbers, thick=canvas.chance(0.5))
    canvas.paint(streets, "asphalt")
    canvas.raise_(streets | yards, 0)
    furniture.trees(canvas, canvas.between(0.03, 0.25))
    canvas.mark("city centre")
    canvas.mark("residential area")
    if canvas.chance(0.3):
        furniture.road(canvas, width=canvas.between(18, 30), bend=0)
    if canvas.chance(0.35):
        _park(canvas)


@scene("industrial area", tags=("industrial area",), weight=1.3)
def industrial(canvas: Canvas) -> None:
    """Draw halls, yards and parked goods."""
    canvas.fill(canvas.choose(("paving", "yard", "asphalt", "asphalt")))
    canvas.paint(
        shapes.blobs(canvas, canvas.between(0.1, 0.4), metres=50, rough=0.5), canvas.choose(("yard", "asphalt"))
    )
    canvas.paint(
        shapes.blobs(canvas, canvas.between(0.2, 0.6), metres=canvas.scale(100, 600), rough=0.35, soft=0.1),
        canvas.choose(("lawn", "meadow", "pasture")),
    )
    canvas.paint(shapes.specks(canvas, 0.05, finest=1), canvas.choose(("containers", "concrete", "asphalt")))
    size = canvas.scale(50, 250)
    furniture.houses(
        canvas,
        angle=canvas.angle(),
        lot=size,
        depth=size * canvas.between(0.6, 1.1),
        built=canvas.between(0.9, 1.5),
        roofs={name: weight * canvas.scale(0.2, 5) for name, weight in HALLS.items()},
        street=canvas.between(10, 24),
        block=canvas.between(2.2, 5.2) * size,
        height=10,
    )
    if canvas.chance(0.4):  # smaller buildings between
        small = canvas.between(18, 35)
        furniture.houses(
            canvas,
            angle=canvas.angle(),
            lot=small,
            depth=small,
            built=0.9,
            roofs={**HALLS, **ROOFS},
            street=10,
            block=4 * small,
            within=shapes.blobs(canvas, 0.35, metres=250, rough=0.2),
        )
    with canvas.within(~canvas.covered({*HALLS, *ROOFS})):
        furniture.trees(canvas, canvas.scale(0.08, 0.35), finest=1 + int(canvas.between(0, 2)))
    canvas.mark("industrial area")
    if canvas.chance(0.3):
        _tracks(canvas, 2 + int(canvas.between(0, 3)))
    if canvas.chance(0.3):
        furniture.road(canvas, width=canvas.between(12, 24))


def _tracks(canvas: Canvas, count: int, *, angle: float | None = None, tag: str = "railway") -> None:
    distance = shapes.distance_to_line(
        canvas,
        angle=canvas.angle() if angle is None else angle,
        offset=canvas.between(-0.4, 0.4) * canvas.reach,
        bend=canvas.between(0, 40),
        scale=1500,
    )
    bed = abs(distance) < 5 * count
    canvas.paint(bed, "rails")
    canvas.mark(tag, bed)


@scene(
    "village", tags=("village",), climates=("temperate", "continental", "mediterranean", "savanna", "monsoon", "alpine")
)
def village(canvas: Canvas) -> None:
    """Draw a cluster of houses among fields."""
    width = canvas.scale(60, 250)
    numbers = shapes.cells(canvas, width=width, length=2 * width, angle=canvas.angle(), wander=12)
    canvas.paint_many(
        numbers, {"winter cereals": 2.0, "pasture": 2.0, "maize": 1.5, "fallow": 1.0, "ploughed": 0.6, "tree": 0.4}
    )
    x, y = canvas.spot(0.4)
    core = shapes.disc(canvas, x, y, canvas.scale(110, 280), bend=canvas.noise(200) * np.float32(50))
    with canvas.within(core):
        ground(canvas, green=canvas.between(0.4, 0.8))
        furniture.houses(
            canvas,
            angle=canvas.angle(),
            lot=canvas.between(14, 28),
            depth=canvas.between(20, 40),
            built=canvas.between(0.6, 1.0),
            roofs=_roofs(canvas),
            street=7,
            block=canvas.between(80, 160),
            bend=40,
        )
        canvas.mark("village")
    for _ in range(1 + int(canvas.between(0, 2))):
        furniture.road(canvas, width=7)


@scene("golf course", tags=("golf course",), climates=("temperate", "mediterranean", "monsoon", "arid"))
def golf(canvas: Canvas) -> None:
    """Draw mown fairways, bunkers and ponds among trees."""
    canvas.fill("meadow")
    furniture.copse(canvas, canvas.between(0.25, 0.5), metres=120)
    for _ in range(3 + int(canvas.between(0, 4))):
        distance = shapes.distance_to_line(
            canvas, angle=canvas.angle(), offset=canvas.between(-0.8, 0.8) * canvas.reach, bend=30, scale=250
        )
        fairway = (abs(distance) < canvas.between(18, 30)) & shapes.blobs(canvas, 0.7, metres=300, rough=0.2)
        canvas.paint(fairway, "lawn")
        canvas.raise_(fairway, 0)
    canvas.paint(shapes.blobs(canvas, 0.02, metres=25), "beach")
    ponds = shapes.blobs(canvas, canvas.between(0.01, 0.05), metres=90, rough=0.2)
    canvas.paint(ponds, "lake water")
    canvas.mark("golf course")


def build(canvas: Canvas, share: float) -> None:
    """Put a new estate on open land."""
    open_land = canvas.covered(
        {
            "winter cereals",
            "maize",
            "roots",
            "rapeseed",
            "sunflower",
            "cotton",
            "alfalfa",
            "fallow",
            "ploughed",
            "red soil",
            "pasture",
            "meadow",
            "steppe",
            "lawn",
        }
    )
    site = open_land & shapes.blobs(canvas, share, metres=700, rough=0.2)
    canvas.paint(site, "yard")
    size = canvas.choose((18.0, 60.0))
    furniture.houses(
        canvas,
        angle=canvas.angle(),
        lot=size,
        depth=1.3 * size,
        built=0.9,
        roofs=ROOFS if size < 30 else HALLS,
        street=9,
        block=6 * size,
        within=site,
    )
    canvas.mark("residential area" if size < 30 else "industrial area", site)
