"""How a run reads tiles: labels, offsets, bands, sizes; and when that makes a tile another."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import rasterio
import rasterio.warp

from msclip_search import (
    Pace,
    SearchIndex,
    verify,
)
from msclip_search.archives import ParentLabels, TableLabels
from msclip_search.raster import write_chip
from tests.folder.indexing import counts, sources, tifs, touch
from tests.folder.making import (
    BANDS,
    Counting,
    assert_right,
    by_source,
    embed,
    index_folder,
    newest_body,
    pixels_of,
    stored_tiles,
    write_arrays,
    write_tile,
)


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
