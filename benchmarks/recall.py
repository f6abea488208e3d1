"""Measure how much of the exact scan's first 100 IVF-PQ finds, how fast, and how long it takes to build.

The vectors lie as CLIP's do: images in a cone around their mean, whose length is .66; texts in a cone of their own,
78 degrees from it. "clustered" has 512 kinds of places, its variance falls as 1 / i; "round" has none and falls as
1 / sqrt(i), which is harder than any archive.

python -m benchmarks.recall --rows 10000 50000 200000
python -m benchmarks.recall --rows 200000 --data round --file
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import describe, file_results
from msclip_search.indexes import Effort, FlatIndex, Index, IvfPqIndex, StackedVectors, choose

K = 100
COLUMNS = (
    "data",
    "rows",
    "index",
    "build_s",
    "bytes_a_row",
    "nprobe",
    "candidates",
    "text",
    "image",
    "alone_ms",
    "of_100_ms",
)
BLOCK = 20_000
CLUSTERS = 512
EFFORTS = (
    Effort(nprobe=64, candidates=2_000),
    Effort(nprobe=128, candidates=2_000),
    Effort(nprobe=256, candidates=500, candidates_per_hit=1),
    Effort(nprobe=256, candidates=2_000),
    Effort(nprobe=256, candidates=10_000),
    Effort(nprobe=256, candidates=20_000),
)


@dataclass(frozen=True, slots=True)
class Cones:
    """A way that images and texts lie in."""

    dimension: int
    exponent: float
    """Of the fall of the deviations."""
    clustered: float
    """Share of the deviation that a row has in common with its cluster."""

    def draw(self, rows: int, queries: int, seed: int) -> tuple[NDArray[np.float16], ...]:
        """Draw stored images (rows, dimension), and as queries texts and further images (queries, dimension)."""
        rng = np.random.default_rng(seed)
        axes = np.linalg.qr(rng.standard_normal((self.dimension, self.dimension)))[0].T
        fall = np.arange(1, self.dimension + 1) ** -self.exponent
        spread = (fall / np.linalg.norm(fall))[:, np.newaxis] * axes
        centres = rng.standard_normal((CLUSTERS, self.dimension)) @ spread
        image = 0.66 * axes[0]
        text = 0.75 * (np.cos(np.radians(78)) * axes[0] + np.sin(np.radians(78)) * axes[1])

        def around(mean: NDArray[np.float64], count: int) -> NDArray[np.float16]:
            own = rng.standard_normal((count, self.dimension)) @ spread
            common = centres[rng.integers(CLUSTERS, size=count)]
            deviation = self.clustered * common + np.sqrt(1 - self.clustered**2) * own
            vectors = mean + np.sqrt(1 - mean @ mean) * deviation
            stored: NDArray[np.float16] = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16)
            return stored

        images = np.concatenate([around(image, min(BLOCK, rows - start)) for start in range(0, rows, BLOCK)])
        return images, around(text, queries), around(image, queries)


DATA = {"clustered": Cones(512, 0.5, 0.7), "round": Cones(512, 0.25, 0.0)}


def milliseconds(index: Index, queries: NDArray[np.float32], *, at_once: int) -> float:
    """Time of a query among so many at once, the median of the calls."""
    times = []
    for start in range(0, len(queries), at_once):
        begun = time.perf_counter()
        index.search(queries[start : start + at_once], K)
        times.append(time.perf_counter() - begun)
    return float(np.median(times)) * 1e3 / at_once


def recall(found: NDArray[np.int64], wanted: NDArray[np.int64]) -> float:
    """Share of the wanted rows that were found."""
    return float(np.mean([np.isin(one, other).mean() for one, other in zip(wanted, found, strict=True)]))


def measure(data: str, rows: int, queries: int, seed: int, folder: Path) -> Iterator[dict[str, Any]]:
    """Build each index over such vectors, and search it with each effort."""
    images, texts, others = DATA[data].draw(rows, queries, seed)
    np.save(folder / "vectors.npy", images)
    vectors = StackedVectors([np.load(folder / "vectors.npy", mmap_mode="r")])
    asked = {"text": texts.astype(np.float32), "image": others.astype(np.float32)}
    flat = FlatIndex(vectors)
    exact = {name: flat.search(each, K).rows for name, each in asked.items()}
    common = {"data": data, "rows": rows}
    plan = choose("auto", rows=rows, dimension=images.shape[1])
    yield {**common, "index": "exact scan", "text": 1.0, "image": 1.0, **timed(flat, asked["text"])}
    for factory in (f"IVF{plan.nlist},PQ64", plan.factory):
        begun = time.perf_counter()
        built = IvfPqIndex.build(vectors, np.arange(rows), replace(plan, factory=factory), seed=seed)
        seconds = round(time.perf_counter() - begun, 1)
        path = folder / "faiss.index"
        built.save(path)
        for effort in EFFORTS:
            candidates = effort.wanted(K, rows=rows)
            if candidates >= rows:
                continue  # all of them: the exact scan
            own = replace(effort, exact_rows=0)  # the codes are looked at whatever the rows
            index = IvfPqIndex.load(path, vectors=vectors, positions=np.arange(rows), effort=own)
            yield {
                **common,
                "index": factory,
                "build_s": seconds,
                "bytes_a_row": round(path.stat().st_size / rows),
                "nprobe": min(effort.nprobe or plan.nprobe, plan.nlist),
                "candidates": candidates,
                **{name: round(recall(index.search(each, K).rows, exact[name]), 4) for name, each in asked.items()},
                **timed(index, asked["text"]),
            }


def timed(index: Index, queries: NDArray[np.float32]) -> dict[str, float]:
    """Milliseconds a query, alone and among 100."""
    return {
        "alone_ms": round(milliseconds(index, queries, at_once=1), 2),
        "of_100_ms": round(milliseconds(index, queries, at_once=100), 2),
    }


def main() -> None:
    """Measure, print and file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 50_000, 200_000])
    parser.add_argument("--data", choices=[*DATA], nargs="+", default=[*DATA])
    parser.add_argument("--queries", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--file", action="store_true", help="write the numbers to benchmarks/results/recall.json")
    chosen = parser.parse_args()
    print(" | ".join(COLUMNS))
    results = []
    for data in chosen.data:
        for rows in chosen.rows:
            with tempfile.TemporaryDirectory() as folder:
                for result in measure(data, rows, chosen.queries, chosen.seed, Path(folder)):
                    results.append(result)
                    print(" | ".join(str(result.get(column, "")) for column in COLUMNS), flush=True)
    print({key: describe()[key] for key in ("processor", "cores", "accelerator", "python", "versions")})
    if chosen.file:
        print(f"filed in {file_results('recall', {'k': K, 'queries': chosen.queries, 'results': results})}")


if __name__ == "__main__":
    main()
