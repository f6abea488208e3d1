"""What every index is held against: all scores in float64, sorted; and vectors that lie like those of CLIP."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msclip_search.indexes import Ranked


@dataclass(frozen=True, slots=True)
class Archive:
    """Vectors in several parts, and queries."""

    parts: list[NDArray[np.float16]]
    queries: NDArray[np.float32]

    @property
    def matrix(self) -> NDArray[np.float64]:
        """All stored rows (rows, dimension)."""
        return np.concatenate(self.parts).astype(np.float64)


def ranked(
    matrix: NDArray[np.float64],
    queries: NDArray[np.float32],
    k: int,
    *,
    allowed: NDArray[np.bool_] | None = None,
) -> Ranked:
    """Rank by sorting everything: falling score, equal scores by rising row, padded with -1 and -inf."""
    scores = np.einsum("qd,nd->qn", queries.astype(np.float64), matrix).astype(np.float32)
    candidates = np.arange(len(matrix)) if allowed is None else np.flatnonzero(allowed)
    rows = np.full((len(queries), k), -1, dtype=np.int64)
    best = np.full((len(queries), k), -np.inf, dtype=np.float32)
    for number, row in enumerate(scores):
        order = candidates[np.lexsort((candidates, -row[candidates]))[:k]]
        rows[number, : len(order)] = order
        best[number, : len(order)] = row[order]
    return Ranked(rows, best)


def assert_same(found: Ranked, expected: Ranked) -> None:
    """Compare rows and scores, to the bit."""
    np.testing.assert_array_equal(found.rows, expected.rows)
    np.testing.assert_array_equal(found.scores, expected.scores)


def recall(found: Ranked, expected: Ranked) -> float:
    """Share of the expected rows that were found."""
    shares = [np.isin(wanted, got).mean() for got, wanted in zip(found.rows, expected.rows, strict=True)]
    return float(np.mean(shares))


def unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bring rows to length 1."""
    lengths: NDArray[np.float64] = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / lengths


def coned(rng: np.random.Generator, *, rows: int, dimension: int, queries: int) -> tuple[NDArray[np.float64], ...]:
    """Images in a cone around their mean, whose length is .66, and texts in a cone of their own, 78 degrees away."""
    spread = np.arange(1, dimension + 1) ** -0.5
    spread /= np.linalg.norm(spread)
    image, text = np.zeros((2, dimension))
    image[0] = 1
    text[:2] = np.cos(np.radians(78)), np.sin(np.radians(78))
    images = unit(0.66 * image + 0.75 * spread * rng.standard_normal((rows, dimension)))
    texts = unit(0.75 * text + 0.66 * spread * rng.standard_normal((queries, dimension)))
    return images, texts
