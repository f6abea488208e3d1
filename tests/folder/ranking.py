"""Rankings as a plain scan in float64 makes them, and an index to compare with them."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from msclip_search import (
    Hits,
)
from msclip_search.indexes import Plan
from msclip_search.store import Writer
from tests.folder.making import (
    StoredTile,
    units,
)

EVERY_LIST = Plan("ivfpq", "for tests", factory="IVF16,PQ8", nlist=16, nprobe=16, training_rows=9984)
"""All lists are looked into, so that candidates are lost to the codes alone, and 2,000 of them are enough for that."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """What a scan in float64 says: the live rows by falling score, equal scores by rising row."""

    tile_ids: list[str]
    scores: NDArray[np.float64]


def ranking(tiles: list[StoredTile], query: NDArray[np.floating]) -> Ranking:
    direction = query.astype(np.float64) / np.linalg.norm(query.astype(np.float64))
    scores = np.stack([tile.vector for tile in tiles]).astype(np.float64) @ direction
    # Scores are float32, and so are ties.
    order = np.lexsort((np.array([tile.row for tile in tiles]), -scores.astype(np.float32)))
    return Ranking([tiles[at].columns["tile_id"] for at in order], scores[order])


def assert_hits(hits: Hits, wanted: Ranking, k: int) -> None:
    """Check ids, order and scores of hits."""
    count = min(k, len(wanted.tile_ids))
    assert len(hits) == count
    assert hits.ranks.tolist() == list(range(1, count + 1))
    np.testing.assert_allclose(hits.scores, wanted.scores[:count], rtol=0, atol=1e-7)
    assert (np.diff(hits.scores) <= 0).all()
    found = hits.tiles.column("tile_id").to_pylist()
    assert len(set(found)) == count
    # Two tiles whose scores differ by less than float32 can say may stand in either order.
    score_of = dict(zip(wanted.tile_ids, wanted.scores.tolist(), strict=True))
    np.testing.assert_allclose([score_of[tile_id] for tile_id in found], wanted.scores[:count], rtol=0, atol=1e-7)
    assert (hits.searched, hits.top_k) == (len(wanted.tile_ids), k)


@dataclass(frozen=True, slots=True)
class Big:
    """An index of several segments with IVF-PQ in force, deleted rows, and rows that came after it was built."""

    root: Path
    tiles: list[StoredTile]


def delete(writer: Writer, rows: NDArray[np.int64]) -> None:
    writer.commit([], units(0), delete=np.sort(rows))
