"""Files that make no tile: each is one failure with one clear reason, and never the end of a run."""

import os
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st

from msclip_search.errors import TileError
from msclip_search.raster import read_raster
from tests.archives.painting import (
    HEIGHT,
    PICTURES,
    PLACE,
    TEN,
    WIDTH,
    painted,
    read,
    reason,
    write_picture,
    write_tiff,
)

FOREIGN = "is no GeoTIFF, PNG or JPEG, whatever its name says"
SHUFFLED = TEN[::-1]


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("This is no picture at all.\n" * 9)


def fifo(path: Path) -> None:
    os.mkfifo(path)


def folder(path: Path) -> None:
    path.mkdir()


def link(path: Path) -> None:
    path.symlink_to("nowhere.tif")


def circle(path: Path) -> None:
    path.symlink_to(path.name)


def void(path: Path) -> None:
    path.symlink_to("/dev/zero")


@pytest.mark.parametrize("name", ["a.tif", "a.TIFF", "a.npy", "a.npz", "a.png", "a.jpg"])
@pytest.mark.parametrize(
    ("make", "said"),
    [
        (empty, "is empty (0 bytes)"),
        (fifo, "is a pipe, a socket or a device, not a file"),
        (void, "is a pipe, a socket or a device, not a file"),
        (folder, "is a folder, not a file"),
        (link, "is a link that leads nowhere"),
        (circle, "is a link that leads in circles"),
    ],
)
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, name: str, make: Callable[[Path], None], said: str) -> None:
    make(tmp_path / name)
    assert reason(tmp_path / name, PICTURES) == said


def test_a_socket_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # the name of a socket is short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("a.tif")
        assert reason(tmp_path / "a.tif") == "is a pipe, a socket or a device, not a file"


@pytest.mark.parametrize("name", ["a.tif", "a.png", "a.jpg"])
def test_text_is_no_picture(tmp_path: Path, name: str) -> None:
    text(tmp_path / name)
    assert reason(tmp_path / name, PICTURES) == FOREIGN


def test_text_is_no_array(tmp_path: Path) -> None:
    text(tmp_path / "a.npy")
    assert reason(tmp_path / "a.npy").startswith("is truncated, damaged, or no NumPy file (the magic string is not")


@pytest.mark.parametrize("start", [b"II*\0", b"MM\0*", b"II+\0", b"\x89PNG", b"\xff\xd8\xff", b"I", b"GIF89a", b"BM"])
def test_a_few_bytes_are_no_picture(tmp_path: Path, start: bytes) -> None:
    (tmp_path / "a.tif").write_bytes(start)
    said = reason(tmp_path / "a.tif", PICTURES)
    known = len(start) > 2 and start != b"GIF89a"
    assert said.startswith("is truncated") if known else said == FOREIGN


def test_no_other_driver_of_gdal_is_let_near_a_file(tmp_path: Path) -> None:
    target = write_tiff(tmp_path / "real.tif", painted(TEN))
    (tmp_path / "a.tif").write_text(
        f'<VRTDataset rasterXSize="{WIDTH}" rasterYSize="{HEIGHT}"><GeoTransform>0, 1, 0, 9, 0, -1</GeoTransform>'
        '<VRTRasterBand dataType="UInt16" band="1">'
        f"<SimpleSource><SourceFilename>{target}</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    with rasterio.open(tmp_path / "a.tif") as dataset:
        assert dataset.driver == "VRT"
    assert reason(tmp_path / "a.tif") == FOREIGN
    other = write_tiff(tmp_path / "a.jp2", painted(TEN), driver="JP2OpenJPEG")
    assert reason(other) == FOREIGN


def test_the_kind_of_a_file_is_told_by_its_content(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", painted(TEN)).rename(tmp_path / "a.png")
    np.testing.assert_array_equal(read(path).pixels, painted(TEN))


# Files cut short.

FORMS: list[dict[str, Any]] = [
    {},
    {"interleave": "pixel"},
    {"compress": "deflate", "tiled": True, "blockxsize": 16, "blockysize": 16},
    {"compress": "lzw", "ENDIANNESS": "BIG"},
    {"compress": "zstd", "BIGTIFF": "YES"},
    {"compress": "packbits", "BIGTIFF": "YES", "ENDIANNESS": "BIG"},
]


def described(path: Path, *, late: bool, **options: Any) -> bytes:  # noqa: ANN401 - what GDAL takes
    """Write ten shuffled bands whose names stand before or after the pixels, as writers do."""
    write_tiff(path, painted(SHUFFLED), nodata=0, descriptions=SHUFFLED, **options)
    if not late:
        profile = {"driver": "GTiff", "count": 10, "height": HEIGHT, "width": WIDTH, "dtype": "uint16"}
        with rasterio.open(path, "w", crs="EPSG:32632", transform=PLACE, nodata=0, **profile, **options) as dataset:
            dataset.descriptions = SHUFFLED
            dataset.write(painted(SHUFFLED))
    np.testing.assert_array_equal(read(path).pixels, painted(TEN))
    return path.read_bytes()


@pytest.mark.parametrize("late", [True, False], ids=["names last", "names first"])
@pytest.mark.parametrize("options", FORMS, ids=lambda options: "-".join(map(str, options.values())) or "plain")
def test_a_tiff_cut_anywhere_is_refused(tmp_path: Path, options: dict[str, Any], *, late: bool) -> None:
    path = tmp_path / "a.tif"
    whole = described(path, late=late, **options)
    size = len(whole)
    cuts = {*range(1, 40, 3), *range(40, size, size // 25), *range(size - 1500, size, 61), size - 1}
    reasons = set()
    for cut in cuts:
        path.write_bytes(whole[:cut])
        reasons.add(reason(path).split(" (")[0])
    if late:
        assert {"is truncated: its directory is missing", "is truncated: its tags are cut off"} < reasons
    else:
        assert "is truncated or damaged" in reasons


@pytest.mark.parametrize("late", [True, False], ids=["names last", "names first"])
def test_a_tiff_whose_end_was_never_written_is_refused_with_its_names(tmp_path: Path, *, late: bool) -> None:
    path = tmp_path / "a.tif"
    whole = described(path, late=late)
    (directory,) = struct.unpack_from("<I", whole, 4)
    names = whole.index(b"<GDALMetadata>")
    assert (names > len(whole) // 2) == late
    reasons = set()
    for cut in {*range(4, names, 400), *range(directory, directory + 250, 11), *range(names - 40, names + 500, 37)}:
        path.write_bytes(whole[:cut] + bytes(len(whole) - cut))
        reasons.add(reason(path).split(" (")[0])
    assert reasons >= {
        "is damaged: what GDAL wrote about its bands is cut off",
        "is damaged: a part of its directory was never written",
    }


def test_names_that_are_no_utf8_are_refused_rather_than_guessed(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", painted(SHUFFLED), descriptions=[f"{band} rouge" for band in SHUFFLED])
    path.write_bytes(path.read_bytes().replace(b"B04 rouge", b"B04 roug\xe9"))
    assert reason(path) == "describes its bands in a text that is not UTF-8"


def test_tags_that_are_no_utf8_do_no_harm(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", painted(TEN), tags={"TIFFTAG_ARTIST": "JUERGEN", "date": "2020-01-01"})
    path.write_bytes(path.read_bytes().replace(b"JUERGEN", b"J\xfcRGEN "))
    np.testing.assert_array_equal(read(path).pixels, painted(TEN))
    assert read(path).record.datetime


# rasterio stumbles over its own log when a damaged file makes GDAL say something that is no UTF-8.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1400), st.integers(0, 255)), min_size=1, max_size=5))
def test_any_damage_to_a_directory_is_one_clean_failure(
    tmp_path_factory: pytest.TempPathFactory, damage: list[tuple[int, int]]
) -> None:
    whole = bytearray(DIRECTORY_FIRST)
    for place, value in damage:
        whole[place] = value
    path = tmp_path_factory.getbasetemp() / "damaged.tif"
    path.write_bytes(whole)
    said, bands = "", 0
    try:
        bands = len(read_raster(path).pixels)
    except TileError as error:
        said = str(error)
    assert bands or said.startswith(("is ", "has ", "describes ", "holds "))
    assert "\n" not in said


def _directory_first() -> bytes:
    profile = {"driver": "GTiff", "count": 3, "height": 16, "width": 16, "dtype": "uint16", "compress": "deflate"}
    with rasterio.MemoryFile() as memory:
        with memory.open(crs="EPSG:32632", transform=PLACE, **profile) as dataset:
            dataset.descriptions = TEN[:3]
            dataset.write(np.arange(768, dtype=np.uint16).reshape(3, 16, 16) ** 2)
        whole: bytes = memory.read()
    assert len(whole) > 1400
    return whole


DIRECTORY_FIRST = _directory_first()


@pytest.mark.parametrize(("driver", "name"), [("PNG", "a.png"), ("JPEG", "a.jpg")])
def test_a_picture_cut_anywhere_is_refused(tmp_path: Path, driver: str, name: str) -> None:
    noise = np.random.default_rng(3).integers(1, 255, (3, 64, 64)).astype(np.uint8)
    path = write_picture(tmp_path / name, noise, driver)
    whole = path.read_bytes()
    size = len(whole)
    assert size > 2000
    read(path, PICTURES)
    for cut in {3, 10, 40, 41, 200, size // 3, size // 2, size * 4 // 5, *range(size - 30, size)}:
        path.write_bytes(whole[:cut])
        assert reason(path, PICTURES).startswith(("is truncated", "is no GeoTIFF, PNG or JPEG"))


@pytest.mark.parametrize("wrong", [b"\xff" * 60, b"", b"\xff\xd9"], ids=["other bytes", "a gap", "an early end"])
def test_a_damaged_jpeg_is_not_made_up(tmp_path: Path, wrong: bytes) -> None:
    rows, columns = np.mgrid[0:64, 0:64]
    smooth = np.stack([np.sin(columns / 9) * 60 + 128, np.cos(rows / 7) * 60 + 128, (rows + columns) / 5])
    path = write_picture(tmp_path / "a.jpg", smooth.astype(np.uint8), "JPEG")
    whole = path.read_bytes()
    half = len(whole) // 2
    path.write_bytes(whole[:half] + wrong + whole[half + 60 :])
    assert reason(path, PICTURES).startswith("is truncated or damaged (libjpeg: Corrupt JPEG data: ")


def test_a_png_whose_end_was_never_written_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(1, 255, (3, 64, 64)).astype(np.uint8)
    path = write_picture(tmp_path / "a.png", noise, "PNG")
    whole = path.read_bytes()
    for cut in (12, 20, 50, 1000, len(whole) // 2, len(whole) - 8):
        path.write_bytes(whole[:cut] + bytes(len(whole) - cut))
        assert reason(path, PICTURES) == "is damaged: a part of it was never written"


def test_a_directory_in_the_middle_of_nowhere_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    path.write_bytes(b"II*\0" + struct.pack("<I", 1 << 30) + bytes(100))
    assert reason(path) == "is truncated: its directory is missing"
    path.write_bytes(b"II+\0" + struct.pack("<HHQ", 8, 0, 1 << 62) + bytes(100))
    assert reason(path) == "is truncated: its directory is missing"
    path.write_bytes(b"MM\0+" + struct.pack(">HHQQ", 8, 0, 16, 1 << 60) + bytes(100))
    assert reason(path) == "is truncated: its directory is cut off"
