"""What an index is: rows of unit vectors in, ranked row numbers out.

A row number counts from zero through the whole vector set. What a row stands for is known one floor up.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Rows: TypeAlias = NDArray[np.int64]
Mask: TypeAlias = NDArray[np.bool_]
Floats: TypeAlias = NDArray[np.float32]
StoredFloats: TypeAlias = NDArray[np.float16 | np.float32]


class Vectors(Protocol):
    """Rows of unit vectors that need not fit in memory."""

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows, and numbers a row."""

    def blocks(self, size: int) -> Iterator[tuple[int, StoredFloats]]:
        """All rows in order, as (number of the first row, array (n, dimension)) with n <= size."""

    def take(self, rows: Rows) -> Floats:
        """Copy the rows of these numbers, in this order, as float32 (n, dimension)."""


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """The best rows of each query, by falling score, equal scores by rising row number."""

    rows: Rows
    """int64 (queries, k): row numbers, -1 where fewer than k rows could be had."""

    scores: Floats
    """float32 (queries, k): cosines, -inf where the row is -1."""

    def __post_init__(self) -> None:
        """Refuse arrays that do not belong together."""
        if self.rows.ndim != 2 or self.rows.shape != self.scores.shape:
            raise ValueError(
                f"Rows and scores are two arrays of one shape (queries, k), not {self.rows.shape} and "
                f"{self.scores.shape}."
            )
        if self.rows.dtype != np.int64 or self.scores.dtype != np.float32:
            raise TypeError(f"Rows are int64 and scores float32, not {self.rows.dtype} and {self.scores.dtype}.")


class Index(Protocol):
    """Ranks the rows of a vector set by their inner product with a query."""

    def search(self, queries: Floats, k: int, *, allowed: Mask | None = None) -> Ranked:
        """Find the k best rows of each query.

        Parameters
        ----------
        queries
            float32 (queries, dimension), unit length.
        k
            How many rows to find, at least 1.
        allowed
            bool (rows,), one for each row of the whole vector set: only rows that are True are ranked. None: all.

        Returns
        -------
        Ranked
            As many rows as there are allowed ones, up to k: never fewer.

        Raises
        ------
        ValueError
            The arguments do not fit the vector set; the message says what was expected.
        """


def checked(queries: Floats, k: int, allowed: Mask | None, *, shape: tuple[int, int]) -> Floats:
    """Refuse what cannot be searched, and return the queries contiguous.

    Parameters
    ----------
    queries, k, allowed
        As `Index.search` takes them.
    shape
        (rows, dimension) of the vector set.

    Raises
    ------
    ValueError
        A shape does not fit, k is below 1, or a query holds a number that is not finite.
    TypeError
        The queries are not float32, or the mask is not bool.
    """
    if queries.dtype != np.float32:
        raise TypeError(f"Queries are float32, not {queries.dtype}.")
    if queries.ndim != 2 or queries.shape[1] != shape[1]:
        raise ValueError(f"Queries have the shape (queries, {shape[1]}), not {queries.shape}.")
    if k < 1:
        raise ValueError(f"k is at least 1, not {k}.")
    if not np.isfinite(queries).all():
        raise ValueError("A query holds numbers that are not finite.")
    if allowed is not None:
        if allowed.dtype != np.bool_:
            raise TypeError(f"The mask of allowed rows is bool, not {allowed.dtype}.")
        if allowed.shape != shape[:1]:
            raise ValueError(f"The mask of allowed rows has the shape ({shape[0]},), not {allowed.shape}.")
    return np.ascontiguousarray(queries)
