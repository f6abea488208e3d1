"""Vectors of other programs as an index keeps them: float16, of length 1."""

from collections.abc import Callable
from typing import NoReturn

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 1e-2
"""How far the length of a vector may lie from 1: float16 rounds by a twentieth of it."""


def as_stored(
    vectors: NDArray[np.floating], *, normalise: bool, refuse: Callable[[int, str], NoReturn]
) -> NDArray[np.float16]:
    """Check vectors, and return them as they are stored; those that were float16 of length 1 are the same to the bit.

    Parameters
    ----------
    vectors
        (rows, dimension).
    normalise
        Whether they are brought to length 1; otherwise they have it.
    refuse
        Raises, given a row and what is wrong with its vector: "a vector of zeros".
    """
    with np.errstate(over="ignore"):  # of wider types, beyond what float64 holds
        wide = vectors.astype(np.float64)
    finite = np.isfinite(wide).all(axis=1)
    for row in np.flatnonzero(~finite)[:1].tolist():
        refuse(row, "a vector with NaN or an infinite number in it")
    for row in np.flatnonzero(~wide.any(axis=1))[:1].tolist():
        refuse(row, "a vector of zeros, which has no direction")
    # By a power of two the largest number comes near 1: that is exact, and squares neither overflow nor vanish.
    _, powers = np.frexp(np.abs(wide).max(axis=1))
    scaled = np.ldexp(wide, -powers[:, np.newaxis])
    norms = np.linalg.norm(scaled, axis=1)
    if normalise:
        unit: NDArray[np.float16] = (scaled / norms[:, np.newaxis]).astype(np.float16)
        return unit
    with np.errstate(over="ignore"):
        lengths = np.ldexp(norms, powers)
    for row in np.flatnonzero(np.abs(lengths - 1) > TOLERANCE)[:1].tolist():
        refuse(row, f"a vector of length {lengths[row]:.4g}, not 1: bring them all to length 1 with --normalise")
    return vectors.astype(np.float16)
