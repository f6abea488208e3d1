"""All tiles of an index at once."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from msclip_search import store
from msclip_search.indexes import StackedVectors, exact_scores

BLOCK_ROWS = 4_096
"""Rows scored at a time."""

_HALF_ULP = 2.0**-24  # of float32, relative


def score_tiles(snapshot: store.Snapshot, queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """Score all tiles that can be found, in the order of rows: (tiles, queries).

    The last bits depend on the BLAS library; rankings by `search_vectors` do not.
    """
    rows = snapshot.live_rows
    scores = np.empty((len(rows), len(queries)), dtype=np.float32)
    for start in range(0, len(rows), BLOCK_ROWS):
        part = slice(start, start + BLOCK_ROWS)
        scores[part] = snapshot.vectors.take(rows[part]) @ queries.T
    return scores


def scores_from(
    vectors: StackedVectors, rows: NDArray[np.int64], query: NDArray[np.float32], bound: np.float32
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
    """Score rows by a query, to the bit as every search does, and pass over those that score below a bound.

    Parameters
    ----------
    vectors
        Unit vectors, float16 or float32.
    rows
        (n,), row numbers, rising.
    query
        (dimension,), unit length.
    bound
        The lowest score that counts; −inf: any. A row that holds NaN has none.

    Yields
    ------
    (rows, scores)
        Of each `BLOCK_ROWS` rows, in their order, those that reach the bound.
    """
    # BLAS is fast, but its last bits depend on the shapes it is called with: it tells which rows can be passed over.
    # A sum of n products of two unit vectors is off by n half-ulps at most; half as much again, since vectors in half
    # precision are not quite of unit length.
    slack = np.float32(1.5 * (len(query) + 1) * _HALF_ULP)
    for start in range(0, len(rows), BLOCK_ROWS):
        numbers = rows[start : start + BLOCK_ROWS]
        block = vectors.take(numbers)
        if bound > -np.inf:
            near = np.flatnonzero(block @ query >= bound - slack)
            numbers, block = numbers[near], block[near]
        scores = exact_scores(np.broadcast_to(query, block.shape), block)
        kept = scores >= bound
        yield numbers[kept], scores[kept]
