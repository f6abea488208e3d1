"""Every index against the oracle, by value."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from numpy.typing import NDArray

from msclip_search.indexes import Effort, FlatIndex, Index, IvfPqIndex, Ranked, StackedVectors, exact, exact_scores
from tests.indexes.conftest import DIMENSION, ROWS
from tests.indexes.oracle import Archive, assert_same, coned, ranked, recall, unit

SELECTIVITIES = [None, 0.0, 1e-3, 1e-2, 0.1, 0.5, 1.0]

THOROUGH = Effort(nprobe=10_000, candidates=3_000, exact_rows=0)
"""All lists, and a quarter of all rows re-ranked: the codes are looked at, and lose nothing of the first ranks."""


def with_effort(index: IvfPqIndex, vectors: StackedVectors, effort: Effort) -> IvfPqIndex:
    """Give an index that is built another effort."""
    return IvfPqIndex(index._faiss_index, vectors=vectors, positions=index._positions, effort=effort)


def mask(share: float | None) -> NDArray[np.bool_] | None:
    """Allow a share of the rows, the many equal ones among them."""
    if share is None:
        return None
    return np.random.default_rng(1).random(ROWS) < share


@pytest.fixture(scope="module", params=["flat", "ivfpq"])
def index(request: pytest.FixtureRequest, vectors: StackedVectors, built: IvfPqIndex) -> Index:
    return FlatIndex(vectors) if request.param == "flat" else with_effort(built, vectors, THOROUGH)


@pytest.mark.parametrize("share", SELECTIVITIES)
@pytest.mark.parametrize("k", [1, 10, 100])
def test_an_index_equals_the_oracle(index: Index, archive: Archive, share: float | None, k: int) -> None:
    allowed = mask(share)
    found = index.search(archive.queries, k, allowed=allowed)
    assert_same(found, ranked(archive.matrix, archive.queries, k, allowed=allowed))


def test_equal_rows_come_in_their_order(index: Index, archive: Archive) -> None:
    found = index.search(archive.queries[22:23], 140)
    assert found.rows[0].tolist()[:140] == [*range(300, 420), *range(11_000, 11_020)]
    assert len(set(found.scores[0].tolist())) == 1


def test_more_hits_than_rows(index: Index, archive: Archive) -> None:
    allowed = np.zeros(ROWS, dtype=np.bool_)
    allowed[[3, 2_503, 11_999]] = True
    found = index.search(archive.queries, 5, allowed=allowed)
    assert_same(found, ranked(archive.matrix, archive.queries, 5, allowed=allowed))
    assert (found.rows[:, 3:] == -1).all()
    assert (found.scores[:, 3:] == -np.inf).all()
    assert (index.search(archive.queries[:1], ROWS + 5).rows[0] >= 0).sum() == ROWS


def test_a_query_alone_finds_what_it_finds_among_others(index: Index, archive: Archive) -> None:
    together = index.search(archive.queries, 50)
    for number in range(len(archive.queries)):
        alone = index.search(archive.queries[number : number + 1], 50)
        np.testing.assert_array_equal(alone.rows[0], together.rows[number])
        np.testing.assert_array_equal(alone.scores[0], together.scores[number])


def test_many_queries_at_once(index: Index, archive: Archive) -> None:
    rng = np.random.default_rng(5)
    queries = coned(rng, rows=600, dimension=DIMENSION, queries=1)[0].astype(np.float32)
    assert_same(index.search(queries, 5), ranked(archive.matrix, queries, 5))
    assert index.search(queries[:0], 5).rows.shape == (0, 5)


def test_threads_may_share_an_index(index: Index, archive: Archive) -> None:
    alone = [index.search(archive.queries[[number]], 20) for number in range(25)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda number: index.search(archive.queries[[number]], 20), [*range(25)] * 2))
    for found, expected in zip(together, alone * 2, strict=True):
        assert_same(found, expected)


@pytest.mark.parametrize("share", [None, 1e-3, 1e-2, 0.1, 0.3])
def test_recall_with_the_defaults(built: IvfPqIndex, archive: Archive, share: float | None) -> None:
    allowed = mask(share)
    found = built.search(archive.queries[:22], 100, allowed=allowed)
    expected = ranked(archive.matrix, archive.queries[:22], 100, allowed=allowed)
    np.testing.assert_array_equal(found.rows >= 0, expected.rows >= 0)
    assert recall(found, expected) > 0.99
    # What is found has the exact score, whatever was missed.
    known = np.where(found.rows >= 0, found.rows, 0)
    pairs = archive.matrix[known.reshape(-1)].astype(np.float32)
    scores = exact_scores(np.repeat(archive.queries[:22], 100, axis=0), pairs).reshape(known.shape)
    np.testing.assert_array_equal(found.scores[found.rows >= 0], scores[found.rows >= 0])


def test_the_codes_alone_would_not_do(built: IvfPqIndex, vectors: StackedVectors, archive: Archive) -> None:
    expected = ranked(archive.matrix, archive.queries[:20], 100)
    few = Effort(candidates=100, candidates_per_hit=1, exact_rows=0)
    assert recall(with_effort(built, vectors, few).search(archive.queries[:20], 100), expected) < 0.95


@pytest.mark.parametrize("block", [1, 7, 500, 100_000])
@pytest.mark.parametrize("at_once", [1, 3, 1_000])
def test_blocks_make_no_difference(monkeypatch: pytest.MonkeyPatch, archive: Archive, block: int, at_once: int) -> None:
    monkeypatch.setattr(exact, "BLOCK_ROWS", block)
    monkeypatch.setattr(exact, "QUERY_ROWS", at_once)
    monkeypatch.setattr(exact, "PAIR_ROWS", block)
    vectors = StackedVectors([part[:900] for part in archive.parts])
    matrix = np.concatenate([part[:900] for part in archive.parts]).astype(np.float64)
    queries = archive.queries[15:24]
    assert_same(FlatIndex(vectors).search(queries, 30), ranked(matrix, queries, 30))
    allowed = np.arange(len(matrix)) % 3 == 0
    assert_same(FlatIndex(vectors).search(queries, 30, allowed=allowed), ranked(matrix, queries, 30, allowed=allowed))


def test_rows_that_get_better_and_better(archive: Archive) -> None:
    query = archive.queries[:1]
    whole = archive.matrix.astype(np.float16)
    rising = whole[np.argsort(archive.matrix @ query[0].astype(np.float64))]
    found = FlatIndex(StackedVectors([rising])).search(query, 100)
    assert_same(found, ranked(rising.astype(np.float64), query, 100))


@pytest.mark.parametrize("seed", range(30))
def test_small_sets_full_of_ties(seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows, queries, dimension = int(rng.integers(0, 40)), int(rng.integers(1, 6)), int(rng.integers(1, 5))
    stored = unit(rng.choice([-1.0, 1.0], size=(rows, dimension))).astype(np.float16)
    asked = unit(rng.choice([-1.0, 1.0], size=(queries, dimension))).astype(np.float32)
    allowed = rng.random(rows) < 0.6 if seed % 3 else None
    k = int(rng.integers(1, 45))
    parts = np.split(stored, sorted(rng.integers(0, rows + 1, size=3).tolist()))
    found = FlatIndex(StackedVectors(parts, dimension=dimension)).search(asked, k, allowed=allowed)
    assert_same(found, ranked(stored.astype(np.float64), asked, k, allowed=allowed))


def test_scores_depend_on_nothing_but_the_two_vectors() -> None:
    rng = np.random.default_rng(0)
    for dimension in (1, 7, 8, 9, 64, 127, 128, 129, 512, 1_000):
        one, other = rng.standard_normal((2, 300, dimension)).astype(np.float32)
        scores = exact_scores(one, other)
        np.testing.assert_allclose(scores, np.einsum("nd,nd->n", one.astype(np.float64), other), rtol=1e-5, atol=1e-6)
        for start, stop in ((0, 1), (5, 7), (17, 200)):
            np.testing.assert_array_equal(exact_scores(one[start:stop], other[start:stop]), scores[start:stop])
        np.testing.assert_array_equal(exact_scores(np.asfortranarray(one), np.asfortranarray(other)), scores)
        np.testing.assert_array_equal(exact_scores(np.broadcast_to(one[3], other.shape), other)[3], scores[3])


def test_a_row_that_is_no_number_is_never_found() -> None:
    stored = unit(np.random.default_rng(0).standard_normal((50, 8))).astype(np.float16)
    stored[[3, 30]] = np.nan
    found = FlatIndex(StackedVectors([stored])).search(stored[:2].astype(np.float32), 50)
    assert (found.rows >= 0).sum(axis=1).tolist() == [48, 48]
    assert not np.isin(found.rows, [3, 30]).any()
    assert not np.isnan(found.scores).any()


class Watched:
    """Vectors that remember how much was asked for at once."""

    def __init__(self, vectors: StackedVectors) -> None:
        self.vectors = vectors
        self.shape = vectors.shape
        self.most = 0

    def blocks(self, size: int) -> Iterator[tuple[int, NDArray[np.float16 | np.float32]]]:
        self.most = max(self.most, size)
        return self.vectors.blocks(size)

    def take(self, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        self.most = max(self.most, len(rows))
        return self.vectors.take(rows)


def test_memory_is_bounded(archive: Archive, vectors: StackedVectors) -> None:
    watched = Watched(vectors)
    FlatIndex(watched).search(archive.queries, 10)
    FlatIndex(watched).search(archive.queries, 10, allowed=np.ones(ROWS, dtype=np.bool_))
    assert 0 < watched.most <= exact.BLOCK_ROWS < ROWS


def test_questions_that_do_not_fit(index: Index, archive: Archive) -> None:
    queries = archive.queries
    with pytest.raises(TypeError, match="float32, not float64"):
        index.search(queries.astype(np.float64), 1)
    for wrong in (queries[0], queries[:, :-1]):
        with pytest.raises(ValueError, match=r"shape \(queries, 48\)"):
            index.search(wrong, 1)
    with pytest.raises(ValueError, match="at least 1, not 0"):
        index.search(queries, 0)
    with pytest.raises(ValueError, match="not finite"):
        index.search(np.full((1, DIMENSION), np.nan, dtype=np.float32), 1)
    with pytest.raises(ValueError, match=r"shape \(12000,\), not \(11999,\)"):
        index.search(queries, 1, allowed=np.ones(ROWS - 1, dtype=np.bool_))
    with pytest.raises(TypeError, match="is bool"):
        index.search(queries, 1, allowed=np.ones(ROWS))  # type: ignore[arg-type]


def test_a_result_is_of_one_shape() -> None:
    rows, scores = np.zeros((2, 3), dtype=np.int64), np.zeros((2, 3), dtype=np.float32)
    assert Ranked(rows, scores).rows is rows
    with pytest.raises(ValueError, match="one shape"):
        Ranked(rows, scores[:1])
    with pytest.raises(TypeError, match="int64"):
        Ranked(rows.astype(np.int32), scores)
