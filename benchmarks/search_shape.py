"""Vectors that lie as those of a model do: measured on an index of real ones, then drawn by a seeded generator.

What is measured: a k-means of the vectors (FAISS, `CLUSTERS` clusters), the size and the centre of each cluster, its
own scatter, and the covariance within clusters, pooled. Drawn are rows of a mixture of normal distributions with these
sizes, centres and scatters and the pooled covariance, brought to unit length and stored as float16.
"""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import msclip_search
from msclip_search import models
from msclip_search.indexes.faiss_library import load_faiss

CLUSTERS = 256
BLOCK = 50_000
LEXICON = Path(msclip_search.__file__).parent / "training" / "lexicon.csv"


Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Shape:
    """How vectors lie, as far as the generator knows."""

    sizes: NDArray[np.int64]
    """(clusters,): rows of each cluster."""
    centres: Floats
    """(clusters, dimension)."""
    scatter: Floats
    """(clusters,): mean squared distance of its rows from its centre."""
    axes: Floats
    """(dimension, dimension): rows are the main axes within clusters."""
    within: Floats
    """(dimension,): share of the scatter along each axis; they sum to 1."""

    @classmethod
    def of(cls, vectors: NDArray[np.floating], *, seed: int = 0) -> "Shape":
        """Measure vectors, (rows, dimension), unit length."""
        wide = np.ascontiguousarray(vectors, dtype=np.float32)
        clusters = min(CLUSTERS, len(wide) // 20)
        kmeans = load_faiss().Kmeans(wide.shape[1], clusters, niter=20, seed=seed, min_points_per_centroid=1)
        kmeans.train(wide)
        own = kmeans.index.search(wide, 1)[1][:, 0]
        sizes = np.bincount(own, minlength=clusters)
        centres = np.zeros((clusters, wide.shape[1]))
        np.add.at(centres, own, wide)
        centres /= np.maximum(sizes, 1)[:, np.newaxis]
        apart = wide - centres[own]
        scatter = np.bincount(own, (apart**2).sum(axis=1), minlength=clusters) / np.maximum(sizes - 1, 1)
        values, columns = np.linalg.eigh(apart.T @ apart)
        values = values.clip(0)[::-1]
        return cls(sizes, centres, scatter, columns.T[::-1], values / values.sum())

    def draw(self, rows: int, *, seed: int) -> Iterator[NDArray[np.float16]]:
        """Draw blocks of unit vectors, (≤ `BLOCK`, dimension)."""
        rng = np.random.default_rng(seed)
        spread = (np.sqrt(self.within)[:, np.newaxis] * self.axes).astype(np.float32)
        centres, radius = self.centres.astype(np.float32), np.sqrt(self.scatter).astype(np.float32)
        shares = self.sizes / self.sizes.sum()
        for start in range(0, rows, BLOCK):
            count = min(BLOCK, rows - start)
            own = rng.choice(len(shares), size=count, p=shares)
            drawn = rng.standard_normal((count, len(spread)), dtype=np.float32) @ spread
            vectors = centres[own] + radius[own, np.newaxis] * drawn
            yield (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)

    def save(self, path: Path) -> None:
        """Keep the numbers."""
        np.savez(path, **{name: getattr(self, name) for name in self.__slots__})

    @classmethod
    def load(cls, path: Path) -> "Shape":
        """Read what `save` wrote."""
        with np.load(path) as kept:
            return cls(**{name: kept[name] for name in cls.__slots__})


def outline(vectors: NDArray[np.floating]) -> dict[str, Any]:
    """Say in a few numbers how vectors, (rows, dimension), lie."""
    wide = vectors.astype(np.float64)
    mean = wide.mean(axis=0)
    values = np.linalg.eigvalsh(np.cov(wide.T))[::-1]
    shares = values / values.sum()
    return {
        "rows": len(wide),
        "mean_norm": round(float(np.linalg.norm(mean)), 3),
        "first_axes": [round(float(share), 4) for share in shares[:8]],
        "axes_for_half": int(np.searchsorted(np.cumsum(shares), 0.5)) + 1,
        "axes_for_90_percent": int(np.searchsorted(np.cumsum(shares), 0.9)) + 1,
        "axes_for_99_percent": int(np.searchsorted(np.cumsum(shares), 0.99)) + 1,
    }


def phrases(count: int, *, seed: int = 0) -> list[str]:
    """Choose meanings of the lexicon, each once."""
    with LEXICON.open(encoding="utf-8", newline="") as file:
        meanings = sorted({row["meaning"] for row in csv.DictReader(file)})
    chosen = np.random.default_rng(seed).permutation(len(meanings))[:count]
    return [meanings[number] for number in chosen]


def texts(count: int) -> NDArray[np.float32]:
    """Embed phrases of the lexicon with `s2-nano`, (count, dimension)."""
    return np.ascontiguousarray(models.load("s2-nano").encode_texts(phrases(count)), dtype=np.float32)
