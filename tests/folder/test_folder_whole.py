"""Everything in an index at once, and the exact way to search where there is a faster one."""

from pathlib import Path

import numpy as np
import pytest

from msclip_search import SearchIndex
from msclip_search.indexes import FlatIndex, IvfPqIndex, Plan
from msclip_search.ingest.ann import build_ann
from tests.folder.making import make_index, record, stored_tiles, units

COARSE = Plan("ivfpq", "for tests", factory="IVF64,PQ8", nlist=64, nprobe=1, training_rows=9984)


def test_every_live_tile_is_listed_and_scored_in_the_order_of_rows(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    writer = make_index(root, 5, 4)
    writer.commit([record(20)], units(1, seed=9), delete=np.array([1, 6], np.int64))
    queries = units(3, seed=5).astype(np.float32)
    stored = stored_tiles(root)
    with SearchIndex.open(root) as index:
        table = index.tiles(["tile_id", "labels"])
        scores = index.scores(queries)
    assert table.column_names == ["tile_id", "labels"]
    assert table["tile_id"].to_pylist() == [tile.columns["tile_id"] for tile in stored]
    want = np.stack([tile.vector for tile in stored]).astype(np.float64) @ queries.astype(np.float64).T
    assert scores.shape == (8, 3)
    assert scores == pytest.approx(want, abs=1e-3)


def test_an_index_without_a_tile_has_a_table_without_a_row(tmp_path: Path) -> None:
    writer = make_index(tmp_path / "idx", 2)
    writer.commit([], units(0), delete=np.array([0, 1], np.int64))
    with SearchIndex.open(tmp_path / "idx") as index:
        assert index.tiles(["tile_id"]).num_rows == 0
        assert index.scores(units(2).astype(np.float32)).shape == (0, 2)


def test_exact_is_exact_where_the_index_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("faiss")
    root = tmp_path / "idx"
    writer = make_index(root, 20_000)
    build_ann(writer, COARSE, progress=lambda *_: None)
    queries = units(20, seed=6).astype(np.float32)
    used: list[str] = []
    monkeypatch.setattr(FlatIndex, "search", _noting(used, FlatIndex))
    monkeypatch.setattr(IvfPqIndex, "search", _noting(used, IvfPqIndex))
    with SearchIndex.open(root) as index:
        fast = [index.search_vectors(query, k=10)[0] for query in queries]  # together they would be ranked exactly
        exact = index.search_vectors(queries, k=10, exact=True)
    assert used == ["IvfPqIndex"] * 20 + ["FlatIndex"]
    vectors = np.stack([tile.vector for tile in stored_tiles(root)]).astype(np.float64)
    missed = 0
    for query, found, right in zip(queries, fast, exact, strict=True):
        best = sorted(-(vectors @ query.astype(np.float64)))[:10]
        assert right.scores == pytest.approx(-np.array(best), abs=1e-3)
        missed += len(set(right.tiles["tile_id"].to_pylist()) - set(found.tiles["tile_id"].to_pylist()))
    assert missed > 0, "one list of 64 would find everything"


def _noting(used: list[str], kind: type) -> object:
    original = kind.search  # type: ignore[attr-defined]

    def search(self: object, *args: object, **kwargs: object) -> object:
        used.append(kind.__name__)
        return original(self, *args, **kwargs)

    return search
