"""Pixels that are found again, against what rasterio and NumPy read."""

import os
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window as Rectangle

from msclip_search.archives import Reading, read_stored
from msclip_search.archives.chips import parse_treatment, read_chip
from msclip_search.bands import LAYOUTS
from msclip_search.errors import TileError
from msclip_search.files import file_state
from msclip_search.raster import LARGEST_SIDE
from msclip_search.tile import Window
from tests.archives.painting import write_picture
from tests.gallery.making import coordinates, write_scene
from tests.made import BANDS


def fingerprint(path: Path, **said: object) -> str:
    return f"{file_state(path)} {Reading(want=BANDS, **said).treatment}"  # type: ignore[arg-type]


@pytest.mark.parametrize("window", [Window(0, 0, 5, 7), Window(1100, 40, 100, 60), Window(640, 7, 224, 224)])
def test_a_window_of_a_scene(tmp_path: Path, window: Window) -> None:
    path = tmp_path / "scene.tif"
    write_scene(path, coordinates(12, 300, 1200))
    assert LARGEST_SIDE < 1200
    found = read_stored(str(path), window, fingerprint=fingerprint(path))
    with rasterio.open(path) as dataset:
        at = Rectangle(window.x, window.y, window.width, window.height)
        expected, place = dataset.read(window=at), dataset.transform
    assert np.array_equal(found.raster.pixels, expected)
    assert found.raster.pixels.dtype == np.uint16
    assert found.raster.transform == (10, 0, place.c + 10 * window.x, 0, -10, place.f - 10 * window.y)
    assert found.raster.crs == "EPSG:32632"
    assert found.bands == LAYOUTS["l2a"]


def test_bands_and_offset_are_those_of_the_index(tmp_path: Path) -> None:
    path = tmp_path / "tile.tif"
    pixels = coordinates(13, 20, 30) + np.uint16(990)
    pixels[:, 3, 4] = 0
    write_scene(path, pixels)
    said = fingerprint(path, layout=LAYOUTS["eurosat"], offset=-1000)
    found = read_stored(str(path), Window(0, 0, 30, 20), fingerprint=said)
    reflectance, bands = found.reflectance(-1000)
    assert bands == LAYOUTS["eurosat"]
    expected = np.maximum(pixels.astype(int) - 1000, 1)
    expected[:, 3, 4] = 0
    assert np.array_equal(reflectance, expected)
    reading = Reading(want=BANDS, layout=LAYOUTS["eurosat"], offset=-1000)
    embedded = read_chip(path, reading, fingerprint=said).pixels
    assert np.array_equal(reflectance[[bands.index(band) for band in BANDS]], embedded)


@pytest.mark.parametrize("first", [True, False])
def test_arrays(tmp_path: Path, first: bool) -> None:  # noqa: FBT001
    path = tmp_path / "tile.npy"
    pixels = coordinates(10, 40, 50)
    np.save(path, pixels if first else np.moveaxis(pixels, 0, 2))
    found = read_stored(str(path), Window(7, 9, 20, 16), fingerprint=fingerprint(path))
    assert np.array_equal(found.raster.pixels, pixels[:, 9:25, 7:27])
    assert found.bands == BANDS
    assert found.raster.transform is None


def test_pictures(tmp_path: Path) -> None:
    path = tmp_path / "tile.png"
    pixels = (coordinates(3, 30, 40) % 256).astype(np.uint8)
    write_picture(path, pixels, "PNG")
    found = read_stored(str(path), Window(0, 0, 40, 30), fingerprint=fingerprint(path))
    reflectance, bands = found.reflectance(None)
    assert bands == LAYOUTS["rgb"]
    assert np.array_equal(reflectance, pixels)


def test_floats_from_0_to_1(tmp_path: Path) -> None:
    path = tmp_path / "tile.tif"
    pixels = np.random.default_rng(3).uniform(0.001, 1.2, (10, 16, 16)).astype(np.float32)
    pixels[:, 0, 0] = np.nan
    write_scene(path, pixels)
    reflectance, _ = read_stored(str(path), Window(0, 0, 16, 16), fingerprint=fingerprint(path)).reflectance(None)
    assert np.array_equal(reflectance, np.nan_to_num(pixels * np.float32(10_000)))


def test_what_is_gone_or_changed_is_said(tmp_path: Path) -> None:
    path = tmp_path / "tile.tif"
    write_scene(path, coordinates(10, 40, 50))
    said = fingerprint(path)
    with pytest.raises(TileError, match="is 50 x 40 px, which the tile of 20 x 16 px at column 31, row 9 reaches beyo"):
        read_stored(str(path), Window(31, 9, 20, 16), fingerprint=said)
    os.utime(path, ns=(1, 1))
    with pytest.raises(TileError, match="has changed since it was indexed"):
        read_stored(str(path), Window(0, 0, 50, 40), fingerprint=said)
    path.unlink()
    with pytest.raises(TileError, match="is not there"):
        read_stored(str(path), Window(0, 0, 50, 40), fingerprint=said)


def test_a_window_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.tif"
    write_scene(path, np.ones((1, 4100, 4100), np.uint8))
    with pytest.raises(TileError, match="at most 4096 px"):
        read_stored(str(path), Window(0, 0, 4100, 4100), fingerprint=fingerprint(path))


@pytest.mark.parametrize("layout", [None, BANDS, LAYOUTS["eurosat"], LAYOUTS["rgb"]])
@pytest.mark.parametrize("offset", [None, -1000.0, 5.0, 0.0])
def test_treatments_can_be_read(layout: tuple[str, ...] | None, offset: float | None) -> None:
    assert parse_treatment(Reading(want=BANDS, layout=layout, offset=offset).treatment) == layout
