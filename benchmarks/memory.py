"""Does memory grow with the archive? Peak resident memory of indexing few tiles and many, each in a process of its own.

python -m benchmarks.memory --few 200 --many 2000
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import file_results
from msclip_search import Simulation, simulate_archive

UNIT = 1 if sys.platform == "darwin" else 1024
"""Bytes that the system counts peak memory in."""

CHILD = """
import sys
from msclip_search import index_tiles
index_tiles(sys.argv[1], index=sys.argv[2], model="untrained")
"""


def peak_mb(tiles: Path, index: Path) -> float:
    """Peak resident memory of an indexing process, MB."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(tiles), str(index)])
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = status
    if status:
        raise SystemExit("indexing failed")
    return usage.ru_maxrss * UNIT / 1e6


def main() -> None:
    """Measure, print and file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--few", type=int, default=200)
    parser.add_argument("--many", type=int, default=2000)
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    few, many = [], []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate_archive(Simulation(size=chosen.size), folder / "few", count=chosen.few)
        simulate_archive(Simulation(size=chosen.size), folder / "many", count=chosen.many)
        for number in range(chosen.rounds):
            few.append(peak_mb(folder / "few", folder / f"few{number}"))
            many.append(peak_mb(folder / "many", folder / f"many{number}"))
    numbers = {
        "pixels": chosen.size,
        f"peak_mb_{chosen.few}_tiles": [round(value, 1) for value in few],
        f"peak_mb_{chosen.many}_tiles": [round(value, 1) for value in many],
        "ratio_of_medians": round(sorted(many)[len(many) // 2] / sorted(few)[len(few) // 2], 3),
    }
    for key, value in numbers.items():
        print(f"{key:24}{value}")
    print(f"filed in {file_results('memory', numbers)}")


if __name__ == "__main__":
    main()
