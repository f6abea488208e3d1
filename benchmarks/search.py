"""Measure searching a million tiles, filtered and not, beside plain FAISS and LanceDB on the same vectors.

Two stages. "make" fills the cache folder: it simulates 12,000 tiles and embeds them with s2-nano (or takes the vectors
of an index, --like), measures how they lie, draws as many vectors as are asked for, commits them to an index folder
with places, dates and clouds, and gives them to LanceDB where that is installed. What is there already is not made
again.
"measure" takes a few minutes and wants the machine for itself. Queries are phrases of the lexicon, embedded by s2-nano.

python -m benchmarks.search CACHE --rows 1000000 --stage make
python -m benchmarks.search CACHE --rows 1000000 --stage measure --file
python -m benchmarks.search CACHE --rows 50000
"""

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import describe, file_results
from benchmarks.search_contest import Lance
from benchmarks.search_folder import make_folder, questions
from benchmarks.search_measure import CONTESTANTS, truth
from benchmarks.search_shape import Shape, outline, texts
from msclip_search import Simulation, index_tiles, simulate_archive
from msclip_search.indexes import choose

SEED = 0
QUERIES = 1_000
SIMULATED = 6_000
"""Tiles of each level."""


def real_vectors(cache: Path, like: Path | None) -> NDArray[np.float16]:
    """Return the vectors of an index of real embeddings, made where none is given."""
    index = like or cache / "real"
    if not (index / "LATEST").exists():
        with tempfile.TemporaryDirectory(dir=cache) as folder:
            for seed, level in ((11, "L2A"), (12, "L1C")):
                simulate_archive(Simulation(seed=seed, level=level), Path(folder) / level, count=SIMULATED)
            index_tiles(folder, index=index)
    return np.concatenate([np.load(path) for path in sorted(index.glob("segments/*/vectors.npy"))])


def make(cache: Path, rows: int, like: Path | None) -> None:
    """Make what is not there yet."""
    cache.mkdir(parents=True, exist_ok=True)
    if not (cache / "shape.npz").exists():
        real = real_vectors(cache, like)
        shape = Shape.of(real, seed=SEED)
        drawn = np.concatenate(list(shape.draw(len(real), seed=SEED + 1)))
        outlines = {"real": outline(real), "drawn": outline(drawn), "clusters": sorted(shape.sizes.tolist())}
        (cache / "shape.json").write_text(json.dumps(outlines))
        shape.save(cache / "shape.npz")
        said("measured how real vectors lie")
    folder = cache / str(rows)
    folder.mkdir(exist_ok=True)
    if not (folder / "vectors.npy").exists():
        np.save(cache / "queries.npy", texts(QUERIES))
        shape = Shape.load(cache / "shape.npz")
        np.save(folder / "part.npy", np.concatenate(list(shape.draw(rows, seed=SEED))))
        (folder / "part.npy").rename(folder / "vectors.npy")
        said("drew vectors")
    vectors = np.load(folder / "vectors.npy", mmap_mode="r")
    if not (folder / "index").exists():
        once(folder / "index", lambda part: make_folder(part, vectors, seed=SEED))
        said("made the index")
    if not (folder / "lance").exists() and importlib.util.find_spec("lancedb"):
        plan = choose("ivfpq", rows=rows, dimension=vectors.shape[1])
        codes = int((plan.factory or "PQ64").rsplit("PQ", 1)[1])
        once(
            folder / "lance", lambda part: Lance(folder, part).make(rows=rows, seed=SEED, nlist=plan.nlist, codes=codes)
        )
        said("made LanceDB's table")
    if not (folder / "truth.npz").exists():
        truth(folder, np.load(cache / "queries.npy"), questions(rows, SEED))
        said("ranked everything exactly")


def once(folder: Path, work: Any) -> None:  # noqa: ANN401
    """Make a folder whole, or not at all; keep how long it took."""
    part = folder.with_name(f"{folder.name}-part")
    shutil.rmtree(part, ignore_errors=True)
    begun = time.perf_counter()
    work(part)
    (folder.parent / f"{folder.name}.seconds").write_text(f"{time.perf_counter() - begun:.0f}")
    part.rename(folder)


def show(found: dict[str, Any]) -> None:
    """Print what was measured of one contestant, as tables of Markdown: milliseconds a query."""
    print(f"\n{found['name']} {found['version']}\n")
    columns = list(found["questions"][0])
    for line in (
        columns,
        ["---"] * len(columns),
        *([each[column] for column in columns] for each in found["questions"]),
    ):
        print("| " + " | ".join(str(cell) for cell in line) + " |")
    rest = ("open_s", "cold_s", "append_s", "alone_after_append", "anonymous_mb")
    print("\n" + ", ".join(f"{name} {found[name]}" for name in rest if name in found), flush=True)


def said(what: str) -> None:
    """Print progress."""
    print(f"{time.strftime('%H:%M:%S')} {what}", flush=True)


def main() -> None:
    """Make, measure, print and file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cache", type=Path, help="a folder for what is made: 5 GB for a million rows")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--like", type=Path, help="an index whose vectors are to be imitated, of s2-nano")
    parser.add_argument("--stage", choices=["make", "measure", "both"], default="both")
    parser.add_argument("--only", choices=[*CONTESTANTS], nargs="+", default=[*CONTESTANTS])
    parser.add_argument("--batch", type=int, default=QUERIES, help=f"queries of a batch, at most {QUERIES}")
    parser.add_argument("--file", action="store_true", help="write the numbers to benchmarks/results/search.json")
    chosen = parser.parse_args()
    if chosen.stage != "measure":
        os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # FAISS, not yet loaded, may have to share the cores
        os.environ.setdefault("LANCE_LOG", "error")
        make(chosen.cache, chosen.rows, chosen.like)
    if chosen.stage == "make":
        return
    folder = chosen.cache / str(chosen.rows)
    results: dict[str, Any] = {"rows": chosen.rows, "shape": json.loads((chosen.cache / "shape.json").read_text())}
    for name in chosen.only:
        if name == "lance" and not (importlib.util.find_spec("lancedb") and (folder / "lance").exists()):
            print("LanceDB is not installed, or has no table in the cache: left out.")
            continue
        # A process of its own each, whose memory is nobody else's.
        asked = [name, folder, chosen.rows, chosen.batch, SEED]
        command = [sys.executable, "-m", "benchmarks.search_measure", *map(str, asked)]
        results[name] = json.loads(subprocess.check_output(command, text=True).splitlines()[-1])
        show(results[name])
    print({key: describe()[key] for key in ("processor", "cores", "accelerator", "python", "versions")})
    if chosen.file:
        print(f"filed in {file_results('search', results)}")


if __name__ == "__main__":
    main()
