"""What a map shows: a rectangle of longitudes and latitudes, drawn true to scale in its middle."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from msclip_search.geometry import Box

WIDTH = 360
"""Pixels of a map, before the page scales it."""
_HEIGHT = 250
_TURN, _HALF, _POLE = 360.0, 180.0, 90.0
_WORLD = 150.0
"""Degrees of longitude beyond which all of the world is shown."""
_SOUTH, _NORTH = -58.0, 84.0
"""Latitudes of a map of the world, unless something lies beyond."""
_AROUND = 1.35
"""How much more than the tiles a map shows."""
_TILES = 4.0
"""Heights of a tile that a map shows at least."""
_NARROWEST = 0.15
"""Smallest shrinking of longitudes: beyond 81° of latitude, maps are wider than the ground."""
_KILOMETRES = 111.32
"""Of a degree of latitude."""
_STEPS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 45, 60)
_NICE = (1, 2, 5)
_ROUNDING = 1e-9
"""Degrees by which sums of angles may be off."""


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """A rectangle of the Earth on a map."""

    west: float
    south: float
    east: float
    """Degrees, beyond 180 across the antimeridian."""
    north: float
    width: float
    """Pixels."""
    height: float

    def __post_init__(self) -> None:
        """Refuse what has no area."""
        if not (self.west < self.east and self.south < self.north and min(self.width, self.height) > 0):
            raise ValueError(f"A view has an area, got {self}.")

    @classmethod
    def world(cls, boxes: Sequence[Box] = (), *, width: float = WIDTH) -> Self:
        """Show all longitudes, and the latitudes where there is land or a tile."""
        south = -_POLE if any(box[1] < _SOUTH for box in boxes) else _SOUTH
        north = _POLE if any(box[3] > _NORTH for box in boxes) else _NORTH
        height = width * (north - south) / _TURN
        return cls(west=-_HALF, south=south, east=_HALF, north=north, width=width, height=height)

    @classmethod
    def around(cls, box: Box, *, least: float = 0.0, width: float = WIDTH, height: float = _HEIGHT) -> Self:
        """Show a box, whose east may lie beyond 180, with some ground around it.

        Parameters
        ----------
        box
            west, south, east, north.
        least
            Degrees of latitude to show at least.
        width, height
            Pixels.
        """
        west, south, east, north = box
        middle = (west + east) / 2
        high = max((north - south) * _AROUND, least)
        level = (south + north) / 2
        narrow = max(math.cos(math.radians(level)), _NARROWEST)
        high = min(max(high, (east - west) * _AROUND * narrow * height / width), _HALF)
        level = min(max(level, high / 2 - _POLE), _POLE - high / 2)
        wide = min(high / narrow * width / height, _TURN)
        return cls(
            west=middle - wide / 2,
            south=level - high / 2,
            east=middle + wide / 2,
            north=level + high / 2,
            width=width,
            height=height,
        )

    @property
    def degrees(self) -> float:
        """Degrees of latitude that it shows."""
        return self.north - self.south

    def project(
        self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Turn degrees into pixels from the upper left corner."""
        x = (longitude - self.west) / (self.east - self.west) * self.width
        y = (self.north - latitude) / self.degrees * self.height
        return x, y

    def place(self, longitude: float) -> float:
        """Return a longitude a number of turns further, so that it lies in the view if it can."""
        middle = (self.west + self.east) / 2
        return longitude + _TURN * round((middle - longitude) / _TURN)

    def meridians(self) -> list[float]:
        """Longitudes of a few lines."""
        return _lines(self.west, self.east)

    def parallels(self) -> list[float]:
        """Latitudes of a few lines."""
        return _lines(self.south, self.north)

    def scale(self) -> tuple[float, float]:
        """Return a round number of kilometres for a bar, and its length in pixels."""
        pixel = self.degrees * _KILOMETRES / self.height
        longest = pixel * self.width / 4
        power = 10.0 ** math.floor(math.log10(longest))
        kilometres = power * max(nice for nice in _NICE if nice * power <= longest)
        return kilometres, kilometres / pixel


def unrolled(boxes: Sequence[Box]) -> Box:
    """Return the smallest box around boxes, across the antimeridian where that is shorter: east may be beyond 180."""
    spans = sorted((west % _TURN, _span(west, east)) for west, _, east, _ in boxes)
    start, reached, widest = spans[0][0], spans[0][0], -1.0
    for west, span in (*spans, (spans[0][0] + _TURN, 0.0)):
        if west - reached > widest:
            start, widest = west, west - reached
        reached = max(reached, west + span)
    start = (start + _HALF) % _TURN - _HALF
    end = max(start + _turned(west - start) + _span(west, east) for west, _, east, _ in boxes)
    return start, min(box[1] for box in boxes), end, max(box[3] for box in boxes)


def choose_view(boxes: Sequence[Box]) -> View:
    """Choose what a map of some tiles shows.

    Parameters
    ----------
    boxes
        west, south, east, north of each, at least one; west > east across the antimeridian.
    """
    around = unrolled(boxes)
    if around[2] - around[0] > _WORLD:
        return View.world(boxes)
    return View.around(around, least=_TILES * max(box[3] - box[1] for box in boxes))


def _span(west: float, east: float) -> float:
    return east - west + _TURN * (east < west)


def _turned(degrees: float) -> float:
    """Bring an angle to 0 to 360; what rounding left below 0 is 0, and not a whole turn."""
    return max(degrees, 0.0) if degrees > -_ROUNDING else degrees % _TURN


def _lines(start: float, end: float) -> list[float]:
    step = next((step for step in _STEPS if (end - start) / step <= 6), _STEPS[-1])
    return [round(number * step, 3) for number in range(math.ceil(start / step), math.floor(end / step) + 1)]
