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
from msclip_search.archives.chips import content_id
from msclip_search.bands import BANDS, LAYOUTS
from msclip_search.errors import BandsError, TileError
from msclip_search.raster import Raster, read_raster, write_chip
from msclip_search.tile import Window
from tests.archives.painting import (
    HEIGHT,
    PICTURES,
    PLACE,
    READING,
    TEN,
    WIDTH,
    painted,
    read,
    write_picture,
    write_tiff,
)

L2A, EUROSAT = LAYOUTS["l2a"], LAYOUTS["eurosat"]
TILED = {"tiled": True, "blockxsize": 16, "blockysize": 16}
PACKED: list[dict[str, Any]] = [
    {},
    {"compress": "deflate", "predictor": 2},
    {"compress": "lzw"},
    {"compress": "zstd", "predictor": 2, **TILED},
    {"compress": "deflate", "zlevel": 9, **TILED},
    {"compress": "packbits", "blockysize": 5},
    {"compress": "lzma"},
    {"compress": "zstd", "BIGTIFF": "YES"},
    {"ENDIANNESS": "BIG"},
    {"compress": "deflate", "ENDIANNESS": "BIG", "BIGTIFF": "YES", **TILED},
]


def by_rasterio(path: Path) -> NDArray[Any]:
    with rasterio.open(path) as dataset:
        pixels: NDArray[Any] = dataset.read()
    return pixels


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


# Pictures.


def rgb(*, alpha: bool = False) -> NDArray[np.uint8]:
    """Paint red with columns, green with rows, blue with both; never 0."""
    rows, columns = np.mgrid[1 : HEIGHT + 1, 1 : WIDTH + 1]
    layers = [columns * 6, rows * 10, rows + columns] + [np.full((HEIGHT, WIDTH), 255)] * alpha
    return np.stack(layers).astype(np.uint8)


@pytest.mark.parametrize(("driver", "name"), [("PNG", "a.png"), ("JPEG", "a.JPG"), ("GTiff", "a.tif")])
def test_pictures_are_red_green_and_blue(tmp_path: Path, driver: str, name: str) -> None:
    options = {"QUALITY": 95} if driver == "JPEG" else {}
    path = write_picture(tmp_path / name, rgb(), driver, **options)
    tile = read(path, PICTURES)
    np.testing.assert_array_equal(tile.pixels, by_rasterio(path))
    if driver != "JPEG":
        np.testing.assert_array_equal(tile.pixels, rgb())
    assert tile.pixels.dtype == np.uint8
    turned = read(path, Reading(want=("B02", "B04")))
    np.testing.assert_array_equal(turned.pixels, tile.pixels[[2, 0]])
    with pytest.raises(BandsError, match=r"^lacks B05, B06, .*, which the model needs \(it has B04, B03, B02\)$"):
        read(path)


def test_red_green_and_blue_of_16_bits_are_no_picture(tmp_path: Path) -> None:
    pixels = painted(["B04", "B03", "B02"])
    for path in (
        write_tiff(tmp_path / "a.tif", pixels, photometric="RGB"),
        write_picture(tmp_path / "a.png", pixels, "PNG"),
    ):
        with pytest.raises(BandsError, match=r"^has 3 bands that it does not name"):
            read(path, PICTURES)
        tile = read(path, Reading(want=PICTURES.want, layout=PICTURES.want))
        np.testing.assert_array_equal(tile.pixels, pixels)


def test_a_picture_takes_no_offset(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", rgb())
    tile = read(path, Reading(want=PICTURES.want, offset=-1000))
    np.testing.assert_array_equal(tile.pixels, rgb())
    assert (tile.record.offset, tile.record.offset_source) == (None, "as stored")


def test_transparent_pixels_of_a_picture_are_nodata(tmp_path: Path) -> None:
    pixels = rgb(alpha=True)
    pixels[3, :6] = 0
    path = write_tiff(tmp_path / "a.tif", pixels)
    tile = read(path, PICTURES)
    expected = rgb()
    expected[:, :6] = 0
    np.testing.assert_array_equal(tile.pixels, expected)
    assert tile.record.nodata == 25


def test_a_picture_with_names_or_a_layout_is_read_by_them(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_tiff(tmp_path / "a.tif", rgb(), descriptions=("B02", "B03", "B04"))
    np.testing.assert_array_equal(read(path, PICTURES).pixels, rgb()[::-1])
    assert not caplog.records
    path = write_tiff(tmp_path / "a.tif", rgb(), descriptions=("bands", "bands", "bands"))
    np.testing.assert_array_equal(read(path, PICTURES).pixels, rgb())
    blue_first = Reading(want=PICTURES.want, layout=("B02", "B03", "B04"))
    np.testing.assert_array_equal(read(path, blue_first).pixels, rgb()[::-1])
    for_others = Reading(want=PICTURES.want, layout=EUROSAT)  # said of the other files of the archive
    np.testing.assert_array_equal(read(path, for_others).pixels, rgb())


def test_a_picture_model_takes_its_bands_from_reflectance(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", painted(L2A))
    np.testing.assert_array_equal(read(path, PICTURES).pixels, painted(["B04", "B03", "B02"]))


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


# Names by content.


def test_one_content_id_is_pinned() -> None:
    raster = Raster(
        pixels=painted(TEN),
        descriptions=TEN,
        nodata=0.0,
        crs="EPSG:32632",
        bounds=(600_000.0, 5_299_760.0, 600_400.0, 5_300_000.0),
    )
    # Changing it makes every tile of every index another one.
    assert content_id(raster) == "1c0a6881c853c4a487eafed9fc46f4df"
    bare = painted(TEN, "float32")
    for pixels in (bare, bare.astype(">f4"), np.asfortranarray(bare)):
        assert content_id(Raster(pixels=pixels)) == "fd0f4bde452cb4888a31ebbc2d24b5cd"


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
def test_copies_in_other_forms_keep_their_id(tmp_path: Path, dtype: str) -> None:
    copies = [{}, {"interleave": "pixel"}, *PACKED[2:], {"interleave": "band", **TILED}]
    ids = {
        read(write_tiff(tmp_path / f"{number}.tif", painted(TEN, dtype), **options)).record.tile_id
        for number, options in enumerate(copies)
    }
    assert len(ids) == 1
    said = Reading(want=("B03",), layout=TEN, offset=-1000)
    assert {read(tmp_path / "0.tif", said).record.tile_id} == ids
    assert read(tmp_path / "0.tif").record.tile_id == content_id(read_raster(tmp_path / "0.tif"))


def test_arrays_of_one_content_have_one_id(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", painted(TEN))
    np.save(tmp_path / "b.npy", np.asfortranarray(painted(TEN)).astype(">u2"))
    np.save(tmp_path / "c.npy", np.moveaxis(painted(TEN), 0, -1))
    np.savez_compressed(tmp_path / "d.npz", x=painted(TEN))
    assert len({read(path).record.tile_id for path in tmp_path.iterdir()}) == 1


def test_other_contents_have_other_ids(tmp_path: Path) -> None:
    pixels = painted(TEN)
    one = painted(TEN)
    one[7, 11, 13] += 1
    made = [
        write_tiff(tmp_path / "a.tif", pixels),
        write_tiff(tmp_path / "one.tif", one),
        write_tiff(tmp_path / "type.tif", pixels.astype(np.int16)),
        write_tiff(tmp_path / "crs.tif", pixels, crs="EPSG:32633"),
        write_tiff(tmp_path / "none.tif", pixels, crs=None),
        write_tiff(tmp_path / "east.tif", pixels, transform=rasterio.Affine(10, 0, 600_010, 0, -10, 5_300_000)),
        write_tiff(tmp_path / "size.tif", pixels, transform=rasterio.Affine(20, 0, 600_000, 0, -10, 5_300_000)),
        write_tiff(tmp_path / "shape.tif", pixels.reshape(10, WIDTH, HEIGHT)),
        write_tiff(tmp_path / "names.tif", pixels, descriptions=TEN),
        write_tiff(tmp_path / "turned.tif", pixels, descriptions=TEN[::-1]),
        write_tiff(tmp_path / "nodata.tif", pixels, nodata=0),
        write_tiff(tmp_path / "mask.tif", pixels, mask=np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) > 7),
        write_tiff(tmp_path / "mask2.tif", pixels, mask=np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH) > 8),
    ]
    assert len({read(path).record.tile_id for path in made}) == len(made)


def test_a_file_whose_names_are_put_right_is_another_tile(tmp_path: Path) -> None:
    # Its embedding must not be taken over from before.
    path = write_tiff(tmp_path / "a.tif", painted(TEN), descriptions=TEN[::-1])
    wrong = read(path).record
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = TEN
    assert read(path).record.tile_id != wrong.tile_id
    np.testing.assert_array_equal(read(path).pixels, painted(TEN))


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
