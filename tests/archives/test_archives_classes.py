"""Shares of cloud, shadow and snow, from a band of classes in the chip itself."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from msclip_search.archives import Reading
from msclip_search.archives.chips import read_chip
from msclip_search.bands import LAYOUTS
from msclip_search.errors import TileError
from msclip_search.raster import write_chip
from msclip_search.tile import Tile
from tests.archives.painting import write_tiff
from tests.made import BANDS, made_pixels


def read(folder: Path, classes: NDArray[np.generic], *, name: str = "SCL") -> Tile:
    pixels = np.concatenate([made_pixels(1), classes[None].astype(np.uint16)])
    path = folder / "chip.tif"
    write_chip(path, pixels, bands=(*BANDS, name), crs="EPSG:32632", west=600_000, north=5_300_000)
    return read_chip(path, Reading(want=LAYOUTS["ten"]), fingerprint="-")


def made_classes() -> NDArray[np.int64]:
    """Half no data, a quarter vegetation; of the last quarter one row of each class that is counted."""
    side = made_pixels(1).shape[1]
    classes = np.full((side, side), 4)
    classes[: side // 2] = 0
    for row, kind in enumerate((3, 8, 9, 10, 11), start=side // 2):
        classes[row] = kind
    return classes


def test_the_shares_are_percent_of_the_valid_pixels(tmp_path: Path) -> None:
    classes = made_classes()
    tile = read(tmp_path, classes)
    rows = len(classes) / 2
    assert tile.record.cloud == pytest.approx(100 * 3 / rows)
    assert type(tile.record.cloud) is float  # not NumPy's, which other programs and JSON do not take
    assert tile.record.shadow == pytest.approx(100 * 1 / rows)
    assert tile.record.snow == pytest.approx(100 * 1 / rows)
    assert tile.record.nodata == pytest.approx(50)
    assert len(tile.pixels) == 10


def test_pixels_of_class_0_are_empty_whatever_they_hold(tmp_path: Path) -> None:
    tile = read(tmp_path, made_classes())
    assert not tile.pixels[:, : len(tile.pixels[0]) // 2].any()


def test_a_file_of_floats_may_hold_classes_too(tmp_path: Path) -> None:
    pixels = np.concatenate([made_pixels(1), np.full((1, *made_pixels(1).shape[1:]), 9)]).astype(np.float32)
    path = tmp_path / "chip.tif"
    write_tiff(path, pixels, descriptions=(*BANDS, "SCL"))
    assert read_chip(path, Reading(want=LAYOUTS["ten"]), fingerprint="-").record.cloud == pytest.approx(100)


def test_zeros_in_all_bands_are_nodata_whatever_their_class(tmp_path: Path) -> None:
    side = made_pixels(1).shape[1]
    pixels = np.concatenate([made_pixels(1), np.full((1, side, side), 8, np.uint16)])
    pixels[:-1, :, : side // 4] = 0
    path = tmp_path / "chip.tif"
    write_chip(path, pixels, bands=(*BANDS, "SCL"), crs="EPSG:32632", west=600_000, north=5_300_000)
    tile = read_chip(path, Reading(want=LAYOUTS["ten"]), fingerprint="-")
    assert tile.record.nodata == pytest.approx(25)
    assert tile.record.cloud == pytest.approx(100)


def test_only_class_0_is_a_tile_without_data(tmp_path: Path) -> None:
    with pytest.raises(TileError, match="no data"):
        read(tmp_path, np.zeros_like(made_classes()))


@pytest.mark.parametrize("name", ["scl", " SCL "])
def test_the_name_may_be_written_otherwise(tmp_path: Path, name: str) -> None:
    assert read(tmp_path, made_classes(), name=name).record.cloud is not None


@pytest.mark.parametrize(("name", "add"), [("mask", 0), ("SCL", 1)])
def test_other_bands_and_values_that_are_no_classes_tell_nothing(tmp_path: Path, name: str, add: int) -> None:
    record = read(tmp_path, made_classes() + add, name=name).record
    assert (record.cloud, record.shadow, record.snow) == (None, None, None)
    assert record.nodata == 0
