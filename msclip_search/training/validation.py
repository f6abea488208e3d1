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
from msclip_search.models.nano.descriptor import Description
from msclip_search.simulation.vocabulary import WORDS
from msclip_search.training.examples import TRUE, Examples
from msclip_search.training.real import RealExamples

FEWEST = 5
"""Tiles that must have a tag, for its precision to be measured."""
_AT_ONCE = 250
"""Tiles that are embedded at once."""


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

    def measure(self, embed: Callable[[Description], Tensor]) -> float:
        """Return the mean average precision over the tags that tiles enough have; NaN where there is none."""
        return mean(self.precisions(embed))

    def precisions(self, embed: Callable[[Description], Tensor]) -> NDArray[np.float64]:
        """Return the average precision of each tag over all tiles, (tags,); NaN for one that too few have."""
        scores = embedded(self.tiles, embed) @ self.queries.numpy().T
        return ranked(scores, self.tiles.tags >= TRUE)


def mean(precisions: NDArray[np.float64]) -> float:
    """Return the mean of those that are numbers; NaN where there is none."""
    known = precisions[~np.isnan(precisions)]
    return float(known.mean()) if len(known) else float("nan")


def embedded(tiles: Examples | RealExamples, embed: Callable[[Description], Tensor]) -> NDArray[np.float32]:
    """Embed tiles some at a time, (n, dimension)."""
    parts = []
    with torch.inference_mode():
        for start in range(0, len(tiles), _AT_ONCE):
            some = slice(start, start + _AT_ONCE)
            cells = torch.from_numpy(tiles.cells[some]).float()
            parts.append(embed(Description(torch.from_numpy(tiles.whole[some]), cells)).numpy())
    return np.concatenate(parts)


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
