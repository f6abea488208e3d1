"""Landscapes of more than one scene: two that meet, or one with a river, a road or a village in it."""

import numpy as np

from msclip_search.simulation import shapes
from msclip_search.simulation.canvas import Canvas
from msclip_search.simulation.places import Place
from msclip_search.simulation.scenes import SCENES, Scene, furniture

_MEETING = 0.3
"""Share of tiles in which a second scene takes a part."""
_CROSSING = 0.15
"""Share of tiles that a river or road crosses."""


def compose(canvas: Canvas, scene: Scene, place: Place, *, alone: bool) -> None:
    """Draw a scene, and where it need not stay alone perhaps another beside it.

    Parameters
    ----------
    canvas
        Where.
    scene
        What.
    place
        Where on earth: the other scene is one that is found there too.
    alone
        Whether nothing else may be drawn.
    """
    scene.draw(canvas)
    if alone:
        return
    draw = canvas.between(0, 1)
    if draw < _MEETING:
        others = [
            other
            for other in SCENES.values()
            if other.found(place.climate, shore=place.shore) and other.name != scene.name
        ]
        part = shapes.distance_to_line(
            canvas,
            angle=canvas.angle() * 2,
            offset=canvas.between(-0.3, 0.5) * canvas.reach,
            bend=canvas.scale(2, 80),
            scale=canvas.scale(200, 900),
        )
        with canvas.within(part > 0):
            others[int(canvas.between(0, len(others)))].draw(canvas)
    elif draw < _MEETING + _CROSSING and place.climate not in {"arctic", "arid"}:
        if canvas.chance(0.5):
            furniture.river(
                canvas,
                width=canvas.scale(8, 90),
                cover=canvas.choose(("turbid water", "green water", "lake water")),
                banks=canvas.choose(("tree", "meadow")),
            )
        else:
            distance = furniture.road(canvas, width=canvas.between(8, 16))
            canvas.raise_(abs(distance) < np.float32(12), 0)
