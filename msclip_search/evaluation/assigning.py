"""Classes for tiles that nobody has labelled."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from msclip_search.errors import QueryError
from msclip_search.search import SearchIndex

TEMPERATURE = 100.0
"""What cosines are multiplied by before the softmax: CLIP's trained scale, which ends at its bound of 100."""


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """The class of each tile."""

    classes: tuple[str, ...]
    tiles: Any
    """pyarrow.Table: the sidecar's columns, a row a tile."""
    probabilities: NDArray[np.float32]
    """(tiles, classes): softmax of 100 × cosine. They are relative to these classes, and say nothing of others."""

    @property
    def chosen(self) -> NDArray[np.intp]:
        """Number of each tile's likeliest class, (tiles,)."""
        return np.asarray(self.probabilities.argmax(axis=1))


def check_classes(classes: Sequence[str]) -> None:
    """Refuse classes that cannot be told from one another.

    Raises
    ------
    QueryError
        Fewer than two classes, or one is empty or named twice.
    """
    if len(classes) < 2:
        raise QueryError("Classes are told from one another: give two at least.")
    if not all(name.strip() for name in classes):
        raise QueryError("A class has a name in words, and one of these has none.")
    if twice := sorted({name for name in classes if classes.count(name) > 1}):
        raise QueryError(f"Classes are named twice: {', '.join(twice)}.")


def assign(index: SearchIndex, classes: Sequence[str], *, templates: str | None = None) -> Assignment:
    """Give each tile of an index the class whose words it lies nearest to.

    Parameters
    ----------
    index
        Whose stored embeddings are compared; no pixel is read.
    classes
        In words, two at least.
    templates
        Set of prompt templates to put around the words; its embeddings are averaged.

    Raises
    ------
    QueryError
        Fewer than two classes, or one is empty or named twice.
    """
    check_classes(classes)
    logits = np.float32(TEMPERATURE) * index.scores(index.encode(list(classes), templates=templates))
    logits -= logits.max(axis=1, keepdims=True)
    shares = np.exp(logits)
    columns = ["tile_id", "source", "window", "geometry", "datetime", "labels"]
    return Assignment(tuple(classes), index.tiles(columns), shares / shares.sum(axis=1, keepdims=True))
