"""Ranking the tiles of an index by vectors."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from msclip_search.indexes import Index
from msclip_search.search.hits import Hits
from msclip_search.search.question import Part
from msclip_search.search.searcher import Scale
from msclip_search.store import Snapshot

if TYPE_CHECKING:
    from msclip_search.filters import Filter, Selection


@dataclass(frozen=True, slots=True)
class Title:
    """What a query is called in its results."""

    query: str
    parts: tuple[Part, ...] = ()
    """Of a question that has more than a text."""


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """The tiles that may be found."""

    allowed: NDArray[np.bool_] | None
    """(rows,), True for each that may; None: all."""
    searched: int
    """How many they are."""


def field_of(snapshot: Snapshot, within: "Filter | Selection | None") -> Field:
    """Say which tiles may be found: those that fit a filter, or have been selected; all that are live where it is None.

    Raises
    ------
    QueryError, IndexDamaged, StorageError
        See `choice.choose`.
    """
    if within is None:
        return Field(snapshot.live, snapshot.manifest.tiles)
    from msclip_search.filters import Selection
    from msclip_search.search.choice import choose  # here, since queries without a filter need not load it

    found = within if isinstance(within, Selection) else choose(snapshot, within)
    return Field(found.mask, found.matched)


def rank(
    snapshot: Snapshot,
    index: Index,
    queries: NDArray[np.float32],
    titles: Sequence[Title],
    k: int,
    *,
    field: Field,
    sample: NDArray[np.float32],
) -> list[Hits]:
    """Find the k best tiles of each query.

    Parameters
    ----------
    snapshot
        Of the index folder.
    index
        What searches it.
    queries
        Unit vectors, (queries, dimension).
    titles
        What each is called.
    k
        How many tiles, at least 1.
    field
        Which tiles may be found.
    sample
        Vectors of the whole index, (vectors, dimension), by which a score becomes a percentile.
    """
    ranked = index.search(queries, min(k, max(field.searched, 1)), allowed=field.allowed)
    results = []
    for title, query, rows, scores in zip(titles, queries, ranked.rows, ranked.scores, strict=True):
        found = rows >= 0
        results.append(
            Hits(
                query=title.query,
                parts=title.parts,
                top_k=k,
                searched=field.searched,
                ranks=np.arange(1, np.count_nonzero(found) + 1, dtype=np.int64),
                scores=scores[found],
                percentiles=Scale.of(query, sample).percentiles(scores[found]),
                tiles=snapshot.take(rows[found]),
            )
        )
    return results
