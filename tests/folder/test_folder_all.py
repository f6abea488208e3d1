"""Every tile that fits, in pages, against the exact search that ranks them all."""

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from msclip_search import Hits, store
from msclip_search.catalog import empty_table
from msclip_search.errors import IndexDamaged, QueryError
from msclip_search.indexes import FlatIndex
from msclip_search.search import above
from msclip_search.search.above import Least, Pages, Ranking, rank_all
from msclip_search.search.gathering import gather
from msclip_search.search.searcher import Scale
from tests.folder.making import make_index, record, stored_tiles, units

NONE = np.empty(0, np.float32)
UNBOUND = np.float32(-np.inf)


def ties(count: int) -> NDArray[np.float16]:
    """Draw unit vectors, of which every other one stands there several times."""
    vectors = units(count, seed=4)
    vectors[::2] = vectors[np.random.default_rng(5).integers(0, 8, len(vectors[::2]))]
    return vectors


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Index 10,500 tiles in three segments, with deleted ones, equal ones and one that is no number."""
    root = tmp_path_factory.mktemp("all") / "idx"
    writer = make_index(root, 40, 60)
    vectors = ties(10_400)
    vectors[17] = np.nan
    records = [record(100 + number) for number in range(10_400)]
    writer.commit(records, vectors, delete=np.array([0, 3, 41, 99], np.int64))
    return root


def queries() -> NDArray[np.float32]:
    drawn = units(6, seed=11).astype(np.float32)
    unit: NDArray[np.float32] = drawn / np.linalg.norm(drawn, axis=1, keepdims=True)
    return unit


def exact(snapshot: store.Snapshot, query: NDArray[np.float32], allowed: NDArray[np.bool_] | None) -> Ranking:
    """Rank everything by the exact index."""
    found = FlatIndex(snapshot.vectors).search(query[np.newaxis], snapshot.manifest.rows, allowed=allowed)
    there = found.rows[0] >= 0
    return Ranking(found.rows[0][there], found.scores[0][there])


def bounds_of(scores: NDArray[np.float32]) -> list[np.float32]:
    """Bounds at scores that occur, right beside them, and beyond all."""
    some = scores[[0, 1, 50, len(scores) // 2, -1]]
    beside = [np.nextafter(score, np.float32(way)) for score in some for way in (-2, 2)]
    return [UNBOUND, *some, *beside, np.float32(1.5)]


def test_it_ranks_as_the_exact_search_does_to_the_bit(root: Path) -> None:
    snapshot = store.open_snapshot(root)
    mask = np.random.default_rng(1).random(snapshot.manifest.rows) < 0.3
    assert snapshot.live is not None
    for query in queries():
        for allowed in (None, mask & snapshot.live, np.zeros_like(mask)):
            want = exact(snapshot, query, snapshot.live if allowed is None else allowed)
            assert len(want) == np.count_nonzero((snapshot.live if allowed is None else allowed)[:10_500]) - int(
                allowed is None or bool(allowed[117])
            )
            for bound in bounds_of(want.scores) if len(want) else [UNBOUND]:
                found = rank_all(snapshot, query, allowed=allowed, bound=bound)
                count = np.count_nonzero(want.scores >= bound)
                assert found.rows.tolist() == want.rows[:count].tolist()
                assert found.scores.tobytes() == want.scores[:count].tobytes()
                assert want.down_to(bound).rows.tolist() == found.rows.tolist()


def test_progress_counts_tiles_up_to_all(root: Path) -> None:
    snapshot = store.open_snapshot(root)
    seen: list[tuple[int, int]] = []
    rank_all(snapshot, queries()[0], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(0, 10_496), (4096, 10_496), (8192, 10_496), (10_496, 10_496)]


floats = st.floats(-1, 1, width=32)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(floats, max_size=30),
    st.lists(floats, max_size=10),
    st.one_of(st.floats(0, 100), st.sampled_from([0, 10, 99.7, 99.9, 100]), st.integers(0, 30)),
)
def test_a_bound_is_what_the_percentile_says(levels: list[float], scores: list[float], percentile: float) -> None:
    scale = Scale(np.sort(np.array(levels, np.float32)))
    if isinstance(percentile, int) and percentile <= len(levels) and levels:
        percentile = 100 * percentile / len(levels)  # one that is reported
    asked = np.array(scores + levels, np.float32)
    reported = scale.percentiles(asked)
    want = [
        100 * sum(level < score for level in scale.levels.tolist()) / max(len(levels), 1) for score in asked.tolist()
    ]
    assert reported.tolist() == np.array(want, np.float32).tolist()
    bound = Least(percentile=percentile).bound(scale)
    assert (asked >= bound).tolist() == (reported >= np.float32(percentile)).tolist()


def test_the_scale_is_a_sample_s_scores(root: Path) -> None:
    snapshot = store.open_snapshot(root)
    sample = store.read_sample(snapshot)
    sample = sample[np.isfinite(sample).all(axis=1)]
    for query in queries():
        scores = exact(snapshot, query, snapshot.live).scores[:200]
        levels = (sample.astype(np.float64) @ query.astype(np.float64)).astype(np.float32)
        want = [100 * np.count_nonzero(levels < score) / len(levels) for score in scores]
        # The order of a sum can turn its last bit, and a level beside the score counts then or does not.
        assert Scale.of(query, sample).percentiles(scores) == pytest.approx(
            np.array(want), abs=100 / len(levels) + 1e-4
        )


def test_the_higher_of_two_bounds_counts() -> None:
    scale = Scale(np.linspace(0, 0.99, 100, dtype=np.float32))
    by_percentile = Least(percentile=50).bound(scale)
    assert Least(percentile=50, score=0.2).bound(scale) == by_percentile
    assert Least(percentile=50, score=0.8).bound(scale) == np.float32(0.8)
    assert Least(score=-0.5).bound(scale) == -0.5
    assert Least().bound(scale) == -np.inf
    assert not Least()
    assert Least(percentile=0)
    assert Least(score=0)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"percentile": 100.1}, r"between 0 and 100, got 100\.1"),
        ({"percentile": -1}, "between 0 and 100, got -1"),
        ({"percentile": math.nan}, "between 0 and 100, got nan"),
        ({"score": 1.5}, r"a cosine, between -1 and 1, got 1\.5"),
        ({"score": math.nan}, "a cosine, between -1 and 1, got nan"),
    ],
)
def test_a_bound_that_is_none_is_refused(wrong: dict[str, float], said: str) -> None:
    with pytest.raises(QueryError, match=said):
        Least(**wrong)


def blank() -> Hits:
    return Hits(
        query="x",
        top_k=None,
        searched=7,
        ranks=np.empty(0, np.int64),
        scores=NONE,
        percentiles=NONE,
        tiles=empty_table(),
    )


@pytest.mark.parametrize("page", [1, 7, 20, 1000])
@pytest.mark.parametrize("gathered", [1, 25, 1 << 18])
def test_pages_end_to_end_are_the_ranking(
    root: Path, page: int, gathered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(above, "_GATHERED", gathered)
    snapshot = store.open_snapshot(root)
    scale = Scale(np.linspace(-1, 1, 50, dtype=np.float32))
    ids = {tile.row: tile.columns["tile_id"] for tile in stored_tiles(root)}
    ranking = rank_all(snapshot, queries()[0]).at(slice(60))
    pages = Pages(snapshot, ranking, scale, title=blank(), page=page)
    assert pages.total == 60
    found = list(pages)
    assert [len(hits) for hits in found] == [page] * (60 // page) + [60 % page] * (60 % page > 0)
    hits = [hit for part in found for hit in part]
    assert [hit.rank for hit in hits] == list(range(1, 61))
    assert [hit.tile_id for hit in hits] == [ids[row] for row in ranking.rows.tolist()]
    assert [hit.score for hit in hits] == ranking.scores.tolist()
    assert [hit.percentile for hit in hits] == scale.percentiles(ranking.scores).tolist()
    assert {(part.query, part.top_k, part.searched) for part in found} == {("x", None, 7)}


def test_no_hit_is_one_empty_page(root: Path) -> None:
    snapshot = store.open_snapshot(root)
    none = Ranking(np.empty(0, np.int64), NONE)
    (page,) = Pages(snapshot, none, Scale(NONE), title=blank())
    assert (len(page), page.searched) == (0, 7)
    assert page.to_table().schema.names == blank().to_table().schema.names
    with pytest.raises(QueryError, match="A page has at least 1 hit, got 0"):
        Pages(snapshot, none, Scale(NONE), title=blank(), page=0)


def test_tiles_are_gathered_as_a_search_takes_them(root: Path) -> None:
    snapshot = store.open_snapshot(root)
    draws = np.random.default_rng(2)
    for count in (0, 1, 5, 1500, 10_500):
        rows = draws.permutation(10_500)[:count]
        assert gather(snapshot, rows).equals(snapshot.take(rows), check_metadata=True)
    damaged = snapshot.layout.sidecar(snapshot.manifest.segments[0].number)
    content = damaged.read_bytes()
    try:
        damaged.write_bytes(content[:200] + b"\0" * 400 + content[600:])
        with pytest.raises(IndexDamaged):
            gather(snapshot, np.arange(5))
    finally:
        damaged.write_bytes(content)
