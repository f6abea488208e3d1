"""Inverted lists: in which a position lies, and whether the lists looked into were enough."""

import numpy as np
import pytest

from msclip_search.indexes import Effort, IvfPqIndex, StackedVectors
from msclip_search.indexes.faiss_library import load_faiss
from msclip_search.indexes.lists import homes_of, nearest_lists, share_elsewhere
from tests.indexes.conftest import ROWS
from tests.indexes.oracle import Archive, assert_same, ranked, recall
from tests.indexes.test_indexes_search import with_effort


def test_a_position_is_at_home_where_faiss_put_it(built: IvfPqIndex, archive: Archive) -> None:
    turned = built._faiss_index.chain.at(0).apply(archive.matrix.astype(np.float32))
    _, nearest = built._ivf.quantizer.search(turned, 1)
    np.testing.assert_array_equal(homes_of(built._ivf), nearest[:, 0])


def test_lists_are_near_by_their_inner_product(built: IvfPqIndex, archive: Archive) -> None:
    turned = built._faiss_index.chain.at(0).apply(archive.queries)
    centres = built._ivf.quantizer.reconstruct_n(0, built._ivf.nlist)
    scores = turned.astype(np.float64) @ centres.astype(np.float64).T
    found = nearest_lists(built._faiss_index, built._ivf, archive.queries, 7)
    assert found.shape == (len(archive.queries), 7)
    np.testing.assert_allclose(
        np.take_along_axis(scores, found, axis=1), -np.sort(-scores, axis=1)[:, :7], rtol=0, atol=1e-6
    )


def test_lists_of_an_index_that_turns_nothing() -> None:
    faiss = load_faiss()
    vectors = np.random.default_rng(0).standard_normal((700, 8)).astype(np.float32)
    plain = faiss.index_factory(8, "IVF4,Flat", faiss.METRIC_INNER_PRODUCT)
    plain.train(vectors)
    plain.add(vectors)
    homes = homes_of(plain)
    np.testing.assert_array_equal(homes, nearest_lists(plain, plain, vectors, 1)[:, 0])


def test_the_share_elsewhere_is_counted() -> None:
    homes = np.array([0, 0, 1, 2, 2, 2], dtype=np.int32)
    ids = np.array([[0, 1, 2, 5], [3, 4, -1, -1], [-1, -1, -1, -1]])
    lists = np.array([[0, 2], [0, 1], [0, 1]])
    np.testing.assert_array_equal(share_elsewhere(homes, ids, lists, nlist=3), np.array([0.25, 1, 1], np.float32))
    # A list that is not there, -1, holds nothing.
    np.testing.assert_array_equal(share_elsewhere(homes, ids, np.full((3, 1), -1), nlist=3), np.ones(3, np.float32))


@pytest.mark.parametrize("queries", [1, 25])
def test_a_batch_is_ranked_exactly_where_that_takes_no_longer(
    built: IvfPqIndex, vectors: StackedVectors, archive: Archive, queries: int
) -> None:
    asked = archive.queries[:queries]
    index = with_effort(built, vectors, Effort(nprobe=1))  # by codes it would find little
    found = index.search(asked, 100)
    expected = ranked(archive.matrix, asked, 100)
    if queries == 1:
        assert index._exact_rows(1, 2_000, ROWS) < ROWS
        assert recall(found, expected) < 0.9
    else:
        assert_same(found, expected)


def test_rows_that_are_never_scored_exactly(built: IvfPqIndex, vectors: StackedVectors, archive: Archive) -> None:
    index = with_effort(built, vectors, Effort(nprobe=1, exact_rows=0))
    assert recall(index.search(archive.queries[:20], 100), ranked(archive.matrix, archive.queries[:20], 100)) < 0.9
