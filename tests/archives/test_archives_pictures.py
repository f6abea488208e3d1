"""Pictures of red, green and blue, for models that want no more."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from msclip_search.archives import Reading
from msclip_search.bands import LAYOUTS
from msclip_search.errors import BandsError
from tests.archives.painting import (
    HEIGHT,
    PICTURES,
    WIDTH,
    by_rasterio,
    painted,
    read,
    write_picture,
    write_tiff,
)


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
    for_others = Reading(want=PICTURES.want, layout=LAYOUTS["eurosat"])  # said of the other files of the archive
    np.testing.assert_array_equal(read(path, for_others).pixels, rgb())


def test_a_picture_model_takes_its_bands_from_reflectance(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", painted(LAYOUTS["l2a"]))
    np.testing.assert_array_equal(read(path, PICTURES).pixels, painted(["B04", "B03", "B02"]))
