"""The map of a query's tiles: where they lie, and where that is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msclip_search.gallery.land import land_path
from msclip_search.gallery.view import View, choose_view
from msclip_search.geometry import Box, Footprint
from msclip_search.words import latitude_in_words, longitude_in_words

_COARSE = 3.0
"""Degrees of latitude below which outlines at 1:110,000,000 would mislead: such a map has none."""
_OVERVIEW_BELOW = 60.0
"""Degrees of latitude below which another map shows where the map is."""
_REGION = 44.0
"""Degrees of latitude that the overview of a narrow map shows."""
_OVERVIEW = 150.0
"""Pixels: width of the overview."""
_VISIBLE = 16.0
"""Pixels: a tile that is drawn smaller than this gets a dot in its place."""
_DOT = 8.5
"""Pixels: radius of a dot with its rank in it."""
_SMALL_DOT = 3.5
_NUMBERED = 30
"""Ranks up to here are written, where there is room."""


@dataclass(frozen=True, slots=True)
class Line:
    """A meridian or parallel."""

    at: float
    """Pixels."""
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A tile on the map."""

    rank: int
    x: float
    """Middle, pixels."""
    y: float
    outline: str | None
    """SVG path; None where the tile is too small for one."""
    radius: float
    """Of the dot, where there is no outline."""
    numbered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """A small map that shows where the map is."""

    view: View
    land: str
    x: float
    """Left of the frame around what the map shows, pixels."""
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Map:
    """What the page draws."""

    view: View
    land: str | None
    """SVG path; None where the map is too narrow for it."""
    meridians: tuple[Line, ...]
    parallels: tuple[Line, ...]
    marks: tuple[Mark, ...]
    """The best last, so that it lies on top."""
    scale: tuple[str, float] | None
    """Words and pixels of the bar; None on a map of the world, which has no one scale."""
    overview: Overview | None


def draw_map(tiles: Sequence[tuple[int, Footprint]]) -> Map | None:
    """Draw the map of some tiles.

    Parameters
    ----------
    tiles
        Rank and outline of each.

    Returns
    -------
    Map or None
        None without a tile.
    """
    if not tiles:
        return None
    boxes = [outline.bbox for _, outline in tiles]
    view = choose_view(boxes)
    kilometres, pixels = view.scale()
    return Map(
        view=view,
        land=land_path(view) if view.degrees >= _COARSE else None,
        meridians=tuple(
            Line(float(x), longitude_in_words(at))
            for at, x in zip(view.meridians(), _across(view, view.meridians()), strict=True)
        ),
        parallels=tuple(
            Line(float(y), latitude_in_words(at))
            for at, y in zip(view.parallels(), _down(view, view.parallels()), strict=True)
        ),
        marks=tuple(reversed(list(_marks(view, tiles)))),
        scale=(f"{kilometres:,g} km", pixels) if view.degrees < _OVERVIEW_BELOW else None,
        overview=_overview(view) if view.degrees < _OVERVIEW_BELOW else None,
    )


def middle(box: Box) -> tuple[float, float]:
    """Longitude and latitude of the middle of a box; the longitude may be beyond 180."""
    west, south, east, north = box
    return (west + east + 360 * (east < west)) / 2, (south + north) / 2


def _marks(view: View, tiles: Sequence[tuple[int, Footprint]]) -> Iterator[Mark]:
    taken: list[tuple[float, float]] = []
    for rank, outline in sorted(tiles, key=lambda tile: tile[0]):
        longitude, latitude = middle(outline.bbox)
        longitude = view.place(longitude)
        (x,), (y,) = view.project(np.array([longitude]), np.array([latitude]))
        rings = [_ring(view, ring, longitude) for ring in _exteriors(outline.geojson())]
        size = float(max(np.ptp(ring, axis=0).max() for ring in rings))
        visible = size >= _VISIBLE
        free = all((x - a) ** 2 + (y - b) ** 2 >= (2 * _DOT) ** 2 for a, b in taken)
        numbered = rank <= _NUMBERED and free
        if numbered:
            taken.append((x, y))
        yield Mark(
            rank=rank,
            x=round(float(x), 2),
            y=round(float(y), 2),
            outline="".join(_path(ring) for ring in rings) if visible else None,
            radius=_DOT if numbered else _SMALL_DOT,
            numbered=numbered,
        )


def _exteriors(geometry: Any) -> Iterator[NDArray[np.float64]]:  # noqa: ANN401 - GeoJSON
    parts = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    for part in parts:
        yield np.array(part[0], np.float64)


def _ring(view: View, ring: NDArray[np.float64], longitude: float) -> NDArray[np.float64]:
    """Project a ring, on the side of the antimeridian where its tile's middle is drawn: (points, 2), pixels."""
    own = (ring[:, 0].min() + ring[:, 0].max()) / 2
    return np.stack(view.project(ring[:, 0] + 360 * round((longitude - own) / 360), ring[:, 1]), axis=1)


def _path(ring: NDArray[np.float64]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in ring[:-1]) + "Z"


def _overview(view: View) -> Overview:
    box = (view.west, view.south, view.east, view.north)
    around = (
        View.around(box, least=_REGION, width=_OVERVIEW, height=_OVERVIEW * 0.62)
        if view.degrees < _COARSE
        else View.world([box], width=_OVERVIEW)
    )
    west = around.place((view.west + view.east) / 2) - (view.east - view.west) / 2
    x, y = around.project(np.array([west, west + view.east - view.west]), np.array([view.north, view.south]))
    return Overview(
        view=around,
        land=land_path(around),
        x=round(float(x[0]), 2),
        y=round(float(y[0]), 2),
        width=round(float(x[1] - x[0]), 2),
        height=round(float(y[1] - y[0]), 2),
    )


def _across(view: View, longitudes: Sequence[float]) -> NDArray[np.float64]:
    return view.project(np.array(longitudes), np.zeros(len(longitudes)))[0]


def _down(view: View, latitudes: Sequence[float]) -> NDArray[np.float64]:
    return view.project(np.zeros(len(latitudes)), np.array(latitudes))[1]
