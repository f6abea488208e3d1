"""Measure how much of what its parts allow `index` reaches.

Reading alone, encoding alone and the whole are timed in turn, on the same tiles, in one run. On a CPU, where both share
the cores, the best possible rate is 1 / (t_read + t_forward); on a GPU it is the slower of the two rates.

python -m benchmarks.efficiency --model untrained --count 2000
python -m benchmarks.efficiency --model llama3-ms-clip-base --weights weights.pt --count 48 --size 224
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.machine import describe, file_results
from msclip_search import Pace, Simulation, models, simulate_archive
from msclip_search.archives import ChipArchive, Reading
from msclip_search.ingest import ingest
from msclip_search.ingest.readahead import read_ahead
from msclip_search.models import Encoder


def timed(work: Callable[[], object]) -> float:
    """Seconds that some work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def read_all(archive: ChipArchive, pace: Pace) -> list[NDArray[Any]]:
    """Read every tile as `index` does, and do nothing with them."""
    outcomes = read_ahead(archive.items(), threads=pace.threads, depth=pace.ahead, stopped=lambda: False)
    return [tile.pixels for outcome in outcomes for tile in outcome.tiles]


def encode_all(encoder: Encoder, batches: list[NDArray[Any]]) -> None:
    """Encode batches that lie ready in memory."""
    for batch in batches:
        encoder.encode_tiles(batch)


def main() -> None:
    """Measure, print and file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="untrained")
    parser.add_argument("--weights", type=Path)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    encoder = models.load(chosen.model, weights=chosen.weights, device=chosen.device)
    reading = Reading(want=encoder.spec.bands, substitutes=encoder.spec.substitutes)
    pace = Pace()
    with tempfile.TemporaryDirectory() as folder:
        tiles = Path(folder) / "tiles"
        simulate_archive(Simulation(size=chosen.size), tiles, count=chosen.count)
        archive = ChipArchive((tiles,), reading)
        pixels = read_all(archive, pace)
        batches = [np.stack(pixels[start : start + encoder.batch]) for start in range(0, len(pixels), encoder.batch)]
        encoder.encode_tiles(batches[0])  # the first call loads and tunes
        read, forward, whole = [], [], []
        for number in range(chosen.rounds):
            read.append(timed(lambda: read_all(archive, pace)) / chosen.count)
            forward.append(timed(lambda: encode_all(encoder, batches)) / chosen.count)
            job = partial(ingest, archive, Path(folder) / f"idx{number}", encoder, pace=pace)
            whole.append(timed(job) / chosen.count)
    shared = describe()["accelerator"] is None or chosen.device == "cpu"
    best = [r + f if shared else max(r, f) for r, f in zip(read, forward, strict=True)]
    ratios = sorted(b / w for b, w in zip(best, whole, strict=True))
    numbers = {
        "model": chosen.model,
        "tiles": chosen.count,
        "pixels": chosen.size,
        "batch": encoder.batch,
        "threads": pace.threads,
        "rounds": chosen.rounds,
        "read_tiles_s": round(1 / median(read), 2),
        "forward_tiles_s": round(1 / median(forward), 2),
        "index_tiles_s": round(1 / median(whole), 2),
        "best_possible_tiles_s": round(1 / median(best), 2),
        "efficiency_median": round(median(ratios), 3),
        "efficiency_min_max": [round(ratios[0], 3), round(ratios[-1], 3)],
    }
    for name, value in numbers.items():
        print(f"{name:24}{value}")
    print(f"filed in {file_results(f'efficiency-{chosen.model}-{chosen.size}px', numbers)}")


if __name__ == "__main__":
    main()
