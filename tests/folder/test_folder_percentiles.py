"""Percentiles of hits, against the share of all tiles that score lower."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from msclip_search import (
    SearchIndex,
)
from msclip_search.ingest.ann import build_ann
from msclip_search.store import open_writer
from tests.folder.making import (
    MODEL,
    NONE_DELETED,
    make_index,
    record,
    stored_tiles,
    units,
)
from tests.folder.ranking import EVERY_LIST, Big, delete, ranking


def assert_close(percentiles: NDArray[np.float32], share: NDArray[np.float64], drawn: int) -> None:
    """Compare with the true shares, within five standard errors of a sample of so many."""
    error = np.sqrt(share * (1 - share) / drawn) + 1 / drawn
    assert (abs(percentiles / 100 - share) < 5 * error).all()


@pytest.mark.parametrize("gone", [3_000, 9_000])
def test_what_has_been_deleted_counts_no_more(tmp_path: Path, gone: int) -> None:
    writer = make_index(tmp_path / "idx", 12_000)
    build_ann(writer, EVERY_LIST, progress=lambda *_: None)
    query = units(1, seed=31)[0]
    order = ranking(stored_tiles(tmp_path / "idx"), query).tile_ids
    delete(writer, np.sort([int(name, 16) for name in order[-gone:]]))
    left = 12_000 - gone
    with SearchIndex.open(tmp_path / "idx") as index:
        hits = index.search_vectors(query, k=12_000)[0]
        drawn = len(index._sample)
        best = index.search_vectors(query, k=12_000, min_percentile=90)[0]
    assert drawn == left if left <= 8_192 else 4_096 <= drawn <= 8_192
    assert_close(hits.percentiles, np.arange(left - 1, -1, -1) / left, drawn)
    assert len(best) == pytest.approx(left / 10, rel=0.1)
    assert hits.percentiles[-1] == 0


def test_what_has_come_since_counts_too(tmp_path: Path) -> None:
    writer = make_index(tmp_path / "idx", 12_000)
    build_ann(writer, EVERY_LIST, progress=lambda *_: None)
    query = units(1, seed=31)[0]
    near = query + 0.02 * np.random.default_rng(5).standard_normal((3_000, 64))
    near = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float16)
    writer.commit([record(number) for number in range(20_000, 23_000)], near, delete=NONE_DELETED)
    with SearchIndex.open(tmp_path / "idx") as index:
        hits = index.search_vectors(query, k=15_000)[0]
        drawn = len(index._sample)
    assert drawn == 8_192 + round(3_000 * 8_192 / 12_000)
    assert_close(hits.percentiles, np.arange(14_999, -1, -1) / 15_000, drawn)


def test_percentiles_are_the_share_that_scores_lower(tmp_path: Path) -> None:
    writer = make_index(tmp_path / "idx", 40, 60, 21)
    delete(writer, np.array([3, 99, 120]))
    tiles, query = stored_tiles(tmp_path / "idx"), units(1, seed=9)[0]
    with SearchIndex.open(tmp_path / "idx") as index:
        hits = index.search_vectors(query, k=1000)[0]
    scores = ranking(tiles, query).scores
    lower = [100 * np.count_nonzero(scores < score - 1e-9) / len(scores) for score in scores]
    np.testing.assert_allclose(hits.percentiles, lower, rtol=1e-6)
    assert hits.percentiles[-1] == 0
    assert hits.percentiles[0] == pytest.approx(100 * 117 / 118)


def test_percentiles_of_equal_scores_are_equal(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "idx", model=MODEL, kind="auto")
    writer.commit([record(n) for n in range(10)], np.repeat(units(2), [4, 6], axis=0), delete=NONE_DELETED)
    with SearchIndex.open(tmp_path / "idx") as index:
        hits = index.search_vectors(units(1)[0], k=10)[0]
    assert hits.percentiles.tolist() == [60] * 4 + [0] * 6


@pytest.mark.parametrize("kind", ["ivfpq", "flat"])
def test_percentiles_of_a_large_index_are_right_within_the_error_of_the_sample(
    big: Big, tmp_path: Path, kind: str
) -> None:
    root = shutil.copytree(big.root, tmp_path / "idx")
    if kind == "flat":
        open_writer(root, model=MODEL, kind="flat").drop_ann()
    query = units(1, seed=31)[0]
    with SearchIndex.open(root) as index:
        hits = index.search_vectors(query, k=len(big.tiles))[0]
        drawn = len(index._sample)
    assert drawn == 8192 if kind == "flat" else 7500 < drawn < 8600
    scores = np.sort(ranking(big.tiles, query).scores)
    share = np.searchsorted(scores, hits.scores.astype(np.float64) - 1e-9) / len(scores)
    assert_close(hits.percentiles, share, drawn)
    assert (np.diff(hits.percentiles) <= 0).all()
