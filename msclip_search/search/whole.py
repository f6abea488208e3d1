"""All tiles of an index at once."""

import numpy as np
from numpy.typing import NDArray

from msclip_search import store

_ROWS = 4_096
"""Rows scored at a time."""


def score_tiles(snapshot: store.Snapshot, queries: NDArray[np.float32]) -> NDArray[np.float32]:
    """Score all tiles that can be found, in the order of rows: (tiles, queries).

    The last bits depend on the BLAS library; rankings by `search_vectors` do not.
    """
    rows = snapshot.live_rows
    scores = np.empty((len(rows), len(queries)), dtype=np.float32)
    for start in range(0, len(rows), _ROWS):
        part = slice(start, start + _ROWS)
        scores[part] = snapshot.vectors.take(rows[part]) @ queries.T
    return scores
