"""Whole files that make no tile, and files that are not there any more."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio

from msclip_search.archives import ChipArchive, Reading
from msclip_search.archives.chips import Chip
from msclip_search.archives.paths import Found
from msclip_search.bands import LAYOUTS
from msclip_search.errors import TileError
from msclip_search.raster import LARGEST_SIDE, MOST_BANDS, SMALLEST_SIDE
from tests.archives.painting import (
    PICTURES,
    PLACE,
    READING,
    TEN,
    painted,
    read,
    reason,
    write_picture,
    write_tiff,
)


@pytest.mark.parametrize(("height", "width"), [(LARGEST_SIDE + 1, 8), (8, LARGEST_SIDE + 1), (20_000, 20_000)])
def test_a_scene_is_refused_before_its_pixels_are_read(
    tmp_path: Path, height: int, width: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.tif"
    profile = {"driver": "GTiff", "count": 10, "height": height, "width": width, "dtype": "uint16"}
    with rasterio.open(path, "w", crs="EPSG:32632", transform=PLACE, SPARSE_OK=True, **profile):
        pass  # no pixel is ever written
    monkeypatch.setattr("rasterio.io.DatasetReader.read", None)
    assert reason(path) == f"is {width} x {height} px: a scene, not a tile (at most 1024 px a side); cut it first"


@pytest.mark.parametrize(("height", "width"), [(SMALLEST_SIDE - 1, 64), (64, SMALLEST_SIDE - 1), (1, 1)])
def test_a_speck_is_refused(tmp_path: Path, height: int, width: int) -> None:
    path = write_tiff(tmp_path / "a.tif", painted(TEN, height=height, width=width))
    assert reason(path) == f"is {width} x {height} px, too small to show anything (at least 8 px a side)"


@pytest.mark.parametrize("side", [SMALLEST_SIDE, LARGEST_SIDE])
def test_the_limits_themselves_are_tiles(tmp_path: Path, side: int) -> None:
    pixels = painted(["B01"], height=SMALLEST_SIDE, width=side)
    tile = read(write_tiff(tmp_path / "a.tif", pixels), Reading(want=("B01",), layout=("B01",)))
    np.testing.assert_array_equal(tile.pixels, pixels)


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (np.ones((1, 16, 16), np.uint16), "has 1 band that it does not name: say which with --bands B02,B03,…"),
        (np.ones((4, 16, 16), np.uint16), "has 4 bands that it does not name: say which with --bands B02,B03,…"),
        (np.ones((1, 16, 16), np.uint8), "has bands of 8 bits and is no picture of red, green and blue"),
        (np.ones((10, 16, 16), np.uint8), "has bands of 8 bits and is no picture of red, green and blue"),
        (np.ones((10, 16, 16), np.int8), "has bands of 8 bits and is no picture of red, green and blue"),
        (np.ones((10, 16, 16), np.complex64), "holds complex64, not plain numbers"),
        (np.ones((10, 16, 16), np.complex128), "holds complex128, not plain numbers"),
        (np.zeros((10, 16, 16), np.uint16), "holds no data: every pixel is nodata"),
        (np.ones((MOST_BANDS + 1, 16, 16), np.uint16), "has 65 bands: more than a tile of one date (64 at most)"),
    ],
    ids=lambda value: f"{value.dtype}-{len(value)}" if isinstance(value, np.ndarray) else "",
)
def test_other_rasters_are_refused(tmp_path: Path, pixels: Any, said: str) -> None:  # noqa: ANN401
    assert reason(write_tiff(tmp_path / "a.tif", pixels)).startswith(said)


def test_complex_integers_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    profile = {"driver": "GTiff", "count": 10, "height": 16, "width": 16, "dtype": "complex_int16"}
    with rasterio.open(path, "w", crs="EPSG:32632", transform=PLACE, **profile):
        pass
    assert reason(path) == "holds complex_int16, not plain numbers"


def test_grey_pictures_are_refused(tmp_path: Path) -> None:
    path = write_picture(tmp_path / "a.png", np.full((1, 16, 16), 9, np.uint8), "PNG")
    assert reason(path, PICTURES).startswith("has bands of 8 bits and is no picture of red, green and blue")


# Files that go while they are looked at.


@pytest.mark.parametrize("name", ["a.tif", "a.npy"])
def test_a_file_that_is_gone_by_the_time_it_is_read_is_one_failure(tmp_path: Path, name: str) -> None:
    write_tiff(tmp_path / "b.tif", painted(TEN))
    (tmp_path / name).write_bytes((tmp_path / "b.tif").read_bytes())
    items = list(ChipArchive((tmp_path,), READING).items())
    (tmp_path / name).unlink()
    with pytest.raises(TileError, match=r"^is not there$"):
        items[0].read()
    assert len(items[1].read()) == 1


def test_a_file_that_goes_between_its_state_and_its_pixels_is_one_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_tiff(tmp_path / "a.tif", painted(TEN))

    def vanish(*_: object, **__: object) -> object:
        path.unlink()
        return opened(*_, **__)

    opened = rasterio.io.DatasetReader
    monkeypatch.setattr("rasterio.io.DatasetReader", vanish)
    assert reason(path).startswith("is truncated or damaged (")


def test_trouble_in_a_folder_is_told_by_its_item() -> None:
    chip = Chip(Found(Path("/nowhere"), "is a folder that may not be read"), Reading(want=LAYOUTS["rgb"]))
    for ask in (chip.read, lambda: chip.fingerprint):
        with pytest.raises(TileError, match=r"^is a folder that may not be read$"):
            ask()
