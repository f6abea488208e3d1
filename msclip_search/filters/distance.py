"""Distances on the WGS 84 ellipsoid, from a point to outlines.

They are measured in the azimuthal equidistant projection around the point, in which distances from the centre are
geodesic (Snyder, Map Projections: A Working Manual, 1987, p. 191; PROJ computes them as in Karney, Algorithms for
geodesics, 2013). The side of an outline is the line of GeoJSON, straight in longitude and latitude; it is cut into
steps of a twentieth of a degree, and straight in the projection from step to step: what that leaves is below a metre
up to 5,000 km. Within a few degrees of the antipode, where the projection tears, a side may come out hundreds of
kilometres too near, of nearly 20,000.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msclip_search.geometry import Box

_FLATTENING = 1 / 298.257223563
_POLAR_RADIUS = 6_378_137.0 * (1 - _FLATTENING)
_LONGEST_DEGREE = 111_700.0
"""Metres: more than a degree along any meridian or parallel."""
_STEP = 0.05  # degrees
_MANY = 1024
"""Outlines that are cut into steps at a time."""


def within(outlines: NDArray[np.object_], longitude: float, latitude: float, radius: float) -> NDArray[np.bool_]:
    """Tell which outlines have a point within a distance: see `distances`."""
    near = np.zeros(len(outlines), dtype=np.bool_)
    for at in range(0, len(outlines), _MANY):
        near[at : at + _MANY] = distances(outlines[at : at + _MANY], longitude, latitude) <= radius
    return near


def encloses(boxes: NDArray[np.float64], longitude: float, latitude: float, radius: float) -> NDArray[np.bool_]:
    """Tell which boxes lie within a distance wholly, for certain: their middles do, and the way to any corner besides.

    Parameters
    ----------
    boxes
        west, south, east, north in degrees, west <= east, (boxes, 4).
    longitude, latitude
        The point, degrees.
    radius
        Metres.
    """
    way = (boxes[:, 2] - boxes[:, 0] + boxes[:, 3] - boxes[:, 1]) / 2 * _LONGEST_DEGREE
    inside: NDArray[np.bool_] = way < radius
    if inside.any():
        middles = (boxes[inside, :2] + boxes[inside, 2:]) / 2
        inside[inside] = np.hypot(*_projected(middles, longitude, latitude).T) + way[inside] < radius
    return inside


def distances(outlines: NDArray[np.object_], longitude: float, latitude: float) -> NDArray[np.float64]:
    """Measure how far a point is from the nearest point of each outline.

    Parameters
    ----------
    outlines
        Shapely geometries in longitude and latitude, (outlines,); None where there is none.
    longitude, latitude
        The point, degrees.

    Returns
    -------
    numpy.ndarray
        Metres, (outlines,): 0 inside, NaN where there is no outline.
    """
    import shapely

    # The sides alone: around the antipode, the projection turns an outline inside out.
    sides = np.where(shapely.get_dimensions(outlines) == 2, shapely.boundary(outlines), outlines)
    projected = shapely.transform(
        shapely.segmentize(sides, _STEP), lambda degrees: _projected(degrees, longitude, latitude)
    )
    found: NDArray[np.float64] = shapely.distance(shapely.Point(0, 0), projected)
    found[shapely.intersects(shapely.Point(longitude, latitude), outlines)] = 0.0
    return found


def reach(longitude: float, latitude: float, radius: float) -> Box:
    """Return a box outside of which no point is within a distance.

    On the auxiliary sphere of the geodesics (Karney 2013, section 2), latitudes are reduced ones, an arc is at most the
    distance by the polar radius, and the longitude of the ellipsoid turns by at most that of the sphere.

    Parameters
    ----------
    longitude, latitude
        The point, degrees.
    radius
        Metres.

    Returns
    -------
    (west, south, east, north)
        Degrees; west > east across the antimeridian.
    """
    reduced = math.atan2((1 - _FLATTENING) * math.sin(math.radians(latitude)), math.cos(math.radians(latitude)))
    arc = (radius + 1) * (1 + 1e-9) / _POLAR_RADIUS  # a metre for the sides
    low, high = reduced - arc, reduced + arc
    south = _geographic(low) if low > -math.pi / 2 else -90.0
    north = _geographic(high) if high < math.pi / 2 else 90.0
    if south == -90 or north == 90:  # around a pole lies every longitude
        return -180.0, south, 180.0, north
    turn = math.degrees(math.asin(min(1.0, math.sin(arc) / math.cos(reduced)))) + 1e-9
    west, east = longitude - turn, longitude + turn
    return west + 360 * (west < -180), south, east - 360 * (east > 180), north


def _geographic(reduced: float) -> float:
    """Return the latitude, degrees, of a reduced one, radians."""
    return math.degrees(math.atan2(math.sin(reduced), (1 - _FLATTENING) * math.cos(reduced)))


def _projected(degrees: NDArray[np.float64], longitude: float, latitude: float) -> Any:  # noqa: ANN401
    """Project positions, (positions, 2), around a point, in metres."""
    from rasterio.warp import transform

    around = f"+proj=aeqd +lat_0={latitude!r} +lon_0={longitude!r} +datum=WGS84 +units=m +no_defs"
    return np.stack(transform("OGC:CRS84", around, degrees[:, 0], degrees[:, 1]), axis=1)
