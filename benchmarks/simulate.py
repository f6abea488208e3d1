"""How fast tiles are simulated, alone and with their files written, by one process and by one a core.

The time of one process is free of starting others; the ratio says what more cores bring, start included.

python -m benchmarks.simulate --count 1500
"""

import argparse
import os
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.machine import file_results
from msclip_search import Simulation, simulate, simulate_archive

SHRINK = {64: 1, 224: 10}
"""Sizes, and how many times fewer tiles are made of each."""


def rate(folder: Path, *, size: int, count: int, processes: int, seed: int) -> float:
    """Tiles a second, from the call to the last byte handed to the system."""
    start = time.perf_counter()
    made = simulate_archive(Simulation(seed=seed, size=size), folder, count=count, processes=processes, overwrite=True)
    return made.tiles / (time.perf_counter() - start)


def rate_alone(*, size: int, count: int, seed: int) -> float:
    """Tiles a second without a file, in this process."""
    simulation = Simulation(seed=seed, size=size)
    start = time.perf_counter()
    for number in range(count):
        simulate(simulation, number)
    return count / (time.perf_counter() - start)


def main() -> None:
    """Measure, print and file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=5)
    chosen = parser.parse_args()
    cores = os.cpu_count() or 1
    numbers: dict[str, object] = {"count": chosen.count, "rounds": chosen.rounds, "cores": cores}
    with tempfile.TemporaryDirectory() as name:
        rate(Path(name), size=64, count=64, processes=1, seed=0)  # imports, tables, the sheet of noise
        for size, shrink in SHRINK.items():
            rates: dict[int, list[float]] = {1: [], cores: []}
            alone = []
            for seed in range(chosen.rounds):
                alone.append(rate_alone(size=size, count=chosen.count // shrink, seed=seed))
                for processes, found in rates.items():
                    count = chosen.count // shrink
                    found.append(rate(Path(name), size=size, count=count, processes=processes, seed=seed))
            ratios = [many / one for one, many in zip(rates[1], rates[cores], strict=True)]
            numbers[f"{size}_px"] = {
                "tiles_per_second_alone": [round(value, 1) for value in alone],
                "tiles_per_second_one_process": [round(value, 1) for value in rates[1]],
                f"tiles_per_second_{cores}_processes": [round(value, 1) for value in rates[cores]],
                "median_alone": round(median(alone), 1),
                "median_one_process": round(median(rates[1]), 1),
                "median_ratio": round(median(ratios), 2),
            }
    for key, value in numbers.items():
        print(f"{key:10}{value}")
    print(f"filed in {file_results('simulate', numbers)}")


if __name__ == "__main__":
    main()
