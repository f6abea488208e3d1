"""Exact scores and exact ranks, in bounded memory: every search ends here.

Scores are computed in two steps. BLAS in float32 is fast, but its last bits depend on the shapes it is called with,
so it only tells which rows could be among the best k, with a margin that covers its worst rounding error. Those few
are scored by `exact_scores`, whose result depends on nothing but the two vectors. So the same query and row have the
same score, to the bit, whichever index found them, in whatever company.
"""

from collections.abc import Iterator

import numpy as np

from msclip_search.indexes.base import Floats, Mask, Ranked, Rows, Vectors
from msclip_search.indexes.half import widened

BLOCK_ROWS = 4_096
"""Rows scored at a time: 8 MB of float32 at 512 numbers a row, which the allocator reuses; of larger blocks the system
clears every page anew, which takes longer than scoring them."""

QUERY_ROWS = 256
"""Queries scored against a block at a time: a table of 4 MB."""

PAIR_ROWS = 4_096
"""Pairs of query and row scored exactly at a time: 32 MB at 512 numbers a row, most of it in float64."""

_HALF_ULP = 2.0**-24  # of float32, relative


def exact_scores(queries: Floats, vectors: Floats) -> Floats:
    """Score pairs of vectors: the inner product of each query with the vector beside it.

    Products of float32 are exact in float64, and numpy adds the numbers of one contiguous row in an order that
    depends on their count alone: the same two vectors give the same bits in any batch, at any place in it.

    Parameters
    ----------
    queries, vectors
        float32 (pairs, dimension).

    Returns
    -------
    numpy.ndarray
        float32 (pairs,).
    """
    # `np.vecdot` and `np.einsum` choose their kernels by shape or library: their sums need not agree.
    products = np.multiply(queries, vectors, dtype=np.float64, order="C")
    scores: Floats = products.sum(axis=1).astype(np.float32)
    return scores


def scan(vectors: Vectors, queries: Floats, k: int, *, rows: Rows | None = None) -> Ranked:
    """Rank rows by looking at each of them.

    Parameters
    ----------
    vectors
        The vector set; rows have unit length. A row that holds NaN is never found.
    queries
        float32 (queries, dimension), contiguous and finite.
    k
        How many rows to find, at least 1.
    rows
        int64 (n,): the only rows to look at, each once; rising order is fastest. None: all.
    """
    count = vectors.shape[0] if rows is None else len(rows)
    best = _Best(len(queries), min(k, count))
    slack = _slack(queries)
    for numbers, block in _blocks(vectors, rows):
        for start in range(0, len(queries), QUERY_ROWS):
            part = slice(start, start + QUERY_ROWS)
            query, row = _contenders(queries[part], block, best.floor[part], slack[part], best.width)
            scores = _pair_scores(queries[part], block, query, row)
            best.offer(query + start, numbers[row], scores)
    return best.ranked(k)


def merged(one: Ranked, other: Ranked) -> Ranked:
    """Rank what two searches of the same queries and k found, in different rows, together."""
    k = one.rows.shape[1]
    rows = np.concatenate([one.rows, other.rows], axis=1)
    scores = np.concatenate([one.scores, other.scores], axis=1)
    order = np.lexsort((rows, -scores), axis=1)[:, :k]
    return Ranked(np.take_along_axis(rows, order, axis=1), np.take_along_axis(scores, order, axis=1))


class _Best:
    """The best rows so far of each query, sorted."""

    def __init__(self, queries: int, width: int) -> None:
        self.width = width
        self._rows = np.full((queries, width), -1, dtype=np.int64)
        self._scores = np.full((queries, width), -np.inf, dtype=np.float32)

    @property
    def floor(self) -> Floats:
        """float32 (queries,): the score that a row has to reach, -inf while there is room."""
        return self._scores[:, -1]

    def offer(self, query: Rows, rows: Rows, scores: Floats) -> None:
        """Take in rows that have not been offered before, (n,) of each, sorted by query."""
        changed, counts = np.unique(query, return_counts=True)
        if not len(changed):
            return
        queries = np.concatenate([np.repeat(changed, self.width), query])
        rows = np.concatenate([self._rows[changed].reshape(-1), rows])
        scores = np.concatenate([self._scores[changed].reshape(-1), scores])
        order = np.lexsort((rows, -scores, queries))
        lengths = counts + self.width
        firsts = np.cumsum(lengths) - lengths
        kept = order[firsts[:, np.newaxis] + np.arange(self.width)]
        self._rows[changed] = rows[kept]
        self._scores[changed] = scores[kept]

    def ranked(self, k: int) -> Ranked:
        """Return the result, padded to k."""
        pad = ((0, 0), (0, k - self.width))
        return Ranked(
            np.pad(self._rows, pad, constant_values=-1),
            np.pad(self._scores, pad, constant_values=-np.inf),
        )


def _blocks(vectors: Vectors, rows: Rows | None) -> Iterator[tuple[Rows, Floats]]:
    """Row numbers (n,) and their vectors (n, dimension), `BLOCK_ROWS` at a time."""
    if rows is None:
        for first, block in vectors.blocks(BLOCK_ROWS):
            yield np.arange(first, first + len(block)), widened(block)
    else:
        for start in range(0, len(rows), BLOCK_ROWS):
            numbers = rows[start : start + BLOCK_ROWS]
            yield numbers, vectors.take(numbers)


def _slack(queries: Floats) -> Floats:
    """float32 (queries,): how far two float32 scores may be apart though the exact ones are in the other order.

    An inner product of n numbers is off by at most n half-ulps times both lengths, whatever the order of the sum; two
    of them by twice that. Half as much again allows for rows whose length is not quite 1 and for the last rounding.
    """
    lengths = np.linalg.norm(queries.astype(np.float64), axis=1)
    slack: Floats = (3 * (queries.shape[1] + 1) * _HALF_ULP * lengths).astype(np.float32)
    return slack


def _contenders(queries: Floats, block: Floats, floor: Floats, slack: Floats, width: int) -> tuple[Rows, Rows]:
    """Pairs (query, row of the block) that could be among the best `width`, sorted by query."""
    # Negated, because sorting puts NaN at the end: so a NaN is the worst and never the best.
    # And one query row by row: BLAS threads that multiply a matrix with a single vector gain nothing, and by waiting
    # for more on every core they hold up FAISS's threads for milliseconds.
    away = np.vecdot(-queries[:, np.newaxis], block) if len(queries) == 1 else -queries @ block.T
    limit = slack - floor
    near: Mask = away <= limit[:, np.newaxis]
    if width < len(block) and np.count_nonzero(near) > 4 * width * len(queries):
        nearest = np.partition(away, width - 1, axis=1)[:, width - 1]
        near = away <= np.fmin(limit, nearest + slack)[:, np.newaxis]
    query, row = np.nonzero(near)
    return query, row


def _pair_scores(queries: Floats, block: Floats, query: Rows, row: Rows) -> Floats:
    """Exact scores (n,) of pairs given by number, in bounded memory."""
    scores = np.empty(len(query), dtype=np.float32)
    for start in range(0, len(query), PAIR_ROWS):
        part = slice(start, start + PAIR_ROWS)
        scores[part] = exact_scores(queries[query[part]], block[row[part]])
    return scores
