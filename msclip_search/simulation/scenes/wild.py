"""Woods, grass and wet ground."""

import numpy as np

from msclip_search.simulation import shapes
from msclip_search.simulation.canvas import Canvas
from msclip_search.simulation.scenes import furniture
from msclip_search.simulation.scenes.registry import scene

_BURNABLE = {
    "conifers", "dark conifers", "young conifers", "broadleaf", "shrubs", "dry shrubs", "steppe",
    "savanna grass", "heath", "meadow", "pasture", "stubble", "tree", "evergreen tree", "fallow",
    "winter cereals",
}  # fmt: skip
_WOODS = {"conifers", "dark conifers", "young conifers", "broadleaf", "rainforest"}


def _hills(canvas: Canvas, steepness: float) -> None:
    metres = canvas.scale(250, 1200)
    furniture.slope(canvas, metres=metres, height=furniture.ridge_height(metres, steepness), rough=0.45)


def _paths(canvas: Canvas, share: float = 0.25) -> None:
    """Cut forest roads and rides into a wood."""
    if canvas.chance(share):
        for _ in range(1 + int(canvas.between(0, 3))):
            width = canvas.between(7, 11)
            cover = canvas.choose(("alley grass", "alley grass", "dirt track"))
            distance = furniture.road(canvas, width=width, cover=cover, bend=canvas.between(0, 70))
            canvas.raise_(abs(distance) < width / 2 + 4, 0)


def _stands(canvas: Canvas, stands: dict[str, float]) -> None:
    """Plant a wood as stands of their own age and mix."""
    canvas.fill(next(iter(stands)))
    if canvas.chance(0.5):
        width = canvas.scale(90, 400)
        numbers = shapes.cells(
            canvas, width=width, length=1.5 * width, angle=canvas.angle(), wander=canvas.between(15, 60)
        )
        canvas.paint_many(numbers, stands)
    canvas.raise_(np.ones((canvas.side, canvas.side), dtype=np.bool_), 18)


def _gaps(canvas: Canvas) -> None:
    if canvas.chance(0.25):
        gap = shapes.blobs(canvas, canvas.between(0.01, 0.06), metres=canvas.between(60, 200))
        canvas.paint(gap, canvas.choose(("meadow", "felled", "shrubs", "pasture")))


@scene(
    "conifer forest",
    tags=("conifer forest", "forest"),
    climates=("boreal", "temperate", "alpine", "continental"),
    weight=1.5,
)
def conifers(canvas: Canvas) -> None:
    """Draw spruce, fir and pine in stands."""
    stands = {"conifers": 4.0, "dark conifers": canvas.between(0, 3), "young conifers": 1.0}
    _stands(canvas, {**stands, "broadleaf": canvas.between(0, 1)})
    _paths(canvas)
    _gaps(canvas)
    if canvas.chance(0.65):
        _hills(canvas, canvas.scale(0.05, 0.5))


@scene("broadleaf forest", tags=("broadleaf forest", "forest"), climates=("temperate", "continental"), weight=1.5)
def broadleaf(canvas: Canvas) -> None:
    """Draw beech, oak and maple, bare in winter."""
    _stands(canvas, {"broadleaf": 8.0, "tree": 1.0, "conifers": canvas.between(0, 0.8)})
    _paths(canvas)
    _gaps(canvas)
    if canvas.chance(0.65):
        _hills(canvas, canvas.scale(0.05, 0.45))


@scene("mixed forest", tags=("forest",), climates=("temperate", "continental", "boreal"))
def mixed(canvas: Canvas) -> None:
    """Draw conifers and broadleaved trees, in patches or tree by tree."""
    canvas.fill("broadleaf")
    grain = canvas.scale(30, 300)
    canvas.paint(shapes.blobs(canvas, canvas.between(0.3, 0.7), metres=grain, rough=0.7, soft=0.4), "conifers")
    canvas.raise_(np.ones((canvas.side, canvas.side), dtype=np.bool_), 18)
    canvas.mark("mixed forest")
    _paths(canvas)
    _gaps(canvas)
    if canvas.chance(0.6):
        _hills(canvas, canvas.scale(0.05, 0.4))


@scene("rainforest", tags=("rainforest", "forest"), climates=("tropical",))
def rainforest(canvas: Canvas) -> None:
    """Draw closed evergreen crowns of every height."""
    _stands(canvas, {"rainforest": 1.0})
    if canvas.chance(0.3):
        furniture.river(canvas, width=canvas.scale(15, 120), cover="turbid water")
    if canvas.chance(0.4):
        _hills(canvas, canvas.scale(0.05, 0.3))


@scene("deforestation", tags=("deforestation",), climates=("tropical",))
def deforestation(canvas: Canvas) -> None:
    """Draw rectangles cut into rainforest along a road."""
    canvas.fill("rainforest")
    canvas.raise_(np.ones((canvas.side, canvas.side), dtype=np.bool_), 28)
    angle = canvas.angle()
    width = canvas.scale(100, 400)
    numbers = shapes.strips(canvas, width=width, length=2.5 * width, angle=angle, uneven=0.5)
    near = abs(shapes.distance_to_line(canvas, angle=angle + 1.57, offset=canvas.between(-100, 100)))
    cut = (numbers * 31 % 97 < canvas.between(35, 75)) & (near < canvas.reach * canvas.between(0.5, 1.2))
    canvas.paint_many(numbers, {"alley red soil": 1.5, "pasture": 2.0, "felled": 1.5, "burnt": 0.3}, mask=cut)
    canvas.mark("deforestation", cut)
    with canvas.within(cut):
        furniture.trees(canvas, 0.01, cover="evergreen tree")
    furniture.road(canvas, width=10, angle=angle + 1.57, cover="alley red soil", bend=10)


@scene("clear-cuts in a forest", tags=("clear-cut",), climates=("boreal", "temperate", "continental"))
def clear_cuts(canvas: Canvas) -> None:
    """Draw blocks of felled trees in a managed forest."""
    _stands(canvas, {"conifers": 3.0, "dark conifers": 2.0, "young conifers": 1.5})
    fell(canvas, canvas.between(0.2, 0.6))
    _paths(canvas, 0.9)
    if canvas.chance(0.4):
        _hills(canvas, canvas.scale(0.05, 0.3))


def fell(canvas: Canvas, share: float) -> None:
    """Cut blocks of a wood."""
    width = canvas.scale(100, 350)
    numbers = shapes.cells(canvas, width=width, length=1.6 * width, angle=canvas.angle(), wander=20)
    cut = (numbers * 31 % 97 < share * 97) & canvas.covered(_WOODS)
    canvas.paint(cut, "felled")
    canvas.mark("clear-cut", cut)
    with canvas.within(cut):
        furniture.trees(canvas, 0.006)
        if canvas.chance(0.5):
            canvas.paint(shapes.rows(canvas, spacing=30, share=0.2, angle=canvas.angle()), "logs")


_FUEL = {
    "savanna": ("savanna grass", "dry shrubs", "steppe"),
    "mediterranean": ("shrubs", "dry shrubs", "conifers", "steppe"),
    "boreal": ("conifers", "young conifers", "dark conifers"),
}


@scene("burn scar", tags=("burn scar",), climates=("mediterranean", "boreal", "temperate", "savanna"))
def burn_scar(canvas: Canvas) -> None:
    """Draw what a fire has left, with islands that it passed over."""
    land = canvas.choose(_FUEL.get(canvas.climate, ("conifers", "young conifers", "heath", "meadow")))
    canvas.fill(land)
    if land in _WOODS:
        canvas.raise_(np.ones((canvas.side, canvas.side), dtype=np.bool_), 12)
    if canvas.chance(0.5):
        _paths(canvas)
    burn(canvas, canvas.between(0.35, 0.9))
    if canvas.chance(0.6):
        _hills(canvas, canvas.scale(0.05, 0.5))


def burn(canvas: Canvas, share: float) -> None:
    """Burn a part of what burns."""
    front = canvas.noise(canvas.scale(300, 900), rough=0.5)
    spared = canvas.noise(80, rough=0.6) > np.float32(1.5)
    scar = (front < np.float32(shapes.quantile(share))) & ~spared & canvas.covered(_BURNABLE)
    canvas.paint(scar, "burnt")
    canvas.raise_(scar, 3)
    canvas.mark("burn scar", scar)


@scene("shrubland", tags=("shrubland",), climates=("mediterranean", "arid", "savanna"))
def shrubland(canvas: Canvas) -> None:
    """Draw bushes over pale soil."""
    canvas.fill(canvas.choose(("shrubs", "dry shrubs")))
    canvas.paint(
        shapes.blobs(canvas, canvas.between(0.05, 0.4), metres=canvas.scale(40, 400), rough=0.7, soft=0.5), "steppe"
    )
    furniture.trees(canvas, canvas.scale(0.005, 0.08), cover="evergreen tree", height=3)
    if canvas.chance(0.4):
        furniture.road(canvas, width=6, cover="dirt track")
    if canvas.chance(0.7):
        _hills(canvas, canvas.scale(0.05, 0.45))


@scene("heathland", tags=("heathland",), climates=("temperate", "boreal"))
def heath(canvas: Canvas) -> None:
    """Draw heather, with grass and a few trees."""
    canvas.fill("heath")
    canvas.paint(
        shapes.blobs(canvas, canvas.between(0.05, 0.35), metres=canvas.scale(60, 250), rough=0.7, soft=0.5), "meadow"
    )
    furniture.trees(canvas, canvas.scale(0.003, 0.03), cover="tree")
    _paths(canvas, 0.6)
    if canvas.chance(0.5):
        _hills(canvas, canvas.scale(0.03, 0.25))


@scene("savanna", tags=("savanna",), climates=("savanna",))
def savanna(canvas: Canvas) -> None:
    """Draw grass with scattered trees."""
    canvas.fill("savanna grass")
    canvas.paint(shapes.blobs(canvas, canvas.between(0.05, 0.3), metres=300), "dry shrubs")
    furniture.trees(canvas, canvas.scale(0.02, 0.2), cover="evergreen tree", height=6)
    if canvas.chance(0.3):
        furniture.road(canvas, width=6, cover="alley red soil")


@scene("grassland", tags=("grassland",), climates=("continental", "temperate", "alpine", "mediterranean"), weight=1.5)
def grassland(canvas: Canvas) -> None:
    """Draw open grass, in herbs and tussocks, over hills."""
    main = canvas.choose(("meadow", "steppe", "steppe"))
    canvas.fill(main)
    canvas.paint(
        shapes.blobs(
            canvas, canvas.between(0.1, 0.6), metres=canvas.scale(60, 600), rough=0.65, soft=canvas.between(0.2, 0.9)
        ),
        canvas.choose(("steppe", "meadow", "dry shrubs", "heath")),
    )
    if canvas.chance(0.4):
        canvas.paint(
            shapes.blobs(canvas, canvas.between(0.01, 0.1), metres=100, rough=0.8),
            canvas.choose(("rock", "limestone", "fallow")),
        )
    if canvas.chance(0.3):
        furniture.trees(canvas, canvas.scale(0.002, 0.03), cover="shrubs", height=3)
    if canvas.chance(0.35):
        furniture.road(canvas, width=canvas.between(4, 8), cover="dirt track", bend=60)
    if canvas.chance(0.75):
        _hills(canvas, canvas.scale(0.04, 0.45))
    canvas.mark("grassland")


@scene("tundra", tags=("tundra",), climates=("arctic",))
def tundra(canvas: Canvas) -> None:
    """Draw moss, sedge and small ponds on frozen ground."""
    canvas.fill("tundra")
    if canvas.chance(0.4):
        numbers = shapes.cells(canvas, width=30, length=35, angle=0, wander=8)
        canvas.paint(shapes.edges(numbers), "bog")
    canvas.paint(shapes.blobs(canvas, canvas.between(0.05, 0.3), metres=200), "bog")
    if canvas.chance(0.7):
        ponds = shapes.blobs(canvas, canvas.between(0.02, 0.25), metres=canvas.scale(60, 250), rough=0.25)
        canvas.paint(ponds, "lake water")
        canvas.mark("ponds", ponds)
    if canvas.chance(0.3):
        canvas.paint(shapes.blobs(canvas, 0.1, metres=150, rough=0.7), "rock")


@scene("wetland", tags=("wetland",), climates=("temperate", "boreal", "monsoon", "tropical", "savanna", "continental"))
def wetland(canvas: Canvas) -> None:
    """Draw reeds and sedge with open water between."""
    canvas.fill("marsh")
    canvas.paint(shapes.blobs(canvas, canvas.between(0.1, 0.5), metres=150, rough=0.6), "reeds")
    ponds = shapes.blobs(canvas, canvas.between(0.05, 0.35), metres=canvas.scale(60, 300), rough=0.45)
    canvas.paint(ponds, canvas.choose(("green water", "lake water", "turbid water")))
    if canvas.chance(0.4):
        furniture.river(canvas, width=canvas.scale(10, 60), cover="turbid water")
    if canvas.chance(0.3):
        furniture.copse(canvas, 0.1, metres=120)


@scene("peat bog", tags=("peat bog", "wetland"), climates=("boreal", "temperate"))
def bog(canvas: Canvas) -> None:
    """Draw moss and pools, or the brown strips of peat cutting."""
    canvas.fill("bog")
    canvas.paint(shapes.blobs(canvas, canvas.between(0.05, 0.3), metres=80, rough=0.6), "heath")
    if canvas.chance(0.5):
        pools = shapes.blobs(canvas, canvas.between(0.02, 0.15), metres=50, rough=0.3)
        canvas.paint(pools, "lake water")
    if canvas.chance(0.4):
        numbers = shapes.strips(canvas, width=20, length=600, angle=canvas.angle(), uneven=0.1)
        dug = shapes.blobs(canvas, 0.5, metres=700, rough=0.1)
        with canvas.within(dug):
            canvas.fill("cut peat")
            canvas.paint(shapes.edges(numbers), "bog")
    furniture.copse(canvas, canvas.between(0.02, 0.2), cover="conifers")


@scene("mangrove coast", tags=("mangrove",), climates=("tropical", "monsoon"))
def mangrove(canvas: Canvas) -> None:
    """Draw dark green wood cut by tidal creeks."""
    canvas.fill("mangrove")
    sea = shapes.distance_to_line(
        canvas, angle=canvas.angle(), offset=canvas.between(-0.2, 0.8) * canvas.reach, bend=80
    )
    canvas.paint(sea > 0, "turbid water")
    for _ in range(1 + int(canvas.between(0, 3))):
        furniture.river(canvas, width=canvas.scale(10, 70), cover="turbid water")
    canvas.paint(shapes.blobs(canvas, canvas.between(0.01, 0.1), metres=120), "mud")
