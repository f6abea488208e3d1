"""A landscape in the making: a grid finer than the sensor's, on which scenes paint covers.

Each paint adds rows to a table of patches (a field, a roof, a lake) and writes their numbers into the grid, so that a
hundred fields of their own brightness cost no more than one. What a patch looks like is decided later, by the date.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from msclip_search.simulation.noise import Field, along, field

PIXEL = 5.0
"""Metres: the side of a pixel of the canvas."""
MARGIN = 6
"""Pixels of 10 m drawn around a tile on each side, so that its coarse bands and its shadows do not end at its edge."""
PER_PIXEL = 2
"""Canvas pixels along the side of a 10 m pixel."""

Mask = NDArray[np.bool_]
Labels = NDArray[np.intp]
_T = TypeVar("_T")
_Number = TypeVar("_Number", bound=np.generic)


@dataclass(frozen=True, slots=True)
class Landscape:
    """What lies where, before any date."""

    labels: Labels
    """(side, side): which patch each canvas pixel belongs to."""
    covers: tuple[str, ...]
    """The cover of each patch."""
    tall: Field | None
    """Metres that things stand above the ground, (side, side); None where nothing throws a shadow."""
    relief: Field | None
    """Height of the ground, metres, (side, side); None where it is flat."""
    marks: tuple[tuple[str, Mask], ...]
    """Tags that are more than a cover (an airport, a residential area) and where they are, (side, side)."""


class Canvas:
    """A grid of 5 m pixels that scenes paint on; x runs east and y south, in metres from the tile's centre."""

    def __init__(self, size: int, random: np.random.Generator, *, climate: str = "temperate") -> None:
        self.random = random
        self.climate = climate
        """Where on earth: what grows is chosen by it."""
        self.side = (size + 2 * MARGIN) * PER_PIXEL
        self.reach = self.side * PIXEL / 2
        """Metres from the centre to an edge."""
        axis = (np.arange(self.side, dtype=np.float32) + np.float32(0.5)) * np.float32(PIXEL) - np.float32(self.reach)
        self.x, self.y = axis[None, :], axis[:, None]
        self._labels: Labels = np.zeros((self.side, self.side), dtype=np.intp)
        self._covers: list[str] = []
        self._tall: Field | None = None
        self._relief: Field | None = None
        self._marks: list[tuple[str, Mask]] = []
        self._clip: Mask | None = None

    def finish(self) -> Landscape:
        """Return what was painted."""
        return Landscape(self._labels, tuple(self._covers), self._tall, self._relief, tuple(self._marks))

    # Chance.

    def between(self, low: float, high: float) -> float:
        """Draw a number evenly."""
        return low + (high - low) * float(self.random.random())

    def scale(self, low: float, high: float) -> float:
        """Draw a number evenly by its logarithm: sizes."""
        return low * math.pow(high / low, float(self.random.random()))

    def chance(self, share: float) -> bool:
        """Say yes with this probability."""
        return float(self.random.random()) < share

    def choose(self, names: Sequence[_T]) -> _T:
        """Draw one of several."""
        return names[int(float(self.random.random()) * len(names))]

    def angle(self) -> float:
        """Draw a direction, radians."""
        return self.between(0, math.pi)

    def noise(self, metres: float, *, rough: float = 0.5, finest: int = 1) -> Field:
        """Draw a random field of variance 1 with structures of this size."""
        return field(self.random, self.side, scale=metres / PIXEL, rough=rough, finest=finest)

    def curve(self, metres: float, *, rough: float = 0.4) -> Field:
        """Draw a random curve of variance 1, a value for each 5 m from corner to corner."""
        return along(self.random, math.ceil(self.side * 1.45) + 4, scale=metres / PIXEL, rough=rough)

    # Coordinates.

    def turned(self, angle: float) -> tuple[Field, Field]:
        """Return coordinates along and across a direction, metres, each (side, side)."""
        cosine, sine = np.float32(math.cos(angle)), np.float32(math.sin(angle))
        return cosine * self.x + sine * self.y, cosine * self.y - sine * self.x

    def at(self, curve: NDArray[_Number], along_metres: Field) -> NDArray[_Number]:
        """Look up a curve at coordinates along it."""
        places = (along_metres * np.float32(1 / PIXEL)).astype(np.intp)
        places += len(curve) // 2
        return np.take(curve, places, mode="clip")

    def spot(self, inside: float = 0.7) -> tuple[float, float]:
        """Draw a place, metres from the centre, in this share of the canvas."""
        reach = self.reach * inside
        return self.between(-reach, reach), self.between(-reach, reach)

    # Painting.

    @contextmanager
    def within(self, mask: Mask) -> Iterator[None]:
        """Paint nothing outside a mask."""
        before = self._clip
        self._clip = mask if before is None else before & mask
        try:
            yield
        finally:
            self._clip = before

    def clipped(self, mask: Mask) -> Mask:
        """Return the part of a mask that may be painted."""
        return mask if self._clip is None else mask & self._clip

    def fill(self, cover: str) -> None:
        """Paint everything, level with the ground."""
        self._covers.append(cover)
        if self._clip is None:
            self._labels[:] = len(self._covers) - 1
            self._tall = None
        else:
            np.copyto(self._labels, len(self._covers) - 1, where=self._clip)
            self._level(self._clip)

    def paint(self, mask: Mask, cover: str) -> None:
        """Paint one patch, level with the ground until it is raised."""
        self._covers.append(cover)
        where = self.clipped(mask)
        np.copyto(self._labels, len(self._covers) - 1, where=where)
        self._level(where)

    def paint_many(
        self, numbers: Labels, covers: Mapping[str, float], *, mask: Mask | None = None, patches: int = 96
    ) -> None:
        """Paint parcels, each a patch of its own, level with the ground until it is raised.

        Parameters
        ----------
        numbers
            Which parcel each pixel belongs to, (side, side), from 0.
        covers
            Covers and their weights; each parcel is given one.
        mask
            Where to paint; None is everywhere.
        patches
            Parcels beyond this number share the look of earlier ones.
        """
        first = len(self._covers)
        names, weights = list(covers), np.cumsum(list(covers.values()))
        drawn = np.searchsorted(weights, self.random.random(patches) * weights[-1], side="right")
        self._covers += [names[min(place, len(names) - 1)] for place in drawn]
        shuffled = numbers * 7919 % patches  # neighbours differ
        shuffled += first
        where = self._clip if mask is None else self.clipped(mask)
        if where is None:
            self._labels = shuffled
            self._tall = None
        else:
            np.copyto(self._labels, shuffled, where=where)
            self._level(where)

    def _level(self, where: Mask) -> None:
        """Take away what stood there."""
        if self._tall is not None:
            np.copyto(self._tall, np.float32(0), where=where)

    def raise_(self, mask: Mask, metres: float) -> None:
        """Let something stand above the ground."""
        if self._tall is None:
            self._tall = np.zeros((self.side, self.side), dtype=np.float32)
        np.copyto(self._tall, np.float32(metres), where=self.clipped(mask))

    def lift(self, height: Field) -> None:
        """Add to the height of the ground."""
        self._relief = height if self._relief is None else self._relief + height

    def mark(self, tag: str, mask: Mask | None = None) -> None:
        """Give a place a tag beside those of its covers; None is everywhere that may be painted."""
        whole = np.ones((self.side, self.side), dtype=np.bool_) if mask is None else mask
        self._marks.append((tag, self.clipped(whole)))

    def covered(self, covers: set[str]) -> Mask:
        """Return where one of these covers lies."""
        chosen = np.fromiter((cover in covers for cover in self._covers), np.bool_, len(self._covers))
        found: Mask = chosen[self._labels]
        return found
