"""Tiles as they are learnt from: their description, and what is true of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

TRUE, MAIN = 1, 2
"""What a tag is to a tile: true of it, or what it is mainly about. 0 is neither."""


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    """Simulated tiles of one size."""

    whole: NDArray[np.float32]
    """(n, numbers): see `models.nano.descriptor`."""
    cells: NDArray[np.float16]
    """(n, cell numbers, rows, columns): see `models.nano.cells`."""
    tags: NDArray[np.uint8]
    """(n, tags), in the order of the vocabulary: 0, `TRUE` or `MAIN`."""
    sources: NDArray[np.str_]
    """(n,): which tile it is, for messages."""

    def __len__(self) -> int:
        return len(self.sources)

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Put parts one after the other."""
        return cls(
            np.concatenate([part.whole for part in parts]),
            np.concatenate([part.cells for part in parts]),
            np.concatenate([part.tags for part in parts]),
            np.concatenate([part.sources for part in parts]),
        )
