"""As many rows come back as match, whatever share of a hundred thousand does, and however far they lie."""

from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from msclip_search.indexes import Effort, FlatIndex, Index, IvfPqIndex, Plan, Ranked, StackedVectors, exact_scores
from tests.indexes.oracle import assert_same, ranked, recall, unit

ROWS, DIMENSION = 100_000, 16
COVERED = 90_000
"""Rows that the partial index covers."""
PLAN = Plan("ivfpq", "for tests", factory="IVF64,PQ8", nlist=64, nprobe=16, training_rows=9_984)
"""Trained in a second. A quarter of the lists are looked into, so that there are lists left to widen to."""
SELECTIVITIES = (1e-5, 1e-4, 1e-3, 1e-2, 0.1, 0.3, 1.0)
PLACES = ("anywhere", "near", "far")
KINDS = ("flat", "ivfpq", "uncovered", "deleted")
K = (1, 10, 100)
CODES_ALWAYS = Effort(exact_rows=0)


@dataclass(frozen=True, slots=True)
class Searched:
    """An index of a kind, and which of its rows are not deleted."""

    index: Index
    live: NDArray[np.bool_]


HOMES = np.random.default_rng(2).integers(200, size=ROWS)
"""The place that each row lies around."""
CENTRES = np.random.default_rng(1).standard_normal((200, DIMENSION))


@pytest.fixture(scope="module")
def matrix() -> NDArray[np.float64]:
    """Rows around 200 places, stored: (ROWS, DIMENSION)."""
    drawn = CENTRES[HOMES] + 0.5 * np.random.default_rng(3).standard_normal((ROWS, DIMENSION))
    return unit(drawn).astype(np.float16).astype(np.float64)


@pytest.fixture(scope="module")
def queries(matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """Three rows a little aside, (3, DIMENSION)."""
    rng = np.random.default_rng(4)
    return unit(matrix[[5, 50_000, 99_000]] + 0.1 * rng.standard_normal((3, DIMENSION))).astype(np.float32)


@pytest.fixture(scope="module")
def kinds(matrix: NDArray[np.float64]) -> dict[str, Searched]:
    """Build an index of each kind."""
    stored = matrix.astype(np.float16)
    vectors = StackedVectors([stored[:30_000], stored[30_000:95_000], stored[95_000:]])
    whole = IvfPqIndex.build(vectors, np.arange(ROWS), PLAN, effort=CODES_ALWAYS)
    # Rows that came later than the index stand in no position; the rows of some positions are gone.
    rng = np.random.default_rng(5)
    partial = IvfPqIndex.build(vectors, rng.permutation(ROWS)[:COVERED], PLAN, effort=CODES_ALWAYS)
    every = np.ones(ROWS, dtype=np.bool_)
    live = rng.random(ROWS) < 0.8
    positions = np.where(rng.random(ROWS) < 0.9, np.arange(ROWS), -1)
    gone = IvfPqIndex(whole._faiss_index, vectors=vectors, positions=positions, effort=CODES_ALWAYS)
    return {
        "flat": Searched(FlatIndex(vectors), every),
        "ivfpq": Searched(whole, every),
        "uncovered": Searched(partial, every),
        "deleted": Searched(gone, live),
    }


def selection(share: float, place: str, searched: Searched, query: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Allow a share of all rows, at least one: places next to a query or opposite to it, or rows from anywhere."""
    strewn = np.random.default_rng(6).random(ROWS)
    nearness = (unit(CENTRES) @ query)[HOMES]
    order = np.lexsort((strewn, {"near": -nearness, "far": nearness, "anywhere": strewn}[place]))
    allowed = np.zeros(ROWS, dtype=np.bool_)
    allowed[order[searched.live[order]][: max(round(share * ROWS), 1)]] = True
    return allowed


def assert_sound(
    found: Ranked, allowed: NDArray[np.bool_], matrix: NDArray[np.float64], queries: NDArray[np.float32]
) -> None:
    """Check that all that can come back does, allowed rows only, each once, by their exact scores, in order."""
    k = found.rows.shape[1]
    for rows, scores, query in zip(found.rows, found.scores, queries, strict=True):
        count = min(k, int(allowed.sum()))
        assert (rows[:count] >= 0).all()
        assert (rows[count:] == -1).all()
        assert (scores[count:] == -np.inf).all()
        hits = rows[:count]
        assert allowed[hits].all()
        assert len(set(hits.tolist())) == count
        exact = exact_scores(np.broadcast_to(query, (count, DIMENSION)), matrix[hits].astype(np.float32))
        np.testing.assert_array_equal(scores[:count], exact)
        assert np.lexsort((hits, -scores[:count])).tolist() == list(range(count))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("share", SELECTIVITIES)
@pytest.mark.parametrize("kind", KINDS)
def test_as_many_come_back_as_match(
    kinds: dict[str, Searched],
    matrix: NDArray[np.float64],
    queries: NDArray[np.float32],
    *,
    kind: str,
    share: float,
    place: str,
) -> None:
    searched = kinds[kind]
    allowed = selection(share, place, searched, queries[0])
    expected = ranked(matrix, queries, max(K), allowed=allowed)
    for k in K:
        best = Ranked(expected.rows[:, :k], expected.scores[:, :k])
        found = searched.index.search(queries, k, allowed=allowed)
        assert_sound(found, allowed, matrix, queries)
        # Up to as many rows as would be re-ranked, all of them are scored exactly.
        if kind == "flat" or allowed.sum() <= CODES_ALWAYS.wanted(k, rows=int(allowed.sum())):
            assert_same(found, best)
        elif k == max(K):
            everything = searched.index.search(queries, k, allowed=searched.live)
            usual = recall(everything, ranked(matrix, queries, k, allowed=searched.live))
            assert recall(found, best) >= usual - 0.02
