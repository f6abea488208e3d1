import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from msclip_search import radiometry
from msclip_search.archives import Reading
from msclip_search.errors import MsclipError, TileError
from tests.archives.painting import HEIGHT, READING, TEN, WIDTH, painted, read, write_tiff

INTEGERS = ("uint16", "int16", "uint32", "int32")


@st.composite
def stored(draw: st.DrawFn) -> NDArray[Any]:
    """Integers of some type, extremes and zeros included."""
    dtype: np.dtype[Any] = np.dtype(draw(st.sampled_from(INTEGERS)))
    limits = np.iinfo(dtype)
    values = st.sampled_from([0, 1, 999, 1000, 1001, int(limits.min), int(limits.max)]) | st.integers(
        int(limits.min), int(limits.max)
    )
    return draw(arrays.arrays(dtype, (2, 2, 3), elements=values))


@settings(deadline=None)  # the machine may be busy
@given(stored(), st.integers(-65_535, 65_535))
def test_an_offset_never_wraps(pixels: NDArray[Any], offset: int) -> None:
    empty = radiometry.nodata_mask(pixels)
    moved = radiometry.add_offset(pixels, offset, empty=empty)
    for band, row, column in np.ndindex(pixels.shape):
        value = int(pixels[band, row, column])
        nothing = all(int(pixels[other, row, column]) == 0 for other in range(len(pixels)))
        assert bool(empty[row, column]) == nothing
        assert int(moved[band, row, column]) == (0 if nothing else max(value + offset, 1))


@settings(deadline=None)  # the machine may be busy
@given(stored())
def test_storage_keeps_every_value(pixels: NDArray[Any]) -> None:
    kept = radiometry.to_storage(pixels)
    assert kept.dtype.name in {"uint8", "uint16", "int16", "float32"}
    if pixels.dtype.itemsize == 2 or 0 <= pixels.min() <= pixels.max() <= 65_535:
        assert kept.dtype.kind in "iu"
        assert kept.astype(object).tolist() == pixels.astype(object).tolist()
    else:
        np.testing.assert_allclose(kept.astype(np.float64), pixels.astype(np.float64), rtol=1e-7)


def test_an_offset_leaves_floats_floats() -> None:
    pixels = np.array([[[0, 500.5, 3000.25]], [[0, 1500, 0]]], np.float32)
    moved = radiometry.add_offset(pixels, -1000, empty=radiometry.nodata_mask(pixels))
    assert moved.dtype == np.float32
    assert moved.tolist() == [[[0, 1, 2000.25]], [[0, 500, 1]]]


NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize(
    ("dtype", "values", "declared", "empty", "filled"),
    [
        ("uint16", [[0, 0, 5, 7], [0, 3, 0, 7]], None, [1, 0, 0, 0], [[0, 0, 5, 7], [0, 3, 0, 7]]),
        ("uint16", [[0, 9, 65535, 65535], [0, 9, 65535, 7]], 65535, [1, 0, 1, 0], [[0, 9, 0, 0], [0, 9, 0, 7]]),
        ("uint16", [[0, 65535], [0, 65535]], None, [1, 0], [[0, 65535], [0, 65535]]),
        ("uint16", [[0, 4], [0, 4]], -9999, [1, 0], [[0, 4], [0, 4]]),
        ("uint16", [[0, 4], [0, 4]], NAN, [1, 0], [[0, 4], [0, 4]]),
        ("int16", [[-9999, -9999, -1], [-9999, 0, 4]], -9999, [1, 1, 0], [[0, 0, -1], [0, 0, 4]]),
        ("float32", [[NAN, NAN, 20], [NAN, 10, INF]], None, [1, 0, 0], [[0, 0, 20], [0, 10, 0]]),
        ("float32", [[NAN, NAN, -INF], [0, 10, INF]], NAN, [1, 0, 1], [[0, 0, 0], [0, 10, 0]]),
        ("float32", [[NAN, -9999, 0], [-9999, 0, 3]], -9999, [1, 1, 0], [[0, 0, 0], [0, 0, 3]]),
        ("float32", [[0.1, 7], [0.1, 7]], 0.1, [1, 0], [[0, 7], [0, 7]]),
        ("float32", [[-3.4028235e38, 7], [-3.4028235e38, 7]], None, [1, 0], [[0, 7], [0, 7]]),
        ("float32", [[5, 7], [5, 7]], -1.7976931348623157e308, [0, 0], [[5, 7], [5, 7]]),
        ("float64", [[-1.7976931348623157e308, 7], [1e300, 7]], None, [1, 0], [[0, 7], [0, 7]]),
        ("float16", [[NAN, 7], [0, 7]], 1e9, [1, 0], [[0, 7], [0, 7]]),
    ],
)
def test_nodata_is_told_from_stored_values(
    dtype: str, values: list[list[float]], declared: float | None, empty: list[int], filled: list[list[float]]
) -> None:
    pixels = np.array(values, dtype)[:, np.newaxis]
    before = pixels.copy()
    mask = radiometry.nodata_mask(pixels, declared=declared)
    assert mask.tolist() == [[bool(value) for value in empty]]
    result = radiometry.fill(pixels, mask, declared=declared)
    assert result.dtype == pixels.dtype
    np.testing.assert_array_equal(result, np.array(filled, dtype)[:, np.newaxis])
    np.testing.assert_array_equal(pixels, before)


def test_filling_what_is_whole_copies_nothing() -> None:
    for pixels in (painted(TEN), painted(TEN, "float32")):
        assert radiometry.fill(pixels, radiometry.nodata_mask(pixels), declared=65535) is pixels


@pytest.mark.parametrize(
    ("dtype", "values", "plain"),
    [
        ("float32", [0, 0.3, 0.9], True),
        ("float64", [0, 0.3, 2.8], True),
        ("float32", [-0.01, 6.5], True),
        ("float32", [0, 6.6], False),
        ("float32", [200, 5000], False),
        ("float32", [0, 0], False),
        ("float32", [-0.5, 0], False),
        ("uint16", [0, 1, 2], False),
        ("int16", [0, 1, 2], False),
    ],
)
def test_small_floats_are_plain_reflectance(dtype: str, values: list[float], *, plain: bool) -> None:
    assert radiometry.is_plain_reflectance(np.array(values, dtype).reshape(1, 1, -1)) == plain


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_plain_reflectance_is_scaled(dtype: str) -> None:
    scaled = radiometry.from_plain(np.array([0, 0.25, 1], dtype))
    assert scaled.dtype == np.float32
    assert scaled.tolist() == [0, 2500, 10_000]


# Through a file, as an archive reads it.


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32"])
def test_the_users_offset_reaches_the_pixels(tmp_path: Path, dtype: str) -> None:
    pixels = painted(TEN, dtype)
    pixels[:, 3, 4] = 0
    path = write_tiff(tmp_path / "a.tif", pixels)
    tile = read(path, Reading(want=TEN, offset=-1000))
    expected = np.maximum(pixels.astype(np.int64) - 1000, 1)
    expected[:, 3, 4] = 0
    np.testing.assert_array_equal(tile.pixels, expected)
    assert tile.pixels.dtype.name == ("float32" if dtype == "float32" else "uint16")
    assert (tile.record.offset, tile.record.offset_source) == (-1000, "user")
    assert tile.record.nodata == pytest.approx(100 / (HEIGHT * WIDTH))
    untouched = read(path)
    np.testing.assert_array_equal(untouched.pixels, pixels)
    assert (untouched.record.offset, untouched.record.offset_source) == (None, "as stored")


@pytest.mark.parametrize("offset", [-0.1, 0.5, float("nan"), float("inf")])
def test_an_offset_in_other_units_is_refused(offset: float) -> None:
    with pytest.raises(MsclipError, match=r"^An offset is a whole number, in units of reflectance × 10,000"):
        Reading(want=TEN, offset=offset)


def test_a_treatment_says_what_the_user_said() -> None:
    assert READING.treatment == "as-is"
    assert Reading(want=TEN, offset=-1000).treatment == "offset=-1000"
    assert Reading(want=TEN, offset=0, layout=("B02", "B8A")).treatment == "bands=B02,B8A+offset=0"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_floats_from_0_to_1_are_scaled_and_it_is_said(
    tmp_path: Path, dtype: str, caplog: pytest.LogCaptureFixture
) -> None:
    plain = (painted(TEN) / 10_000).astype(dtype)
    plain[:, 0, 0] = np.nan
    plain[2, 5, 5] = np.nan
    path = write_tiff(tmp_path / "a.tif", plain)
    with caplog.at_level(logging.WARNING):
        tile = read(path)
    expected = painted(TEN, "float64")
    expected[:, 0, 0] = expected[2, 5, 5] = 0
    assert tile.pixels.dtype == np.float32
    np.testing.assert_allclose(tile.pixels.astype(np.float64), expected, rtol=1e-6)
    assert tile.record.nodata == pytest.approx(100 / (HEIGHT * WIDTH))
    (record,) = caplog.records
    assert record.getMessage() == f"{path} holds reflectance from 0 to 1 and was multiplied by 10,000."
    assert vars(record)["once"] == "scale"


def test_the_offset_of_scaled_floats_is_in_units_of_10000(tmp_path: Path) -> None:
    path = write_tiff(tmp_path / "a.tif", (painted(TEN) / 10_000).astype("float32"))
    expected = np.maximum(painted(TEN, "float64") - 1000, 1)
    moved = read(path, Reading(want=TEN, offset=-1000)).pixels.astype(np.float64)
    np.testing.assert_allclose(moved, expected, rtol=1e-6, atol=1e-3)


def test_large_floats_are_left_as_they_are(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_tiff(tmp_path / "a.tif", painted(TEN, "float32"))
    np.testing.assert_array_equal(read(path).pixels, painted(TEN, "float32"))
    assert not caplog.records


@pytest.mark.parametrize(
    ("dtype", "declared"), [("uint16", 65535), ("uint16", 0), ("int16", -9999), ("float32", -9999), ("float32", NAN)]
)
def test_declared_nodata_is_counted_and_becomes_zero(tmp_path: Path, dtype: str, declared: float) -> None:
    pixels = painted(TEN, dtype)
    pixels[:, :6] = declared  # a quarter of the rows
    pixels[4, 10, 11] = declared
    expected = painted(TEN, dtype)
    expected[:, :6] = 0
    expected[4, 10, 11] = 0
    tile = read(write_tiff(tmp_path / "a.tif", pixels, nodata=declared))
    np.testing.assert_array_equal(tile.pixels, expected)
    assert tile.record.nodata == 25
    assert tile.pixels.dtype == dtype


def test_zero_in_all_bands_is_nodata_and_in_some_is_dark(tmp_path: Path) -> None:
    pixels = painted(TEN)
    pixels[:, :, :10] = 0
    pixels[:9, 0, 20] = 0
    tile = read(write_tiff(tmp_path / "a.tif", pixels))
    assert tile.record.nodata == 25
    np.testing.assert_array_equal(tile.pixels, pixels)


def test_bands_that_the_model_does_not_want_count_for_nodata(tmp_path: Path) -> None:
    pixels = painted(TEN)
    pixels[TEN.index("B02"), 0, 0] = 0  # the others hold something
    tile = read(write_tiff(tmp_path / "a.tif", pixels), Reading(want=("B02",)))
    assert tile.record.nodata == 0


def test_a_mask_inside_the_file_is_nodata(tmp_path: Path) -> None:
    valid = np.ones((HEIGHT, WIDTH), np.bool_)
    valid[:, 30:] = False
    tile = read(write_tiff(tmp_path / "a.tif", painted(TEN), mask=valid))
    np.testing.assert_array_equal(tile.pixels, np.where(valid, painted(TEN), 0))
    assert tile.record.nodata == 25


@pytest.mark.parametrize(("dtype", "value"), [("uint16", 0), ("uint16", 65535), ("float32", NAN), ("float32", 0)])
def test_a_tile_of_nothing_is_refused(tmp_path: Path, dtype: str, value: float) -> None:
    path = write_tiff(tmp_path / "a.tif", np.full((10, HEIGHT, WIDTH), value, dtype), nodata=value)
    with pytest.raises(TileError, match=r"^holds no data: every pixel is nodata$"):
        read(path)
