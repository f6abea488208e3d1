"""Tell simulated tiles from real ones, and try on real ones what is learnt from simulated ones.

Told apart: classifiers separate real tiles from simulated ones of the same kind by levels, contrasts and correlations
(`texture`); 0.5 is a guess, 1 is no doubt. "feature" is the mean over single features, each by itself, which still
moves where classifiers are at their end. Real places are never both learnt from and tested on. Transfer: a classifier
of EuroSAT's ten classes learns from simulated tiles alone and is tested on the real ones. The sky is clear, the climate
Europe's and the trees in leaf, as nearly everywhere in EuroSAT; bands of 20 m are resampled as they are there.

python -m benchmarks.realism --sheet sheet.png
python -m benchmarks.realism --file "what was done"
"""

import argparse
import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from sklearn.base import ClassifierMixin
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import confusion_matrix, roc_auc_score
from sklearn.model_selection import StratifiedGroupKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.machine import RESULTS, file_results
from benchmarks.texture import Features, features
from msclip_search.bands import LAYOUTS
from msclip_search.pictures import false_colour, true_colour
from msclip_search.simulation import Simulation, simulate

CLASSES = {
    "AnnualCrop": ("cropland in strips", "cropland in large fields", "smallholder fields"),
    "Forest": ("conifer forest", "broadleaf forest", "mixed forest"),
    "HerbaceousVegetation": ("grassland", "shrubland", "heathland"),
    "Highway": ("highway", "highway junction"),
    "Industrial": ("industrial area",),
    "Pasture": ("pasture",),
    "PermanentCrop": ("orchard", "vineyard", "olive grove"),
    "Residential": ("residential area", "city centre", "village"),
    "River": ("river",),
    "SeaLake": ("open sea", "lake"),
}
"""Scenes that correspond to each class of EuroSAT."""
SEASONS = {"spring", "summer"}
CLIMATES = {"temperate", "continental", "mediterranean", "boreal"}
LEAFLESS = {"leafless forest", "autumn forest", "snow"}
SHORE = 0.9
"""Share of water that a tile of class SeaLake has."""
OFFSET = {"282D", "433D", "609U"}
"""Places of TerraMesh whose L1C is stored with an offset of 1000; of L2A, 433D alone."""
WINDOW = 64

Tile = NDArray[np.uint16]


def eurosat(folder: Path) -> tuple[list[Tile], list[str], list[str]]:
    """Read tiles, their classes and their places; bands in the order of the instrument."""
    rows = list(csv.DictReader((folder / "index.csv").read_text(encoding="utf-8").splitlines()))
    order = [LAYOUTS["eurosat"].index(band) for band in LAYOUTS["l1c"]]
    tiles = []
    for row in rows:
        with rasterio.open(folder / row["file"]) as source:
            tiles.append(source.read()[order])
    return tiles, [row["label"] for row in rows], [row["geo_cell"] for row in rows]


def terramesh(folder: Path, level: str) -> tuple[list[Tile], list[str]]:
    """Cut windows from the tiles of one level; returns them and their places."""
    tiles, places = [], []
    for path in sorted((folder / f"S2{level}").glob("*.tif")):
        place = path.name.split("_")[0]
        shifted = place in OFFSET if level == "L1C" else place == "433D"
        with rasterio.open(path) as source:
            whole = np.maximum(source.read().astype(np.int32) - 1000 * shifted, 0).astype(np.uint16)
        for top in range(0, whole.shape[1] - WINDOW + 1, WINDOW):
            for left in range(0, whole.shape[2] - WINDOW + 1, WINDOW):
                tiles.append(whole[:, top : top + WINDOW, left : left + WINDOW])
                places.append(place)
    return tiles, places


def alike(label: str, count: int) -> Iterator[Tile]:
    """Simulate tiles that a class of EuroSAT might hold."""
    asked = Simulation(seed=1, size=WINDOW, level="L1C", scenes=CLASSES[label], cloudy=0, resampling="spline")
    number = -1
    while count:
        number += 1
        (tile,) = simulate(asked, number)
        fits = tile.place.climate in CLIMATES and tile.season in SEASONS and not LEAFLESS & tile.masks.keys()
        if fits and label == "SeaLake":
            fits = float((tile.classes == 6).mean()) > SHORE
        if fits:
            count -= 1
            yield tile.pixels


def separation(real: NDArray[np.float64], made: NDArray[np.float64], places: Sequence[str]) -> dict[str, float]:
    """Return the area under the curve of two classifiers that tell made from real, each place left out in turn."""
    values = np.concatenate([real, made])
    truth = np.repeat([0, 1], [len(real), len(made)])
    groups = [*places, *(f"made {number}" for number in range(len(made)))]
    folds = StratifiedGroupKFold(5, shuffle=True, random_state=0)
    found = {}
    for name, judge in _judges().items():
        guess = cross_val_predict(judge, values, truth, groups=groups, cv=folds, method="predict_proba")[:, 1]
        found[name] = round(float(roc_auc_score(truth, guess)), 3)
    return found


def _judges() -> dict[str, ClassifierMixin]:
    return {
        "linear": make_pipeline(StandardScaler(), LogisticRegression(C=0.003, class_weight="balanced", max_iter=3000)),
        "trees": ExtraTreesClassifier(300, min_samples_leaf=3, class_weight="balanced", random_state=0),
    }


def by_itself(real: Features, made: Features) -> NDArray[np.float64]:
    """Return the area under the curve of each feature alone."""
    truth = np.repeat([0, 1], [len(real.values), len(made.values)])
    return np.array([roc_auc_score(truth, column) for column in np.concatenate([real.values, made.values]).T])


def giveaways(real: Features, made: Features, count: int = 5) -> list[str]:
    """Name the features that tell most by themselves: area under the curve, real and made median."""
    areas = by_itself(real, made)
    return [
        f"{real.names[place]}: {areas[place]:.2f}, "
        f"real {np.median(real.values[:, place]):.3g}, made {np.median(made.values[:, place]):.3g}"
        for place in np.argsort(-abs(areas - 0.5))[:count]
    ]


def transfer(made: dict[str, Features], real: Features, labels: Sequence[str]) -> dict[str, Any]:
    """Learn the classes from simulated tiles alone and test on real ones."""
    values = np.concatenate([each.values for each in made.values()])
    truth = np.repeat([*made], [len(each.values) for each in made.values()])
    found: dict[str, Any] = {}
    for name, judge in _judges().items():
        guess = judge.fit(values, truth).predict(real.values)
        found[name] = round(float((guess == np.array(labels)).mean()), 3)
        if name == "linear":
            table = confusion_matrix(labels, guess, labels=[*made])
            found["wrong"] = {
                label: {other: int(n) for other, n in zip(made, row, strict=True) if n and other != label}
                for label, row in zip(made, table, strict=True)
            }
    return found


def anywhere(folder: Path, level: str, count: int) -> dict[str, Any]:
    """Compare windows of TerraMesh with the whole mix of scenes."""
    tiles, places = terramesh(folder, level)
    asked = Simulation(seed=2, size=WINDOW, level=level, resampling="nearest")
    made = [simulate(asked, number)[0].pixels for number in range(count)]
    bands = LAYOUTS[level.lower()]
    real, simulated = features(tiles, bands), features(made, bands)
    return {
        "auc": separation(real.values, simulated.values, places),
        "giveaways": giveaways(real, simulated),
    }


def sheet(path: Path, real: Sequence[Tile], labels: Sequence[str], made: dict[str, list[Tile]], columns: int) -> None:
    """Draw a row a class: real tiles in true and false colour on the left, simulated ones on the right."""
    side, gap = 2 * WINDOW, 4
    step = side + gap
    image = Image.new("RGB", (2 * columns * step + 3 * gap, len(made) * (2 * step + 14)), "white")
    draw = ImageDraw.Draw(image)
    for row, (label, tiles) in enumerate(made.items()):
        top = row * (2 * step + 14)
        draw.text((gap, top), f"{label}: real | simulated", fill="black")
        shown = [tile for tile, other in zip(real, labels, strict=True) if other == label][:columns]
        for half, chosen in enumerate((shown, tiles[:columns])):
            for column, tile in enumerate(chosen):
                for line, render in enumerate((true_colour, false_colour)):
                    picture = Image.fromarray(render(tile, LAYOUTS["l1c"])).resize(
                        (side, side), Image.Resampling.NEAREST
                    )
                    image.paste(picture, (half * (columns * step + 3 * gap) + column * step, top + 14 + line * step))
    image.save(path)


def main() -> None:
    """Measure, print, draw and file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the real tiles")
    parser.add_argument("--count", type=int, default=150, help="simulated tiles a class")
    parser.add_argument("--sheet", type=Path, help="draw real and simulated tiles side by side: a PNG")
    parser.add_argument("--columns", type=int, default=6, help="tiles a class and side on the sheet")
    parser.add_argument("--classes", nargs="+", choices=[*CLASSES], default=[*CLASSES])
    parser.add_argument("--json", type=Path, help="write the numbers of this run there")
    parser.add_argument("--file", metavar="STEP", help="append the numbers to benchmarks/results/realism.json")
    chosen = parser.parse_args()
    tiles, labels, places = eurosat(chosen.data / "eurosat_ms")
    made = {label: list(alike(label, chosen.count)) for label in chosen.classes}
    if chosen.sheet:
        sheet(chosen.sheet, tiles, labels, made, chosen.columns)
    real = features(tiles, LAYOUTS["l1c"])
    simulated = {label: features(each, LAYOUTS["l1c"]) for label, each in made.items()}
    auc: dict[str, dict[str, float]] = {}
    told: dict[str, list[str]] = {}
    for label, each in simulated.items():
        own = np.array([other == label for other in labels])
        cells = [place for place, other in zip(places, labels, strict=True) if other == label]
        auc[label] = separation(real.values[own], each.values, cells)
        chosen_real = Features(real.names, real.values[own])
        told[label] = giveaways(chosen_real, each)
        auc[label]["feature"] = round(float(np.mean(abs(by_itself(chosen_real, each) - 0.5) + 0.5)), 3)
        print(f"{label:22}{auc[label]}  " + "; ".join(told[label]), flush=True)
    numbers: dict[str, Any] = {"auc": auc, "giveaways": told}
    if len(simulated) == len(CLASSES):
        numbers["mean_auc"] = {
            name: round(float(np.mean([each[name] for each in auc.values()])), 3)
            for name in ("linear", "trees", "feature")
        }
        numbers["transfer"] = transfer(simulated, real, labels)
        for level in ("L1C", "L2A"):
            numbers[f"terramesh_{level}"] = anywhere(chosen.data / "terramesh_examples", level, 3 * chosen.count)
        for name in ("mean_auc", "transfer", "terramesh_L1C", "terramesh_L2A"):
            print(f"{name:22}{numbers[name]}")
    if chosen.json:
        chosen.json.write_text(json.dumps(numbers, indent=1) + "\n", encoding="utf-8")
    if chosen.file:
        filed = RESULTS / "realism.json"
        steps = json.loads(filed.read_text(encoding="utf-8"))["steps"] if filed.exists() else []
        file_results("realism", {"tiles": chosen.count, "steps": [*steps, {"step": chosen.file, **numbers}]})


if __name__ == "__main__":
    main()
