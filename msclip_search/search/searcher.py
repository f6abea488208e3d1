"""What searches a state of an index, and the questions that it takes."""

import numbers
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from msclip_search import store
from msclip_search.errors import IndexDamaged, QueryError
from msclip_search.indexes import FlatIndex, Index, IvfPqIndex, exact_scores


def open_searcher(snapshot: store.Snapshot) -> Index:
    """Open FAISS where a generation of the ANN index is in force, else the exact scan.

    Raises
    ------
    IndexDamaged
        The generation cannot be used.
    """
    ann = snapshot.manifest.ann
    if ann is None:
        return FlatIndex(snapshot.vectors)
    path = snapshot.layout.faiss(ann.generation)
    try:
        with snapshot.reading(path):
            return IvfPqIndex.load(path, vectors=snapshot.vectors, positions=store.positions(snapshot))
    except ValueError as error:
        raise IndexDamaged(f"The ANN index {path} cannot be used: {error}") from error


def check_k(k: int) -> int:
    """Return how many tiles to find as Python's own number: FAISS takes no other. Fewer than one are refused.

    Raises
    ------
    QueryError
        It is no whole number, or below 1.
    """
    if isinstance(k, bool) or not isinstance(k, numbers.Integral):
        raise QueryError(f"The number of tiles to find is a whole number, not {k!r}.")
    if k < 1:
        raise QueryError(f"The number of tiles to find is at least 1, got {k}.")
    return int(k)


def unit_queries(vectors: NDArray[np.floating], dimension: int) -> NDArray[np.float32]:
    """Bring query vectors to length 1: float32 (queries, dimension).

    Raises
    ------
    QueryError
        They have another shape, or one has no direction.
    """
    if vectors.ndim != 2 or vectors.shape[1] != dimension or vectors.dtype.kind not in "iuf":
        raise QueryError(
            f"The index has vectors of {dimension} numbers; the query has the shape {vectors.shape}, {vectors.dtype}."
        )
    wide = vectors.astype(np.float64)
    lengths = np.linalg.norm(wide, axis=1, keepdims=True)
    if not np.isfinite(lengths).all() or (lengths == 0).any():
        raise QueryError("A query vector has no direction: it is zero, or holds values that are no numbers.")
    unit: NDArray[np.float32] = (wide / lengths).astype(np.float32)
    return unit


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """By which a score becomes a percentile, for one query."""

    levels: NDArray[np.float32]
    """Scores of a sample of the index, rising."""

    @classmethod
    def of(cls, query: NDArray[np.float32], sample: NDArray[np.float32]) -> Self:
        """Score a sample, (vectors, dimension)."""
        return cls(np.sort(exact_scores(np.broadcast_to(query, sample.shape), sample)))

    def percentiles(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Say how many percent of the sample score lower, (scores,)."""
        return self._shares(np.searchsorted(self.levels, scores, side="left"))

    def least(self, percentile: float) -> np.float32:
        """Return the lowest score whose percentile, as it is reported, is at least this one."""
        lower = np.searchsorted(self._shares(np.arange(len(self.levels) + 1)), np.float32(percentile))
        if lower == 0:
            return np.float32(-np.inf)
        if lower > len(self.levels):  # of no sample
            return np.float32(np.inf)
        above: np.float32 = np.nextafter(self.levels[lower - 1], np.float32(np.inf))
        return above

    def _shares(self, lower: NDArray[np.int64]) -> NDArray[np.float32]:
        shares: NDArray[np.float32] = (100 * lower / max(len(self.levels), 1)).astype(np.float32)
        return shares
