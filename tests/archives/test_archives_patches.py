"""Patches with a file a band, against rasterio: what they hold on the grid of 10 m, and what is refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from rasterio.enums import Resampling

from msclip_search.archives import PatchArchive, Reading, read_stored
from msclip_search.archives.patches import Patch, read_patch
from msclip_search.bands import LAYOUTS
from msclip_search.errors import ArchiveError, BandsError, TileError
from msclip_search.raster import enlarge
from msclip_search.tile import Tile, Window
from tests.archives.painting import READING, TEN, write_tiff

METRES = dict.fromkeys(("B02", "B03", "B04", "B08"), 10) | dict.fromkeys(("B01", "B09"), 60)
SIDE = 48


def write_band(path: Path, pixels: NDArray[Any], *, metres: float, west: float = 600_000, **options: Any) -> None:  # noqa: ANN401 - what GDAL takes
    write_tiff(path, pixels[None], transform=rasterio.Affine(metres, 0, west, 0, -metres, 5_300_000), **options)


def write_patch(folder: Path, *, bands: tuple[str, ...] = LAYOUTS["l2a"], seed: int = 0) -> dict[str, NDArray[Any]]:
    """Write a patch of noise, and return its bands as they are stored."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    stored = {}
    for band in bands:
        metres = METRES.get(band, 20)
        side = SIDE * 10 // metres
        stored[band] = random.integers(1, 10_000, (side, side)).astype(np.uint16)
        write_band(folder / f"{folder.name}_{band}.tif", stored[band], metres=metres)
    return stored


def by_rasterio(path: Path, side: int) -> NDArray[Any]:
    """Read a band as GDAL brings it to another grid."""
    with rasterio.open(path) as dataset:
        pixels: NDArray[Any] = dataset.read(1, out_shape=(side, side), resampling=Resampling.bilinear)
    return pixels


def one(folder: Path, reading: Reading = READING) -> Tile:
    (tile,) = Patch(folder, reading).read()
    return tile


def test_real_patches_are_what_gdal_makes_of_them(shared: Path) -> None:
    folders = tuple(sorted((shared / "data" / "bigearthnet_tiny" / "patches").iterdir()))
    archive = PatchArchive(folders, Reading(want=LAYOUTS["l2a"]))
    assert archive.count() == 11
    ids = set()
    for folder, item in zip(folders, archive.items(), strict=True):
        (tile,) = item.read()
        expected = np.stack([by_rasterio(folder / f"{folder.name}_{band}.tif", 120) for band in LAYOUTS["l2a"]])
        np.testing.assert_array_equal(tile.pixels, expected)
        assert tile.pixels.dtype == np.uint16
        record = tile.record
        assert item.source == record.source == str(folder)
        assert (record.level, record.nodata, record.offset, record.offset_source) == ("L2A", 0, None, "as stored")
        assert record.platform == f"Sentinel-{folder.name[1:3]}"
        assert record.window == Window(0, 0, 120, 120)
        with rasterio.open(folder / f"{folder.name}_B02.tif") as dataset:
            corners = ",".join(f"{value:.0f}" for value in dataset.bounds)
            assert record.cell_id == f"{dataset.crs.to_string()}/{corners}"
        assert record.footprint
        ids.add(record.tile_id)
    assert len(ids) == 11


def test_real_patches_are_found_again(shared: Path) -> None:
    folder = shared / "data" / "bigearthnet_tiny" / "patches" / "S2A_MSIL2A_20180510T94033_19_86"
    tile = one(folder, Reading(want=LAYOUTS["l2a"]))
    assert tile.record.datetime
    assert tile.record.datetime.isoformat() == "2018-05-10T09:40:33+00:00"  # as its JSON says
    stored = read_stored(tile.record.source, tile.record.window, fingerprint=tile.record.fingerprint)
    pixels, bands = stored.reflectance(tile.record.offset)
    assert bands == LAYOUTS["l2a"]
    np.testing.assert_array_equal(pixels, tile.pixels)
    with pytest.raises(TileError, match=r"^is 120 x 120 px, of which a tile takes all"):
        read_stored(tile.record.source, Window(0, 0, 60, 60), fingerprint=tile.record.fingerprint)


def test_bands_come_in_the_order_of_the_model(tmp_path: Path) -> None:
    stored = write_patch(tmp_path / "p")
    tile = one(tmp_path / "p", Reading(want=("B08", "B02")))
    np.testing.assert_array_equal(tile.pixels, np.stack([stored["B08"], stored["B02"]]))


def test_an_offset_is_added(tmp_path: Path) -> None:
    stored = write_patch(tmp_path / "p", bands=("B02",))["B02"].astype(int)
    tile = one(tmp_path / "p", Reading(want=("B02",), offset=-1000))
    np.testing.assert_array_equal(tile.pixels[0], np.maximum(stored - 1000, 1))


def test_missing_bands_are_named(tmp_path: Path) -> None:
    write_patch(tmp_path / "p", bands=("B02", "B03", "B04", "B8A"))
    with pytest.raises(BandsError, match=r"^lacks B05, B06, B07, B11, B12, which the model needs"):
        one(tmp_path / "p", Reading(want=TEN, substitutes=(("B08", "B8A"),)))


def test_the_name_of_a_patch_is_of_what_is_stored(tmp_path: Path) -> None:
    write_patch(tmp_path / "p")
    write_patch(tmp_path / "elsewhere" / "q")
    write_patch(tmp_path / "other", seed=1)
    name = one(tmp_path / "p").record.tile_id
    assert one(tmp_path / "p", Reading(want=("B02",))).record.tile_id == name
    assert one(tmp_path / "elsewhere" / "q").record.tile_id == name
    assert one(tmp_path / "other").record.tile_id != name


def test_nodata_is_what_is_nodata_in_every_band(tmp_path: Path) -> None:
    stored = write_patch(tmp_path / "p")
    for band, pixels in stored.items():
        factor = SIDE // len(pixels)
        pixels[: 12 // factor] = 0
        pixels[:, 24 // factor : 36 // factor] = 0 if band == "B02" else pixels[:, 24 // factor : 36 // factor]
        write_band(tmp_path / "p" / f"p_{band}.tif", pixels, metres=METRES.get(band, 20))
    tile = one(tmp_path / "p")
    assert not tile.pixels[:, :12].any()  # nothing is interpolated into it
    assert tile.pixels[1:, 12:].all()
    assert tile.record.nodata == pytest.approx(25)


def test_a_patch_of_nothing_is_refused(tmp_path: Path) -> None:
    for band in (stored := write_patch(tmp_path / "p")):
        write_band(tmp_path / "p" / f"p_{band}.tif", 0 * stored[band], metres=METRES.get(band, 20))
    with pytest.raises(TileError, match=r"^holds no data"):
        one(tmp_path / "p")


def test_bands_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    write_patch(tmp_path / "p", bands=("B02", "B03"))
    extra = tmp_path / "p" / "p_B05.tif"
    write_band(extra, np.ones((20, 20), np.uint16), metres=24)
    with pytest.raises(TileError, match=r"^has B05 of 20 x 20 px, which do not divide into 48 x 48$"):
        read_patch(tmp_path / "p")
    write_band(extra, np.ones((24, 24), np.uint16), metres=20, west=600_020)
    with pytest.raises(TileError, match=r"^has B05 of other ground than its other bands$"):
        read_patch(tmp_path / "p")
    write_band(extra, np.ones((24, 24), np.uint16), metres=20, crs="EPSG:32633")
    with pytest.raises(TileError, match=r"^has B05 of other ground than its other bands$"):
        read_patch(tmp_path / "p")
    write_tiff(extra, np.ones((2, 24, 24), np.uint16))
    with pytest.raises(TileError, match=r"^has a file p_B05.tif with 2 bands, where each file is one band$"):
        read_patch(tmp_path / "p")
    extra.write_bytes(extra.read_bytes()[:200])
    with pytest.raises(TileError, match=r"^has a file p_B05.tif that is truncated"):
        read_patch(tmp_path / "p")
    extra.write_bytes(b"")
    with pytest.raises(TileError, match=r"^has a file p_B05.tif that is empty"):
        read_patch(tmp_path / "p")


def test_no_patches_are_no_archive() -> None:
    with pytest.raises(ArchiveError, match=r"^There are no patches"):
        PatchArchive((), READING).count()


@given(height=st.integers(1, 6), width=st.integers(1, 6), factor=st.sampled_from([1, 2, 3, 6]), seed=st.integers(0, 99))
def test_interpolation_is_the_mean_of_four_weighted_by_distance(
    height: int, width: int, factor: int, seed: int
) -> None:
    pixels = np.random.default_rng(seed).uniform(-1, 1, (height, width))
    fine = enlarge(pixels, factor)
    assert fine.shape == (factor * height, factor * width)
    for row in range(factor * height):
        for column in range(factor * width):
            y = min(max((row + 0.5) / factor - 0.5, 0), height - 1)
            x = min(max((column + 0.5) / factor - 0.5, 0), width - 1)
            expected = sum(
                max(0, 1 - abs(y - i)) * max(0, 1 - abs(x - j)) * pixels[i, j]
                for i in range(height)
                for j in range(width)
            )
            assert fine[row, column] == pytest.approx(expected, abs=1e-12)


def test_interpolation_keeps_type_and_ends_of_the_scale() -> None:
    pixels = np.array([[0, 65_535], [65_535, 65_535]], np.uint16)
    fine = enlarge(pixels, 6)
    assert fine.dtype == np.uint16
    assert (fine.min(), fine.max()) == (0, 65_535)
    assert enlarge(np.array([[-3, -3]], np.int16), 2).tolist() == [[-3] * 4] * 2
