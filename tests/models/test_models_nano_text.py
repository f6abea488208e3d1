"""The text tower against a few lines of plain numpy, and whatever people may type."""

import json
import math
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from msclip_search.models.nano.text import StaticText

WORDS = ("[UNK]", "lake", "forest", "near", "the", "##s", "sao", "a", "river", ",")
DIMENSION = 5


def tokenizer(*words: str) -> bytes:
    model: dict[str, Any] = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##"}
    model |= {"max_input_chars_per_word": 100, "vocab": {word: number for number, word in enumerate(words)}}
    normalizer = {"type": "BertNormalizer", "clean_text": True, "handle_chinese_chars": True}
    normalizer |= {"strip_accents": None, "lowercase": True}
    whole = {
        "version": "1.0",
        "added_tokens": [],
        "normalizer": normalizer,
        "pre_tokenizer": {"type": "BertPreTokenizer"},
    }
    return json.dumps(whole | {"post_processor": None, "decoder": None, "model": model}).encode()


def table() -> tuple[np.ndarray[Any, np.dtype[np.int8]], np.ndarray[Any, np.dtype[np.float16]]]:
    random = np.random.default_rng(3)
    vectors = random.integers(-127, 128, (len(WORDS), DIMENSION)).astype(np.int8)
    scales = random.uniform(0.01, 1, len(WORDS)).astype(np.float16)
    scales[[0, 9]] = 0  # the unknown token and the comma
    return vectors, scales


VECTORS, SCALES = table()
SHIFT = np.array([0.1, -0.2, 0.05, 0.3, 0.0], np.float32)
TEXT = StaticText(tokenizer(*WORDS), VECTORS, SCALES, SHIFT)


def naive(*tokens: str) -> list[float]:
    """Embed known tokens without numpy's help."""
    total = [0.0] * DIMENSION
    for token in tokens:
        row = WORDS.index(token)
        total = [number + float(SCALES[row]) * int(VECTORS[row, axis]) for axis, number in enumerate(total)]
    length = math.hypot(*total)
    apart = [number / length - float(SHIFT[axis]) for axis, number in enumerate(total)]
    return [number / math.hypot(*apart) for number in apart]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("lake", ["lake"]),
        ("LAKE", ["lake"]),
        ("  the\tlake\n\u00a0 near\u2003a forest ", ["the", "lake", "near", "a", "forest"]),
        ("lakes, lakes", ["lake", "##s", ",", "lake", "##s"]),
        ("São river", ["sao", "river"]),
        ("lake 湖 forest", ["lake", "forest"]),
        ("lake\udc80 forest", ["lake", "forest"]),
        ("lake 🛰️", ["lake"]),
        ("la\u0000ke", ["lake"]),
        ("x" * 101 + " river", ["river"]),
        ("lake " * 20_000 + "forest", [*["lake"] * 20_000, "forest"]),
    ],
    ids=range(11),
)
def test_a_text_is_the_direction_of_its_tokens(text: str, tokens: list[str]) -> None:
    (row,) = TEXT.encode([text])
    assert row.dtype == np.float32
    np.testing.assert_allclose(row, naive(*tokens), atol=1e-6)


@pytest.mark.parametrize("text", ["", " \n", "...", "?!,", "湖", "\udc80", "qwertz", "x" * 5000, "\u0000"])
def test_a_text_that_says_nothing_has_the_direction_of_the_shift(text: str) -> None:
    (row,) = TEXT.encode([text])
    np.testing.assert_allclose(row, SHIFT / math.hypot(*SHIFT.tolist()), atol=1e-6)


def test_without_a_shift_nothing_is_the_first_axis() -> None:
    plain = StaticText(tokenizer(*WORDS), VECTORS, SCALES, np.zeros(DIMENSION, np.float32))
    np.testing.assert_array_equal(plain.encode([""]), [[1, 0, 0, 0, 0]])
    lake = VECTORS[1].astype(np.float64)
    np.testing.assert_allclose(plain.encode(["lake"])[0], lake / math.hypot(*lake.tolist()), atol=1e-6)


def test_a_text_in_the_direction_of_the_shift_itself_is_no_division_by_zero() -> None:
    vectors = np.zeros((2, 3), np.int8)
    vectors[1, 1] = 127
    text = StaticText(tokenizer("[UNK]", "lake"), vectors, np.ones(2, np.float16), np.array([0, 1, 0], np.float32))
    np.testing.assert_array_equal(text.encode(["lake"]), [[0, 1, 0]])


def test_no_texts_are_no_rows() -> None:
    assert TEXT.encode([]).shape == (0, DIMENSION)
    assert TEXT.dimension == DIMENSION


@given(st.text(st.characters(codec=None)))
def test_whatever_is_typed_has_length_one(text: str) -> None:
    (row,) = TEXT.encode([text])
    assert np.linalg.norm(row.astype(np.float64)) == pytest.approx(1, abs=1e-6)


def test_threads_do_not_disturb_one_another() -> None:
    texts = [" ".join(WORDS[1 + (number + step) % 8] for step in range(number % 7)) for number in range(400)]
    alone = TEXT.encode(texts)
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda text: TEXT.encode([text])[0], texts))
    np.testing.assert_array_equal(together, alone)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^This is no tokenizer"):
        StaticText(b"{}", VECTORS, SCALES, SHIFT)
    for vectors, scales, shift in (
        (VECTORS[1:], SCALES, SHIFT),
        (VECTORS, SCALES[1:], SHIFT),
        (VECTORS, SCALES, SHIFT[1:]),
        (VECTORS[0], SCALES, SHIFT),
    ):
        with pytest.raises(ValueError, match=r"^10 tokens have vectors"):
            StaticText(tokenizer(*WORDS), vectors, scales, shift)
