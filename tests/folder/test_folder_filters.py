"""Searching among tiles that fit a filter, against a plain scan in float64 of the tiles that fit."""

from pathlib import Path

import numpy as np
import pytest

from msclip_search import QueryError, SearchIndex
from msclip_search.filters import Filter
from msclip_search.store import open_writer
from tests.folder.making import MODEL, NONE_DELETED, located, make_index, record, stored_tiles, units
from tests.folder.ranking import Big, assert_hits, ranking

MATCHES = (1, 3, 11, 110, 1_100, 5_000)


@pytest.mark.parametrize("matches", MATCHES)
@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("k", [1, 10, 200])
def test_as_many_come_back_as_fit(big: Big, matches: int, exact: bool, k: int) -> None:  # noqa: FBT001
    tiles = sorted(big.tiles, key=lambda tile: str(tile.columns["tile_id"]))
    chosen = tiles[:matches]
    within = Filter(where=f"tile_id <= '{chosen[-1].columns['tile_id']}'")
    queries = units(3, seed=5)
    with SearchIndex.open(big.root) as index:
        found = index.search_vectors(queries, k=k, exact=exact, within=within)
    for query, hits in zip(queries, found, strict=True):
        assert_hits(hits, ranking(chosen, query), k)


@pytest.mark.parametrize("exact", [False, True])
def test_a_filter_that_nothing_fits_finds_nothing(
    big: Big,
    caplog: pytest.LogCaptureFixture,
    exact: bool,  # noqa: FBT001
) -> None:
    with SearchIndex.open(big.root) as index:
        (hits,) = index.search_vectors(units(1), k=5, exact=exact, within=Filter(labels=("nowhere",)))
    assert (len(hits), hits.searched) == (0, 0)
    assert "No tile fits the filter." in caplog.text


def test_percentiles_are_of_the_whole_index(tmp_path: Path) -> None:
    root = tmp_path / "idx"
    make_index(root, 40)
    (query,) = units(1, seed=9)
    tiles = stored_tiles(root)
    scores = np.array([tile.vector.astype(np.float64) @ query for tile in tiles])
    with SearchIndex.open(root) as index:
        (hits,) = index.search_vectors(query[None], k=3, within=Filter(where=f"tile_id >= '{30:032x}'"))
    lower = [100 * float((scores < score - 1e-9).mean()) for score in hits.scores]
    np.testing.assert_allclose(hits.percentiles, lower, atol=1e-3)


def test_what_is_left_out_for_lack_of_coordinates_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = tmp_path / "idx"
    records = [located(0, west=7, south=46), located(1, west=-50, south=10), record(2), record(3)]
    open_writer(root, model=MODEL).commit(records, units(4), delete=NONE_DELETED)
    with SearchIndex.open(root) as index:
        (hits,) = index.search_vectors(units(1), k=4, within=Filter(bbox=(6, 45, 8, 47)))
    assert [hit.tile_id for hit in hits] == [f"{0:032x}"]
    assert "2 tiles have no coordinates and are left out." in caplog.text


def test_a_condition_that_is_none_is_said_before_a_model_is_loaded(big: Big) -> None:
    with SearchIndex.open(big.root, weights="/nowhere.pt") as index, pytest.raises(QueryError, match="no column 'bog'"):
        index.search("a lake", within=Filter(where="bog > 1"))


@pytest.mark.parametrize(
    ("within", "hint"),
    [
        (Filter(bbox=(46, 7, 47, 8)), " With latitude and longitude exchanged, 2 would: the order is"),
        (Filter(near=(46.05, 7.05), radius=1000), " With latitude and longitude exchanged, 1 would"),
        (Filter(bbox=(46, 7, 47, 8), labels=("nowhere",)), ""),
        (Filter(bbox=(100, 7, 101, 8)), ""),
        (Filter(bbox=(46, 30, 47, 31)), ""),
        (Filter(labels=("nowhere",)), ""),
    ],
)
def test_axes_in_the_other_order_are_pointed_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, within: Filter, hint: str
) -> None:
    root = tmp_path / "idx"
    records = [located(0, west=7, south=46), located(1, west=7.5, south=46.5), located(2, west=60, south=10)]
    open_writer(root, model=MODEL).commit(records, units(3), delete=NONE_DELETED)
    with SearchIndex.open(root) as index:
        assert index.select(within).matched == 0
    (said,) = caplog.messages
    assert said.startswith(f"No tile fits the filter.{hint}")
    assert bool(hint) == ("exchanged" in said)
