"""What stands in an index already, by lasting names: 24 bytes a tile."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from msclip_search import catalog
from msclip_search.errors import ArchiveError
from msclip_search.exchange.sources import Source
from msclip_search.store import Snapshot

NONE = -1


@dataclass(frozen=True, slots=True)
class Standing:
    """Live tiles, sorted by the hash of their lasting name. Two of 10⁷ collide with a probability of 3 · 10⁻⁶."""

    names: NDArray[np.uint64]
    rows: NDArray[np.int64]
    vectors: NDArray[np.uint64]
    """XXH64 of each vector as it is stored."""

    @classmethod
    def of(cls, snapshot: Snapshot) -> Self:
        """Read the names of an index."""
        names, rows, vectors = [np.empty(0, np.uint64)], [np.empty(0, np.int64)], [np.empty(0, np.uint64)]
        for start, batch in snapshot.columns(["tile_id", "vector_xxh64"]):
            here = np.arange(start, start + batch.num_rows, dtype=np.int64)
            live = np.ones(len(here), np.bool_) if snapshot.live is None else snapshot.live[here]
            names.append(catalog.text_hashes(batch.column("tile_id"))[live])
            rows.append(here[live])
            vectors.append(batch.column("vector_xxh64").to_numpy()[live])
        joined = np.concatenate(names)
        order = np.argsort(joined, kind="stable")
        return cls(joined[order], np.concatenate(rows)[order], np.concatenate(vectors)[order])

    def find(self, names: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
        """Find tiles by the hashes of their names: their rows, −1 where there is none, and hashes of their vectors."""
        if not len(self.names):
            return np.full(len(names), NONE, np.int64), np.zeros(len(names), np.uint64)
        at = np.minimum(np.searchsorted(self.names, names), len(self.names) - 1)
        found = self.names[at] == names
        return np.where(found, self.rows[at], NONE), self.vectors[at]


def check_unique(sources: Sequence[Source]) -> None:
    """Refuse lasting names that come twice.

    Raises
    ------
    ArchiveError
    """
    names = np.concatenate([source.hashes for source in sources])
    order = np.argsort(names, kind="stable")
    twice = np.flatnonzero(names[order][1:] == names[order][:-1])
    if not len(twice):
        return
    starts = np.concatenate([[0], np.cumsum([source.rows for source in sources])])
    places = []
    for row in (order[twice[0]], order[twice[0] + 1]):
        number = int(np.searchsorted(starts, row, side="right")) - 1
        places.append(f"row {row - starts[number]:,} of {sources[number].path}")
    raise ArchiveError(
        f"{places[0].capitalize()} and {places[1]} (counted from 0) have the same {sources[0].columns.tile_id}, and "
        f"{len(twice):,} row{'s' * (len(twice) != 1)} in all repeat another's: every tile has a name of its own."
    )
