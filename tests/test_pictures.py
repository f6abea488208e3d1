"""The stretch against its formula in plain Python, and pictures against what they decode to."""

import io

import numpy as np
import pytest
from PIL import Image

from msclip_search import pictures
from msclip_search.bands import LAYOUTS
from msclip_search.errors import BandsError

TEN = LAYOUTS["ten"]


def bright(reflectance: float) -> float:
    """Follow the module's words for one reflectance × 10000."""
    if not np.isfinite(reflectance) or reflectance <= 0:
        return 0.0
    r = min(reflectance / 10_000, 0.9)
    if r <= 0.156:
        return r / 0.24
    u, d = (r - 0.156) / 0.744, 8.857
    return 0.65 + 0.35 * d * u / (1 + (d - 1) * u)


def to_byte(value: float) -> int:
    return int(min(max(value, 0.0), 1.0) * 255 + 0.5)


@pytest.mark.parametrize("bands", [TEN, LAYOUTS["l2a"], LAYOUTS["l1c"], LAYOUTS["eurosat"]])
@pytest.mark.parametrize("dtype", [np.uint16, np.int16, np.float32])
def test_colours_follow_the_formula(bands: tuple[str, ...], dtype: type) -> None:
    random = np.random.default_rng(7)
    pixels: np.ndarray[tuple[int, ...], np.dtype[np.generic]] = random.integers(0, 4_000, (len(bands), 9, 11))
    pixels = pixels.astype(dtype)
    true, false = pictures.true_colour(pixels, bands), pictures.false_colour(pixels, bands)
    assert true.shape == false.shape == (9, 11, 3)
    assert true.dtype == false.dtype == np.uint8
    for row in range(9):
        for column in range(11):
            at = {band: bright(float(pixels[place, row, column])) for place, band in enumerate(bands)}
            infrared = float(pixels[bands.index("B08"), row, column])
            grey = (at["B04"] + at["B03"] + at["B02"]) / 3
            vivid = [to_byte(grey + 1.2 * (at[band] - grey)) for band in ("B04", "B03", "B02")]
            plain = [to_byte(bright(0.8 * infrared)), to_byte(at["B04"]), to_byte(at["B03"])]
            assert np.abs(true[row, column].astype(int) - vivid).max() <= 1  # float32 may round another way
            assert np.abs(false[row, column].astype(int) - plain).max() <= 1


def test_the_ends_of_the_stretch() -> None:
    values = np.array([-500, 0, 1, 1560, 3000, 9000, 30_000, np.nan, np.inf], np.float32)
    assert pictures.stretch(values) == pytest.approx([bright(float(value)) for value in values], abs=1e-5)
    assert (np.diff(pictures.stretch(np.arange(0, 9001))) > 0).all()


def test_pictures_keep_their_values() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (3, 8, 9), dtype=np.uint8)
    assert np.array_equal(pictures.true_colour(pixels, LAYOUTS["rgb"]), pixels.transpose(1, 2, 0))
    assert np.array_equal(pictures.true_colour(pixels, ("B02", "B03", "B04")), pixels[::-1].transpose(1, 2, 0))


def test_missing_bands_are_named() -> None:
    pixels = np.zeros((3, 8, 8), np.uint16)
    with pytest.raises(BandsError, match="lacks B08"):
        pictures.false_colour(pixels, LAYOUTS["rgb"])
    with pytest.raises(BandsError, match="lacks B04, B03, B02"):
        pictures.true_colour(pixels, ("B08", "B11", "B12"))


def test_encoded_and_decoded() -> None:
    picture = np.random.default_rng(2).integers(0, 256, (17, 23, 3), dtype=np.uint8)
    for content, form in ((pictures.encode(picture, "png"), "PNG"), (pictures.encode(picture, "webp"), "WEBP")):
        image = Image.open(io.BytesIO(content))
        assert image.format == form
        assert np.array_equal(np.asarray(image), picture)
    assert len(pictures.encode(picture, "webp", quality=20)) < len(pictures.encode(picture, "webp"))


def test_shrinking() -> None:
    picture = np.full((300, 100, 3), 9, np.uint8)
    assert pictures.shrink(picture, 150).shape == (150, 50, 3)
    assert pictures.shrink(picture, 300) is picture
    assert pictures.shrink(np.full((2000, 1, 3), 9, np.uint8), 100).shape == (100, 1, 3)
    assert (pictures.shrink(picture, 150) == 9).all()
