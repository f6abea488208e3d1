"""What a person waits for: `--help` beside a bare Typer program, and one query beside that program's least command.

python -m benchmarks.cold_start [--weights weights.pt]
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.machine import file_results
from msclip_search import Simulation, index_tiles, simulate_archive

BARE = '''
import typer

app = typer.Typer()


@app.command()
def one(name: str) -> None:
    """Do one thing."""


@app.command()
def two(name: str) -> None:
    """Do another."""


def main() -> None:
    app()
'''

STAGES = """
import sys, time
marks = [("start", time.perf_counter())]
mark = lambda name: marks.append((name, time.perf_counter()))
from msclip_search import SearchIndex
import msclip_search.cli.render
mark("import")
index = SearchIndex.open(sys.argv[1])
mark("open the index")
encoder = index.encoder
mark("load the model")
vectors = index.encode(["flooded farmland"])
mark("encode the text")
hits = index.search_vectors(vectors, k=100)[0]
mark("search")
msclip_search.cli.render._table(hits, 200)
mark("lay out")
for (_, before), (name, after) in zip(marks, marks[1:]):
    print(f"{name}\\t{after - before:.4f}")
"""


def seconds(command: list[str], environment: dict[str, str] | None = None) -> float:
    """Wall time of a process."""
    begun = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return time.perf_counter() - begun


def help_ratio(rounds: int, folder: Path) -> dict[str, Any]:
    """Time `--help` of both programs in turn."""
    (folder / "bare.py").write_text(BARE, encoding="utf-8")
    script = "import sys; sys.argv = ['x', '--help']; from {} import main; main()"
    bare, ours = ([sys.executable, "-c", script.format(module)] for module in ("bare", "msclip_search.cli.app"))
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    pairs = [(seconds(ours, environment), seconds(bare, environment)) for _ in range(rounds + 1)][1:]
    return {
        "help_s": round(median(a for a, _ in pairs), 3),
        "bare_typer_help_s": round(median(b for _, b in pairs), 3),
        "help_ratio_median": round(median(a / b for a, b in pairs), 3),
    }


def query_stages(rounds: int, folder: Path, model: str, weights: Path | None, tiles: str = "tiles") -> dict[str, Any]:
    """Time one query from a cold shell, as a whole and by stages."""
    index = folder / model
    index_tiles(folder / tiles, index=index, model=model, weights=weights)
    program = [
        sys.executable,
        "-m",
        "msclip_search",
        "query",
        "flooded farmland",
        "--top-k",
        "100",
        "--index",
        str(index),
    ]
    bare = [sys.executable, "-c", "import sys; sys.argv = ['x', 'one', 'a']; from bare import main; main()"]
    environment = {**os.environ, "PYTHONPATH": str(folder)}
    pairs = [(seconds(program), seconds(bare, environment)) for _ in range(rounds + 1)][1:]
    stages: dict[str, list[float]] = {}
    for _ in range(rounds):
        command = [sys.executable, "-c", STAGES, str(index)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        for line in done.stdout.splitlines():
            name, value = line.split("\t")
            stages.setdefault(name, []).append(float(value))
    return {
        "query_s": round(median(a for a, _ in pairs), 3),
        "bare_typer_command_s": round(median(b for _, b in pairs), 3),
        "query_ratio_median": round(median(a / b for a, b in pairs), 2),
        "stages_s": {name: round(median(values), 4) for name, values in stages.items()},
    }


def main() -> None:
    """Measure, print and file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", type=Path, help="weights of llama3-ms-clip-base, to time it as well")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--count", type=int, default=3000, help="tiles in the index")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        simulate_archive(Simulation(size=32), folder / "tiles", count=chosen.count)
        numbers: dict[str, Any] = {"load": os.getloadavg()[0], "tiles": chosen.count}
        numbers |= help_ratio(chosen.rounds, folder)
        numbers["s2-nano"] = query_stages(chosen.rounds, folder, "s2-nano", None)
        numbers["untrained"] = query_stages(chosen.rounds, folder, "untrained", None)
        if chosen.weights:
            # Of few tiles: what they are searched in does not show beside loading the model, and each takes a while.
            simulate_archive(Simulation(size=32), folder / "few", count=8)
            numbers["llama3-ms-clip-base"] = query_stages(5, folder, "llama3-ms-clip-base", chosen.weights, tiles="few")
    for key, value in numbers.items():
        print(f"{key:24}{value}")
    print(f"filed in {file_results('cold-start', numbers)}")


if __name__ == "__main__":
    main()
