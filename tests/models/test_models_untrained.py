import hashlib
from typing import Any

import numpy as np
import pytest

from msclip_search.errors import BandsError
from msclip_search.models import load
from msclip_search.models.base import Pixels

ENCODER = load("untrained")


@pytest.fixture
def draws() -> np.random.Generator:
    return np.random.default_rng(11)


def tiles(draws: np.random.Generator, *, count: int = 5, height: int = 64, width: int = 64) -> Pixels:
    coarse = draws.integers(0, 9000, (count, 10, 4, 4))
    rows, columns = np.arange(height) * 4 // height, np.arange(width) * 4 // width
    return coarse[:, :, rows][:, :, :, columns].astype(np.uint16)


def test_tiles_become_unit_rows(draws: np.random.Generator) -> None:
    rows = ENCODER.encode_tiles(tiles(draws))
    assert rows.shape == (5, 64)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert (rows @ rows.T)[~np.eye(5, dtype=bool)].max() < 0.9


def test_numbers_stay_what_they_are() -> None:
    # Bytes, not tolerances: an index of one machine is read on another, and by the next version.
    x, y = np.meshgrid(np.arange(67), np.arange(45))
    ramp = np.stack([x * (band + 3) * 7 + y * 11 for band in range(10)])[None].astype(np.uint16)
    assert ENCODER.fingerprint == "34897bc7661164f414290b048b3a134da8d6519cdfb58009ba88fcb77c283761"
    assert digest(ENCODER.encode_tiles(ramp)) == "780840b456c59b16"
    assert digest(ENCODER.encode_texts(["flooded farmland", "Überschwemmung"])) == "98d1f32de4eaa6ad"


def digest(rows: np.ndarray) -> str:
    return hashlib.sha256(rows.astype("<f4").tobytes()).hexdigest()[:16]


def test_a_tile_does_not_depend_on_its_neighbours(draws: np.random.Generator) -> None:
    together = tiles(draws, count=70)
    alone = np.concatenate([ENCODER.encode_tiles(together[index : index + 1]) for index in range(70)])
    np.testing.assert_array_equal(ENCODER.encode_tiles(together), alone)


def test_the_type_of_the_pixels_does_not_matter(draws: np.random.Generator) -> None:
    pixels = tiles(draws)
    expected = ENCODER.encode_tiles(pixels)
    others: list[Any] = [
        pixels.astype(np.int16),
        pixels.astype(np.float32),
        pixels.astype(">u2"),
        np.asfortranarray(pixels),
    ]
    for other in others:
        np.testing.assert_array_equal(ENCODER.encode_tiles(other), expected)


@pytest.mark.parametrize(("height", "width"), [(8, 8), (9, 31), (64, 120), (224, 224)])
def test_any_size_is_taken_and_looks_alike(draws: np.random.Generator, height: int, width: int) -> None:
    seed = draws.integers(1 << 30)
    small = ENCODER.encode_tiles(tiles(np.random.default_rng(seed)))
    other = ENCODER.encode_tiles(tiles(np.random.default_rng(seed), height=height, width=width))
    assert np.einsum("ij,ij->i", small, other).min() > 0.7


def test_constant_and_missing_pixels_have_an_embedding_too() -> None:
    empty = np.zeros((1, 10, 16, 16), np.float32)
    gone = np.full((1, 10, 16, 16), np.nan, np.float32)
    rows = ENCODER.encode_tiles(empty)
    np.testing.assert_allclose(np.linalg.norm(rows), 1, atol=1e-6)
    np.testing.assert_array_equal(ENCODER.encode_tiles(gone), rows)


def test_texts_are_bags_of_words() -> None:
    rows = ENCODER.encode_texts(["open-pit mine", "  Open-Pit   MINE ", "mine open-pit", "forest", ""])
    np.testing.assert_array_equal(rows[0], rows[1])
    np.testing.assert_array_equal(rows[0], rows[2])
    assert rows[0] @ rows[3] < 0.9
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    assert ENCODER.encode_texts([]).shape == (0, 64)
    assert ENCODER.first_word_cut("word " * 1000) is None


@pytest.mark.parametrize(
    ("pixels", "said"),
    [
        (np.zeros((1, 3, 64, 64), np.uint16), "takes tiles of 10 bands"),
        (np.zeros((10, 64, 64), np.uint16), "takes tiles of 10 bands"),
        (np.zeros((1, 10, 64, 64), np.uint8), "8-bit pictures"),
        (np.zeros((1, 10, 64, 64), np.float64), "not float64"),
        (np.zeros((1, 10, 64, 7), np.uint16), "8 x 8 pixels at least, not 7 x 64"),
    ],
)
def test_other_pixels_are_refused(pixels: Pixels, said: str) -> None:
    with pytest.raises(BandsError, match=said):
        ENCODER.encode_tiles(pixels)


def test_weights_are_told_to_come_from_a_seed() -> None:
    assert ENCODER.weights is not None
    assert (ENCODER.weights.origin, ENCODER.weights.path) == ("seed", "")
    assert ENCODER.fingerprint == ENCODER.spec.fingerprint(ENCODER.weights.sha256)
    assert (ENCODER.batch, ENCODER.concurrency) == (32, 1)
