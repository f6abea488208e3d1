"""Measure from how many allowed rows IVF-PQ is faster than scanning them exactly, and whether the rule knows it.

Vectors are those of `benchmarks.recall` ("clustered"), allowed rows are drawn at random. Each line: milliseconds a
query by codes and exactly, what `rows_worth_scanning` chooses, and the time of its choice over that of the better one.

python -m benchmarks.search_crossover CACHE
python -m benchmarks.search_crossover CACHE --sizes 1000000x512 --file
"""

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import file_results
from benchmarks.recall import Cones
from msclip_search.indexes import Effort, FlatIndex, Index, IvfPqIndex, StackedVectors, choose

K = 100
SIZES = ("100000x256", "100000x512", "1000000x256")
QUERIES = (1, 10, 100, 1_000)
SHARES = (1.0, 0.5, 0.3, 0.2, 0.1, 0.05, 0.03, 0.02, 0.01)
COLUMNS = ("rows", "dimension", "allowed", "queries", "codes_ms", "exact_ms", "chosen", "over_best")
CALLS, SECONDS = 7, 2.0
"""A time is the median of so many calls, or of those begun within so many seconds."""


def built(folder: Path, rows: int, dimension: int) -> tuple[StackedVectors, NDArray[np.float32]]:
    """Make vectors, queries and IVF-PQ where they are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "faiss.index").exists():
        images, texts, _ = Cones(dimension, 0.5, 0.7).draw(rows, max(QUERIES), 0)
        np.save(folder / "vectors.npy", images)
        np.save(folder / "queries.npy", texts)
        vectors = StackedVectors([images])
        plan = choose("ivfpq", rows=rows, dimension=dimension)
        IvfPqIndex.build(vectors, np.arange(rows), plan).save(folder / "part")
        (folder / "part").rename(folder / "faiss.index")
    vectors = StackedVectors([np.load(folder / "vectors.npy", mmap_mode="r")])
    for _ in vectors.blocks(65_536):
        pass
    return vectors, np.load(folder / "queries.npy").astype(np.float32)


def milliseconds(index: Index, queries: NDArray[np.float32], at_once: int, allowed: NDArray[np.bool_] | None) -> float:
    """Time of a query among so many at once: the median of some calls."""
    times: list[float] = []
    while len(times) < CALLS and sum(times) < SECONDS:
        start = at_once * len(times) % len(queries)
        begun = time.perf_counter()
        index.search(queries[start : start + at_once], K, allowed=allowed)
        times.append(time.perf_counter() - begun)
    return float(np.median(times)) * 1e3 / at_once


def measure(folder: Path, rows: int, dimension: int) -> list[dict[str, Any]]:
    """Compare both ways at every share and number of queries."""
    vectors, queries = built(folder / f"{rows}-{dimension}", rows, dimension)
    path = folder / f"{rows}-{dimension}" / "faiss.index"
    every = np.arange(rows)
    codes = IvfPqIndex.load(path, vectors=vectors, positions=every, effort=Effort(exact_rows=0))
    rule = IvfPqIndex.load(path, vectors=vectors, positions=every)
    flat = FlatIndex(vectors)
    draw = np.random.default_rng(0).random(rows)
    results = []
    codes.search(queries[:2], K, allowed=draw < 0.5)
    for share in SHARES:
        allowed = None if share == 1 else draw < share
        count = rows if allowed is None else int(allowed.sum())
        if count <= Effort().wanted(K, rows=count):
            continue
        for at_once in QUERIES:
            by_codes = milliseconds(codes, queries, at_once, allowed)
            exactly = milliseconds(flat, queries, at_once, allowed)
            scans = count <= rule._exact_rows(at_once, Effort().wanted(K, rows=count), count)  # noqa: SLF001
            results.append(
                {
                    "rows": rows,
                    "dimension": dimension,
                    "allowed": count,
                    "queries": at_once,
                    "codes_ms": round(by_codes, 3),
                    "exact_ms": round(exactly, 3),
                    "chosen": "exact" if scans else "codes",
                    "over_best": round((exactly if scans else by_codes) / min(by_codes, exactly), 2),
                }
            )
            print(" | ".join(str(results[-1][column]) for column in COLUMNS), flush=True)
    return results


def main() -> None:
    """Measure, print and file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path, help="a folder for vectors and indexes: 1.3 GB for a million rows of 512")
    parser.add_argument("--sizes", nargs="+", default=SIZES, metavar="ROWSxNUMBERS", help="default: " + " ".join(SIZES))
    parser.add_argument("--file", action="store_true", help="write the numbers to benchmarks/results")
    chosen = parser.parse_args()
    print(" | ".join(COLUMNS))
    results: list[dict[str, Any]] = []
    for size in chosen.sizes:
        rows, dimension = map(int, size.split("x"))
        results += measure(chosen.cache, rows, dimension)
    regret = np.array([each["over_best"] for each in results])
    summary = {"geometric_mean": round(float(np.exp(np.log(regret).mean())), 3), "worst": float(regret.max())}
    print(f"time of what was chosen over that of the better way: {summary}")
    if chosen.file:
        print(f"filed in {file_results('search-crossover', {'k': K, 'over_best': summary, 'results': results})}")


if __name__ == "__main__":
    main()
