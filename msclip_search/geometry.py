"""Outlines of tiles in longitude and latitude: the one door to shapely.

A tile across the antimeridian becomes a MultiPolygon, one part on either side, as RFC 7946 asks; its box has west
greater than east.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Box = tuple[float, float, float, float]
"""west, south, east, north in degrees; west > east across the antimeridian."""

_HALF, _FULL, _POLE = 180.0, 360.0, 90.0
_CORNERS = 4
_HEADER = struct.Struct("<BIII")  # of well-known binary: byte order, kind, rings, points of the first ring
_ONE_RING = (1, 3, 1)  # little-endian, a polygon, one ring
_SMALLEST_TURN = 1e-10
"""Square degrees that two sides in a row span at least, so that rounding says nothing about which way they turn."""
_ROUNDING = 1e-6
_GRID = 1e-10
"""Degrees: a hundredth of a millimetre."""
_EQUATOR = 6_378_137.0
_POLE_RADIUS = _EQUATOR * (1 - 1 / 298.257223563)
_SMALLEST_AREA = 1e-4
"""Square metres that an outline encloses twice, or more: one with less is a line or a point."""
_INSIDE = 0.1
"""Share of the way from the centre of the earth to its surface."""


def prepare() -> None:
    """Load shapely, in the calling thread.

    It is loaded when it is first needed, since a query does not need it. Where threads will need it, or Ctrl-C may come
    in between, it is loaded before: a library that is half loaded is of no use to what still has to be finished.
    """
    import shapely
    import shapely.affinity
    import shapely.geometry.polygon  # noqa: F401 - for its effect


@dataclass(frozen=True)
class Footprint:
    """An outline on the ground, kept as well-known binary in OGC:CRS84."""

    wkb: bytes

    @cached_property
    def shape(self) -> Any:  # noqa: ANN401 - shapely has no types
        """The shapely geometry."""
        import shapely

        return shapely.from_wkb(self.wkb)

    @property
    def planar_bounds(self) -> Box:
        """Smallest and largest coordinates; −180 and 180 for a tile across the antimeridian."""
        ring = _ring(self.wkb)
        if ring is None:
            west, south, east, north = self.shape.bounds
            return float(west), float(south), float(east), float(north)
        x, y = zip(*ring.tolist(), strict=True)  # of five points, faster than by numpy
        return min(x), min(y), max(x), max(y)

    @property
    def bbox(self) -> Box:
        """The box as RFC 7946 writes it: west > east across the antimeridian."""
        west, south, east, north = self.planar_bounds
        if (west, east) != (-_HALF, _HALF):
            return west, south, east, north
        parts = [part.bounds for part in getattr(self.shape, "geoms", ())]
        if len(parts) > 1:
            west = min(float(part[0]) for part in parts if part[2] == _HALF)
            east = max(float(part[2]) for part in parts if part[0] == -_HALF)
        return west, south, east, north

    def geojson(self) -> Mapping[str, Any]:
        """Return the GeoJSON geometry."""
        ring = _ring(self.wkb)
        if ring is not None:  # as shapely writes it
            return {"type": "Polygon", "coordinates": (tuple(map(tuple, ring.tolist())),)}
        import shapely.geometry

        mapping: Mapping[str, Any] = shapely.geometry.mapping(self.shape)
        return mapping


def _ring(wkb: bytes) -> NDArray[np.float64] | None:
    """Read the points of a polygon of one ring, as `_plain` writes it; None of anything else.

    Nearly every tile's outline is such a one, and a query that shows a hundred need not wait for shapely.
    """
    if len(wkb) < _HEADER.size:
        return None
    order, kind, rings, points = _HEADER.unpack_from(wkb)
    if (order, kind, rings) != _ONE_RING or points == 0 or len(wkb) != _HEADER.size + 16 * points:
        return None
    return np.frombuffer(wkb, "<f8", offset=_HEADER.size).reshape(-1, 2)


def footprint(longitude: ArrayLike, latitude: ArrayLike) -> Footprint | None:
    """Make the outline of a ring of points, split at the antimeridian.

    Parameters
    ----------
    longitude, latitude
        The corners in order, degrees, at least three, the ring not closed. Neighbours lie less than 180° apart.

    Returns
    -------
    Footprint or None
        None where the points are not finite, lie beyond a pole, or enclose nothing.

    Notes
    -----
    Longitudes are unrolled so that no step is longer than half a turn. A ring that then ends a full turn from its
    start goes around a pole, and is closed along it.
    """
    if plain := _plain(np.asarray(longitude, np.float64).tolist(), np.asarray(latitude, np.float64).tolist()):
        return plain
    import shapely
    from shapely.geometry.polygon import orient

    ring = np.stack([longitude, latitude], axis=1).astype(np.float64)
    if not np.isfinite(ring).all() or np.abs(ring[:, 1]).max() > _POLE + _ROUNDING:
        return None
    ring[:, 1] = ring[:, 1].clip(-_POLE, _POLE)
    closed = np.vstack([ring, ring[:1]])
    crosses = np.abs(np.diff(closed[:, 0])).max() > _HALF or np.abs(ring[:, 0]).max() > _HALF
    parts = _split(_unrolled(closed)) if crosses else [shapely.Polygon(ring)]
    if not parts or not sum(part.area for part in parts):
        return None
    parts = [orient(part) for part in parts]
    return Footprint(shapely.to_wkb(parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)))


def _plain(x: Sequence[float], y: Sequence[float]) -> Footprint | None:
    """Make the outline of four corners of a convex shape between −180 and 180; None where they are anything else.

    That is what nearly all tiles are, and shapely takes longer for it than all else that is done with their place.
    """
    if len(x) != _CORNERS or len(y) != _CORNERS or not all(abs(value) <= _HALF for value in x):
        return None
    if max(x) - min(x) > _HALF or not all(abs(value) <= _POLE for value in y):
        return None
    turns = [
        (x[i - 1] - x[i - 2]) * (y[i] - y[i - 1]) - (y[i - 1] - y[i - 2]) * (x[i] - x[i - 1]) for i in range(_CORNERS)
    ]
    if min(turns) > _SMALLEST_TURN:
        order = (0, 1, 2, 3, 0)
    elif max(turns) < -_SMALLEST_TURN:
        order = (0, 3, 2, 1, 0)  # counterclockwise, from the same corner
    else:
        return None
    corners = [value for i in order for value in (x[i], y[i])]
    return Footprint(_HEADER.pack(*_ONE_RING, len(order)) + struct.pack("<10d", *corners))  # as shapely writes it


def planar_bounds(footprints: Sequence[Footprint | None]) -> NDArray[np.float64]:
    """Return `Footprint.planar_bounds` of many at once, (footprints, 4); NaN where there is none."""
    import shapely

    bounds: NDArray[np.float64] = shapely.bounds(shapely.from_wkb([it.wkb if it else None for it in footprints]))
    return bounds.reshape(len(footprints), 4)


def _unrolled(ring: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lay a closed ring out so that no step is longer than half a turn."""
    steps = (np.diff(ring[:, 0]) + _HALF) % _FULL - _HALF
    ring[:, 0] = ring[0, 0] + np.concatenate([[0.0], np.cumsum(steps)])
    if abs(ring[-1, 0] - ring[0, 0]) > _HALF:
        pole = np.copysign(_POLE, ring[:, 1].mean())
        return np.vstack([ring, [[ring[-1, 0], pole], [ring[0, 0], pole]]])
    return ring


def _split(ring: NDArray[np.float64]) -> list[Any]:
    """Cut an unrolled ring into polygons between −180 and 180."""
    import shapely
    from shapely.affinity import translate

    whole = shapely.make_valid(shapely.Polygon(ring))
    first = int(np.floor((ring[:, 0].min() + _HALF) / _FULL))
    last = int(np.ceil((ring[:, 0].max() + _HALF) / _FULL))
    parts: list[Any] = []
    for turn in range(first, max(last, first + 1)):
        strip = shapely.box(turn * _FULL - _HALF, -_POLE, turn * _FULL + _HALF, _POLE)
        piece = translate(whole.intersection(strip), xoff=-turn * _FULL)
        parts += [part for part in getattr(piece, "geoms", [piece]) if part.geom_type == "Polygon" and part.area > 0]
    # Around a pole, the cut where the ring began is healed.
    return list(shapely.get_parts(shapely.union_all(parts, grid_size=_GRID)))


def centres(outlines: Sequence[bytes | None]) -> NDArray[np.float64]:
    """Find the middle of each outline, as a position on the WGS 84 ellipsoid.

    It is the middle of the area that an outline has in space, so the antimeridian, a pole, and the cut that an outline
    has there make no difference; of a line or a point, the mean of its corners.

    Parameters
    ----------
    outlines
        Well-known binary in longitude and latitude; None where there is none.

    Returns
    -------
    numpy.ndarray
        Earth-centred, earth-fixed x, y, z in metres, (outlines, 3); NaN where there is none.

    Raises
    ------
    ValueError
        One of them cannot be read.
    """
    import shapely

    try:
        shapes = shapely.orient_polygons(shapely.from_wkb(np.asarray(outlines, dtype=np.object_)))
    except shapely.errors.ShapelyError as error:
        raise ValueError(f"an outline is none: {error}") from error
    parts, shape_of = shapely.get_parts(shapes, return_index=True)
    polygons = shapely.get_type_id(parts) == shapely.GeometryType.POLYGON
    rings, part_of = shapely.get_rings(parts[polygons], return_index=True)
    pieces = np.concatenate([parts[~polygons], rings])
    degrees, piece_of = shapely.get_coordinates(pieces, return_index=True)
    points = _on_ellipsoid(degrees)
    owner = np.concatenate([shape_of[~polygons], shape_of[polygons][part_of]])[piece_of]
    # A fan of triangles from one point of each outline: those outside of it, and holes, turn the other way round.
    means = _sums(owner, points, len(shapes)) / np.bincount(owner, minlength=len(shapes))[:, np.newaxis].clip(1)
    sides = np.flatnonzero((piece_of[1:] == piece_of[:-1]) & (piece_of[1:] >= np.count_nonzero(~polygons)))
    of = owner[sides]
    here, there = points[sides] - means[of], points[sides + 1] - means[of]
    turns = np.cross(here, there)
    up = _sums(of, turns, len(shapes))
    area = np.sqrt((up**2).sum(axis=1, keepdims=True))
    flat = area[:, 0] < _SMALLEST_AREA
    area[flat], up[flat] = 1.0, 0.0
    weights = (turns * (up / area)[of]).sum(axis=1, keepdims=True)
    found = means + _sums(of, weights * (here + there), len(shapes)) / (3 * area)
    level = np.sqrt((found[:, :2] ** 2).sum(axis=1) / _EQUATOR**2 + found[:, 2] ** 2 / _POLE_RADIUS**2)
    level[level < _INSIDE] = np.nan  # around half of the globe, or nothing at all: no middle
    middles: NDArray[np.float64] = found / level[:, np.newaxis]
    return middles


def _on_ellipsoid(degrees: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return longitude and latitude, (points, 2), as positions in space, (points, 3), metres."""
    longitude, latitude = np.radians(degrees).T
    squeezed = (_POLE_RADIUS / _EQUATOR) ** 2
    across = _EQUATOR / np.sqrt(np.cos(latitude) ** 2 + squeezed * np.sin(latitude) ** 2)
    flat = across * np.cos(latitude)
    return np.stack([flat * np.cos(longitude), flat * np.sin(longitude), squeezed * across * np.sin(latitude)], axis=1)


def _sums(of: NDArray[np.int64], values: NDArray[np.float64], count: int) -> NDArray[np.float64]:
    """Add up rows, (rows, n), by the number that each belongs to: (count, n)."""
    return np.stack([np.bincount(of, column, minlength=count) for column in values.T], axis=1)
