"""Random fields: smooth at large scales and rough at small ones, as land is.

A field is built from the coarsest lattice down: doubled by Chaikin's corner cutting (weights ¾ and ¼, a quadratic
B-spline in the limit), with fresh white noise added at each finer lattice. Only sums and products of single precision
are used, each rounded as IEEE 754 says, so the same seed gives the same bits on every processor.
"""

import functools
import math

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]

_SMOOTH = 0.55
"""Variance, along one axis, of white noise of variance 1 after many doublings: that of a quadratic B-spline."""
_SHEET = 2048
"""Values a side of the sheet that white noise is cut from."""
_SEED = 20_150_623
_KEPT = 24 * 2**20
"""Bytes: less than the 32 MB up to which the C library learns what to keep."""


@functools.cache
def _sheet() -> Field:
    sheet = np.random.default_rng(_SEED).standard_normal((_SHEET, _SHEET), dtype=np.float32)
    sheet.setflags(write=False)
    # The C library of Linux hands the memory of a freed array back to the system, and asks for it anew a moment later,
    # unless one as large as this has been freed before: without this line a tile takes a fifth more time.
    np.empty(_KEPT, dtype=np.uint8)
    return sheet


def white(random: np.random.Generator, height: int, width: int) -> Field:
    """Cut white noise of variance 1 from a fixed sheet of it, at a random place: (height, width), read-only.

    Drawing each value anew makes a tile take a quarter more time.
    """
    if max(height, width) > _SHEET // 2:
        return random.standard_normal((height, width), dtype=np.float32)
    top, left = (int(random.random() * (_SHEET - side)) for side in (height, width))
    return _sheet()[top : top + height, left : left + width]


def field(random: np.random.Generator, side: int, *, scale: float, rough: float = 0.5, finest: int = 0) -> Field:
    """Draw a field of mean 0 and variance about 1.

    Parameters
    ----------
    random
        Where the numbers come from.
    side
        Pixels a side.
    scale
        Size of the largest structures, pixels.
    rough
        Amplitude of each lattice over that of the next coarser one: 0 is one smooth scale, 1 is rugged.
    finest
        The finest lattice has a spacing of 2^finest pixels: 0 goes down to the single pixel.

    Returns
    -------
    array
        (side, side), float32.
    """
    levels = max(finest, round(math.log2(max(scale, 1.0))))
    sides = _sides(side, levels)
    norm = _norm(levels, rough, finest)
    grid = norm * white(random, sides[levels], sides[levels])
    amplitude = norm
    for level in range(levels - 1, -1, -1):
        grid = double(grid)[: sides[level], : sides[level]]
        amplitude *= rough
        if amplitude > 0.02 and level >= finest:
            grid = grid + amplitude * white(random, *grid.shape)
    return grid


def double(grid: Field) -> Field:
    """Double a lattice by corner cutting: (m, n) → (2m − 2, 2n − 2)."""
    rows = _double_rows(grid)
    near, far = np.float32(0.75) * rows, np.float32(0.25) * rows
    out = np.empty((len(rows), 2 * rows.shape[1] - 2), dtype=np.float32)
    np.add(near[:, :-1], far[:, 1:], out=out[:, 0::2])
    np.add(far[:, :-1], near[:, 1:], out=out[:, 1::2])
    return out


def _double_rows(grid: Field) -> Field:
    near, far = np.float32(0.75) * grid, np.float32(0.25) * grid
    out = np.empty((2 * len(grid) - 2, grid.shape[1]), dtype=np.float32)
    np.add(near[:-1], far[1:], out=out[0::2])
    np.add(far[:-1], near[1:], out=out[1::2])
    return out


@functools.cache
def _sides(side: int, levels: int) -> tuple[int, ...]:
    """Sides of the lattices, finest first, so that each doubles to at least the one before."""
    sides = [side]
    for _ in range(levels):
        sides.append(math.ceil(sides[-1] / 2) + 1)
    return tuple(sides)


@functools.cache
def _norm(levels: int, rough: float, finest: int) -> float:
    """Amplitude of the coarsest lattice that gives a field of variance 1."""
    variance = 0.0
    for below in range(levels + 1):
        level = levels - below
        if level < finest:
            break
        smoothed = 1.0 if level == 0 else 0.625**2 if level == 1 else _SMOOTH**2
        variance += rough ** (2 * below) * smoothed
    return 1 / math.sqrt(variance)


def along(random: np.random.Generator, length: int, *, scale: float, rough: float = 0.5) -> Field:
    """Draw a random curve of mean 0 and variance about 1: (length,), float32, one value a pixel."""
    levels = max(0, round(math.log2(max(scale, 1.0))))
    sides = _sides(length, levels)
    line = random.standard_normal((sides[levels], 1), dtype=np.float32)
    amplitude, variance = 1.0, _SMOOTH
    for level in range(levels - 1, -1, -1):
        line = _double_rows(line)[: sides[level]]
        amplitude *= rough
        if amplitude > 0.05:
            line = line + amplitude * random.standard_normal(line.shape, dtype=np.float32)
            variance += amplitude**2 * _SMOOTH
    return line[:, 0] / np.float32(math.sqrt(variance))
