"""Hits that have to do more than be among the best: lie apart, and reach a bound."""

import logging
import numbers
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from msclip_search.catalog import empty_table
from msclip_search.errors import QueryError
from msclip_search.indexes import Index
from msclip_search.search.above import PAGE, Least, Pages, Progress, Ranking, rank_all
from msclip_search.search.apart import Thinned, best_apart, check_distance, thin
from msclip_search.search.hits import Hits
from msclip_search.search.ranking import Field, Title
from msclip_search.search.searcher import Scale
from msclip_search.store import Snapshot

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What hits have to do beside being among the best."""

    apart: float | None = None
    """Metres between the middles of any two, at least."""
    least: Least = field(default_factory=Least)

    def __post_init__(self) -> None:
        """Refuse a distance that is none."""
        if self.apart is not None:
            check_distance(self.apart)

    @classmethod
    def of(cls, *, apart: float | None, min_percentile: float | None, min_score: float | None) -> "Limits":
        """Read them as `SearchIndex.search` takes them.

        Raises
        ------
        QueryError
            One of them is no number, or out of range.
        """
        named = {
            "The distance that keeps hits apart is a number of metres": apart,
            "The lowest percentile is a number": min_percentile,
            "The lowest score is a number": min_score,
        }
        for what, value in named.items():
            if isinstance(value, bool) or not isinstance(value, numbers.Real | None):
                raise QueryError(f"{what}, not {value!r}.")
        return cls(apart=apart, least=Least(percentile=min_percentile, score=min_score))

    def __bool__(self) -> bool:
        return self.apart is not None or bool(self.least)


def rank_within(
    snapshot: Snapshot,
    index: Index,
    queries: NDArray[np.float32],
    titles: Sequence[Title],
    k: int,
    *,
    within: Field,
    sample: NDArray[np.float32],
    limits: Limits,
) -> list[Hits]:
    """Find the k best tiles of each query that keep to the limits: see `ranking.rank`.

    Of tiles that lie apart, as many come back as there are, up to k, however many have to be looked at.
    """
    results: list[Hits] = []
    for query, title in zip(queries, titles, strict=True):
        scale = Scale.of(query, sample)
        bound = limits.least.bound(scale)

        def best(count: int, query: NDArray[np.float32] = query) -> Ranking:
            found = index.search(query[np.newaxis], min(count, max(within.searched, 1)), allowed=within.allowed)
            there = found.rows[0] >= 0
            return Ranking(found.rows[0][there], found.scores[0][there])

        if limits.apart is None:
            ranking = best(k).down_to(bound)
        else:
            thinned = best_apart(
                snapshot,
                best,
                lambda query=query, bound=bound: rank_all(snapshot, query, allowed=within.allowed, bound=bound),  # type: ignore[misc]
                k=k,
                metres=limits.apart,
                among=within.searched,
                bound=bound,
            )
            ranking = _warned(thinned)
        page = Pages(snapshot, ranking, scale, title=_blank(title, k, within), page=max(len(ranking), 1))
        results.extend(page)
    return results


def all_within(
    snapshot: Snapshot,
    query: NDArray[np.float32],
    title: Title,
    *,
    within: Field,
    sample: NDArray[np.float32],
    limits: Limits,
    page: int = PAGE,
    progress: Progress | None = None,
) -> Pages:
    """Find every tile that keeps to the limits, exactly."""
    scale = Scale.of(query, sample)
    ranking = rank_all(snapshot, query, allowed=within.allowed, bound=limits.least.bound(scale), progress=progress)
    if limits.apart is not None:
        ranking = _warned(thin(snapshot, ranking, limits.apart))
    return Pages(snapshot, ranking, scale, title=_blank(title, None, within), page=page)


def _warned(thinned: Thinned) -> Ranking:
    for warning in thinned.warnings():
        logger.warning("%s", warning)
    return thinned.ranking


def _blank(title: Title, k: int | None, within: Field) -> Hits:
    """Return hits of which there are none, for what all pages share."""
    none = np.empty(0, dtype=np.float32)
    return Hits(
        query=title.query,
        parts=title.parts,
        top_k=k,
        searched=within.searched,
        ranks=np.empty(0, dtype=np.int64),
        scores=none,
        percentiles=none,
        tiles=empty_table(),
    )
