"""Searches whose hits have to lie apart or reach a bound, and searches for everything, over every kind of index."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from msclip_search import Hits, SearchIndex
from msclip_search.errors import QueryError
from msclip_search.filters import Filter
from msclip_search.indexes import Plan
from msclip_search.ingest.ann import build_ann
from msclip_search.store import open_writer
from tests.folder.making import MODEL, NONE_DELETED, located, make_index, record, stored_tiles, units

THOROUGH = Plan("ivfpq", "for tests", factory="IVF32,PQ32", nlist=32, nprobe=32, training_rows=9984)
SIDE = 40
"""Places in a row, 0.1° apart, so that there are few, and every tenth row has none."""


@pytest.fixture(scope="module", params=["flat", "ivfpq"])
def root(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Index 12,000 tiles of 40 places; tiles of one place are alike, so that the best hits are dates of few places."""
    root = tmp_path_factory.mktemp(request.param) / "idx"
    draws = np.random.default_rng(1)
    place = draws.integers(0, SIDE, 12_000)
    vectors = units(SIDE, seed=2).astype(np.float32)[place] + 0.05 * draws.normal(size=(12_000, 64))
    vectors = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
    records = [
        record(number) if number % 1000 == 7 else located(number, west=7 + 0.1 * at, south=46.0, side=0.02)
        for number, at in enumerate(place.tolist())
    ]
    writer = open_writer(root, model=MODEL, kind="flat")
    writer.commit(records, vectors, delete=NONE_DELETED)
    if request.param == "ivfpq":
        pytest.importorskip("faiss")
        build_ann(writer, THOROUGH, progress=lambda *_: None)
    return root


def query() -> NDArray[np.float32]:
    return units(1, seed=31).astype(np.float32)


def numbers(hits: Hits) -> list[int]:
    return [int(tile_id, 16) for tile_id in hits.tiles["tile_id"].to_pylist()]


def oracle(root: Path, steps: int, *, west: float = -180.0) -> list[int]:
    """Rank everything in plain numpy, and keep what lies so many places apart."""
    tiles = stored_tiles(root)
    unit = query()[0].astype(np.float64)
    unit = (unit / np.linalg.norm(unit)).astype(np.float32).astype(np.float64)
    scores = (np.stack([tile.vector for tile in tiles]).astype(np.float64) @ unit).astype(np.float32)
    kept: list[int] = []
    seen: list[int] = []
    for row in np.lexsort((np.arange(len(tiles)), -scores)).tolist():
        box = tiles[row].columns["bbox"]
        if box is None:
            if west == -180.0:
                kept.append(row)
            continue
        at = round((box["xmin"] - 7) * 10)
        if box["xmax"] >= west and all(abs(at - other) >= steps for other in seen):
            kept.append(row)
            seen.append(at)
    return kept


@pytest.mark.parametrize("steps", [1, 3])
def test_hits_that_lie_apart_come_back_as_long_as_there_are_any(root: Path, steps: int) -> None:
    # A step is 7.6 km here.
    metres = 7_000.0 * steps
    want = oracle(root, steps)
    assert len(want) < SIDE + 13
    with SearchIndex.open(root) as index:
        for k in (1, 5, len(want), 500, 12_000):
            (found,) = index.search_vectors(query(), k=k, apart=metres)
            assert numbers(found) == want[:k]
            assert found.ranks.tolist() == list(range(1, len(found) + 1))
            assert (found.top_k, found.searched) == (k, 12_000)
        (east,) = index.search_vectors(query(), k=100, apart=metres, within=Filter(bbox=(9.0, 45, 20, 50)))
        assert numbers(east) == oracle(root, steps, west=9.0)
        (exact,) = index.search_vectors(query(), k=20, apart=metres, exact=True)
        assert numbers(exact) == want[:20]


def test_what_lies_nowhere_is_kept_and_counted(root: Path, caplog: pytest.LogCaptureFixture) -> None:
    nowhere = len([number for number in oracle(root, 1) if number % 1000 == 7])
    assert nowhere == 12
    with SearchIndex.open(root) as index, caplog.at_level(logging.WARNING):
        index.search_vectors(query(), k=12_000, apart=500)
    assert "12 hits have no coordinates and are kept, wherever they lie." in caplog.messages


def test_bounds_cut_the_best_off(root: Path) -> None:
    with SearchIndex.open(root) as index:
        (best,) = index.search_vectors(query(), k=300)
        score, percentile = float(best.scores[100]), float(best.percentiles[100])
        assert best.percentiles[299] < percentile < best.percentiles[0]
        (by_score,) = index.search_vectors(query(), k=300, min_score=score)
        (by_percentile,) = index.search_vectors(query(), k=300, min_percentile=percentile)
        (few,) = index.search_vectors(query(), k=5, min_percentile=percentile)
        (none,) = index.search_vectors(query(), k=5, min_score=1)
        (both,) = index.search_vectors(query(), k=300, min_score=score, apart=1000)
    assert numbers(by_score) == numbers(best)[: np.count_nonzero(best.scores >= best.scores[100])]
    assert numbers(by_percentile) == numbers(best)[: np.count_nonzero(best.percentiles >= best.percentiles[100])]
    assert numbers(few) == numbers(best)[:5]
    assert (numbers(none), none.searched) == ([], 12_000)
    reach = set(numbers(by_score))
    assert numbers(both) == [number for number in oracle(root, 1) if number in reach]


def test_everything_is_what_the_exact_search_finds(root: Path) -> None:
    east = Filter(bbox=(9.0, 45, 20, 50))
    with SearchIndex.open(root) as index:
        for within in (None, east):
            whole = index.search("a lake", k=12_000, exact=True, within=within)
            for percentile in (None, 0, 50, 99.9, 100):
                pages = list(index.search_all("a lake", min_percentile=percentile, within=within, page=1000))
                reach = whole.percentiles >= np.float32(percentile or 0)
                assert [number for page in pages for number in numbers(page)] == numbers(whole[: reach.sum()])
                scores = np.concatenate([page.scores for page in pages])
                assert scores.tobytes() == whole.scores[reach].tobytes()
                shares = np.concatenate([page.percentiles for page in pages])
                assert shares.tobytes() == whole.percentiles[reach].tobytes()
                assert {(page.query, page.top_k, page.searched) for page in pages} == {("a lake", None, whole.searched)}
        everywhere = index.search_all("a lake", apart=7_000)
        (apart,) = list(everywhere)
        assert numbers(apart) == numbers(index.search("a lake", k=12_000, exact=True, apart=7_000))
        assert everywhere.total == len(apart)


def test_an_empty_index_has_nothing_apart_and_nothing_at_all(tmp_path: Path) -> None:
    writer = make_index(tmp_path / "idx", 2)
    writer.commit([], units(0), delete=np.array([0, 1], np.int64))
    with SearchIndex.open(tmp_path / "idx") as index:
        (none,) = index.search_vectors(query(), apart=500)
        assert len(none) == 0
        (page,) = index.search_all("a lake", min_percentile=50)
        assert len(page) == 0


def test_what_is_wrong_is_said_before_anything_is_searched(root: Path) -> None:
    with SearchIndex.open(root) as index:
        with pytest.raises(QueryError, match="apart by a distance above 0 m, got -5"):
            index.search("a lake", apart=-5)
        with pytest.raises(QueryError, match="between 0 and 100, got 101"):
            index.search_all("a lake", min_percentile=101)
        with pytest.raises(QueryError, match="between -1 and 1, got 2"):
            index.search_many(["a lake"], min_score=2)
        with pytest.raises(QueryError, match="A page has at least 1 hit, got 0"):
            index.search_all("a lake", page=0)


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"k": 2.5}, "The number of tiles to find is a whole number, not 2.5."),
        ({"k": "3"}, "The number of tiles to find is a whole number, not '3'."),
        ({"k": True}, "The number of tiles to find is a whole number, not True."),
        ({"apart": "500m"}, "The distance that keeps hits apart is a number of metres, not '500m'."),
        ({"min_score": "a"}, "The lowest score is a number, not 'a'."),
        ({"min_percentile": [99]}, "The lowest percentile is a number, not [99]."),
        (
            {"within": "cloud > 3"},
            "Which tiles may be found is said by a Filter, as Filter(where=\"cloud < 3\"), not 'cloud > 3'.",
        ),
    ],
)
def test_values_of_the_wrong_kind_are_sentences(root: Path, given: dict[str, Any], sentence: str) -> None:
    with SearchIndex.open(root) as index:
        for search in (
            lambda: index.search("a lake", **given),
            lambda: index.search_vectors(query(), **given),
            lambda: index.search_all("a lake", **given) if "k" not in given else index.search_many(["x"], **given),
        ):
            with pytest.raises(QueryError) as caught:
                search()
            assert str(caught.value) == sentence
        if "within" in given:
            with pytest.raises(QueryError, match="is said by a Filter"):
                index.select(given["within"])
            with pytest.raises(QueryError, match="is said by a Filter"):
                index.tiles(["tile_id"], within=given["within"])


def test_numbers_of_other_libraries_are_numbers(root: Path) -> None:
    with SearchIndex.open(root) as index:
        (plain,) = index.search_vectors(query(), k=5, apart=7000.0, min_score=-0.5, min_percentile=10.0)
        given: dict[str, Any] = {"k": np.int64(5), "apart": np.int32(7000), "min_score": np.float32(-0.5)}
        (theirs,) = index.search_vectors(query(), **given, min_percentile=np.float64(10))
    assert numbers(theirs) == numbers(plain)
    assert json.dumps(theirs.to_dict()) == json.dumps(plain.to_dict())


def test_each_vector_has_a_name_or_none_has(root: Path) -> None:
    two = np.concatenate([query(), -query()])
    with SearchIndex.open(root) as index:
        assert [hits.query for hits in index.search_vectors(two, k=1, names=["a", "b"])] == ["a", "b"]
        assert [hits.query for hits in index.search_vectors(two, k=1)] == ["vector 1", "vector 2"]
        for names in ([], ["a"], ["a", "b", "c"]):
            with pytest.raises(QueryError, match=rf"^Each query vector has a name.* got 2, and {len(names)} names\.$"):
                index.search_vectors(two, k=1, names=names)
