"""From an archive to an index, again and again: only what is new or changed is embedded, and nothing is lost."""

import csv
import datetime as dt
import os
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import rasterio.warp
import shapely

from msclip_search import (
    ArchiveError,
    IndexConflict,
    IndexFolderError,
    ModelError,
    ModelMismatch,
    MsclipError,
    Pace,
    Report,
    SearchIndex,
    index_tiles,
    indexes,
    models,
    verify,
)
from msclip_search.archives import ParentLabels, TableLabels
from msclip_search.errors import BandsError, QueryError
from msclip_search.indexes import Kind, Plan
from msclip_search.ingest import ann
from msclip_search.models.base import Embeddings, Pixels
from msclip_search.raster import write_chip
from msclip_search.store import newest_or_raise
from tests.folder.making import (
    BANDS,
    ENCODER,
    QUICK_PLAN,
    Counting,
    assert_right,
    by_source,
    embed,
    files_of,
    index_folder,
    make_index,
    newest_body,
    pixels_of,
    stored_tiles,
    vector_of,
    write_arrays,
    write_tile,
)


def counts(report: Report) -> dict[str, int]:
    """Return what a report counts, where it is not zero."""
    names = ("embedded", "unchanged", "taken_over", "replaced", "duplicates", "failed")
    return {name: number for name in names if (number := getattr(report, name))}


def touch(path: Path, seconds: int) -> None:
    """Give a file another time of change."""
    status = path.stat()
    os.utime(path, (status.st_atime + seconds, status.st_mtime + seconds))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Six GeoTIFFs in two folders."""
    for number in range(6):
        write_tile(tmp_path / "tiles" / f"f{number % 2}" / f"tile{number}_2023060{number + 1}.tif", number)
    return tmp_path / "tiles"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "idx"


def tifs(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.tif"))


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


def test_labels_change_without_encoding(archive: Path, root: Path) -> None:
    index_folder(archive, root, labels=ParentLabels())
    assert {tuple(tile.columns["labels"]) for tile in stored_tiles(root)} == {("f0",), ("f1",)}
    files = tifs(archive)
    table = {str(files[0]): ("water", "ice"), str(files[1]): ("f0",)}
    encoder = Counting()
    labels = TableLabels(archive / "labels.csv", table)
    assert counts(index_folder(archive, root, encoder, labels=labels)) == {
        "taken_over": 5,
        "replaced": 5,
        "unchanged": 1,
    }
    assert encoder.tiles == 0
    found = {tile.columns["source"]: tuple(tile.columns["labels"]) for tile in stored_tiles(root)}
    assert found == {str(file): table.get(str(file), ()) for file in files}
    assert_right(root, files)
    with SearchIndex.open(root) as index:
        assert {hit.source: hit.labels for hit in index.search("x", k=9)} == found


def test_labels_stay_where_nobody_asks_for_any(archive: Path, root: Path) -> None:
    index_folder(archive, root, labels=ParentLabels())
    files = tifs(archive)
    touch(files[0], 60)
    write_tile(files[1], 200)
    moved = files[2].rename(archive / "moved.tif")
    assert counts(index_folder(archive, root)) == {"embedded": 1, "taken_over": 2, "replaced": 3, "unchanged": 3}
    assert_right(root, tifs(archive))
    found = {Path(tile.columns["source"]): tuple(tile.columns["labels"]) for tile in stored_tiles(root)}
    assert found == {file: ("f0",) if file == moved else (file.parent.name,) for file in tifs(archive)}
    write_tile(archive / "new.tif", 300)
    index_folder(archive, root)
    assert by_source(root)["new.tif"].columns["labels"] == []


def test_another_offset_embeds_anew(archive: Path, root: Path) -> None:
    index_folder(archive, root)
    names = {tile.columns["tile_id"] for tile in stored_tiles(root)}
    encoder = Counting()
    assert counts(index_folder(archive, root, encoder, offset=-1000)) == {"embedded": 6, "replaced": 6}
    stored = by_source(root)
    assert {tile.columns["tile_id"] for tile in stored.values()} == names
    for path in tifs(archive):
        with rasterio.open(path) as dataset:
            moved = np.clip(dataset.read().astype(np.int32) - 1000, 1, None).astype(np.uint16)
        np.testing.assert_array_equal(stored[path.name].vector, embed(moved))
        row = stored[path.name].columns
        assert (row["offset"], row["offset_source"]) == (-1000, "user")
    assert counts(index_folder(archive, root, offset=-1000)) == {"unchanged": 6}
    assert counts(index_folder(archive, root)) == {"embedded": 6, "replaced": 6}
    assert_right(root, tifs(archive))


def test_other_bands_embed_anew(tmp_path: Path, root: Path) -> None:
    paths = write_arrays(tmp_path / "tiles", [1, 2, 3])
    index_folder(tmp_path / "tiles", root)
    order = (*BANDS[5:], *BANDS[:5])
    assert counts(index_folder(tmp_path / "tiles", root, layout=order)) == {"embedded": 3, "replaced": 3}
    stored = by_source(root)
    for path in paths:
        np.testing.assert_array_equal(stored[path.name].vector, embed(np.roll(np.load(path), 5, axis=0)))
    # Moved and read in yet another way: the stored vector is not taken over.
    moved = (tmp_path / "tiles").rename(tmp_path / "moved")
    assert counts(index_folder(moved, root)) == {"embedded": 3, "replaced": 3}
    assert_right(root, sorted(moved.iterdir()))


@pytest.mark.parametrize("kept", [True, False])
def test_content_that_is_read_in_another_way_elsewhere_is_no_duplicate(
    archive: Path, root: Path, tmp_path: Path, *, kept: bool
) -> None:
    index_folder(archive, root)
    copy = shutil.copytree(archive, tmp_path / "copy")
    if not kept:
        shutil.rmtree(archive)
    assert counts(index_folder(copy, root, offset=-1000)) == {"embedded": 6, "replaced": 6}
    assert {tile.columns["offset"] for tile in stored_tiles(root)} == {-1000}
    assert sorted(sources(stored_tiles(root))) == [str(path) for path in tifs(copy)]
    assert counts(index_folder(copy, root, offset=-1000)) == {"unchanged": 6}
    assert verify(root).problems == ()


def test_a_file_that_became_corrupt_keeps_its_row(archive: Path, root: Path) -> None:
    index_folder(archive, root)
    files = tifs(archive)
    before = by_source(root)[files[2].name]
    files[2].write_bytes(files[2].read_bytes()[:300])
    (archive / "empty.tif").touch()
    (archive / "flat.npy").write_bytes(b"no array")
    report = index_folder(archive, root)
    assert counts(report) == {"unchanged": 5, "failed": 3}
    after = by_source(root)[files[2].name]
    assert after.columns == before.columns
    assert len(stored_tiles(root)) == 6
    with report.failures_file.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert report.failures_file == root / "failures.csv"
    assert [row["source"] for row in rows] == [str(archive / "empty.tif"), str(files[2]), str(archive / "flat.npy")]
    assert [(failure.source, failure.reason) for failure in report.failures] == [
        (row["source"], row["reason"]) for row in rows
    ]
    assert rows[0]["reason"] == "is empty (0 bytes)"
    assert rows[1]["reason"].startswith("is truncated")
    # Mended, it is read again, and the list begins anew.
    write_tile(files[2], 1000)
    assert counts(index_folder(archive, root)) == {"embedded": 1, "replaced": 1, "unchanged": 5, "failed": 2}
    assert len((root / "failures.csv").read_text().splitlines()) == 3
    assert_right(root, files)


def test_failures_are_all_in_the_file_and_the_first_in_the_report(tmp_path: Path, root: Path) -> None:
    write_tile(tmp_path / "tiles" / "good.tif", 1)
    for number in range(30):
        (tmp_path / "tiles" / f'bad, "{number:02}"\n.tif').write_bytes(b"x")
    report = index_folder(tmp_path / "tiles", root)
    assert counts(report) == {"embedded": 1, "failed": 30}
    assert len(report.failures) == 20
    with (root / "failures.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["source", "reason"]
    assert [row[0] for row in rows[1:]] == [str(tmp_path / "tiles" / f'bad, "{n:02}"\n.tif') for n in range(30)]


def test_nothing_readable_is_an_error_and_the_old_index_stands(archive: Path, root: Path, tmp_path: Path) -> None:
    index_folder(archive, root)
    before = files_of(root)
    for number in range(3):
        (tmp_path / "bad").mkdir(exist_ok=True)
        (tmp_path / "bad" / f"{number}.tif").write_bytes(b"II*\0" + bytes(number))
    sentence = (
        r"None of the 3 files could be read\. The first: .*/bad/0\.tif is .*\. All are listed in .*failures\.csv\."
    )
    with pytest.raises(ArchiveError, match=sentence):
        index_folder(tmp_path / "bad", root)
    after = files_of(root)
    assert after.pop("failures.csv").count(b"/bad/") == 3
    assert after == {path: content for path, content in before.items() if path != "failures.csv"}
    with pytest.raises(ArchiveError, match="None of the 3 files"):
        index_folder(tmp_path / "bad", tmp_path / "new")
    assert counts(index_folder([tmp_path / "bad", archive], root)) == {"unchanged": 6, "failed": 3}


def test_a_missing_or_empty_archive_makes_no_index(tmp_path: Path, root: Path) -> None:
    (tmp_path / "empty").mkdir()
    for path in (tmp_path / "empty", tmp_path / "none"):
        with pytest.raises(ArchiveError):
            index_folder(path, root)
    assert not root.exists()


class Renamed(Counting):
    """The untrained model under another name."""

    def __init__(self) -> None:
        super().__init__()
        self.spec = replace(self.spec, name="other")


class Reweighted(Counting):
    """The untrained model with other weights."""

    def __init__(self) -> None:
        super().__init__()
        assert self.weights
        self.weights = replace(self.weights, path="/w/new.pt", sha256="0" * 64, origin="file")
        self.fingerprint = self.spec.fingerprint("0" * 64)


def test_another_model_is_refused(archive: Path, root: Path) -> None:
    index_folder(archive, root)
    before = files_of(root)
    write_tile(archive / "new.tif", 60)
    with pytest.raises(ModelMismatch, match=r"was made with the model untrained, not with other, .* --model untrained"):
        index_folder(archive, root, Renamed())
    with pytest.raises(ModelMismatch, match=r"with untrained too, but with other weights .* now with /w/new\.pt"):
        index_folder(archive, root, Reweighted())
    assert files_of(root) == before


def test_weights_that_have_moved_are_put_on_record(archive: Path, root: Path) -> None:
    index_folder(archive, root)
    encoder = Counting()
    assert encoder.weights
    encoder.weights = replace(encoder.weights, path="/new/place.pt", mtime_ns=5)
    index_folder(archive, root, encoder)
    assert newest_body(root)["model"]["weights"]["path"] == "/new/place.pt"
    assert len(stored_tiles(root)) == 6


@pytest.mark.parametrize("commit_tiles", [1, 4, 9, 100])
def test_commits_come_by_count(tmp_path: Path, root: Path, commit_tiles: int) -> None:
    paths = write_arrays(tmp_path / "tiles", range(9))
    index_folder(tmp_path / "tiles", root, Counting(batch=1), pace=Pace(commit_tiles=commit_tiles, threads=1))
    rows = [segment["rows"] for segment in newest_body(root)["segments"]]
    # Up to three batches, here of one tile, can come back at once: so many tiles go with a commit at most.
    assert sum(rows) == 9
    assert max(rows) < commit_tiles + 3
    assert min(rows[:-1], default=commit_tiles) >= commit_tiles
    assert [tile.columns["source"] for tile in stored_tiles(root)] == list(map(str, paths))


def test_commits_come_by_time(tmp_path: Path, root: Path) -> None:
    write_arrays(tmp_path / "tiles", range(6))
    index_folder(tmp_path / "tiles", root, Counting(batch=1), pace=Pace(commit_seconds=0, threads=1))
    # Up to three batches of one tile may be ready at once, and go into one commit: six tiles make two commits at least.
    assert len(newest_body(root)["segments"]) >= 2
    write_arrays(tmp_path / "tiles", range(6, 12))
    index_folder(tmp_path / "tiles", root, Counting(batch=1), pace=Pace(commit_seconds=1e9, threads=1))
    assert newest_body(root)["segments"][-1]["rows"] == 6


def test_a_pace_that_would_stand_still_is_refused() -> None:
    for wrong in (
        {"threads": 0},
        {"ahead": 0},
        {"commit_tiles": 0},
        {"commit_seconds": -1},
        {"commit_seconds": float("nan")},
    ):
        with pytest.raises(ValueError, match="A run needs a thread"):
            Pace(**wrong)


def test_sizes_and_types_may_be_mixed(tmp_path: Path, root: Path) -> None:
    kinds = [(8, "uint16"), (16, "uint16"), (8, "int16"), (24, "float32"), (9, "uint16"), (8, "float32")]
    paths = []
    for number in range(40):
        size, dtype = kinds[number * 7 % len(kinds)]
        paths.append(write_tile(tmp_path / "tiles" / f"{number:03}.tif", number, size=size, dtype=dtype))
    encoder = Counting(batch=4)
    report = index_folder(tmp_path / "tiles", root, encoder, pace=Pace(commit_tiles=10))
    assert counts(report) == {"embedded": 40}
    assert_right(root, paths)
    # Within a commit, rows are in the order of the archive.
    tiles, first = stored_tiles(root), 0
    for segment in newest_body(root)["segments"]:
        sources = [tile.columns["source"] for tile in tiles[first : first + segment["rows"]]]
        assert sources == sorted(sources)
        first += segment["rows"]
    assert {shape[0] for shape in encoder.shapes} <= {1, 2, 3, 4}


class Faulty(Counting):
    """Gives wrong embeddings for tiles whose first value is odd, and refuses those whose first value is 7."""

    def __init__(self, wrong: float) -> None:
        super().__init__(batch=3)
        self.wrong = wrong

    def encode_tiles(self, pixels: Pixels) -> Embeddings:
        if (pixels[:, 0, 0, 0] == 7).any():
            raise BandsError("takes no sevens")
        rows = super().encode_tiles(pixels)
        rows[pixels[:, 0, 0, 0] % 2 == 1] *= self.wrong
        return rows


@pytest.mark.parametrize("wrong", [np.nan, np.inf, 0.0, 1.1, 1e-9])
def test_an_embedding_that_is_none_is_a_failure_of_its_tile(tmp_path: Path, root: Path, wrong: float) -> None:
    (tmp_path / "tiles").mkdir()
    paths = [tmp_path / "tiles" / f"{number}.npy" for number in range(7)]
    for number, path in enumerate(paths):
        pixels = pixels_of(number)
        pixels[0, 0, 0] = 100 + number
        np.save(path, pixels)
    report = index_folder(tmp_path / "tiles", root, Faulty(wrong))
    assert counts(report) == {"embedded": 4, "failed": 3}
    assert {failure.source for failure in report.failures} == {str(path) for path in paths[1::2]}
    assert {failure.reason for failure in report.failures} == {"gives an embedding that has not the length 1"}
    assert_right(root, paths[::2])
    # With a model that can, the others follow.
    assert counts(index_folder(tmp_path / "tiles", root)) == {"embedded": 3, "unchanged": 4}
    assert_right(root, paths)


def test_tiles_that_the_model_refuses_are_failures(tmp_path: Path, root: Path) -> None:
    (tmp_path / "tiles").mkdir()
    for number in range(4):
        pixels = pixels_of(number, size=20 + number)
        pixels[0, 0, 0] = 7 if number == 2 else 100
        np.save(tmp_path / "tiles" / f"{number}.npy", pixels)
    report = index_folder(tmp_path / "tiles", root, Faulty(1))
    assert counts(report) == {"embedded": 3, "failed": 1}
    assert (report.failures[0].source, report.failures[0].reason) == (
        str(tmp_path / "tiles" / "2.npy"),
        "takes no sevens",
    )


def test_a_name_that_is_no_text_is_a_failure(tmp_path: Path, root: Path) -> None:
    good = write_tile(tmp_path / "tiles" / "Größe 水.tif", 1)
    bad = os.path.join(os.fsencode(tmp_path / "tiles"), b"gr\xf6\xdfe.tif")  # noqa: PTH118
    try:
        Path(os.fsdecode(bad)).write_bytes(good.read_bytes())
    except OSError:
        pytest.skip("this file system takes text alone for names")
    for _ in range(2):
        report = index_folder(tmp_path / "tiles", root)
        assert report.failed == 1
        assert report.failures[0].source == f"{tmp_path}/tiles/gr\\xf6\\xdfe.tif"
        assert report.failures[0].reason == "has a name that is not UTF-8: rename it"
        assert "gr\\xf6\\xdfe.tif" in (root / "failures.csv").read_text(encoding="utf-8")
        assert_right(root, [good])


class Losing(Counting):
    """While it encodes, another process commits to the same index."""

    def __init__(self, root: Path) -> None:
        super().__init__()
        self.root = root

    def encode_tiles(self, pixels: Pixels) -> Embeddings:
        make_index(self.root, 1, first=10**6)
        return super().encode_tiles(pixels)


def test_whoever_comes_second_is_told_and_loses_his_last_commit_alone(archive: Path, root: Path) -> None:
    index_folder(archive, root)
    write_tile(archive / "new.tif", 60)
    with pytest.raises(IndexConflict, match="run the same command again"):
        index_folder(archive, root, Losing(root))
    assert verify(root).problems == ()
    assert len(stored_tiles(root)) == 7
    assert counts(index_folder(archive, root)) == {"embedded": 1, "unchanged": 6}
    assert len(stored_tiles(root)) == 8


def test_progress_is_told_and_ends_with_everything_done(archive: Path, root: Path) -> None:
    told: list[tuple[str, int, int]] = []
    index_folder(archive, root, progress=lambda stage, report: told.append((stage, report.done, report.total)))
    assert {stage for stage, _, _ in told} == {"indexing"}
    assert {total for _, _, total in told} == {6}
    done = [count for _, count, _ in told]
    assert done == sorted(done)
    assert done[-1] == 6


@pytest.fixture
def quick_plan(monkeypatch: pytest.MonkeyPatch) -> None:
    """Build a smaller IVF-PQ than would be built, in less time."""

    def choose(kind: Kind, *, rows: int, dimension: int) -> Plan:
        plan = indexes.choose(kind, rows=rows, dimension=dimension)
        return QUICK_PLAN if plan.kind == "ivfpq" else plan

    monkeypatch.setattr(ann, "choose", choose)


def test_a_kind_that_there_is_not_is_refused_before_anything_is_made(archive: Path, root: Path) -> None:
    with pytest.raises(QueryError, match="Searches use auto, ivfpq, flat, not hnsw"):
        index_tiles(archive, index=root, model="untrained", kind="hnsw")  # type: ignore[arg-type]
    assert not root.exists()


@pytest.mark.usefixtures("quick_plan")
def test_ivf_pq_is_built_when_there_are_enough_tiles_and_dropped_on_request(tmp_path: Path, root: Path) -> None:
    make_index(root, 10_000)
    write_arrays(tmp_path / "tiles", [1, 2])
    stages: list[str] = []
    report = index_folder(tmp_path / "tiles", root, progress=lambda stage, _: stages.append(stage))
    assert (report.kind, report.tiles, report.embedded) == ("ivfpq", 10_002, 2)
    assert report.reason.startswith("10,002 tiles: ")
    assert report.ann_seconds > 0
    assert list(dict.fromkeys(stages)) == ["indexing", "training IVF-PQ", "filling IVF-PQ", "writing IVF-PQ"]
    assert verify(root).problems == ()
    again = index_folder(tmp_path / "tiles", root)
    assert (again.kind, again.ann_seconds) == ("ivfpq", 0)
    with SearchIndex.open(root) as index:
        assert (index.info().kind, index.info().reason) == (report.kind, report.reason)
        assert index.info().scanned == 0
    flat = index_folder(tmp_path / "tiles", root, kind="flat")
    assert (flat.kind, flat.reason.startswith("10,002 tiles: flat was asked for")) == ("flat", True)
    with SearchIndex.open(root) as index:
        assert (index.info().kind, index.info().reason) == ("flat", flat.reason)


def test_the_wish_for_an_exact_scan_is_kept_though_nothing_else_changes(tmp_path: Path, root: Path) -> None:
    write_arrays(tmp_path / "tiles", [1, 2])
    index_folder(tmp_path / "tiles", root)
    assert index_folder(tmp_path / "tiles", root, kind="flat").reason.startswith("2 tiles: flat was asked for")
    assert newest_body(root)["kind"] == "flat"
    number = newest_or_raise(root).number
    index_folder(tmp_path / "tiles", root, kind="flat")
    # Who says nothing keeps to it.
    assert index_folder(tmp_path / "tiles", root).reason.startswith("2 tiles: flat was asked for")
    assert newest_or_raise(root).number == number
    assert index_folder(tmp_path / "tiles", root, kind="auto").reason.startswith("2 tiles: IVF-PQ needs at least")


@pytest.mark.usefixtures("quick_plan")
def test_stopping_while_ivf_pq_is_built_gives_it_up(tmp_path: Path, root: Path) -> None:
    make_index(root, 10_000)
    write_arrays(tmp_path / "tiles", [1, 2])
    stop = threading.Event()

    def progress(stage: str, _: Report) -> None:
        if stage == "training IVF-PQ":
            stop.set()

    report = index_folder(tmp_path / "tiles", root, stop=stop, progress=progress)
    assert (report.interrupted, report.kind, report.tiles) == (True, "flat", 10_002)
    assert "IVF-PQ is not built yet" in report.reason
    assert list((root / "ann").iterdir()) == []
    assert index_folder(tmp_path / "tiles", root).kind == "ivfpq"


def test_the_call_from_python(archive: Path, tmp_path: Path) -> None:
    files = tifs(archive)
    report = index_tiles(str(archive), index=str(tmp_path / "a"), model="untrained", label_from="parent")
    assert counts(report) == {"embedded": 6}
    assert {tuple(tile.columns["labels"]) for tile in stored_tiles(tmp_path / "a")} == {("f0",), ("f1",)}
    assert counts(index_tiles([*files[:2], str(files[5])], index=tmp_path / "b", model="untrained")) == {"embedded": 3}
    assert counts(index_tiles(archive, index=tmp_path / "b")) == {"embedded": 3, "unchanged": 3}
    (tmp_path / "l.csv").write_text(f"file,label\n{files[0]},lake;ice\n")
    assert counts(index_tiles(archive, index=tmp_path / "b", labels=tmp_path / "l.csv")) == {
        "taken_over": 1,
        "replaced": 1,
        "unchanged": 5,
    }
    assert counts(index_tiles(archive, index=tmp_path / "b", offset=-100, bands="ten")) == {
        "embedded": 6,
        "replaced": 6,
    }
    with SearchIndex.open(tmp_path / "b") as index:
        assert [hit.labels for hit in index.search("x", k=6) if hit.source == str(files[0])] == [("lake", "ice")]


@dataclass(frozen=True, slots=True)
class Said:
    """An error, and what it says."""

    error: type[Exception]
    sentence: str


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"index": "{tmp}/none"}, Said(ModelError, "needs to be loaded")),
        (
            {"model": "llama3-ms-clip-base"},
            Said(ModelMismatch, "made with the model untrained, not with llama3-ms-clip-base"),
        ),
        ({"model": "untrained", "index": "{tmp}/tiles"}, Said(IndexFolderError, "is not empty and no msclip-search")),
        ({"archive": "{tmp}/none"}, Said(ArchiveError, "There is no")),
        ({"label_from": "grandparent"}, Said(ArchiveError, "'parent'.* not from 'grandparent'")),
        ({"label_from": "parent", "labels": "x.csv"}, Said(ArchiveError, "give one of the two")),
        ({"labels": "{tmp}/none.csv"}, Said(ArchiveError, "cannot be read")),
        ({"bands": "B99"}, Said(MsclipError, "is no band")),
    ],
)
def test_what_is_wrong_is_said_before_a_model_is_loaded(
    archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: dict[str, Any], said: Said
) -> None:
    index_tiles(archive, index=tmp_path / "idx", model="untrained")

    def refuse(name: str, **_: object) -> None:
        raise ModelError(f"{name} needs to be loaded")

    monkeypatch.setattr(models, "load", refuse)
    filled = {name: value.format(tmp=tmp_path) for name, value in arguments.items()}
    where = filled.pop("archive", str(archive))
    with pytest.raises(said.error, match=said.sentence):
        index_tiles(where, **{"index": tmp_path / "idx", **filled})


def test_pixels_of_the_same_values_in_other_places_are_other_tiles(tmp_path: Path, root: Path) -> None:
    (tmp_path / "tiles").mkdir()
    for number in range(2):
        write_chip(
            tmp_path / "tiles" / f"{number}.tif",
            pixels_of(1),
            bands=BANDS,
            crs="EPSG:32632",
            west=4e5 + number,
            north=5e6,
        )
    assert counts(index_folder(tmp_path / "tiles", root)) == {"embedded": 2}


def sources(tiles: Sequence[Any]) -> list[str]:
    return [tile.columns["source"] for tile in tiles]


def test_the_encoder_of_the_test_is_the_model(archive: Path, root: Path, tmp_path: Path) -> None:
    index_folder(archive, root, Counting())
    index_tiles(archive, index=tmp_path / "other", model="untrained")
    ours, theirs = stored_tiles(root), stored_tiles(tmp_path / "other")
    assert sources(ours) == sources(theirs)
    for one, other in zip(ours, theirs, strict=True):
        np.testing.assert_array_equal(one.vector, other.vector)
    assert ENCODER.fingerprint == newest_or_raise(root).model["fingerprint"]
