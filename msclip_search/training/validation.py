"""How well tags are found among simulated tiles that were not learnt from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from msclip_search.metrics import average_precision
from msclip_search.models import Embeddings
from msclip_search.simulation.vocabulary import WORDS
from msclip_search.training.examples import TRUE, Examples

FEWEST = 5
"""Tiles that must have a tag, for its precision to be measured."""


@dataclass(frozen=True, slots=True, eq=False)
class Validation:
    """Tiles, and each tag's plainest phrase."""

    tiles: Examples
    queries: Tensor
    """(tags, dimension)."""

    @classmethod
    def of(cls, tiles: Examples, encode: Callable[[Sequence[str]], Embeddings]) -> Self:
        """Ask for each tag by its plainest phrase."""
        return cls(tiles, torch.from_numpy(encode([word.phrases[0] for word in WORDS.values()])))

    def measure(self, embed: Callable[[Tensor], Tensor]) -> float:
        """Return the mean average precision over the tags that tiles enough have."""
        return float(np.nanmean(self.precisions(embed)))

    def precisions(self, embed: Callable[[Tensor], Tensor]) -> NDArray[np.float64]:
        """Return the average precision of each tag over all tiles, (tags,); NaN for one that too few have."""
        with torch.inference_mode():
            scores = (embed(torch.from_numpy(self.tiles.descriptions)) @ self.queries.T).numpy()
        return ranked(scores, self.tiles.tags >= TRUE)


def ranked(scores: NDArray[np.floating], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the average precision of each column, (queries,); NaN where fewer than `FEWEST` are right.

    Parameters
    ----------
    scores, right
        (tiles, queries).
    """
    found = np.full(right.shape[1], np.nan)
    for column in range(right.shape[1]):
        truth = right[:, column]
        number = np.count_nonzero(truth)
        if number >= FEWEST:
            order = np.argsort(-scores[:, column], kind="stable")
            found[column] = average_precision(truth[order][None], np.array([number]), k=len(truth))[0]
    return found
