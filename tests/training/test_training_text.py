"""The tower's numbers against plain numpy, on a small table made here and on the published one."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tokenizers import Tokenizer

from msclip_search.models.nano.text import StaticText
from msclip_search.simulation.captions import FRAMES
from msclip_search.simulation.vocabulary import WORDS
from msclip_search.training.text import _IDIOMS, Recipe, Tower, bank, build, read_lexicon, rounded, vectors_of, weight

LEXICON = read_lexicon()
PIECES = ("[PAD]", "[UNK]", "[CLS]", "!", "a", "é", "the", "of")
"""In the order of the published vocabulary: reserved ones, characters, and words by frequency."""


@pytest.fixture(scope="module")
def published(shared: Path) -> Path:
    return shared / "data" / "minilm_token_vectors"


@pytest.fixture(scope="module")
def tower(published: Path) -> Tower:
    return build(published)


@pytest.fixture(scope="module")
def text(tower: Tower) -> StaticText:
    return StaticText(tower.tokenizer, tower.vectors, tower.scales, tower.shift)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a vocabulary of all words of meanings, and vectors at random."""
    folder = tmp_path_factory.mktemp("vectors")
    words = {word for meaning in LEXICON.values() for word in meaning}
    tokens = [*PIECES, *sorted(words - set(PIECES))]
    model = {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##"}
    vocab = {token: number for number, token in enumerate(tokens)}
    whole: dict[str, Any] = {
        "version": "1.0",
        "truncation": {"max_length": 2, "strategy": "LongestFirst", "stride": 0, "direction": "Right"},
        "padding": None,
        "added_tokens": [],
        "normalizer": {"type": "Lowercase"},
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": None,
        "decoder": None,
        "model": model | {"max_input_chars_per_word": 100, "vocab": vocab},
    }
    (folder / "tokenizer.json").write_text(json.dumps(whole), encoding="utf-8")
    vectors = np.random.default_rng(1).normal(size=(len(tokens), 12)) * np.linspace(3, 0.3, 12) + 1
    np.save(folder / "token_vectors.npy", vectors.astype(np.float16))
    return folder


def vocabulary(tokenizer: bytes) -> dict[str, int]:
    found: dict[str, int] = json.loads(tokenizer)["model"]["vocab"]
    return found


def test_rows_are_projected_weighted_and_given_to_new_words(small: Path) -> None:
    recipe = Recipe(dimension=6, whitening=0.5, strength=1e-2)
    tokenizer, rows = vectors_of(small, recipe)
    ids = vocabulary(tokenizer)
    old = vocabulary((small / "tokenizer.json").read_bytes())
    new = [word for word in LEXICON if word not in old]
    assert list(ids) == [token for token in old if token not in {"[PAD]", "[CLS]", "é"}] + new
    assert list(ids.values()) == list(range(len(ids)))
    kept = [token for token in ids if token in old]
    source = np.load(small / "token_vectors.npy").astype(np.float64)[[old[token] for token in kept]]
    # The axes by another way: singular vectors of the centred table. Their signs are a convention.
    centred = source - source.mean(axis=0)
    _, sizes, axes = np.linalg.svd(centred, full_matrices=False)
    deviations = sizes / np.sqrt(len(source) - 1)
    places = dict(zip(kept, centred @ axes[:6].T / deviations[:6] ** 0.5, strict=True))
    weights = {
        token: 0.0 if old[token] < old["the"] else weight(token, old[token] - old["the"], 1e-2) for token in kept
    }
    senses = {word: mean(meaning, places, weights) for word, meaning in LEXICON.items() if word in old}
    assert senses
    places |= senses
    places |= {word: mean(meaning, places, weights) for word, meaning in LEXICON.items() if word not in old}
    wanted = np.array([places[token] * weights.get(token, 1) for token in ids])
    np.testing.assert_allclose(rows, np.sign((rows * wanted).sum(axis=0)) * wanted, atol=1e-9)


def mean(words: tuple[str, ...], places: dict[str, Any], weights: dict[str, float]) -> Any:  # noqa: ANN401
    """Return the weighted mean of words' vectors."""
    return sum(weights[word] * places[word] for word in words) / sum(weights[word] for word in words)


def test_common_words_and_frames_weigh_little_and_marks_nothing() -> None:
    assert weight("!", -1000, 1e-3) == 0
    assert weight("the", 0, 1e-3) == pytest.approx(1e-3 / 0.101)
    assert weight("satellite", 4000, 1e-3) == weight("the", 0, 1e-3)
    ranks = [weight("##lake", rank, 1e-3) for rank in (10, 99, 1000, 20_000)]
    assert ranks == sorted(ranks)
    assert ranks[1] == pytest.approx(0.5)


def test_rounding_is_right_to_half_a_unit() -> None:
    random = np.random.default_rng(2)
    rows = random.normal(size=(500, 16)) * 10.0 ** random.uniform(-3, 3, (500, 1))
    rows[7] = 0
    vectors, scales = rounded(rows)
    whole = np.abs(rows).max() / 127
    back = vectors.astype(np.float64) * scales.astype(np.float64)[:, None] * whole
    unit = np.abs(rows).max(axis=1, keepdims=True) / 127
    # Half a unit, and what float16 lacks in the unit of 127 of them: more where it is near its smallest numbers.
    assert (np.abs(back - rows) <= unit * (0.5 + 127 * 2.0**-11) + 127 * whole * 2.0**-25).all()
    assert not back[7].any()
    assert vectors.dtype == np.int8
    assert scales.dtype == np.float16


def test_the_shift_is_a_share_of_the_mean_caption(small: Path) -> None:
    recipe = Recipe(dimension=6, share=0.7)
    made = build(small, recipe)
    plain = StaticText(made.tokenizer, made.vectors, made.scales, np.zeros(6, np.float32))
    captions = [frame.format(a=phrase) for word in WORDS.values() for phrase in word.phrases for frame in FRAMES]
    assert set(captions) <= set(bank())
    wanted = 0.7 * np.mean([plain.encode([caption])[0].astype(np.float64) for caption in bank()], axis=0)
    np.testing.assert_allclose(made.shift, wanted, atol=1e-6)


def test_the_same_files_make_the_same_bytes(small: Path) -> None:
    one, two = build(small, Recipe(dimension=6)), build(small, Recipe(dimension=6))
    assert one.tokenizer == two.tokenizer
    for name in ("vectors", "scales", "shift"):
        assert getattr(one, name).tobytes() == getattr(two, name).tobytes()


def test_without_the_lexicon_its_words_are_no_tokens(small: Path) -> None:
    tokenizer, rows = vectors_of(small, Recipe(dimension=6, lexicon=False))
    old = vocabulary((small / "tokenizer.json").read_bytes())
    assert vocabulary(tokenizer).keys() < old.keys()
    assert len(rows) == len(vocabulary(tokenizer))


def test_meanings_are_said_in_words_that_the_encoder_knows(published: Path) -> None:
    known = vocabulary((published / "tokenizer.json").read_bytes()).keys()
    assert len(LEXICON.keys() - known) >= 400
    for word, meaning in LEXICON.items():
        assert word.isalpha()
        assert word.islower()
        assert 1 <= len(meaning) <= 6, word
        assert set(meaning) <= known, word
        assert word not in meaning or len(meaning) > 1, word


@pytest.mark.parametrize(
    ("said", "same"),
    [
        ("paddy under water", "paddy flooded"),
        ("Paddy UNDER WATER", "paddy flooded"),
        ("paddy under   water", "paddy flooded"),
        ("paddy under\nwater", "paddy flooded"),
        ("under water, a road", "flooded, a road"),
        ("fields (under water)", "fields (flooded)"),
    ],
)
def test_what_is_under_water_is_flooded(tower: Tower, text: StaticText, said: str, same: str) -> None:
    tokenizer = Tokenizer.from_str(tower.tokenizer.decode())
    one, other = (tokenizer.encode(each, add_special_tokens=False).tokens for each in (said, same))
    assert one == other
    assert "flooded" in one
    assert np.array_equal(*text.encode([said, same]))


@pytest.mark.parametrize(
    "said", ["rocks under waterfall", "thunder water", "under the water", "underwater", "water under a bridge"]
)
def test_other_words_that_sound_like_it_are_left_alone(tower: Tower, published: Path, said: str) -> None:
    found = Tokenizer.from_str(tower.tokenizer.decode()).encode(said, add_special_tokens=False).tokens
    assert "flooded" not in found
    source = json.loads((published / "tokenizer.json").read_text(encoding="utf-8"))
    before = Tokenizer.from_str(json.dumps(source | {"truncation": None, "padding": None}))
    assert found == before.encode(said, add_special_tokens=False).tokens


def test_idioms_say_what_a_known_word_says(tower: Tower) -> None:
    known = vocabulary(tower.tokenizer).keys()
    for idiom, word in _IDIOMS:
        assert {*idiom.split(), word} <= known


def test_every_word_of_the_lexicon_is_read_as_one(tower: Tower) -> None:
    tokenizer = Tokenizer.from_str(tower.tokenizer.decode())
    assert tokenizer.get_vocab_size() == len(tower.vectors) == len(tower.scales)
    for word in LEXICON:
        assert tokenizer.encode(word, add_special_tokens=False).tokens == [word]


@pytest.mark.parametrize("frame", FRAMES)
def test_a_frame_says_nothing(text: StaticText, frame: str) -> None:
    names = [word.phrases[0] for word in WORDS.values()]
    cosines = (text.encode(names) * text.encode([frame.format(a=name) for name in names])).sum(axis=1)
    assert cosines.min() > 0.95


@pytest.mark.parametrize(
    ("query", "tag"),
    [
        ("inundated cropland", "flooded fields"),
        ("photovoltaic park", "solar park"),
        ("opencast colliery", "open-pit mine"),
        ("glasshouses", "greenhouses"),
        ("a Sentinel-2 picture of motorways", "highway"),
        ("cyanobacteria", "algal bloom"),
        ("needleleaf trees", "conifer forest"),
        ("quayside", "harbour"),
        ("boggy fen", "wetland"),
        ("a coal mine", "open-pit mine"),
    ],
)
def test_words_mean_what_they_mean(text: StaticText, query: str, tag: str) -> None:
    names = list(WORDS)
    scores = text.encode([WORDS[name].phrases[0] for name in names]) @ text.encode([query])[0]
    assert names[int(scores.argmax())] == tag


def test_words_have_the_sense_of_the_trade(text: StaticText) -> None:
    for one, other, stranger in (
        ("mine", "quarry", "yours"),
        ("bush", "shrubs", "president"),
        ("bank", "shore", "money"),
    ):
        row, near, far = text.encode([one, other, stranger])
        assert row @ near > row @ far + 0.2
