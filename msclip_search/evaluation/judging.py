"""How good one answer is that a query has already got."""

from dataclasses import dataclass

import numpy as np

from msclip_search import metrics
from msclip_search.evaluation.questions import LabelTable, Relevance
from msclip_search.search import Hits, SearchIndex


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A query's hits against the labels of the index."""

    k: int
    """Hits that were asked for."""
    right: int
    """Hits that are relevant."""
    relevant: int
    """R: relevant tiles in the index."""
    standard: float
    """AP@k, over min(R, k); nan where nothing is relevant."""
    torchmetrics: float
    """AP@k, over the hits found."""


def judge(index: SearchIndex, hits: Hits, relevance: Relevance) -> Judgement:
    """Hold hits against the labels of their index; equal scores count in the order of tile ids."""
    total = np.array([relevance.holds(LabelTable.of(index.tiles(["labels"])["labels"].to_pylist())).sum()])
    order = metrics.ranked(hits.scores, np.array(hits.tiles["tile_id"].to_pylist(), dtype=np.str_))
    right = relevance.holds(LabelTable.of(hits.tiles["labels"].to_pylist()))[order][None]
    return Judgement(
        k=hits.top_k,
        right=int(right.sum()),
        relevant=int(total[0]),
        standard=float(metrics.average_precision(right, total, k=hits.top_k)[0]),
        torchmetrics=float(metrics.average_precision_of_found(right, hits.scores[order][None], total, k=hits.top_k)[0]),
    )
