"""Where a tile has to lie: what boxes alone can tell, and what its outline tells.

Boxes and areas are compared in the plane of longitude and latitude, as GeoJSON draws them, borders included; what
crosses the antimeridian is in two parts there. Distances are measured on the ellipsoid.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from msclip_search.filters.distance import encloses, reach, within
from msclip_search.filters.filter import Filter
from msclip_search.geometry import Box

_MOST_PARTS = 64

Boxes = NDArray[np.float64]
"""(boxes, 4): west, south, east, north in the plane, so that west <= east."""
Mask = NDArray[np.bool_]


class Place(Protocol):
    """A clause about the place of a tile."""

    @property
    def around(self) -> Boxes:
        """Boxes that together hold all that can match."""

    def surely(self, boxes: Boxes) -> Mask:
        """Tell which tiles match, whatever their outline, by their boxes alone."""

    def holds(self, outlines: NDArray[np.object_]) -> Mask:
        """Tell which outlines match: shapely geometries, (outlines,)."""


def places(wanted: Filter) -> list[Place]:
    """List the clauses of a filter that ask for a place."""
    found: list[Place] = []
    if wanted.bbox is not None:
        found.append(Rectangle(_cut(wanted.bbox)))
    if wanted.intersects is not None:
        found.append(Area(wanted.intersects, _boxes_of(wanted.intersects)))
    if wanted.near is not None and wanted.radius is not None:
        longitude, latitude = wanted.near
        around = _cut(reach(longitude, latitude, wanted.radius))
        found.append(Circle(longitude, latitude, wanted.radius, around))
    return found


def meets(boxes: Boxes, others: Boxes) -> Mask:
    """Tell which boxes touch at least one of some others."""
    met = np.zeros(len(boxes), dtype=np.bool_)
    for west, south, east, north in others:
        met |= (boxes[:, 0] <= east) & (boxes[:, 2] >= west) & (boxes[:, 1] <= north) & (boxes[:, 3] >= south)
    return met


@dataclass(frozen=True, slots=True, eq=False)
class Rectangle:
    """A box, in one part or two."""

    around: Boxes

    def surely(self, boxes: Boxes) -> Mask:
        """Tell which boxes lie inside one part."""
        inside = np.zeros(len(boxes), dtype=np.bool_)
        for west, south, east, north in self.around:
            inside |= (boxes[:, 0] >= west) & (boxes[:, 2] <= east) & (boxes[:, 1] >= south) & (boxes[:, 3] <= north)
        return inside

    def holds(self, outlines: NDArray[np.object_]) -> Mask:
        """Tell which outlines touch a part."""
        import shapely

        met = np.zeros(len(outlines), dtype=np.bool_)
        for west, south, east, north in self.around:
            part = shapely.MultiPoint([(west, south), (east, south), (east, north), (west, north)]).envelope
            shapely.prepare(part)
            met |= shapely.intersects(part, outlines)
        return met


@dataclass(frozen=True, slots=True, eq=False)
class Area:
    """A geometry to be touched."""

    shape: Any
    around: Boxes

    def surely(self, boxes: Boxes) -> Mask:
        """Tell nothing: a box inside a geometry is as dear to find out as an outline."""
        return np.zeros(len(boxes), dtype=np.bool_)

    def holds(self, outlines: NDArray[np.object_]) -> Mask:
        """Tell which outlines touch it."""
        import shapely

        shapely.prepare(self.shape)
        touched: Mask = shapely.intersects(self.shape, outlines)
        return touched


@dataclass(frozen=True, slots=True, eq=False)
class Circle:
    """The surroundings of a point."""

    longitude: float
    latitude: float
    radius: float
    """Metres."""
    around: Boxes

    def surely(self, boxes: Boxes) -> Mask:
        """Tell which boxes lie inside wholly."""
        inside = meets(boxes, self.around)
        if inside.any():
            inside[inside] = encloses(boxes[inside], self.longitude, self.latitude, self.radius)
        return inside

    def holds(self, outlines: NDArray[np.object_]) -> Mask:
        """Tell which outlines are that near."""
        return within(outlines, self.longitude, self.latitude, self.radius)


def _cut(box: Box) -> Boxes:
    """Cut a box at the antimeridian."""
    west, south, east, north = box
    if west <= east:
        return np.array([box], dtype=np.float64)
    return np.array([(west, south, 180, north), (-180, south, east, north)], dtype=np.float64)


def _boxes_of(shape: Any) -> Boxes:  # noqa: ANN401 - shapely has no types
    """Return the boxes of a geometry's parts; of very many, the one around them all."""
    import shapely

    parts = shapely.get_parts(shape)
    boxes: Boxes = shapely.bounds(parts if len(parts) <= _MOST_PARTS else np.array([shape]))
    return boxes
