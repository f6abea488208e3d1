"""A model that learned nothing, for trying the machinery: real tiles in, unit vectors out, and no meaning.

It needs numpy alone, starts in no time, and gives the same numbers on every machine: its weights are the
bytes of a hash function, and what it adds up are whole numbers so small that no order of adding them rounds.
"""

import hashlib
import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from msclip_search.models.base import Embeddings, Pixels, WeightsFile
from msclip_search.models.pixels import checked
from msclip_search.models.spec import ModelSpec

SPEC = ModelSpec(
    name="untrained",
    summary="random weights, ten bands: for trying the machinery, its ranking means nothing",
    bands=("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"),
    substitutes=(("B08", "B8A"),),
    size=64,
    resampling="none",  # tiles of any size are taken as they are
    mean=(925.0, 1183.0, 1338.0, 1667.0, 2234.0, 2461.0, 2556.0, 2620.0, 2406.0, 1842.0),
    deviation=(1206.0, 1224.0, 1400.0, 1403.0, 1379.0, 1435.0, 1491.0, 1454.0, 1473.0, 1365.0),
    dimension=64,
    architecture="block-projection-1",
    tokenizer="words-1",
    context=0,
    licence="Apache-2.0",
    citation="none",
)

_SEED = b"msclip-search untrained 1"
_GRID = 8  # a tile is seen as 8 x 8 blocks: their means, and for each band the deviation among these
_STEPS = 64.0  # a feature is rounded to 1/64 of a band's deviation
_FARTHEST = 1 << 20  # and clipped here: sums of 64 x 64 squares stay below 2^53, up to where float64 is exact
_BATCH = 32
_MEMORY = 32  # tiles worked on at once: their float64 copy stays in the processor's cache


def _seeded(name: bytes, shape: tuple[int, ...]) -> NDArray[np.float64]:
    """Draw whole numbers from -128 to 127 from a hash function, which is the same everywhere."""
    raw = hashlib.shake_256(_SEED + b"\0" + name).digest(int(np.prod(shape)))
    return np.frombuffer(raw, np.int8).reshape(shape).astype(np.float64)


class UntrainedEncoder:
    """An `Encoder` with weights from a fixed seed."""

    def __init__(self) -> None:
        features = len(SPEC.bands) * (_GRID * _GRID + 1) + 1
        self._projection = _seeded(b"image", (features, SPEC.dimension))
        self.spec = SPEC
        self.weights = WeightsFile(
            path="",
            sha256=hashlib.sha256(self._projection.astype(np.int8).tobytes()).hexdigest(),
            size=self._projection.size,
            mtime_ns=0,
            origin="seed",
        )
        self.fingerprint = SPEC.fingerprint(self.weights.sha256)
        self.trained_on: frozenset[str] | None = None
        self.batch = _BATCH
        self.concurrency = 1

    def encode_tiles(self, pixels: Pixels) -> Embeddings:
        """Embed tiles of any size: see `Encoder.encode_tiles`."""
        pixels = checked(pixels, SPEC)
        rows = np.empty((len(pixels), SPEC.dimension), np.float32)
        for start in range(0, len(pixels), _MEMORY):
            part = pixels[start : start + _MEMORY]
            rows[start : start + len(part)] = _unit(_features(part) @ self._projection)
        return rows

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts, each the sum of its words: see `Encoder.encode_texts`."""
        sums = np.zeros((len(texts), SPEC.dimension))
        for row, text in zip(sums, texts, strict=True):
            # Every text has this one word more, so that none adds up to nothing.
            words = ("", *unicodedata.normalize("NFKC", text).casefold().split())
            row[:] = sum(_seeded(b"word " + word.encode("utf-8", "surrogatepass"), row.shape) for word in words)
        return _unit(sums)

    def first_word_cut(self, text: str) -> None:  # noqa: ARG002 - an `Encoder`'s
        """Cut nothing: a text may have any length."""
        return


def _features(pixels: Pixels) -> NDArray[np.float64]:
    """Return whole numbers (n, features): a tile's blocks, in fractions of each band's deviation."""
    if pixels.dtype == np.float32:
        pixels = np.rint(np.nan_to_num(pixels, nan=0.0, posinf=0.0, neginf=0.0)).astype(np.float32)
    height, width = pixels.shape[2:]
    top, left = _edges(height), _edges(width)
    rows = np.add.reduceat(pixels, top, axis=2, dtype=np.float64)
    sums = np.add.reduceat(rows, left, axis=3)
    areas = np.outer(np.diff(top, append=height), np.diff(left, append=width))
    mean = np.array(SPEC.mean)[:, None, None]
    deviation = np.array(SPEC.deviation)[:, None, None]
    blocks = _whole((sums / areas - mean) / deviation * _STEPS).reshape(*pixels.shape[:2], -1)
    count = blocks.shape[2]
    spread = np.sqrt(count * (blocks**2).sum(axis=2) - blocks.sum(axis=2) ** 2) / count
    ones = np.full((len(pixels), 1), _STEPS)
    return np.concatenate([blocks.reshape(len(pixels), -1), _whole(spread), ones], axis=1)


def _whole(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.clip(np.rint(values), -_FARTHEST, _FARTHEST)


def _edges(length: int) -> NDArray[np.intp]:
    """Return where the blocks of a side begin."""
    return np.arange(_GRID) * length // _GRID


def _unit(sums: NDArray[np.float64]) -> Embeddings:
    unit: Embeddings = (sums / np.linalg.norm(sums, axis=1, keepdims=True)).astype(np.float32)
    return unit
