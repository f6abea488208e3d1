"""What may happen between two dates of a series."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from msclip_search.simulation.canvas import Canvas
from msclip_search.simulation.scenes import farm, town, wild


def _flood(canvas: Canvas) -> None:
    farm.flood(canvas, canvas.between(0.35, 0.75))


def _fire(canvas: Canvas) -> None:
    wild.burn(canvas, canvas.between(0.5, 0.85))


def _felling(canvas: Canvas) -> None:
    wild.fell(canvas, canvas.between(0.3, 0.7))


def _building(canvas: Canvas) -> None:
    town.build(canvas, canvas.between(0.35, 0.7))


EVENTS: Mapping[str, Callable[[Canvas], None]] = MappingProxyType(
    {"flood": _flood, "fire": _fire, "felling": _felling, "building": _building}
)
"""Each changes a landscape that has been drawn. A fire burns only what burns, and felled are woods."""
