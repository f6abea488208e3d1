"""The text tower's numbers, made from the token vectors of a published sentence encoder.

1. Tokens are kept that English text can have; ids are given anew.
2. Each vector is centred and projected on the first principal axes of them all.
3. It is made as long as its word says much: `weight`, after the smooth inverse frequency of Arora, Liang and Ma (A
   Simple but Tough-to-Beat Baseline for Sentence Embeddings, ICLR 2017). The frequency of the token of rank r is
   taken to be that of Zipf's law: a WordPiece vocabulary is sorted by frequency, and counts are not published.
4. Words that the tokenizer would cut into pieces, which mean nothing by themselves, become tokens of their own
   (`lexicon.csv`), whose vectors are those of a few plain words that say the same. So is said what is meant by words
   that elsewhere mean something else: "mine" is there a pronoun, "bush" a president and "bank" a company.
5. Idioms are put into one word before the text is cut into tokens: a field "under water" is flooded.
6. What captions have in common is kept as the shift to subtract, and vectors are rounded to 8 bits.

Nothing is random: the same files and options give the same bytes.
"""

import csv
import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from msclip_search.models.nano.text import StaticText
from msclip_search.simulation.captions import FRAMES
from msclip_search.simulation.vocabulary import GROUPS, WORDS

_FIRST = "the"
"""The commonest word. Before it stand marks and single characters, which are sorted by code and say nothing."""
_UNKNOWN = "[UNK]"
_FRAME_WORDS = frozenset(
    """
    satellite satellites image images imagery sentinel copernicus scene scenes tile tiles aerial view views viewed
    showing shows show shown photo photos photograph picture pictures pictured seen visible space containing contains
    resolution blurry jpeg corrupted centered centred sensing good nice bad find give please look looking located
    a an the of in on at with and or to from by for as is are be it its this that these those there here which where
    some any i we you me my our your
    """.split()  # noqa: SIM905 - as a list of strings it would be a page long
)
"""Words that say that something is seen, or hold others together: all weigh as little as the commonest of them."""
_IDIOMS = (("under water", "flooded"),)
"""Words that mean something else together than one by one, and a word that says it."""
Rows: TypeAlias = NDArray[np.float64]

_LARGEST = 127
_LEAST = 1e-6
"""Variance of an axis beside the first's, below which it is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The choices in making a tower; the defaults are those that did best: see `benchmarks/README.md`."""

    dimension: int = 256
    """Numbers in an embedding."""
    strength: float = 1e-3
    """How soon frequent words count less: a word of this frequency counts half."""
    share: float = 0.9
    """How much of the captions' mean is subtracted."""
    whitening: float = 0.25
    """Each axis is divided by its deviation to this power: 0 leaves it, 1 makes all axes equal."""
    lexicon: bool = True
    """Whether words are given the meanings of the lexicon."""


@dataclass(frozen=True, slots=True)
class Tower:
    """What `StaticText` is made from."""

    tokenizer: bytes
    """JSON of the tokenizer."""
    vectors: NDArray[np.int8]
    """(tokens, dimension)."""
    scales: NDArray[np.float16]
    """(tokens,)."""
    shift: NDArray[np.float32]
    """(dimension,)."""


def read_lexicon() -> Mapping[str, tuple[str, ...]]:
    """Return the words that are given a meaning, and the words that say it."""
    text = files("msclip_search.training").joinpath("lexicon.csv").read_text(encoding="utf-8")
    rows = csv.DictReader(text.splitlines())
    return MappingProxyType({row["word"]: tuple(row["meaning"].split()) for row in rows})


def bank() -> tuple[str, ...]:
    """Return captions of each phrase of the vocabulary in each frame."""
    phrases = [phrase for word in WORDS.values() for phrase in word.phrases]
    phrases += [phrase for group in GROUPS.values() for phrase in group.phrases]
    return tuple(frame.format(a=phrase) for phrase in phrases for frame in FRAMES)


def build(folder: Path, recipe: Recipe = Recipe()) -> Tower:
    """Make the tower.

    Parameters
    ----------
    folder
        Holds `tokenizer.json`, of WordPiece, and `token_vectors.npy`, (tokens, at least `recipe.dimension`).
    recipe
        The choices.
    """
    tokenizer, rows = vectors_of(folder, recipe)
    vectors, scales = rounded(rows)
    return Tower(tokenizer, vectors, scales, shift_of(StaticText(tokenizer, vectors, scales, _none(rows)), recipe))


def vectors_of(folder: Path, recipe: Recipe) -> tuple[bytes, NDArray[np.float64]]:
    """Return the tokenizer's JSON and the weighted vectors of its tokens before rounding, (tokens, dimension)."""
    source = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    ids: dict[str, int] = source["model"]["vocab"]
    kept = [token for token in sorted(ids, key=ids.__getitem__) if _is_kept(token)]
    found = np.load(folder / "token_vectors.npy")[[ids[token] for token in kept]].astype(np.float64)
    axes = _axes(found, recipe)
    places = (found - found.mean(axis=0)) @ axes
    weights = np.array([weight(token, ids[token] - ids[_FIRST], recipe.strength) for token in kept])
    tokens, places, weights = _give_meanings(kept, places, weights, read_lexicon() if recipe.lexicon else {})
    return _tokenizer(source, tokens), places * weights[:, None]


def weight(token: str, rank: int, strength: float) -> float:
    """Return how much a token counts, 0 to 1.

    Parameters
    ----------
    token
        The token.
    rank
        Of its frequency, from 0; negative for what is no word.
    strength
        The frequency that counts half.
    """
    if rank < 0:
        return 0.0
    # Zipf's law; frequencies of 30,000 ranks add up to about 1.
    frequency = 0.1 / (1 if token in _FRAME_WORDS else rank + 1)
    return strength / (strength + frequency)


def rounded(rows: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.float16]]:
    """Round vectors to 8 bits, each row in units of its own.

    Returns
    -------
    int8 (tokens, dimension), float16 (tokens,)
        Rows and units. All are divided by one number, so that no unit falls below what float16 is exact for.
    """
    units = np.abs(rows).max(axis=1) / _LARGEST
    whole = units.max()
    scales = (units / whole).astype(np.float16)
    # By the unit as it is stored; one that was rounded down would leave the largest number out of range.
    steps = rows / whole / np.where(scales > 0, scales, 1).astype(np.float64)[:, None]
    return np.clip(np.rint(steps), -_LARGEST, _LARGEST).astype(np.int8), scales


def shift_of(text: StaticText, recipe: Recipe) -> NDArray[np.float32]:
    """Return the shift of a tower that has none yet: a share of the mean of its captions, (dimension,)."""
    mean: NDArray[np.float64] = text.encode(bank()).mean(axis=0, dtype=np.float64)
    return (recipe.share * mean).astype(np.float32)


def _none(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    return np.zeros(rows.shape[1], np.float32)


def _is_kept(token: str) -> bool:
    """Tell whether English text can have a token: not so the reserved ones and other scripts."""
    return token == _UNKNOWN or (token.isascii() and not token.startswith("["))


def _give_meanings(
    tokens: list[str], places: Rows, weights: Rows, lexicon: Mapping[str, tuple[str, ...]]
) -> tuple[list[str], Rows, Rows]:
    """Return tokens, vectors and weights with those of the lexicon: new ones count as much as the rarest word."""
    old = frozenset(tokens)
    tokens = [*tokens, *(word for word in lexicon if word not in old)]
    places = np.concatenate([places, np.zeros((len(tokens) - len(old), places.shape[1]))])
    weights = np.concatenate([weights, np.ones(len(tokens) - len(old))])
    row_of = {token: row for row, token in enumerate(tokens)}
    # Tokens that have another sense here come first and at once, for the meanings of new words hold some of them.
    for is_new in (False, True):
        found = {
            row_of[word]: np.average(places[parts], axis=0, weights=weights[parts])
            for word, meaning in lexicon.items()
            if (word not in old) == is_new and (parts := [row_of[part] for part in meaning])
        }
        for row, place in found.items():
            places[row] = place
    return tokens, places, weights


def _axes(rows: NDArray[np.float64], recipe: Recipe) -> NDArray[np.float64]:
    """Return the first principal axes, (source dimension, dimension), each pointing where its largest number is."""
    variances, axes = np.linalg.eigh(np.cov(rows, rowvar=False))
    variances, axes = variances[::-1][: recipe.dimension], axes[:, ::-1][:, : recipe.dimension]
    largest = np.abs(axes).argmax(axis=0)
    signs = np.sign(axes[largest, np.arange(axes.shape[1])])
    variances = np.maximum(variances, _LEAST * variances[0])  # there may be axes along which nothing varies
    turned: NDArray[np.float64] = axes * signs / variances ** (recipe.whitening / 2)
    return turned


def _tokenizer(source: Mapping[str, Any], tokens: list[str]) -> bytes:
    """Write the tokenizer with other tokens, and without what only a network needs."""
    model = source["model"] | {"vocab": {token: number for number, token in enumerate(tokens)}}
    dropped = dict.fromkeys(("truncation", "padding", "post_processor", "decoder"))
    said = [
        {"type": "Replace", "pattern": {"Regex": rf"\b{idiom.replace(' ', ' +')}\b"}, "content": word}
        for idiom, word in _IDIOMS
    ]
    normalizer = {"type": "Sequence", "normalizers": [*filter(None, [source["normalizer"]]), *said]}
    whole = {**source, **dropped, "added_tokens": [], "model": model, "normalizer": normalizer}
    return json.dumps(whole, ensure_ascii=False, separators=(",", ":")).encode()
