"""Areas drawn elsewhere: GeoJSON (RFC 7946) as a shapely geometry in longitude and latitude.

A polygon that crosses itself is refused, not repaired: which side of the crossing was meant is for its author to say,
and QGIS, GEOS and DuckDB would each say it differently. Parts of one geometry, or features of a collection, that
overlap or touch are not in doubt: they are dissolved.
"""

import json
import math
import re
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msclip_search.errors import QueryError

LARGEST_FILE = 64 << 20
"""Bytes."""
_DEPTH = {"Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2, "MultiPolygon": 3}
"""Lists around the positions of each type."""
_CRS84 = re.compile(
    r"(urn:ogc:def:crs:)?(OGC:([\d.]*:)?CRS84|EPSG:([\d.]*:)?4326|CRS84)"
    r"|https?://www\.opengis\.net/def/crs/(OGC/[\d.]+/CRS84|EPSG/[\d.]+/4326)",
    re.ASCII | re.IGNORECASE,
)
"""All that old files call longitude and latitude, in this order whatever EPSG says."""
_DEEPEST = 8  # collections of collections
_LONGEST = 80  # characters that are quoted


def read_geometry(text: str | Path) -> Any:  # noqa: ANN401 - shapely has no types
    """Read a GeoJSON Geometry, Feature or FeatureCollection.

    Parameters
    ----------
    text
        GeoJSON, which begins with "{", or the path of a file of it, 64 MB at most.

    Returns
    -------
    shapely.Geometry
        In longitude and latitude, valid, without heights. Features without a geometry are passed over.

    Raises
    ------
    QueryError
        The file cannot be read, the text is not GeoJSON, is empty, is not in longitude and latitude, or draws
        something that is not an area, a line or a point.
    """
    said = str(text).strip()
    inline = isinstance(text, str) and said.startswith("{")
    name = "The GeoJSON" if inline else f"The GeoJSON {text}"
    if not said:
        raise QueryError("The geometry is empty: give GeoJSON, or the path of a file of it.")
    content = said if inline else _content(Path(text), name)
    try:
        loaded = json.loads(content, parse_int=float, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise QueryError(f"{name} cannot be parsed: {str(error).rstrip('.')}.") from error
    return _dissolved(_parts(loaded, name, 0), name)


def check_area(area: Any, name: str) -> None:  # noqa: ANN401
    """Refuse what is not a valid geometry in longitude and latitude.

    Raises
    ------
    QueryError
        It is no geometry, is empty, out of range, or not valid; the sentence begins with `name`.
    """
    import shapely

    if not isinstance(area, shapely.Geometry):
        raise QueryError(f"{name} is a shapely geometry, not {type(area).__name__}; `read_geometry` reads GeoJSON.")
    if area.is_empty:
        raise QueryError(f"{name} is empty: it holds no coordinates.")
    _check_positions(shapely.get_coordinates(area), name)
    if not area.is_valid:
        reason = shapely.is_valid_reason(area).replace("[", " at ").rstrip("]")
        raise QueryError(
            f"{name} is not valid ({reason[:1].lower()}{reason[1:]}). Repair it, with “Fix geometries” in QGIS or "
            "`shapely.make_valid`, and look at what comes out."
        )


def _content(path: Path, name: str) -> str:
    """Read a file that is one, and not too large."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise QueryError(f"{name} is not a file.")
        if status.st_size > LARGEST_FILE:
            raise QueryError(
                f"{name} has {status.st_size / 2**20:,.0f} MB; {LARGEST_FILE >> 20} MB can be read. Simplify it first."
            )
        content = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise QueryError(f"{name} is not there: give the path of a file, or text that begins with {{.") from error
    except (OSError, ValueError) as error:
        said = getattr(error, "strerror", None) or str(error)
        said = "it is not text in UTF-8" if isinstance(error, UnicodeDecodeError) else said
        raise QueryError(f"{name} cannot be read: {said[:1].lower()}{said[1:]}.") from error
    if not content.strip():
        raise QueryError(f"{name} is empty.")
    return content


def _parts(node: Any, name: str, depth: int) -> list[Any]:  # noqa: ANN401 - as JSON has it
    """Make shapely geometries of whatever a GeoJSON object holds."""
    if not isinstance(node, Mapping):
        raise QueryError(f'{name} is no GeoJSON object: one has a `type`, as in {{"type": "Polygon", …}}.')
    if depth > _DEEPEST:
        raise QueryError(f"{name} nests collections more than {_DEEPEST} deep.")
    _check_crs(node.get("crs"), name)
    kind = node.get("type")
    if kind == "Feature":
        geometry = node.get("geometry")
        return [] if geometry is None else _parts(geometry, name, depth + 1)
    for collection, key in (("FeatureCollection", "features"), ("GeometryCollection", "geometries")):
        if kind == collection:
            members = node.get(key)
            if not isinstance(members, list):
                raise QueryError(f"{name} is a {kind} without a list `{key}`.")
            return [part for member in members for part in _parts(member, name, depth + 1)]
    if not isinstance(kind, str) or kind not in _DEPTH:
        raise QueryError(
            f"{name} has the type {_short(kind)}; known are Feature, FeatureCollection, GeometryCollection, "
            f"{', '.join(_DEPTH)}."
        )
    return _shapes(kind, node.get("coordinates"), name)


def _check_crs(crs: Any, name: str) -> None:  # noqa: ANN401
    """Refuse the member of old GeoJSON that names another coordinate system."""
    if crs is None:
        return
    properties = crs.get("properties") if isinstance(crs, Mapping) else None
    said = properties.get("name") if isinstance(properties, Mapping) else None
    if not isinstance(said, str) or not _CRS84.fullmatch(said):
        raise QueryError(
            f"{name} is in the coordinate system {_short(said or crs)}. GeoJSON is read in longitude and latitude "
            "(OGC:CRS84): reproject it, as with `ogr2ogr -t_srs OGC:CRS84`."
        )


def _shapes(kind: str, coordinates: Any, name: str) -> list[Any]:  # noqa: ANN401
    """Make the single geometries of one that may have many parts."""
    import shapely

    flat = _flat(coordinates, _DEPTH[kind], kind, name)
    _check_positions(np.array([position[:2] for position in flat]).reshape(-1, 2), name)
    single = kind.removeprefix("Multi")
    parts = coordinates if kind.startswith("Multi") else [coordinates]
    shapes = []
    for part in parts:
        if not part:
            continue
        try:
            if single == "Polygon":
                rings = [[position[:2] for position in ring] for ring in part]
                shapes.append(shapely.Polygon(rings[0], rings[1:]))
            elif single == "LineString":
                shapes.append(shapely.LineString([position[:2] for position in part]))
            else:
                shapes.append(shapely.Point(part[:2]))
        except (ValueError, shapely.errors.ShapelyError) as error:
            raise QueryError(f"{name} has a {single} that is none: {str(error).rstrip('.')}.") from error
    return shapes


def _flat(node: Any, depth: int, kind: str, name: str) -> list[Sequence[float]]:  # noqa: ANN401
    """List the positions of nested coordinates."""
    if not isinstance(node, list):
        raise QueryError(f"{name} has a {kind} whose `coordinates` are not lists as that type has them.")
    if depth:
        return [position for member in node for position in _flat(member, depth - 1, kind, name)]
    if not node and kind == "Point":
        return []
    if len(node) < 2 or not all(isinstance(value, float) for value in node):
        raise QueryError(f"{name} has a position that is not [longitude, latitude] in numbers: {_short(node)}.")
    return [node]


def _check_positions(positions: NDArray[np.float64], name: str) -> None:
    """Refuse positions, (positions, 2), that are not on the globe, and guess why they are not."""
    wrong = ~((np.abs(positions) <= (180, 90)).all(axis=1))  # NaN is not below anything
    if not wrong.any():
        return
    x, y = positions[np.argmax(wrong)].tolist()
    where = f"{name} has the position [{x:g}, {y:g}], which is not in longitude and latitude."
    if math.isnan(x) or math.isnan(y):
        raise QueryError(where)
    if max(abs(x), abs(y)) > 360:
        raise QueryError(
            f"{where} It may be in a projected coordinate system: reproject it, as with `ogr2ogr -t_srs OGC:CRS84`."
        )
    if abs(y) > 90 and abs(x) <= 90:
        raise QueryError(f"{where} The axes may be swapped: in GeoJSON, longitude comes first.")
    raise QueryError(
        f"{where} Longitudes are from -180 to 180, latitudes from -90 to 90; what crosses the antimeridian is cut "
        "there into two parts (RFC 7946)."
    )


def _dissolved(parts: Sequence[Any], name: str) -> Any:  # noqa: ANN401
    """Unite parts, each valid, into one geometry."""
    import shapely

    parts = [part for part in parts if not part.is_empty]
    if not parts:
        raise QueryError(f"{name} is empty: it holds no geometry with coordinates.")
    for part in parts:
        check_area(part, name)
    return parts[0] if len(parts) == 1 else shapely.union_all(parts)


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is no number of JSON")


def _short(node: Any) -> str:  # noqa: ANN401
    said = json.dumps(node)
    return said if len(said) <= _LONGEST else f"{said[:_LONGEST]}…"
