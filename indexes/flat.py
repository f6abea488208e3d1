"""The exact index: every query looks at every row."""

import numpy as np

from msclip_search.indexes.base import Floats, Mask, Ranked, Vectors, checked
from msclip_search.indexes.exact import scan


class FlatIndex:
    """Scans all allowed rows, in blocks: slow on millions of rows, and never wrong.

    Memory is bounded whatever the number of rows. Searches may run in several threads at once.

    Parameters
    ----------
    vectors
        The vector set; rows have unit length.
    """

    __slots__ = ("_vectors",)

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors

    def search(self, queries: Floats, k: int, *, allowed: Mask | None = None) -> Ranked:
        """Find the k best rows of each query: see `Index.search`."""
        queries = checked(queries, k, allowed, shape=self._vectors.shape)
        rows = None if allowed is None else np.flatnonzero(allowed)
        return scan(self._vectors, queries, k, rows=rows)
