"""What stands in many landscapes: roads, rivers, hedges, trees, farms."""

import math

import numpy as np

from msclip_search.simulation import shapes
from msclip_search.simulation.canvas import PIXEL, Canvas, Labels, Mask
from msclip_search.simulation.noise import Field

ROOFS = {
    "red roofs": 4.0,
    "brown roofs": 3.0,
    "grey roofs": 3.0,
    "dark roofs": 2.0,
    "metal roofs": 0.4,
    "white roofs": 0.2,
}
"""Covers of houses and their weights."""
HALLS = {
    "white roofs": 2.5,
    "metal roofs": 3.0,
    "grey roofs": 4.0,
    "dark roofs": 3.0,
    "brown roofs": 1.5,
    "blue roofs": 0.2,
    "red roofs": 0.8,
    "green roofs": 0.2,
}
"""Covers of halls and their weights."""


def road(
    canvas: Canvas, *, width: float, angle: float | None = None, cover: str = "asphalt", bend: float | None = None
) -> Field:
    """Draw a road across the canvas; returns the distance to its middle, metres."""
    distance = shapes.distance_to_line(
        canvas,
        angle=canvas.angle() if angle is None else angle,
        offset=canvas.between(-0.5, 0.5) * canvas.reach,
        bend=canvas.between(0, 0.12) * canvas.reach if bend is None else bend,
        scale=canvas.scale(300, 1200),
    )
    canvas.paint(abs(distance) < np.float32(width / 2), cover)
    return distance


def river(canvas: Canvas, *, width: float, cover: str, banks: str | None = None) -> Mask:
    """Draw a river across the canvas, trees along it where wanted; returns the water."""
    scale = max(200.0, 9 * width)
    distance = shapes.distance_to_line(
        canvas,
        angle=canvas.angle(),
        offset=canvas.between(-0.35, 0.35) * canvas.reach,
        bend=canvas.between(0.25, 1.0) * 0.22 * scale,
        scale=scale,
    )
    half = np.float32(width / 2) * (1 + np.float32(0.12) * canvas.noise(scale))
    away = abs(distance)
    if banks:
        strip = np.float32(canvas.scale(10, 45)) * (1 + np.float32(0.7) * canvas.noise(120, rough=0.7))
        canvas.paint(away < half + strip, banks)
    water: Mask = away < half
    canvas.paint(water, cover)
    canvas.raise_(away < half + 6, 0)
    tag = "river" if width > 18 else "stream"
    canvas.mark(tag, water)
    return water


def hedges(canvas: Canvas, numbers: Labels, *, share: float, cover: str = "tree", wide: bool = False) -> None:
    """Plant hedges along some of the edges of parcels."""
    edge = shapes.edges(numbers, thick=wide)
    if share < 1:
        edge &= shapes.blobs(canvas, share, metres=150, rough=0.7)
    canvas.paint(edge, cover)
    canvas.raise_(edge, 7)


def tracks(canvas: Canvas, numbers: Labels, *, share: float, cover: str = "dirt track") -> None:
    """Lay tracks along some of the edges of parcels."""
    canvas.paint(shapes.edges(numbers) & shapes.blobs(canvas, share, metres=400), cover)


def trees(canvas: Canvas, share: float, *, cover: str = "tree", finest: int = 0, height: float = 9) -> None:
    """Scatter single trees (`finest` 0) or groups of them."""
    mask = shapes.specks(canvas, share, finest=finest)
    canvas.paint(mask, cover)
    canvas.raise_(mask, height)


def copse(canvas: Canvas, share: float, *, metres: float = 250, cover: str = "tree") -> None:
    """Plant patches of wood."""
    mask = shapes.blobs(canvas, share, metres=metres, rough=0.4, soft=0.12)
    canvas.paint(mask, cover)
    canvas.raise_(mask, 14)


def farmsteads(canvas: Canvas, count: int) -> None:
    """Put a few farms somewhere: a yard, some roofs, trees."""
    for _ in range(count):
        x, y = canvas.spot(0.9)
        angle = canvas.angle()
        size = canvas.between(30, 55)
        canvas.paint(shapes.disc(canvas, x, y, size), "tree" if canvas.chance(0.5) else "lawn")
        canvas.paint(shapes.box(canvas, x, y, length=size, width=0.8 * size, angle=angle), "yard")
        for _ in range(1 + int(canvas.between(1, 3))):
            dx, dy = canvas.between(-0.4, 0.4) * size, canvas.between(-0.4, 0.4) * size
            length, width = canvas.between(15, 40), canvas.between(9, 18)
            roof = shapes.box(canvas, x + dx, y + dy, length=length, width=width, angle=angle)
            canvas.paint(roof, canvas.choose(("red roofs", "grey roofs", "metal roofs", "brown roofs")))
            canvas.raise_(roof, 7)


def houses(
    canvas: Canvas,
    *,
    angle: float,
    lot: float,
    depth: float,
    built: float,
    roofs: dict[str, float],
    street: float,
    block: float,
    bend: float = 0.0,
    height: float = 6,
    within: Mask | None = None,
    street_cover: str = "asphalt",
) -> Mask:
    """Build blocks of two rows of lots between streets, a house on each lot; returns the streets.

    Parameters
    ----------
    canvas
        Where.
    angle
        Of the streets.
    lot, depth
        Metres of a lot along and away from its street.
    built
        Share of a lot's side that its house takes, 0 to 1.
    roofs
        Covers of the houses and their weights.
    street
        Metres of a street's width.
    block
        Metres between crossing streets.
    bend
        Metres by which streets are bent.
    height
        Metres of a house.
    within
        Where; None is everywhere.
    street_cover
        Cover of the streets.
    """
    u, v = canvas.turned(angle)
    if bend:
        curve = canvas.noise(500, rough=0.3, finest=2) * np.float32(bend)
        u, v = u + curve, v - curve
    pitch = 2 * depth + street
    far = np.float32(canvas.reach * 2)
    su, sv = (u + far) * np.float32(1 / block), (v + far) * np.float32(1 / pitch)
    across, down = su.astype(np.intp), sv.astype(np.intp)
    su -= across.astype(np.float32)
    sv -= down.astype(np.float32)
    streets = (sv < np.float32(street / pitch)) | (su < np.float32(0.8 * street / block))
    count = max(1, int((block - street) / lot))
    along = (su - np.float32(0.8 * street / block)) * np.float32(count / (1 - 0.8 * street / block))
    number = along.astype(np.intp)
    along -= number.astype(np.float32) + np.float32(0.5)
    away = (sv - np.float32(street / pitch)) * np.float32(2 / (1 - street / pitch))
    side = away.astype(np.intp)
    away -= side.astype(np.float32) + np.float32(0.5)
    key = ((across * 37 + down * 101) * 8 + number) * 2 + side & 4095
    table = canvas.random.random((4, 4096)).astype(np.float32)
    half_u = (np.float32(0.28) + np.float32(0.3) * table[0])[key] * np.float32(built)
    half_v = (np.float32(0.24) + np.float32(0.3) * table[1])[key] * np.float32(built)
    away += ((table[2] - np.float32(0.5)) * np.float32(0.35 * (1 - built)))[key]
    house = (abs(along) < half_u) & (abs(away) < half_v) & ~streets & (table[3] < np.float32(0.92))[key]
    if within is not None:
        house &= within
        streets = streets & within
    canvas.paint(streets, street_cover)
    canvas.paint_many(key, roofs, mask=house, patches=24)
    canvas.raise_(house, height)
    return streets


def slope(canvas: Canvas, *, metres: float, height: float, rough: float = 0.5) -> None:
    """Lift the ground to hills: `height` is the deviation of their height, metres."""
    canvas.lift(canvas.noise(metres, rough=rough, finest=2) * np.float32(height))


def ridge_height(metres: float, steepness: float) -> float:
    """Height that gives hills of this size a slope, as a tangent."""
    return steepness * metres / math.pi


def boats(canvas: Canvas, water: Mask, count: int, *, length: float = 25) -> None:
    """Put ships on the water, some with a wake."""
    for _ in range(count):
        x, y = canvas.spot(0.9)
        angle = canvas.angle() * 2
        size = length * canvas.scale(0.5, 2.5)
        with canvas.within(water):
            if canvas.chance(0.4):
                reach = size * canvas.between(1, 2.5)
                middle = (size / 2 + reach / 2) * math.cos(angle), (size / 2 + reach / 2) * math.sin(angle)
                wake = shapes.box(canvas, x + middle[0], y + middle[1], length=reach, width=2 * PIXEL, angle=angle)
                canvas.paint(wake, "surf")
            canvas.paint(shapes.box(canvas, x, y, length=size, width=max(size / 5, PIXEL), angle=angle), "ship")
