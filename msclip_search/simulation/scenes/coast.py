"""Where land meets the sea, and the sea."""

import numpy as np

from msclip_search.simulation import shapes
from msclip_search.simulation.canvas import Canvas, Mask
from msclip_search.simulation.noise import Field
from msclip_search.simulation.scenes import furniture
from msclip_search.simulation.scenes.registry import scene
from msclip_search.simulation.scenes.water import built, land


def _coast(canvas: Canvas, land: float) -> tuple[Mask, Field]:
    distance = shapes.distance_to_line(
        canvas,
        angle=canvas.angle() * 2,
        offset=(land - 0.5) * 1.4 * canvas.reach,
        bend=canvas.scale(10, 150),
        scale=canvas.scale(250, 900),
    )
    distance = distance + canvas.noise(150, rough=0.6) * np.float32(canvas.scale(2, 15))
    return distance > 0, distance


@scene("open sea", tags=("sea",), climates=("temperate", "mediterranean", "tropical", "boreal", "monsoon", "arid"))
def sea(canvas: Canvas) -> None:
    """Draw nothing but water, perhaps a ship."""
    canvas.fill(canvas.choose(("sea water", "sea water", "sea water", "turbid water", "green water", "lake water")))
    everywhere = np.ones((canvas.side, canvas.side), dtype=np.bool_)
    if canvas.chance(0.2):
        _, v = canvas.turned(canvas.angle())
        plume = canvas.noise(500, rough=0.4) + v * np.float32(1.5 / canvas.reach)
        canvas.paint(plume > np.float32(canvas.between(0, 1)), "turbid water")
    if canvas.chance(0.3):
        furniture.boats(canvas, everywhere, 1 + int(canvas.between(0, 3)), length=60)
    canvas.mark("sea")


@scene(
    "sandy coast",
    tags=("beach", "sea", "coast"),
    climates=("temperate", "mediterranean", "tropical", "monsoon", "arid", "savanna"),
)
def beach(canvas: Canvas) -> None:
    """Draw a beach between land and sea, with shallows and surf."""
    land(canvas)
    if canvas.chance(0.3):
        built(canvas, np.ones((canvas.side, canvas.side), dtype=np.bool_))
    water, distance = _coast(canvas, canvas.between(0.25, 0.7))
    width = canvas.scale(15, 90)
    canvas.paint(distance > np.float32(-width), "beach")
    canvas.paint(water, canvas.choose(("sea water", "sea water", "turbid water")))
    shallow = water & (distance < np.float32(canvas.scale(30, 250)))
    canvas.paint(shallow, "shallow water")
    if canvas.chance(0.6):
        wave = distance + canvas.noise(60) * np.float32(8)
        canvas.paint(water & (wave < np.float32(canvas.between(6, 22))), "surf")
    canvas.mark("sea", water)
    canvas.mark("coast", abs(distance) < 150)


@scene("rocky coast", tags=("sea", "coast", "bare rock"), climates=("temperate", "boreal", "arctic", "mediterranean"))
def cliffs(canvas: Canvas) -> None:
    """Draw rock falling into the sea."""
    canvas.fill(canvas.choose(("shrubs", "heath", "meadow", "tundra", "rock")))
    water, distance = _coast(canvas, canvas.between(0.3, 0.7))
    canvas.paint(distance > np.float32(-canvas.scale(20, 120)), canvas.choose(("rock", "dark rock", "limestone")))
    canvas.paint(water, "sea water")
    islets = water & (distance < 250) & shapes.specks(canvas, 0.01, finest=2)
    canvas.paint(islets, "dark rock")
    if canvas.chance(0.7):
        canvas.paint(water & (distance + canvas.noise(40) * np.float32(9) < 8), "surf")
    canvas.mark("sea", water)
    canvas.mark("coast", abs(distance) < 150)
    canvas.lift(
        np.minimum(np.maximum(-distance * np.float32(canvas.between(0.1, 0.35)), 0), np.float32(90))
        + canvas.noise(200) * 6 * ~water
    )


@scene("lagoon", tags=("shallow water", "sea"), climates=("tropical",))
def lagoon(canvas: Canvas) -> None:
    """Draw turquoise shallows, reefs and perhaps an islet."""
    canvas.fill("sea water")
    depth = canvas.noise(canvas.scale(250, 800), rough=0.5)
    reef = depth < np.float32(shapes.quantile(canvas.between(0.4, 0.85)))
    canvas.paint(reef, "shallow water")
    canvas.paint(depth < np.float32(shapes.quantile(canvas.between(0.1, 0.3))), "shallow water")
    if canvas.chance(0.5):
        x, y = canvas.spot(0.5)
        radius = canvas.scale(40, 180)
        bend = canvas.noise(100) * np.float32(0.15 * radius)
        canvas.paint(shapes.disc(canvas, x, y, radius + 25, bend=bend), "beach")
        isle = shapes.disc(canvas, x, y, radius, bend=bend)
        canvas.paint(isle, "palm row")
        canvas.mark("island", isle)
    canvas.mark("sea")


@scene("mudflats", tags=("mudflat", "coast"), climates=("temperate", "monsoon", "arctic"))
def mudflats(canvas: Canvas) -> None:
    """Draw wet mud with branching tidal creeks."""
    canvas.fill("mud")
    wet = canvas.noise(canvas.scale(200, 700), rough=0.6)
    canvas.paint(wet < np.float32(shapes.quantile(canvas.between(0.2, 0.45))), "turbid water")
    canvas.paint(wet > np.float32(shapes.quantile(canvas.between(0.75, 0.97))), canvas.choose(("beach", "marsh")))
    for _ in range(2 + int(canvas.between(0, 3))):
        distance = shapes.distance_to_line(
            canvas, angle=canvas.angle(), offset=canvas.between(-0.7, 0.7) * canvas.reach, bend=90, scale=250
        )
        canvas.paint(abs(distance) < canvas.scale(6, 30), "turbid water")
    canvas.mark("mudflat", canvas.covered({"mud"}))
    canvas.mark("coast")


@scene("sea ice", tags=("sea ice", "sea"), climates=("arctic",))
def sea_ice(canvas: Canvas) -> None:
    """Draw floes with dark leads between."""
    canvas.fill("sea water")
    width = canvas.scale(50, 400)
    numbers = shapes.cells(canvas, width=width, length=1.3 * width, angle=canvas.angle(), wander=12)
    gap = shapes.edges(numbers, thick=True) | shapes.blobs(canvas, canvas.between(0.03, 0.4), metres=400, rough=0.6)
    canvas.paint_many(numbers, {"floe": 1.0}, mask=~gap)
    canvas.mark("sea")
