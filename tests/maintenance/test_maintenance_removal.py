"""Removing finds no tile again that fits the filter, and touches no other."""

from pathlib import Path

import numpy as np
import pytest

from msclip_search import IndexMissing, QueryError, Removal, SearchIndex, index_tiles, remove_tiles, verify
from msclip_search.filters import Filter
from msclip_search.store import newest_or_raise, open_writer
from tests.folder.making import MODEL, NONE_DELETED, files_of, make_index, record, stored_tiles, units, write_arrays

EVERY_THIRD = Filter(labels=("third",))


@pytest.fixture
def index(tmp_path: Path) -> Path:
    """Two segments of thirty tiles, every third one with a label, every fifth one without a share of cloud."""
    writer = open_writer(tmp_path / "idx", model=MODEL)
    for start in (0, 30):
        records = [
            record(n, labels=("third",) if n % 3 == 0 else (), cloud=None if n % 5 == 0 else float(n))
            for n in range(start, start + 30)
        ]
        writer.commit(records, units(30, seed=start), delete=NONE_DELETED)
    return tmp_path / "idx"


def numbers(root: Path) -> list[int]:
    return [int(tile.columns["tile_id"], 16) for tile in stored_tiles(root)]


def test_removed_are_those_that_fit_and_no_others(index: Path) -> None:
    vectors = {tile.columns["tile_id"]: tile.vector for tile in stored_tiles(index)}
    removal = remove_tiles(index, within=EVERY_THIRD)
    assert removal == Removal(
        matched=20, tiles=40, sources=tuple(f"/tiles/{n}.tif" for n in (0, 3, 6, 9, 12)), done=True
    )
    assert numbers(index) == [n for n in range(60) if n % 3]
    for tile in stored_tiles(index):
        np.testing.assert_array_equal(tile.vector, vectors[tile.columns["tile_id"]])
    with SearchIndex.open(index) as opened:
        assert {int(hit.tile_id, 16) for hit in opened.search("anything", k=100)} == set(numbers(index))
    assert not verify(index).problems


def test_what_is_unknown_stays(index: Path) -> None:
    assert remove_tiles(index, within=Filter(max_cloud=29)).matched == 24
    assert numbers(index) == [n for n in range(60) if n % 5 == 0 or n > 29]


def test_removing_twice_adds_up(index: Path) -> None:
    remove_tiles(index, within=EVERY_THIRD)
    again = remove_tiles(index, within=EVERY_THIRD)
    assert (again.matched, again.tiles, again.done) == (0, 40, False)
    remove_tiles(index, within=Filter(max_cloud=10))
    assert numbers(index) == [n for n in range(60) if n % 3 and (n % 5 == 0 or n > 10)]


@pytest.mark.parametrize("way", ["dry run", "refused"])
def test_nothing_is_written_unless_it_is_meant(index: Path, way: str) -> None:
    before, asked = files_of(index), []

    def refuse(removal: Removal) -> bool:
        asked.append(removal)
        return False

    removal = remove_tiles(index, within=EVERY_THIRD, dry_run=way == "dry run", confirm=refuse)
    assert (removal.matched, removal.tiles, removal.done) == (20, 40, False)
    assert asked == ([] if way == "dry run" else [removal])
    assert files_of(index) == before


def test_an_empty_filter_would_remove_all_and_is_refused(index: Path) -> None:
    before = files_of(index)
    with pytest.raises(QueryError, match="Say which tiles"):
        remove_tiles(index, within=Filter())
    assert files_of(index) == before


def test_where_there_is_no_index_none_is_made(tmp_path: Path) -> None:
    for dry_run in (False, True):
        with pytest.raises(IndexMissing):
            remove_tiles(tmp_path / "none", within=EVERY_THIRD, dry_run=dry_run)
    assert not (tmp_path / "none").exists()


def test_the_last_tile_may_go(tmp_path: Path) -> None:
    make_index(tmp_path / "idx", 3)
    assert remove_tiles(tmp_path / "idx", within=Filter(where="true")).tiles == 0
    with SearchIndex.open(tmp_path / "idx") as opened:
        assert len(opened.search("anything")) == 0
    assert not verify(tmp_path / "idx").problems


def test_a_run_over_the_archive_puts_them_in_again(tmp_path: Path) -> None:
    write_arrays(tmp_path / "tiles", range(6))
    index_tiles(tmp_path / "tiles", index=tmp_path / "idx", model="untrained")
    before = {tile.columns["tile_id"]: tile.vector.tobytes() for tile in stored_tiles(tmp_path / "idx")}
    assert remove_tiles(tmp_path / "idx", within=Filter(where="source LIKE '%000003.npy'")).tiles == 5
    report = index_tiles(tmp_path / "tiles", index=tmp_path / "idx")
    assert (report.embedded, report.unchanged, report.tiles) == (1, 5, 6)
    assert {tile.columns["tile_id"]: tile.vector.tobytes() for tile in stored_tiles(tmp_path / "idx")} == before
    assert newest_or_raise(tmp_path / "idx").deleted_rows == 1
