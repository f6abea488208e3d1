"""From an archive to an index, again and again: only what is new or changed is embedded, and nothing is lost."""

import datetime as dt
import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.warp
import shapely

from msclip_search import (
    Pace,
    SearchIndex,
    verify,
)
from tests.folder.indexing import counts, tifs, touch
from tests.folder.making import (
    Counting,
    assert_right,
    by_source,
    files_of,
    index_folder,
    newest_body,
    stored_tiles,
    vector_of,
    write_tile,
)


def test_a_first_run_embeds_everything_in_the_order_of_the_archive(archive: Path, root: Path) -> None:
    encoder = Counting()
    report = index_folder(archive, root, encoder)
    assert counts(report) == {"embedded": 6}
    assert encoder.tiles == 6
    assert (report.total, report.done, report.tiles, report.kind, report.interrupted) == (6, 6, 6, "flat", False)
    assert report.size == sum(len(content) for path, content in files_of(root).items() if path.startswith("segments"))
    assert [tile.columns["source"] for tile in stored_tiles(root)] == [str(path) for path in tifs(archive)]
    assert_right(root, tifs(archive))
    assert verify(root).problems == ()


def test_the_sidecar_says_what_the_file_says(archive: Path, root: Path) -> None:
    index_folder(archive, root)
    stored = by_source(root)
    for path in tifs(archive):
        row = stored[path.name].columns
        with rasterio.open(path) as dataset:
            bounds = rasterio.warp.transform_bounds(dataset.crs, "OGC:CRS84", *dataset.bounds)
            assert row["crs"] == dataset.crs.to_string() == "EPSG:32632"
        assert shapely.from_wkb(row["geometry"]).bounds == pytest.approx(bounds, abs=1e-5)
        assert list(row["bbox"].values()) == pytest.approx(bounds, abs=1e-5)
        assert row["window"] == {"x": 0, "y": 0, "width": 8, "height": 8}
        assert row["datetime"] == dt.datetime(2023, 6, int(path.stem[-1]), tzinfo=dt.UTC)
        assert (row["nodata"], row["cloud"], row["labels"], row["offset_source"]) == (0, None, [], "as stored")
        status = path.stat()
        assert row["fingerprint"] == f"{status.st_size}-{status.st_mtime_ns} as-is"


def test_a_second_run_embeds_nothing_and_changes_nothing(archive: Path, root: Path) -> None:
    index_folder(archive, root)
    before = files_of(root)
    encoder = Counting()
    report = index_folder(archive, root, encoder)
    assert counts(report) == {"unchanged": 6}
    assert (report.done, report.tiles, encoder.tiles) == (6, 6, 0)
    assert files_of(root) == before


def test_what_is_new_is_added(archive: Path, root: Path) -> None:
    index_folder(archive, root)
    write_tile(archive / "f0" / "new.tif", 50)
    write_tile(archive / "a_first_one.tif", 51)
    encoder = Counting()
    assert counts(index_folder(archive, root, encoder)) == {"embedded": 2, "unchanged": 6}
    assert encoder.tiles == 2
    assert_right(root, tifs(archive))


def test_a_changed_file_is_replaced(archive: Path, root: Path) -> None:
    index_folder(archive, root)
    path = write_tile(tifs(archive)[2], 99)
    encoder = Counting()
    assert counts(index_folder(archive, root, encoder)) == {"embedded": 1, "replaced": 1, "unchanged": 5}
    assert_right(root, tifs(archive))
    np.testing.assert_array_equal(by_source(root)[path.name].vector, vector_of(path))
    with SearchIndex.open(root) as index:
        assert len(index) == 6
        assert sorted(hit.source for hit in index.search("x", k=100)) == sorted(map(str, tifs(archive)))
    assert newest_body(root)["segments"][0]["deleted_rows"] == 1


def test_a_touched_file_is_taken_over(archive: Path, root: Path) -> None:
    index_folder(archive, root)
    path = tifs(archive)[3]
    touch(path, 60)
    encoder = Counting()
    assert counts(index_folder(archive, root, encoder)) == {"taken_over": 1, "replaced": 1, "unchanged": 5}
    assert encoder.tiles == 0
    assert_right(root, tifs(archive))
    assert str(path.stat().st_mtime_ns) in by_source(root)[path.name].columns["fingerprint"]
    assert counts(index_folder(archive, root)) == {"unchanged": 6}


def test_a_renamed_file_is_taken_over(archive: Path, root: Path) -> None:
    index_folder(archive, root)
    tifs(archive)[0].rename(archive / "zz_20240101.tif")
    tifs(archive)[4].rename(archive / "aa.tif")
    encoder = Counting()
    assert counts(index_folder(archive, root, encoder)) == {"taken_over": 2, "replaced": 2, "unchanged": 4}
    assert encoder.tiles == 0
    assert_right(root, tifs(archive))
    assert by_source(root)["zz_20240101.tif"].columns["datetime"] == dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def test_a_moved_archive_is_taken_over(archive: Path, root: Path, tmp_path: Path) -> None:
    index_folder(archive, root)
    moved = archive.rename(tmp_path / "elsewhere")
    encoder = Counting()
    assert counts(index_folder(moved, root, encoder)) == {"taken_over": 6, "replaced": 6}
    assert encoder.tiles == 0
    assert_right(root, tifs(moved))
    assert counts(index_folder(moved, root)) == {"unchanged": 6}


def test_a_copied_archive_stands_once_at_its_first_place(archive: Path, root: Path, tmp_path: Path) -> None:
    index_folder(archive, root)
    copy = shutil.copytree(archive, tmp_path / "copy")
    for _ in range(2):
        encoder = Counting()
        assert counts(index_folder([archive, copy], root, encoder)) == {"unchanged": 6, "duplicates": 6}
        assert encoder.tiles == 0
    assert_right(root, tifs(archive))
    shutil.rmtree(archive)
    assert counts(index_folder(copy, root)) == {"taken_over": 6, "replaced": 6}
    assert_right(root, tifs(copy))


@pytest.mark.parametrize("commit_tiles", [1, 100])
def test_duplicates_stand_once(tmp_path: Path, root: Path, commit_tiles: int) -> None:
    for name, seed in (("a", 1), ("b", 2), ("c", 1), ("d", 1), ("e", 2)):
        write_tile(tmp_path / "tiles" / f"{name}.tif", seed)
    encoder = Counting(batch=1)
    report = index_folder(tmp_path / "tiles", root, encoder, pace=Pace(commit_tiles=commit_tiles))
    assert counts(report) == {"embedded": 2, "duplicates": 3}
    assert encoder.tiles == 2
    assert_right(root, [tmp_path / "tiles" / "a.tif", tmp_path / "tiles" / "b.tif"])


@pytest.mark.parametrize("commit_tiles", [1, 100])
def test_a_file_that_becomes_a_duplicate_loses_its_old_row(archive: Path, root: Path, commit_tiles: int) -> None:
    index_folder(archive, root)
    files = tifs(archive)
    write_tile(files[4], 0)  # the content of tile 0, which stays where it is
    pace = Pace(commit_tiles=commit_tiles)
    assert counts(index_folder(archive, root, pace=pace)) == {"unchanged": 5, "duplicates": 1, "replaced": 1}
    assert_right(root, [file for file in files if file != files[4]])


def test_the_same_file_named_twice_stands_once(archive: Path, root: Path) -> None:
    files = tifs(archive)
    for pace in (Pace(commit_tiles=1, threads=1, ahead=1), Pace()):
        report = index_folder([archive, files[0], files[1], archive], root, Counting(batch=1), pace=pace)
        assert (report.total, report.done, report.replaced, report.taken_over) == (14, 14, 0, 0)
        assert_right(root, files)


@pytest.mark.parametrize("commit_tiles", [1, 2, 100])
def test_contents_that_change_places_are_not_lost(archive: Path, root: Path, commit_tiles: int) -> None:
    index_folder(archive, root)
    draws = np.random.default_rng(commit_tiles)
    files = tifs(archive)
    seeds = [0, 2, 4, 1, 3, 5]  # sorted by folder
    for _ in range(4):
        seeds = draws.permutation(seeds).tolist()
        for number, (file, seed) in enumerate(zip(files, seeds, strict=True)):
            write_tile(file, seed)
            touch(file, 10 + number)
        encoder = Counting(batch=1)
        report = index_folder(archive, root, encoder, pace=Pace(commit_tiles=commit_tiles, threads=1))
        assert report.taken_over + report.unchanged == 6
        assert encoder.tiles == 0
        assert_right(root, files)
    assert verify(root).problems == ()


def test_a_chain_of_renames_beside_a_new_tile(archive: Path, root: Path) -> None:
    index_folder(archive, root)
    files = tifs(archive)
    for old, new in ((files[2], files[3]), (files[1], files[2]), (files[0], files[1])):
        old.rename(new)  # the content of file 3 is gone
    write_tile(files[0], 77)
    encoder = Counting()
    report = index_folder(archive, root, encoder)
    assert (report.embedded, encoder.tiles) == (1, 1)
    assert_right(root, files)


def test_what_is_gone_from_the_archive_stays_in_the_index(archive: Path, root: Path) -> None:
    index_folder(archive, root)
    tifs(archive)[1].unlink()
    assert counts(index_folder(archive, root)) == {"unchanged": 5}
    assert len(stored_tiles(root)) == 6
