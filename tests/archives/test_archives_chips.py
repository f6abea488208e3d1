import logging
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from numpy.typing import NDArray

from msclip_search.archives import ChipArchive, Item, Reading, is_unchanged
from msclip_search.bands import BANDS, LAYOUTS
from msclip_search.errors import BandsError, TileError
from msclip_search.raster import write_chip
from msclip_search.tile import Window
from tests.archives.painting import (
    HEIGHT,
    PACKED,
    PLACE,
    READING,
    TEN,
    WIDTH,
    by_rasterio,
    painted,
    read,
    write_tiff,
)

L2A, EUROSAT = LAYOUTS["l2a"], LAYOUTS["eurosat"]


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
@pytest.mark.parametrize("interleave", ["pixel", "band"])
@pytest.mark.parametrize("options", PACKED, ids=lambda options: "-".join(map(str, options.values())) or "plain")
def test_every_geotiff_is_read_as_rasterio_reads_it(
    tmp_path: Path, dtype: str, interleave: str, options: dict[str, Any]
) -> None:
    if dtype == "float32" and "predictor" in options:
        options = options | {"predictor": 3}
    path = write_tiff(tmp_path / "a.tif", painted(L2A, dtype), interleave=interleave, **options)
    with rasterio.open(path) as dataset:
        assert dataset.interleaving.name == interleave
        assert dataset.profile.get("compress") == options.get("compress")
        assert dataset.block_shapes[0] == (16, 16) if "tiled" in options else dataset.block_shapes[0][1] == WIDTH
    tile = read(path)
    np.testing.assert_array_equal(tile.pixels, painted(TEN, dtype))
    np.testing.assert_array_equal(tile.pixels, by_rasterio(path)[[L2A.index(band) for band in TEN]])
    assert tile.pixels.dtype == dtype
    assert tile.pixels.flags.c_contiguous
    assert tile.record.window == Window(0, 0, WIDTH, HEIGHT)
    assert tile.record.nodata == 0


SPELLINGS = {
    "plain": "{band}",
    "short": "{short}",
    "small": "{small}",
    "product": "T32UQD_20230601T102030_{band}_20m",
    "gdal": "{short}, central wavelength 842 nm",
}


@pytest.mark.parametrize("spelling", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("seed", [0, 1])
def test_shuffled_bands_are_put_right_by_their_names(tmp_path: Path, spelling: str, seed: int) -> None:
    shuffled = [str(band) for band in np.random.default_rng(seed).permutation(BANDS)]
    assert shuffled != list(BANDS)
    names = [
        spelling.format(band=band, short=band.replace("B0", "B"), small=band.lower().replace("b0", "b"))
        for band in shuffled
    ]
    path = write_tiff(tmp_path / "a.tif", painted(shuffled), descriptions=names)
    np.testing.assert_array_equal(read(path).pixels, painted(TEN))
    want = ("B10", "B01", "B8A")
    np.testing.assert_array_equal(read(path, Reading(want=want)).pixels, painted(want))


def test_the_names_of_stac_assets_are_names(tmp_path: Path) -> None:
    names = {"nir": "B08", "red": "B04", "nir08": "B8A", "swir16": "B11", "blue": "B02", "scl": None}
    pixels = painted([band or "B01" for band in names.values()])
    path = write_tiff(tmp_path / "a.tif", pixels, descriptions=list(names))
    want = ("B02", "B04", "B08", "B8A", "B11")
    np.testing.assert_array_equal(read(path, Reading(want=want)).pixels, painted(want))


def test_numbered_bands_have_no_names(tmp_path: Path) -> None:
    for count, order in ((10, TEN), (12, L2A)):
        names = [f"Band {number}" for number in range(1, count + 1)]
        path = write_tiff(tmp_path / "a.tif", painted(order), descriptions=names)
        np.testing.assert_array_equal(read(path).pixels, painted(TEN))
    path = write_tiff(tmp_path / "a.tif", painted(TEN), descriptions=[f"b{number}" for number in range(1, 11)])
    with pytest.raises(BandsError, match=r"^calls its bands b1 to b10, which may be their names or only their places"):
        read(path)
    np.testing.assert_array_equal(read(path, Reading(want=TEN, layout=TEN)).pixels, painted(TEN))


@pytest.mark.parametrize("layout", ["l1c", "eurosat"])
def test_thirteen_bands_follow_the_layout_that_is_named(tmp_path: Path, layout: str) -> None:
    path = write_tiff(tmp_path / "a.tif", painted(LAYOUTS[layout]))
    np.testing.assert_array_equal(read(path, Reading(want=TEN, layout=LAYOUTS[layout])).pixels, painted(TEN))
    with pytest.raises(BandsError, match=r"--bands l1c .* --bands eurosat"):
        read(path)


def test_a_list_of_another_length_is_refused(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", painted(L2A))
    with pytest.raises(BandsError, match=r"^has 12 bands where --bands names 13$"):
        read(path, Reading(want=TEN, layout=EUROSAT))


def test_a_file_that_contradicts_the_user_is_believed_and_it_is_said(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_tiff(tmp_path / "a.tif", painted(EUROSAT), descriptions=EUROSAT)
    np.testing.assert_array_equal(read(path, Reading(want=TEN, layout=EUROSAT)).pixels, painted(TEN))
    assert not caplog.records
    with caplog.at_level(logging.WARNING):
        np.testing.assert_array_equal(read(path, Reading(want=TEN, layout=BANDS)).pixels, painted(TEN))
    (record,) = caplog.records
    assert record.getMessage() == f"{path} names its bands itself, otherwise than --bands: the file was believed."
    assert vars(record)["once"] == "bands"


def test_missing_bands_are_named(tmp_path: Path) -> None:
    have = ("B02", "B03", "B04", "B05", "B06", "B07", "B11", "B12")
    path = write_tiff(tmp_path / "a.tif", painted(have), descriptions=have)
    with pytest.raises(BandsError) as refused:
        read(path)
    assert str(refused.value) == f"lacks B08, B8A, which the model needs (it has {', '.join(have)})"


def test_a_permitted_substitute_stands_in_and_it_is_said(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    have = tuple(band for band in TEN if band != "B08")
    path = write_tiff(tmp_path / "a.tif", painted(have), descriptions=have)
    tile = read(path, Reading(want=TEN, substitutes=(("B08", "B8A"),)))
    np.testing.assert_array_equal(tile.pixels, painted(["B8A" if band == "B08" else band for band in TEN]))
    (record,) = caplog.records
    assert record.getMessage() == f"{path} lacks B08; B8A stands in for it."
    assert vars(record)["once"] == "lacks B08"


@pytest.mark.parametrize(
    "name", ["a:b.tif", "a?b#c.tif", "ä ö.tif", "a%20b.tif", "line\nbreak.tif", "'quoted'.tif", "[1].TIF"]
)
def test_odd_names_are_names(tmp_path: Path, name: str) -> None:
    path = write_tiff(tmp_path / "a.tif", painted(TEN)).rename(tmp_path / name)
    tile = read(path)
    np.testing.assert_array_equal(tile.pixels, painted(TEN))
    assert tile.record.source == str(path)


# What else is recorded.


def test_a_tile_knows_its_place_and_its_source(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", painted(TEN))
    record = read(path).record
    status = path.stat()
    assert record.source == str(path)
    assert record.fingerprint == f"{status.st_size}-{status.st_mtime_ns} as-is"
    assert record.crs == "EPSG:32632"
    assert record.cell_id == "EPSG:32632/600000,5299760,600400,5300000"
    assert record.footprint
    assert (record.cloud, record.shadow, record.snow, record.product_id, record.labels) == (None, None, None, None, ())
    said = Reading(want=TEN, layout=TEN, offset=-1000)
    assert read(path, said).record.fingerprint.endswith(f" bands={','.join(TEN)}+offset=-1000")


def test_places_are_named_in_the_units_of_their_system(tmp_path: Path) -> None:
    degrees = rasterio.Affine(0.0001, 0, 10.5, 0, -0.0001, 47)
    path = write_tiff(tmp_path / "a.tif", painted(TEN), crs="EPSG:4326", transform=degrees)
    assert read(path).record.cell_id == "EPSG:4326/10.500000,46.997600,10.504000,47.000000"
    odd = "+proj=laea +lat_0=12 +lon_0=34 +ellps=WGS84"
    record = read(write_tiff(tmp_path / "a.tif", painted(TEN), crs=odd)).record
    assert record.cell_id
    assert record.cell_id.endswith("/600000,5299760,600400,5300000")
    assert len(record.cell_id) == 16 + len("/600000,5299760,600400,5300000")
    assert record.crs
    assert rasterio.CRS.from_string(record.crs) == rasterio.CRS.from_string(odd)
    assert record.footprint


def test_a_fingerprint_tells_a_changed_file(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", painted(TEN))
    fingerprint = read(path).record.fingerprint
    assert is_unchanged(str(path), fingerprint)
    assert is_unchanged(str(path), fingerprint.replace("as-is", "offset=1"))
    status = path.stat()
    path.touch()
    assert not is_unchanged(str(path), fingerprint)
    assert not is_unchanged(str(path), f"{status.st_size + 1}-{path.stat().st_mtime_ns} as-is")
    assert not is_unchanged(str(tmp_path), fingerprint)
    path.unlink()
    assert not is_unchanged(str(path), fingerprint)


def test_an_archive_streams_its_items(tmp_path: Path) -> None:
    for number in (2, 10, 1):
        write_tiff(tmp_path / f"{number}.tif", painted(TEN) + number)
    archive = ChipArchive((tmp_path,), READING)
    assert archive.count() == 3
    items: list[Item] = list(archive.items())
    assert [Path(item.source).name for item in items] == ["1.tif", "10.tif", "2.tif"]
    assert [int(item.read()[0].pixels[0, 0, 0]) for item in items] == [962, 971, 963]
    assert [item.source for item in archive.items()] == [item.source for item in items]


def test_many_threads_read_what_one_reads(tmp_path: Path) -> None:
    forms: list[dict[str, Any]] = [{"crs": "EPSG:32632"}, {"crs": None}, {"compress": "deflate"}]
    paths = [write_tiff(tmp_path / f"{number}.tif", painted(TEN) + number, **forms[number % 3]) for number in range(24)]
    started = threading.Barrier(8)

    def work(path: Path) -> NDArray[Any]:
        started.wait(20)
        return read(path).pixels

    with ThreadPoolExecutor(8) as pool:
        for number, pixels in enumerate(pool.map(work, paths)):
            np.testing.assert_array_equal(pixels, painted(TEN) + number)


# Writing.


@pytest.mark.parametrize("dtype", ["uint16", "int16"])
def test_a_chip_that_was_written_is_read_back(tmp_path: Path, dtype: str) -> None:
    shuffled = TEN[4:] + TEN[:4]
    path = tmp_path / "a.tif"
    write_chip(path, painted(shuffled, dtype), bands=shuffled, crs="EPSG:32632", west=600_000, north=5_300_000)
    tile = read(path)
    np.testing.assert_array_equal(tile.pixels, painted(TEN, dtype))
    with rasterio.open(path) as dataset:
        assert dataset.transform == PLACE
        assert dataset.descriptions == shuffled
        assert dataset.crs == rasterio.CRS.from_epsg(32632)


@pytest.mark.parametrize("window", [(-1, 0, 1, 1), (0, -1, 1, 1), (0, 0, 0, 1), (0, 0, 1, 0)])
def test_a_window_holds_a_pixel(window: tuple[int, int, int, int]) -> None:
    with pytest.raises(ValueError, match=r"^A window starts at 0 or later and holds a pixel at least, got "):
        Window(*window)


def test_a_missing_file_is_one_failure(tmp_path: Path) -> None:
    with pytest.raises(TileError, match=r"^is not there$"):
        read(tmp_path / "none.tif")
