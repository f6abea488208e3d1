"""Chips against what rasterio reads of their sources."""

import os
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.windows import Window as Rectangle

from msclip_search import StorageError, index_tiles
from msclip_search.archives import read_stored
from msclip_search.bands import LAYOUTS
from msclip_search.catalog import hits_table
from msclip_search.chips import write_chips
from msclip_search.files import file_state
from msclip_search.search import SearchIndex
from msclip_search.tile import Window
from tests.archives.painting import write_picture, write_tiff
from tests.gallery.making import WRITTEN, coordinates, hits_of, record, rendered, write_scene
from tests.made import BANDS, make_archive


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32", "float64", "int32"])
def test_a_window_as_it_is_stored(tmp_path: Path, dtype: str) -> None:
    scene, window = tmp_path / "scene.tif", Window(1030, 17, 64, 50)
    names = ("B02", "green", "B04, red", "B05", "B06", "B07", "B08", "B8A", "B11", "B12", "scl")
    write_scene(scene, coordinates(11, 100, 1200).astype(dtype), names=names, nodata=0)
    hit = record(scene, window, number=9, labels=("Wald", "See"), sensed=WRITTEN)
    done = write_chips([hits_of([hit], "conifer forest")], tmp_path / "out")
    assert (done.tiles, done.pictures, done.missing) == (1, 1, ())
    name = "001_scene_1030_17"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [f"{name}.png", f"{name}.tif"]
    with rasterio.open(scene) as source, rasterio.open(tmp_path / "out" / f"{name}.tif") as chip:
        pixels = source.read(window=Rectangle(1030, 17, 64, 50))
        assert np.array_equal(chip.read(), pixels)
        assert chip.dtypes == source.dtypes
        assert (chip.crs, chip.nodata) == (source.crs, 0)
        assert chip.descriptions == names
        assert chip.xy(0, 0) == source.xy(17, 1030)
        assert chip.xy(49, 63) == source.xy(66, 1093)
        tags = chip.tags()
    assert {key: tags[key] for key in ("query", "rank", "score", "tile_id", "source", "window", "labels")} == {
        "query": "conifer forest",
        "rank": "1",
        "score": "0.310000",
        "tile_id": f"{9:032x}",
        "source": str(scene),
        "window": "1030 17 64 50",
        "labels": "Wald;See",
    }
    assert tags["datetime"] == "2024-05-06T07:08:00+00:00"
    picture = np.asarray(Image.open(tmp_path / "out" / f"{name}.png"))
    assert np.abs(picture - rendered(pixels[2], pixels[1], pixels[0])).max() <= 0.51


def test_bands_get_the_names_they_were_indexed_by(tmp_path: Path) -> None:
    scene = tmp_path / "scene.tif"
    write_tiff(scene, coordinates(13, 40, 40), descriptions=tuple(f"b{number}" for number in range(1, 14)))
    hit = record(scene, Window(0, 0, 40, 40), layout=LAYOUTS["eurosat"])
    write_chips([hits_of([hit])], tmp_path / "out")
    with rasterio.open(tmp_path / "out" / "001_scene.tif") as chip:
        assert chip.descriptions == (*(f"b{number}" for number in range(1, 13)), "B8A")
    again = read_stored(str(tmp_path / "out" / "001_scene.tif"), Window(0, 0, 40, 40), fingerprint=_state(tmp_path))
    assert again.bands == LAYOUTS["eurosat"]


def _state(folder: Path) -> str:
    return f"{file_state(folder / 'out' / '001_scene.tif')} as-is"


def test_chips_are_the_same_tiles_when_they_are_indexed(tmp_path: Path) -> None:
    make_archive(tmp_path / "tiles", 3)
    index_tiles(tmp_path / "tiles", index=tmp_path / "one", model="untrained")
    with SearchIndex.open(tmp_path / "one") as index:
        first = index.search("x")
    write_chips([first], tmp_path / "out")
    index_tiles(tmp_path / "out" / "*.tif", index=tmp_path / "two", model="untrained")
    with SearchIndex.open(tmp_path / "two") as index:
        second = index.search("x")
    assert [hit.tile_id for hit in second] == [hit.tile_id for hit in first]
    assert [hit.datetime for hit in second] == [hit.datetime for hit in first]
    assert np.array_equal(second.scores, first.scores)


def test_masks_arrays_and_pictures(tmp_path: Path) -> None:
    mask = np.ones((40, 40), np.bool_)
    mask[:5] = False
    masked, array, picture = tmp_path / "masked.tif", tmp_path / "array.npy", tmp_path / "picture.png"
    write_tiff(masked, coordinates(10, 40, 40), mask=mask)
    half = coordinates(10, 40, 40).astype(np.float16)
    np.save(array, np.moveaxis(half, 0, 2))
    colours = (coordinates(3, 40, 40) % 256).astype(np.uint8)
    write_picture(picture, colours, "PNG")
    hits = hits_of([record(path, Window(0, 0, 40, 40)) for path in (masked, array, picture)])
    assert write_chips([hits], tmp_path / "out").pictures == 3
    with rasterio.open(tmp_path / "out" / "001_masked.tif") as chip:
        assert np.array_equal(chip.read(), coordinates(10, 40, 40))
        assert np.array_equal(chip.dataset_mask() > 0, mask)
    with rasterio.open(tmp_path / "out" / "002_array.tif") as chip:
        assert chip.dtypes[0] == "float32"
        assert np.array_equal(chip.read(), half)
        assert chip.crs is None
        assert chip.descriptions == BANDS
    with rasterio.open(tmp_path / "out" / "003_picture.tif") as chip:
        assert np.array_equal(chip.read(), colours)
        assert [one.name for one in chip.colorinterp] == ["red", "green", "blue"]
    assert np.array_equal(np.asarray(Image.open(tmp_path / "out" / "003_picture.png")), colours.transpose(1, 2, 0))


def test_a_tile_without_blue_has_no_picture(tmp_path: Path) -> None:
    scene = tmp_path / "scene.tif"
    write_scene(scene, coordinates(3, 40, 40), names=("B08", "B04", "B03"))
    done = write_chips([hits_of([record(scene, Window(0, 0, 40, 40))])], tmp_path / "out")
    assert (done.tiles, done.pictures) == (1, 0)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["001_scene.tif"]


def test_names_of_several_queries(tmp_path: Path) -> None:
    scene = tmp_path / "Wälder & Seen (1).v2.tif"
    write_scene(scene, coordinates(10, 40, 40))
    hits = [hits_of([record(scene, Window(0, 0, 40, 40))], text) for text in ("../etc/passwd", "Über/alles: 森", "森")]
    write_chips(hits, tmp_path / "out")
    found = sorted(path.relative_to(tmp_path / "out").as_posix() for path in (tmp_path / "out").rglob("*.tif"))
    name = "001_Walder-Seen-1-.v2.tif"
    assert found == [f"1-etc-passwd/{name}", f"2-Uber-alles/{name}", f"3-tile/{name}"]
    with rasterio.open(tmp_path / "out" / found[2]) as chip:
        assert chip.tags()["query"] == "森"


def test_what_is_gone_is_named_and_the_rest_written(tmp_path: Path) -> None:
    records = []
    for number in range(4):
        write_scene(tmp_path / f"tile{number}.tif", coordinates(10, 40, 40))
        records.append(record(tmp_path / f"tile{number}.tif", Window(0, 0, 40, 40), number=number))
    (tmp_path / "tile1.tif").unlink()
    os.utime(tmp_path / "tile2.tif", ns=(1, 1))
    done = write_chips([hits_of(records)], tmp_path / "out")
    assert done.tiles == 2
    assert done.missing == (
        (str(tmp_path / "tile1.tif"), "is not there"),
        (str(tmp_path / "tile2.tif"), "has changed since it was indexed"),
    )
    assert sorted(path.name for path in (tmp_path / "out").glob("*.tif")) == ["001_tile0.tif", "004_tile3.tif"]


def test_a_folder_with_something_in_it_is_refused(tmp_path: Path) -> None:
    scene, out = tmp_path / "scene.tif", tmp_path / "out"
    write_scene(scene, coordinates(10, 40, 40))
    hits = hits_of([record(scene, Window(0, 0, 40, 40))])
    out.mkdir()
    write_chips([hits], out)
    (out / "mine.txt").write_text("mine")
    (out / "001_scene.png").write_bytes(b"old")
    with pytest.raises(StorageError, match=r"out is not empty: name another, or give --overwrite"):
        write_chips([hits], out)
    write_chips([hits], out, overwrite=True)
    assert (out / "mine.txt").read_text() == "mine"
    assert (out / "001_scene.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(StorageError, match="is a file"):
        write_chips([hits], scene, overwrite=True)
    (out / "1-flooded-farmland").write_text("in the way")
    with pytest.raises(StorageError, match="1-flooded-farmland is a file"):
        write_chips([hits, hits], out, overwrite=True)


def test_a_full_disk_leaves_no_half_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene, out = tmp_path / "scene.tif", tmp_path / "out"
    write_scene(scene, coordinates(10, 40, 40))
    whole = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.suffix != ".png" and ".png" not in path.name:
            return whole(path, content)
        whole(path, content[:10])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(StorageError, match=r"^The disk is full: writing .*001_scene\.png failed .*with --overwrite\.$"):
        write_chips([hits_of([record(scene, Window(0, 0, 40, 40))])], out)
    assert [path.name for path in out.iterdir()] == ["001_scene.tif"]


def test_hits_keep_what_finds_their_pixels(tmp_path: Path) -> None:
    scene = tmp_path / "scene.tif"
    write_scene(scene, coordinates(10, 40, 40))
    kept = record(scene, Window(1, 2, 30, 31), offset=-1000, layout=BANDS)
    hits = hits_of([kept])
    assert (hits[0].crs, hits[0].offset, hits[0].fingerprint) == ("EPSG:32632", -1000, kept.fingerprint)
    table = hits_table(hits.tiles, query="x", ranks=hits.ranks, scores=hits.scores, percentiles=hits.percentiles)
    assert table.column("fingerprint").to_pylist() == [kept.fingerprint]
