"""Every tile that fits a question, and not only the best few."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from msclip_search import store
from msclip_search.errors import QueryError
from msclip_search.search.gathering import gather
from msclip_search.search.hits import Hits
from msclip_search.search.searcher import Scale
from msclip_search.search.whole import BLOCK_ROWS, scores_from

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the tiles scored and the tiles to score."""

PAGE = 10_000
"""Hits a page."""
_GATHERED = 1 << 18
"""Hits whose metadata are read at a time, some 100 MB: in the order of ranks they lie all over the sidecars, which are
read through once for so many."""
_HUNDRED = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Least:
    """What a hit has to reach; both are compared in single precision, in which scores and percentiles are reported."""

    percentile: float | None = None
    """0 to 100."""
    score: float | None = None
    """A cosine, −1 to 1."""

    def __post_init__(self) -> None:
        """Refuse what no tile, or every tile, would reach by mistake."""
        if self.percentile is not None and not 0 <= self.percentile <= _HUNDRED:
            raise QueryError(f"The lowest percentile is between 0 and 100, got {self.percentile:g}.")
        if self.score is not None and not -1 <= self.score <= 1:
            raise QueryError(f"The lowest score is a cosine, between -1 and 1, got {self.score:g}.")

    def __bool__(self) -> bool:
        return self.percentile is not None or self.score is not None

    def bound(self, scale: Scale) -> np.float32:
        """Return the lowest score that reaches it."""
        bound = np.float32(-np.inf) if self.percentile is None else scale.least(self.percentile)
        return bound if self.score is None else max(bound, np.float32(self.score))


@dataclass(frozen=True, slots=True, eq=False)
class Ranking:
    """Tiles by falling score, equal scores by rising row number."""

    rows: NDArray[np.int64]
    """(tiles,), row numbers."""
    scores: NDArray[np.float32]
    """(tiles,)."""

    def __len__(self) -> int:
        return len(self.rows)

    def at(self, places: NDArray[np.int64] | slice) -> "Ranking":
        """Return those at some places."""
        return Ranking(self.rows[places], self.scores[places])

    def down_to(self, bound: np.float32) -> "Ranking":
        """Return those that reach a score."""
        return self.at(slice(0, int(np.count_nonzero(self.scores >= bound))))


def rank_all(
    snapshot: store.Snapshot,
    query: NDArray[np.float32],
    *,
    allowed: NDArray[np.bool_] | None = None,
    bound: np.float32 | None = None,
    progress: Progress | None = None,
) -> Ranking:
    """Rank every tile, as `FlatIndex` does with a k that is large enough, to the bit; and much faster then.

    Parameters
    ----------
    snapshot
        The index.
    query
        (dimension,), unit length.
    allowed
        bool (rows,): which rows may be found. None: all that are not deleted.
    bound
        The lowest score that counts; None: any.
    progress
        Called before and after each block.

    Returns
    -------
    Ranking
        It takes 12 bytes a tile that reaches the bound, and 8 more while it is sorted.
    """
    rows = snapshot.live_rows if allowed is None else np.flatnonzero(allowed)
    found: list[NDArray[np.int64]] = [np.empty(0, dtype=np.int64)]
    scored: list[NDArray[np.float32]] = [np.empty(0, dtype=np.float32)]
    done = 0
    for part, scores in scores_from(snapshot.vectors, rows, query, np.float32(-np.inf) if bound is None else bound):
        if progress:
            progress(done, len(rows))
        found.append(part)
        scored.append(scores)
        done += min(BLOCK_ROWS, len(rows) - done)
    if progress:
        progress(len(rows), len(rows))
    ranking = Ranking(np.concatenate(found), np.concatenate(scored))
    return ranking.at(np.argsort(-ranking.scores, kind="stable"))  # rows are rising


def check_page(page: int) -> None:
    """Refuse pages without hits."""
    if page < 1:
        raise QueryError(f"A page has at least 1 hit, got {page}.")


class Pages(Iterator[Hits]):
    """The hits of one query, page by page, in the order of ranks, which run on; of no hit, one empty page."""

    def __init__(
        self, snapshot: store.Snapshot, ranking: Ranking, scale: Scale, *, title: Hits, page: int = PAGE
    ) -> None:
        """Take a ranking, how a score becomes a percentile, hits for what all pages share, and how many a page has."""
        check_page(page)
        self.total = len(ranking)
        """How many hits there are on all pages."""
        self.title = title
        """Hits without any: the query, and how many tiles were looked through."""
        self._pages = self._turned(snapshot, ranking, scale, title, page)

    def __next__(self) -> Hits:
        return next(self._pages)

    def _turned(
        self, snapshot: store.Snapshot, ranking: Ranking, scale: Scale, title: Hits, page: int
    ) -> Iterator[Hits]:
        sheets = max(_GATHERED // page, 1) * page
        for first in range(0, max(self.total, 1), sheets):
            part = ranking.at(slice(first, first + sheets))
            tiles = gather(snapshot, part.rows)
            for start in range(0, max(len(part), 1), page):
                here = part.at(slice(start, start + page))
                yield replace(
                    title,
                    ranks=np.arange(1, len(here) + 1, dtype=np.int64) + first + start,
                    scores=here.scores,
                    percentiles=scale.percentiles(here.scores),
                    tiles=tiles.slice(start, len(here)),
                )
