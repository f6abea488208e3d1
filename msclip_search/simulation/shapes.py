"""Shapes that scenes are drawn from: parcels, blobs, bands along a line, rectangles, rows.

Each returns a mask or the number of a parcel for every pixel of a canvas, (side, side).
"""

import math
from statistics import NormalDist

import numpy as np

from msclip_search.simulation.canvas import PIXEL, Canvas, Labels, Mask
from msclip_search.simulation.noise import Field, white

_LONG = 64
"""No strip is cut into more parcels than this."""
_NORMAL = NormalDist()
_FAR = np.iinfo(np.int32).max


def strips(canvas: Canvas, *, width: float, length: float, angle: float, uneven: float = 0.5) -> Labels:
    """Give numbers to parcels that lie in strips side by side, each strip cut across at places of its own.

    Parameters
    ----------
    canvas
        Where.
    width, length
        Metres of a parcel, on average.
    angle
        Of the strips, radians.
    uneven
        0 is all alike; 1 is from nothing to twice the size.
    """
    u, v = canvas.turned(angle)
    across = _breaks(canvas, width, uneven)
    strip = canvas.at(across, v)
    shift = (canvas.random.random(int(across[-1]) + 1) * 6 * length).astype(np.float32)
    down = _breaks(canvas, length, uneven, reach=6 * length)
    return strip * _LONG + canvas.at(down, u + shift[strip] - np.float32(3 * length))


def _breaks(canvas: Canvas, width: float, uneven: float, reach: float = 0.0) -> Labels:
    """Cut a line into pieces: for each 5 m the number of its piece."""
    metres = 3.0 * canvas.reach + 2 * reach + 4 * PIXEL
    count = int(metres / (width * (1 - uneven / 2))) + 2
    sizes = width * (1 + uneven * (2 * canvas.random.random(count) - 1))
    ends = np.cumsum(sizes)
    places = np.arange(int(metres / PIXEL)) * PIXEL
    pieces: Labels = np.searchsorted(ends, places).astype(np.intp)
    return pieces


def cells(canvas: Canvas, *, width: float, length: float, angle: float, wander: float = 0.0) -> Labels:
    """Give numbers to the cells of a Voronoi diagram of jittered points: irregular parcels.

    Parameters
    ----------
    canvas
        Where.
    width, length
        Metres of a cell, on average.
    angle
        Of the longer axis, radians.
    wander
        Metres by which edges are bent.
    """
    u, v = canvas.turned(angle)
    if wander:
        bend = canvas.noise(max(150.0, 1.2 * width), rough=0.3, finest=2) * np.float32(wander)
        u, v = u + bend, v - bend
    extent = math.ceil((canvas.reach * 1.45 + 6 * wander) / min(width, length)) + 3
    wide = 2 * extent + 2
    start = np.float32(extent - 0.5)
    fu, fv = u * np.float32(1 / length) + start, v * np.float32(1 / width) + start
    base, column = fu.astype(np.intp), fv.astype(np.intp)
    fu -= base.astype(np.float32)
    fv -= column.astype(np.float32)
    base *= wide
    base += column
    jitter = np.float32(0.15) + np.float32(0.7) * canvas.random.random((2, wide * wide), dtype=np.float32)
    steps = np.array([0, 1, wide, wide + 1])
    best = np.full(base.shape, _FAR, dtype=np.int32)
    for corner, (du, dv) in enumerate(((0, 0), (0, 1), (1, 0), (1, 1))):
        east = np.take(jitter[0, steps[corner] :] + np.float32(du), base, mode="clip")
        south = np.take(jitter[1, steps[corner] :] + np.float32(dv), base, mode="clip")
        east -= fu
        south -= fv
        east *= east
        south *= south
        east += south
        away = east.view(np.int32)  # not below 0, so the bits sort as the numbers do; the last two name the corner
        away &= -4
        away |= corner
        np.minimum(best, away, out=best)
    best &= 3
    base += np.take(steps, best, mode="clip")
    return base


def edges(numbers: Labels, *, thick: bool = False) -> Mask:
    """Return the pixels where a parcel meets the next one to its east or south."""
    edge = np.zeros(numbers.shape, dtype=np.bool_)
    edge[:, :-1] = numbers[:, 1:] != numbers[:, :-1]
    edge[:-1] |= numbers[1:] != numbers[:-1]
    if thick:
        edge[:, 1:] |= edge[:, :-1]
        edge[1:] |= edge[:-1]
    return edge


def blobs(canvas: Canvas, share: float, *, metres: float, rough: float = 0.5, soft: float = 0.0) -> Mask:
    """Return patches of a size that together cover about this share; `soft` frays their edges into single pixels."""
    height = canvas.noise(metres, rough=rough)
    if soft:
        height = height + np.float32(soft) * white(canvas.random, canvas.side, canvas.side)
    return height < np.float32(quantile(share) * math.sqrt(1 + soft * soft))


def quantile(share: float) -> float:
    """Return the value below which a field of variance 1 lies in this share of its pixels."""
    return _NORMAL.inv_cdf(min(max(share, 0.001), 0.999))


def disc(canvas: Canvas, x: float, y: float, radius: float, *, bend: Field | None = None) -> Mask:
    """Return a disc; `bend`, metres, moves its edge out and in."""
    east, south = canvas.x - np.float32(x), canvas.y - np.float32(y)
    away = np.sqrt(east * east + south * south)
    inside: Mask = away < (np.float32(radius) if bend is None else np.float32(radius) + bend)
    return inside


def box(canvas: Canvas, x: float, y: float, *, length: float, width: float, angle: float) -> Mask:
    """Return a rectangle around a place, its length along the angle."""
    u, v = canvas.turned(angle)
    cosine, sine = math.cos(angle), math.sin(angle)
    along, across = cosine * x + sine * y, cosine * y - sine * x
    return (abs(u - np.float32(along)) < np.float32(length / 2)) & (abs(v - np.float32(across)) < np.float32(width / 2))


def distance_to_line(
    canvas: Canvas, *, angle: float, offset: float = 0.0, bend: float = 0.0, scale: float = 400.0
) -> Field:
    """Return the signed distance to a line across the canvas, metres, positive on one side.

    Parameters
    ----------
    canvas
        Where.
    angle
        Of the line, radians.
    offset
        Metres from the centre.
    bend
        Metres by which it swings to either side.
    scale
        Metres between the bends.
    """
    u, v = canvas.turned(angle)
    if not bend:
        return v - np.float32(offset)
    curve = canvas.curve(scale, rough=0.25)
    middle = curve * np.float32(bend)
    # The distance across a slope is shorter than the one straight up.
    slope = np.diff(middle, append=middle[-1:]) * np.float32(1 / PIXEL)
    shrink = (1 / np.sqrt(1 + slope * slope)).astype(np.float32)
    distance: Field = (v - np.float32(offset) - canvas.at(middle, u)) * canvas.at(shrink, u)
    return distance


def rows(canvas: Canvas, *, spacing: float, share: float, angle: float) -> Mask:
    """Return parallel rows: `share` of each `spacing` metres."""
    _, v = canvas.turned(angle)
    phase = v * np.float32(1 / spacing) + np.float32(canvas.between(100, 101))
    inside: Mask = (phase - np.floor(phase)) < np.float32(share)
    return inside


def dots(canvas: Canvas, *, spacing: float, share: float, angle: float, jitter: float = 0.2) -> Mask:
    """Return a grid of dots, such as the crowns of an orchard: `share` of the spacing is a dot's diameter."""
    u, v = canvas.turned(angle)
    u, v = u * np.float32(1 / spacing) + np.float32(200), v * np.float32(1 / spacing) + np.float32(200)
    iu, iv = u.astype(np.intp), v.astype(np.intp)
    u -= iu.astype(np.float32)
    v -= iv.astype(np.float32)
    if jitter:
        table = ((canvas.random.random(4096) - 0.5) * jitter).astype(np.float32)
        key = (iu * 61 + iv * 17) & 4095
        u += table[key]
        v += table[(key + 1027) & 4095]
    u -= np.float32(0.5)
    v -= np.float32(0.5)
    inside: Mask = u * u + v * v < np.float32(share * share / 4)
    return inside


def specks(canvas: Canvas, share: float, *, finest: int = 0) -> Mask:
    """Return single pixels (`finest` 0) or small clumps of them that together cover a share."""
    return canvas.noise(PIXEL * 2**finest, finest=finest) < np.float32(quantile(share))
