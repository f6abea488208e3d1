"""What IVF-PQ costs a ranking: mAP@100 and recall against the exact scan, on simulated tiles with their tags as labels.

The tiles are simulated and indexed once in FOLDER and found again there. A query is a tag's plainest phrase; a tile is
right if it has the tag.

python -m benchmarks.ranking_loss FOLDER --count 20000 --model untrained
"""

import argparse
import time
from pathlib import Path

import numpy as np

from benchmarks.machine import file_results
from msclip_search import SearchIndex, Simulation, index_tiles, models, simulate_archive
from msclip_search.evaluation import evaluate, loss, of_classes
from msclip_search.simulation.vocabulary import WORDS


def main() -> None:
    """Measure, print and file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--model", default=models.DEFAULT)
    parser.add_argument("--weights", type=Path)
    chosen = parser.parse_args()
    tiles, folder = chosen.folder / "tiles", chosen.folder / f"index-{chosen.model}"
    if not tiles.exists():
        simulate_archive(Simulation(seed=1234), tiles, count=chosen.count)
    index_tiles(tiles, index=folder, model=chosen.model, weights=chosen.weights, labels=tiles / "tiles.csv")
    with SearchIndex.open(folder, weights=chosen.weights) as index:
        start = time.perf_counter()
        found = evaluate(index, of_classes([(tag, word.phrases[0]) for tag, word in WORDS.items()]), resamples=200)
        seconds = time.perf_counter() - start
        kind = index.info().kind
    worst = max((loss(score, "standard") or 0.0, score.name) for score in found.scores if score.relevant)
    numbers = {
        "model": chosen.model,
        "tiles": found.tiles,
        "queries": sum(score.relevant > 0 for score in found.scores),
        "index": kind,
        "map_standard_exact": round(found.mean("standard"), 5),
        "map_torchmetrics_exact": round(found.mean("torchmetrics"), 5),
        "loss_points_standard": round(100 * (loss(found, "standard") or np.nan), 4),
        "loss_points_torchmetrics": round(100 * (loss(found, "torchmetrics") or np.nan), 4),
        "ann_recall": round(found.mean("ann_recall"), 5),
        "largest_loss_points": [round(100 * worst[0], 3), worst[1]],
        "seconds": round(seconds, 1),
    }
    for key, value in numbers.items():
        print(f"{key:26}{value}")
    print(f"filed in {file_results(f'ranking_loss-{chosen.model}', numbers)}")


if __name__ == "__main__":
    main()
