"""Outlines of other people's tables as we keep them: well-known binary of polygons, in longitude and latitude."""

from collections.abc import Callable, Sequence
from typing import NoReturn, TypeAlias

import numpy as np
import shapely
from numpy.typing import NDArray

from msclip_search.geometry import Footprint, footprint

Refuse: TypeAlias = Callable[[int, str], NoReturn]
Shapes: TypeAlias = NDArray[np.object_]

_HALF_TURN = 180.0
_POLE = 90.0
_ROUNDING = 1e-6
_POLYGON, _MULTIPOLYGON = 3, 6
_WAY_OUT = "leave it out with --column geometry="


def footprints(outlines: Sequence[bytes | str | None], refuse: Refuse) -> list[Footprint | None]:
    """Make outlines of WKB or WKT; None where there is none, or an empty one. What crosses itself is refused.

    Rings are turned counterclockwise, heights left out. A polygon wider than half the globe goes around the other
    way: it is split at the antimeridian.

    Parameters
    ----------
    outlines
        One a row.
    refuse
        Raises, given a row and what is wrong with it.
    """
    shapes = _read(outlines, refuse)
    shapes[shapely.is_empty(shapes)] = None
    kinds = shapely.get_type_id(shapes)
    for row in np.flatnonzero((kinds >= 0) & (kinds != _POLYGON) & (kinds != _MULTIPOLYGON))[:1].tolist():
        kind = shapes[row].geom_type
        refuse(row, f"an outline that is a {kind}, not a polygon: {_WAY_OUT}")
    there = kinds >= 0
    corners, rows = shapely.get_coordinates(shapes, return_index=True)
    for row in rows[np.isnan(corners).any(axis=1)][:1].tolist():
        refuse(row, f"an outline with a corner that is no number: {_WAY_OUT}")
    bounds = shapely.bounds(shapes)
    beyond = np.abs(bounds).max(axis=1) > np.where(there, _HALF_TURN + _ROUNDING, np.inf)
    beyond |= there & (np.abs(bounds[:, [1, 3]]).max(axis=1) > _POLE + _ROUNDING)
    beyond |= there & ~np.isfinite(bounds).all(axis=1)
    for row in np.flatnonzero(beyond)[:1].tolist():
        refuse(row, f"an outline that is not in degrees of longitude and latitude: {_box(bounds[row])}")
    # One from −180 to 180 goes around a pole, and is drawn as it is meant.
    wide = there & (kinds == _POLYGON) & (bounds[:, 2] - bounds[:, 0] > _HALF_TURN)
    wide &= (bounds[:, 0] > -_HALF_TURN) | (bounds[:, 2] < _HALF_TURN)
    _check_valid(shapes, there, wide, refuse)
    encoded = shapely.to_wkb(_oriented(shapely.force_2d(shapes)), byte_order=1)
    return [
        _split(shapes[row], row, refuse) if wide[row] else Footprint(wkb) if wkb is not None else None
        for row, wkb in enumerate(encoded)
    ]


def _check_valid(shapes: Shapes, there: NDArray[np.bool_], wide: NDArray[np.bool_], refuse: Refuse) -> None:
    """Refuse what crosses itself, or is a line: repairing it would guess which side is inside."""
    laid_out = shapes.copy()
    for row in np.flatnonzero(wide).tolist():
        laid_out[row] = _unrolled(shapes[row])
    for row in np.flatnonzero(there & ~shapely.is_valid(laid_out))[:1].tolist():
        reason = shapely.is_valid_reason(laid_out[row])
        refuse(row, f"an outline that is none ({reason}): mend it, or {_WAY_OUT}")


def _unrolled(polygon: shapely.Polygon) -> shapely.Polygon:
    """Lay the ring of a polygon out so that no step is longer than half a turn; around a pole, close it along that."""
    ring = np.asarray(polygon.exterior.coords)[:, :2]
    steps = (np.diff(ring[:, 0]) + _HALF_TURN) % (2 * _HALF_TURN) - _HALF_TURN
    ring[1:, 0] = ring[0, 0] + np.cumsum(steps)
    if abs(ring[-1, 0] - ring[0, 0]) < _HALF_TURN:
        ring[-1] = ring[0]  # but for rounding it is
        return shapely.Polygon(ring)
    pole = np.copysign(_POLE, ring[:, 1].mean())
    return shapely.Polygon([*ring, (ring[-1, 0], pole), (ring[0, 0], pole)])


def _read(outlines: Sequence[bytes | str | None], refuse: Refuse) -> Shapes:
    """Read all at once, and one by one only to find the one that cannot be read."""
    are_texts = any(isinstance(outline, str) for outline in outlines)
    read = shapely.from_wkt if are_texts else shapely.from_wkb
    with np.errstate(invalid="ignore"):  # NaN among the coordinates is refused when all are read
        try:
            shapes: Shapes = read(np.array(outlines, dtype=object))
        except shapely.errors.ShapelyError:
            for row, outline in enumerate(outlines):
                try:
                    read(outline)
                except shapely.errors.ShapelyError as error:
                    refuse(row, f"an outline that cannot be read ({error})")
            raise
    return shapes


def _oriented(shapes: Shapes) -> Shapes:
    """Turn rings as RFC 7946 asks, where an exterior one runs clockwise."""
    from shapely.geometry.polygon import orient

    parts, rows = shapely.get_parts(shapes, return_index=True)
    for row in np.unique(rows[~shapely.is_ccw(shapely.get_exterior_ring(parts))]).tolist():
        turned = [orient(part) for part in parts[rows == row]]
        shapes[row] = turned[0] if shapely.get_type_id(shapes[row]) == _POLYGON else shapely.MultiPolygon(turned)
    return shapes


def _split(polygon: shapely.Polygon, row: int, refuse: Refuse) -> Footprint:
    ring = np.asarray(polygon.exterior.coords)[:-1]
    return footprint(ring[:, 0], ring[:, 1]) or refuse(row, f"an outline that encloses nothing: {_WAY_OUT}")


def _box(bounds: NDArray[np.float64]) -> str:
    return "its box is " + ", ".join(f"{value:g}" for value in bounds)
