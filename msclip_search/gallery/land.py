"""Outlines of the land, as paths of SVG."""

import functools
import importlib.resources
import json

import numpy as np
from numpy.typing import NDArray

from msclip_search.gallery.view import View

_UNIT = 50
"""Steps of the data to a degree: see the file's own words."""
_TURN = 360.0
_FINE = 2
"""Steps of a path to a pixel of the map."""
_MARGIN = 0.05
"""Share of a view by which rings are cut beyond its edges, so that the cuts are not seen."""

Ring = NDArray[np.float64]
"""(points, 2): longitude, latitude."""


@functools.cache
def rings() -> tuple[Ring, ...]:
    """Read the outlines: Natural Earth's land at 1:110,000,000, public domain."""
    text = importlib.resources.files("msclip_search.gallery").joinpath("land.json").read_text(encoding="utf-8")
    return tuple(
        np.cumsum(np.array(steps, np.int64).reshape(-1, 2), axis=0) / _UNIT for steps in json.loads(text)["rings"]
    )


def land_path(view: View) -> str:
    """Draw the land of a view: data of an SVG path, in halves of the view's pixels, to be filled even-odd."""
    drawn = []
    for ring in rings():
        (west, south), (east, north) = ring.min(axis=0), ring.max(axis=0)
        for turn in (-_TURN, 0.0, _TURN):
            if west + turn > view.east or east + turn < view.west or south > view.north or north < view.south:
                continue
            drawn.append(_path(_cut(ring + np.array([turn, 0.0]), view), view))
    return "".join(drawn)


def _cut(ring: Ring, view: View) -> Ring:
    """Clip a ring to a view, edge by edge (Sutherland and Hodgman)."""
    wide, high = _MARGIN * (view.east - view.west), _MARGIN * (view.north - view.south)
    for axis, edge, sign in (
        (0, view.west - wide, 1),
        (0, view.east + wide, -1),
        (1, view.south - high, 1),
        (1, view.north + high, -1),
    ):
        ring = _cut_edge(ring, sign * (ring[:, axis] - edge))
    return ring


def _cut_edge(ring: Ring, far: NDArray[np.float64]) -> Ring:
    """Keep what lies inside of a straight edge; `far` is each point's distance to it, negative beyond."""
    before, far_before = np.roll(ring, 1, axis=0), np.roll(far, 1)
    kept: list[NDArray[np.float64]] = []
    for point, last, here, there in zip(ring, before, far, far_before, strict=True):
        if (here >= 0) != (there >= 0):
            kept.append(last + (point - last) * (there / (there - here)))
        if here >= 0:
            kept.append(point)
    return np.array(kept).reshape(-1, 2)


def _path(ring: Ring, view: View) -> str:
    """Write a ring with whole numbers, each point relative to the last; nothing for what is too small to see."""
    x, y = view.project(ring[:, 0], ring[:, 1])
    points = np.round(np.stack([x, y], axis=1) * _FINE).astype(np.int64)
    steps = np.diff(points, axis=0)
    points = points[np.concatenate([[True], steps.any(axis=1)])] if len(points) else points
    if len(points) < 3 or np.ptp(points, axis=0).max() < _FINE:
        return ""
    start, *following = points
    moves = np.diff(np.array([start, *following]), axis=0)
    return f"M{start[0]} {start[1]}l" + " ".join(f"{dx} {dy}" for dx, dy in moves).replace(" -", "-") + "z"
