"""What `benchmarks.search` measures of each contestant, in a process of its own.

python -m benchmarks.search_measure CONTESTANT CACHE/ROWS ROWS BATCH SEED
"""

import importlib.metadata
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.search_contest import Contestant, Faiss, K, Lance, Ours, Queries, Rows, timed
from benchmarks.search_folder import Question, questions
from benchmarks.search_shape import Shape
from msclip_search import SearchIndex
from msclip_search.indexes import FlatIndex, StackedVectors

CORES = 2
ALONE, JUDGED, APPENDED = 40, 200, 10_000
SINGLY = 100
"""Queries that stand for a batch with LanceDB, which takes them one after another."""
CONTESTANTS = ("ours", "faiss", "refined", "lance")
COLD = {
    "ours": """
import json, sys, time
import numpy as np, pyarrow.parquet
from msclip_search import SearchIndex
from msclip_search.indexes import faiss_library
import msclip_search.search.choice, msclip_search.search.engine
faiss_library.load_faiss()
query = np.load(sys.argv[2], mmap_mode="r")[:1].astype(np.float32)
begun = time.perf_counter()
index = SearchIndex.open(sys.argv[1])
opened = time.perf_counter()
index.search_vectors(query, k=10)
print(json.dumps([opened - begun, time.perf_counter() - begun]))
""",
    "lance": """
import json, sys, time
import numpy as np, lancedb, pyarrow
query = np.load(sys.argv[2], mmap_mode="r")[0].astype(np.float32)
begun = time.perf_counter()
table = lancedb.connect(sys.argv[1]).open_table("tiles")
opened = time.perf_counter()
table.search(query).distance_type("dot").nprobes(256).refine_factor(100).limit(10).to_arrow()
print(json.dumps([opened - begun, time.perf_counter() - begun]))
""",
}
"""Opening, and opening with the first query of ten hits: libraries are imported before the clock starts."""


def truth(folder: Path, queries: Queries, asked: Sequence[Question]) -> None:
    """Keep which rows each filter selects, and the best of them by an exact scan."""
    vectors = StackedVectors([np.load(folder / "vectors.npy", mmap_mode="r")])
    kept: dict[str, NDArray[Any]] = {}
    with SearchIndex.open(folder / "index") as index:
        for question in asked:
            allowed = None if question.within is None else index.select(question.within).mask
            kept[f"best {question.name}"] = FlatIndex(vectors).search(queries[:JUDGED], K, allowed=allowed).rows
            if allowed is not None:
                kept[f"mask {question.name}"] = np.packbits(allowed)
    np.savez(folder / "part.npz", allow_pickle=False, **kept)
    (folder / "part.npz").rename(folder / "truth.npz")


def measure(name: str, folder: Path, rows: int, batch: int, seed: int) -> dict[str, Any]:
    """Measure one contestant: times in milliseconds a query but where another unit is named."""
    available = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, available[:CORES])
    queries = np.load(folder.parent / "queries.npy")
    asked = questions(rows, seed)
    with np.load(folder / "truth.npz") as kept:
        best = {each.name: kept[f"best {each.name}"] for each in asked}
        masks = {
            each.name: np.unpackbits(kept[f"mask {each.name}"], count=rows).astype(np.bool_)
            for each in asked
            if each.within
        }
    contestant = chosen(name, folder, masks)
    batch = min(batch, SINGLY) if name == "lance" else batch
    before = anonymous()
    found: dict[str, Any] = {"name": contestant.name, "open_s": round(timed(contestant.open), 3)}
    contestant.search(queries[:20])  # warm
    found["questions"] = [
        one(
            contestant,
            each,
            queries,
            best[each.name],
            batch,
            matches=int(masks[each.name].sum()) if each.within else rows,
        )
        for each in asked
    ]
    found["anonymous_mb"] = {"before": before, "after": anonymous()}
    if code := COLD.get(name):
        found["cold_s"] = cold(code, folder / ("index" if name == "ours" else name), folder.parent / "queries.npy")
    new = next(iter(Shape.load(folder.parent / "shape.npz").draw(APPENDED, seed=seed + 2)))
    contestant.select(asked[0])
    contestant.append(new, seed=seed)
    found["append_s"] = round(contestant.seconds, 3)
    found["alone_after_append"] = alone(contestant.search, queries)
    for copy in folder.glob("appended*"):
        shutil.rmtree(copy)
    found["version"] = importlib.metadata.version({"ours": "msclip-search", "lance": "lancedb"}.get(name, "faiss-cpu"))
    return found


def chosen(name: str, folder: Path, masks: dict[str, NDArray[np.bool_]]) -> Contestant:
    """Make a contestant by its name."""
    if name == "ours":
        return Ours(folder)
    return Lance(folder, folder / "lance") if name == "lance" else Faiss(folder, masks, refined=name == "refined")


def one(
    contestant: Contestant, question: Question, queries: Queries, best: Rows, batch: int, *, matches: int
) -> dict[str, Any]:
    """Measure one question."""
    contestant.select(question)
    selection = statistics.median([timed(lambda: contestant.select(question)) for _ in range(5)])
    times = alone(contestant.search, queries)
    begun = time.perf_counter()
    together = contestant.search(queries[:batch])
    seconds = time.perf_counter() - begun
    singly = np.concatenate([contestant.search(query[np.newaxis]) for query in queries[:ALONE]])
    measured = {
        "question": question.name,
        "matches": matches,
        "selection": round(selection * 1e3, 2),
        "alone": times,
        "batch": round(seconds * 1e3 / batch, 3),
        "queries": batch,
        "recall_alone": recall(singly, best),
        "recall_batch": recall(together, best),
    }
    if isinstance(contestant, Ours):
        measured["with_hits"] = alone(lambda query: contestant.hits(query, question), queries, count=5)
    return measured


def alone(search: Callable[[Queries], object], queries: Queries, *, count: int = ALONE) -> float:
    """Median of the milliseconds that single queries take."""
    times = [timed(lambda query=query: search(query[np.newaxis])) for query in queries[:count]]
    return round(statistics.median(times) * 1e3, 2)


def recall(found: Rows, best: Rows) -> float:
    """Share of the best rows that were found, of the queries that both have."""
    shares = [np.isin(one[one >= 0], other).mean() for one, other in zip(best, found, strict=False)]
    return round(float(np.mean(shares)), 4)


def anonymous() -> float:
    """Anonymous memory of this process, MB."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("RssAnon:"):
            return round(int(line.split()[1]) / 1e3, 1)
    return float("nan")


def cold(code: str, root: Path, queries: Path) -> list[float]:
    """Seconds to open, and to open and ask: medians of five processes."""
    runs = [
        json.loads(subprocess.check_output([sys.executable, "-c", code, str(root), str(queries)], text=True))
        for _ in range(5)
    ]
    return [round(statistics.median(times), 3) for times in zip(*runs, strict=True)]


def main() -> None:
    """Measure one contestant, and print what was found as JSON."""
    name, folder, *numbers = sys.argv[1:]
    rows, batch, seed = map(int, numbers)
    print(json.dumps(measure(name, Path(folder), rows, batch, seed)))


if __name__ == "__main__":
    main()
