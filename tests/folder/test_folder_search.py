"""Searching an index folder, against a plain scan in float64."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from msclip_search import (
    SearchIndex,
)
from msclip_search.indexes import FlatIndex, IvfPqIndex
from msclip_search.store import open_writer
from tests.folder.making import (
    MODEL,
    NONE_DELETED,
    make_index,
    record,
    stored_tiles,
    units,
)
from tests.folder.ranking import Big, assert_hits, delete, ranking


def test_the_big_index_is_what_it_is_meant_to_be(big: Big) -> None:
    with SearchIndex.open(big.root) as index:
        assert isinstance(index._index, IvfPqIndex)
        info = index.info()
        assert len(index) == len(big.tiles) == info.tiles
    assert (info.kind, info.segments, info.factory) == ("ivfpq", 5, "IVF16,PQ8")
    assert info.deleted == 11_800 - info.tiles
    after = sum(tile.row >= 11_500 for tile in big.tiles)
    assert info.scanned == after > 250
    assert info.reason.startswith(f"{info.tiles:,} tiles: 16 lists, made over 11,100 tiles")


@pytest.mark.parametrize("k", [1, 10, 100])
def test_ivf_pq_finds_what_a_scan_finds(big: Big, k: int) -> None:
    queries = np.concatenate([units(6, seed=1000), units(300, seed=77)[:2], units(5000, seed=0)[[7, 4999]]])
    with SearchIndex.open(big.root) as index:
        found = index.search_vectors(queries, k=k)
    assert len(found) == 10
    for hits, query in zip(found, queries, strict=True):
        assert_hits(hits, ranking(big.tiles, query), k)


def test_a_flat_index_finds_what_a_scan_finds(big: Big, tmp_path: Path) -> None:
    root = shutil.copytree(big.root, tmp_path / "idx")
    open_writer(root, model=MODEL, kind="flat").drop_ann()
    queries = units(3, seed=1000)
    with SearchIndex.open(root) as index:
        assert isinstance(index._index, FlatIndex)
        for k in (1, 100, 20_000):
            for hits, query in zip(index.search_vectors(queries, k=k), queries, strict=True):
                assert_hits(hits, ranking(big.tiles, query), k)
    with SearchIndex.open(big.root) as index:  # the same scores, to the bit, whatever is in force
        other = index.search_vectors(queries, k=50)
    with SearchIndex.open(root) as index:
        for one, two in zip(index.search_vectors(queries, k=50), other, strict=True):
            assert one.scores.tobytes() == two.scores.tobytes()


def test_deleted_rows_never_come_back(big: Big, tmp_path: Path) -> None:
    root = shutil.copytree(big.root, tmp_path / "idx")
    query = units(300, seed=77)[5]
    gone: set[str] = set()
    for _ in range(3):
        tiles = stored_tiles(root)
        best = ranking(tiles, query).tile_ids[:40]
        rows = np.array([tile.row for tile in tiles if tile.columns["tile_id"] in best])
        delete(open_writer(root, model=MODEL, kind="auto"), rows)
        gone |= set(best)
        with SearchIndex.open(root) as index:
            assert index.info().kind == "ivfpq"
            hits = index.search_vectors(query, k=200)[0]
        assert not gone & {hit.tile_id for hit in hits}
        assert_hits(hits, ranking(stored_tiles(root), query), 200)


def test_equal_scores_come_by_row(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "idx", model=MODEL, kind="auto")
    same, other = units(1, seed=5), units(1, seed=6)
    for first in (0, 10, 20):
        vectors = np.concatenate([other, *[same] * 8, other])
        writer.commit([record(n) for n in range(first, first + 10)], vectors, delete=NONE_DELETED)
    with SearchIndex.open(tmp_path / "idx") as index:
        hits = index.search_vectors(same[0], k=15)[0]
    rows = [row for row in range(30) if row % 10 not in {0, 9}]
    assert [int(hit.tile_id, 16) for hit in hits] == rows[:15]
    assert len(set(hits.scores.tolist())) == 1


@pytest.mark.parametrize("deleted", [0, 3])
def test_fewer_tiles_than_asked_for_are_no_error(tmp_path: Path, deleted: int) -> None:
    writer = make_index(tmp_path / "idx", 3)
    delete(writer, np.arange(deleted)) if deleted else None
    with SearchIndex.open(tmp_path / "idx") as index:
        assert len(index) == 3 - deleted
        for k in (1, 2, 3, 4, 10**9):
            hits = index.search("a lake", k=k)
            assert len(hits) == min(k, 3 - deleted)
            assert (hits.top_k, hits.searched) == (k, 3 - deleted)
            assert hits.to_table().num_rows == len(hits)
            assert len(hits.to_geojson()["features"]) == len(hits)
        assert index.info().tiles == 3 - deleted


def test_an_index_of_no_rows_at_all(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "idx", model=MODEL, kind="auto")
    writer.commit([], units(0), delete=NONE_DELETED)
    with SearchIndex.open(tmp_path / "idx") as index:
        assert len(index) == 0
        hits = index.search("a lake", k=5)
        assert (len(hits), list(hits), hits.searched) == (0, [], 0)
        assert hits.to_table().num_rows == 0
        assert index.info().tiles == 0
