"""Places as examples: the tile of the index that shows a place best."""

import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msclip_search.errors import QueryError
from msclip_search.filters import Filter, read_point, select
from msclip_search.filters.clauses import boxes_of
from msclip_search.geometry import Footprint
from msclip_search.store import Snapshot
from msclip_search.words import latitude_in_words, longitude_in_words

_SPOT = re.compile(r"\s*[-+\d.e]+\s*,\s*[-+\d.e]+\s*", re.ASCII | re.IGNORECASE)
_EARTH = 6_371.0  # km
_NEAR = 6  # decimals of a degree by which middles of tiles differ: a tenth of a metre


def is_spot(word: str) -> bool:
    """Tell whether an example is written as a place, two numbers with a comma."""
    return _SPOT.fullmatch(word) is not None


def tile_at(snapshot: Snapshot, word: str) -> tuple[int, str]:
    """Find the tile at a place: its row and `tile_id`.

    Of the tiles whose outline covers the place, it is the one whose middle is nearest; of those that are equally near,
    as the dates of one place are, the newest.

    Raises
    ------
    QueryError
        This is not a place on the globe, or no tile covers it.
    """
    longitude, latitude = read_point(word)
    west, east = (180.0, -180.0) if abs(longitude) == 180 else (longitude, longitude)
    rows = np.flatnonzero(select(snapshot, Filter(bbox=(west, latitude, east, latitude))).mask)
    if not len(rows):
        raise QueryError(
            f"No tile of the index {snapshot.layout.root} covers {longitude_in_words(longitude)} "
            f"{latitude_in_words(latitude)}.{_how_far(snapshot, longitude, latitude)}"
        )
    columns = ["tile_id", "geometry", "datetime"]
    tiles = snapshot.take(rows).select(columns).to_pylist()
    best = min(range(len(rows)), key=lambda at: _rank(tiles[at], longitude, latitude))
    return int(rows[best]), tiles[best]["tile_id"]


def _rank(tile: dict[str, Any], longitude: float, latitude: float) -> tuple[float, float, str]:
    """Tell how well a tile shows a place; the lowest is best."""
    west, south, east, north = Footprint(tile["geometry"]).bbox
    middle = np.array([[(west + east + 360 * (west > east)) / 2, (south + north) / 2]])
    (away,) = np.degrees(_arcs(middle, longitude, latitude))
    newest = -tile["datetime"].timestamp() if tile["datetime"] else math.inf
    return round(float(away), _NEAR), newest, tile["tile_id"]


def _how_far(snapshot: Snapshot, longitude: float, latitude: float) -> str:
    """Say how far the nearest tile is, by its box."""
    nearest = math.inf
    for start, batch in snapshot.columns(["bbox"]):
        boxes = boxes_of(batch.column(0))
        known = ~np.isnan(boxes).any(axis=1) & (boxes[:, 2] - boxes[:, 0] < 360)  # the latter cross the antimeridian
        if snapshot.live is not None:
            known &= snapshot.live[start : start + len(boxes)]
        if known.any():
            nearest = min(nearest, float(_arcs(_nearest(boxes[known], longitude, latitude), longitude, latitude).min()))
    kilometres = nearest * _EARTH
    return (
        f" The nearest is about {kilometres:,.{0 if kilometres >= 10 else 1}f} km away." if nearest < math.inf else ""
    )


def _nearest(boxes: NDArray[np.float64], longitude: float, latitude: float) -> NDArray[np.float64]:
    """Return the point of each box, west, south, east, north, that is next to a place, (boxes, 2): nearly so."""
    turned = longitude + 360 * np.round(((boxes[:, 0] + boxes[:, 2]) / 2 - longitude) / 360)
    return np.stack([turned.clip(boxes[:, 0], boxes[:, 2]), np.clip(latitude, boxes[:, 1], boxes[:, 3])], axis=1)


def _arcs(points: NDArray[np.float64], longitude: float, latitude: float) -> NDArray[np.float64]:
    """Measure arcs on the sphere from a place to points, (points, 2) in degrees: radians, (points,)."""
    x, y = np.radians(points).T
    lon, lat = math.radians(longitude), math.radians(latitude)
    half = np.sin((y - lat) / 2) ** 2 + np.cos(y) * math.cos(lat) * np.sin((x - lon) / 2) ** 2
    arcs: NDArray[np.float64] = 2 * np.arcsin(np.sqrt(half.clip(0, 1)))
    return arcs
