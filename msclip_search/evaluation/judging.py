"""How good one answer is that a query has already got."""

from dataclasses import dataclass

import numpy as np

from msclip_search import metrics
from msclip_search.evaluation.questions import LabelTable, Relevance
from msclip_search.filters import Selection
from msclip_search.search import Hits, SearchIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A query's hits against the labels of the index."""

    k: int
    """Hits that were asked for."""
    right: int
    """Hits that are relevant."""
    relevant: int
    """R: relevant tiles that could be found."""
    standard: float
    """AP@k, over min(R, k); nan where nothing is relevant."""
    torchmetrics: float
    """AP@k, over the hits found."""


def judge(index: SearchIndex, hits: Hits, relevance: Relevance, *, within: Selection | None = None) -> Judgement:
    """Hold hits against the labels of their index, or of the tiles of it that could be found.

    Equal scores count in the order of tile ids.
    """
    k = hits.searched if hits.top_k is None else hits.top_k
    there = index.tiles(["labels"], within=within)["labels"].to_pylist()
    total = np.array([relevance.holds(LabelTable.of(there)).sum()])
    order = metrics.ranked(hits.scores, np.array(hits.tiles["tile_id"].to_pylist(), dtype=np.str_))
    right = relevance.holds(LabelTable.of(hits.tiles["labels"].to_pylist()))[order][None]
    return Judgement(
        k=k,
        right=int(right.sum()),
        relevant=int(total[0]),
        standard=float(metrics.average_precision(right, total, k=k)[0]),
        torchmetrics=float(metrics.average_precision_of_found(right, hits.scores[order][None], total, k=k)[0]),
    )
