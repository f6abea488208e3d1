"""What `s2-nano` can do, and what each part of its recipe is worth.

Real tiles: EuroSAT's, asked for by class as `msclip-search classify` does. A model that has learnt from real tiles is
measured on folds whose one-degree cells it has not seen. Concepts: each tag of the simulator by its plainest phrase,
over fresh simulated tiles. Wording: the average precision of each phrase of `wording.csv` over that of its tag's
plainest phrase. Floods: four ways to ask for one thing.

python -m benchmarks.nano weights/ --data ../shared/data --file      # weights/ as `msclip-search train` leaves it
python -m benchmarks.nano weights/ --data ../shared/data --ablation --file
"""

import argparse
import json
import threading
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.judging import Encode, classes, concepts, judged, learn, out_of_fold
from benchmarks.machine import RESULTS, file_results
from benchmarks.machine import describe as describe_machine
from msclip_search.archives import Reading
from msclip_search.datasets import data_set
from msclip_search.models.nano.descriptor import NAMES, describe
from msclip_search.models.nano.file import BUNDLED, read_text
from msclip_search.models.nano.image import read_network
from msclip_search.models.nano.network import Network
from msclip_search.models.nano.planes import FLOOR
from msclip_search.models.nano.spec import SPEC
from msclip_search.models.nano.text import StaticText
from msclip_search.models.weights import identify
from msclip_search.simulation import Simulation, simulate
from msclip_search.training.examples import Examples
from msclip_search.training.nano import BEFORE, SIMULATED
from msclip_search.training.plan import Plan
from msclip_search.training.real import CLASSES, RealExamples, read_eurosat
from msclip_search.training.simulated import Request, gather
from msclip_search.training.text import Recipe, build
from msclip_search.training.validation import Validation, embedded

FRESH = 424_242
"""Seed of the fresh tiles."""
FRESH_TILES = 5_000
REGRESSED = 300
"""Simulated tiles from which lacking bands are guessed."""


def without(examples: Any, wanted: Callable[[str], bool], *, cells: bool = True) -> Any:  # noqa: ANN401 - either kind of examples
    """Make numbers of the description the same for all, so that they say nothing."""
    hidden = np.array([not wanted(name) for name in NAMES])
    shown = examples.whole.copy()
    shown[:, hidden] = 0.0
    return replace(examples, whole=shown, cells=examples.cells if cells else np.zeros_like(examples.cells))


def four_bands(network: Network, encode: Encode, data: Path) -> dict[str, Any]:
    """Judge real tiles whose red edge and shortwave infrared are guessed from blue, green, red and near infrared.

    Guessed by a linear regression of the logarithms, pixel by pixel, from simulated tiles.
    """
    given = [SPEC.bands.index(band) for band in ("B02", "B03", "B04", "B08")]
    lacking = [place for place in range(len(SPEC.bands)) if place not in given]
    pixels = []
    for number in range(REGRESSED):
        (made,) = simulate(Simulation(seed=FRESH + 1, level="L1C"), number)
        rows = made.pixels[[made.bands.index(band) for band in SPEC.bands], ::4, ::4]
        pixels.append(np.log(rows.reshape(len(rows), -1).T / 10_000 + FLOOR))
    known = np.concatenate(pixels)
    weights = np.linalg.lstsq(np.c_[known[:, given], np.ones(len(known))], known[:, lacking], rcond=None)[0]
    opened = data_set("eurosat-ms").open(data / "eurosat_ms", reading=Reading(want=SPEC.bands))
    scores, labels, asked = [], [], classes(encode)
    for item in opened.archive.items():
        (tile,) = item.read()
        reflectance = tile.pixels.astype(np.float64) / 10_000
        logs = np.log(reflectance[given] + FLOOR)
        guess = np.tensordot(weights[:-1].T, logs, axes=1) + weights[-1][:, None, None]
        reflectance[lacking] = np.exp(guess) - FLOOR
        with torch.inference_mode():
            row = network(describe(torch.from_numpy(reflectance.astype(np.float32))[None])).numpy()[0]
        scores.append(row @ asked.T)
        labels.append([*CLASSES].index(opened.labels.of(item.source)[0]))
    return judged(np.array(scores), np.array(labels))


def main() -> None:
    """Measure, print and file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder that `msclip-search train` wrote, simulated tiles included")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the real tiles")
    parser.add_argument("--weights", type=Path, default=BUNDLED, help="weights that learnt from real tiles as well")
    parser.add_argument("--ablation", action="store_true", help="leave out parts of the recipe")
    parser.add_argument("--steps", type=int, default=600, help="of each network of the ablation")
    parser.add_argument("--real-steps", type=int, default=100, help="of it among real tiles")
    parser.add_argument("--file", action="store_true", help="write benchmarks/results/nano.json")
    chosen = parser.parse_args()
    torch.manual_seed(0)
    plan = Plan()
    first = 1_000_000
    requests = [
        Request(first, 64, plan.validation, varied=False),
        Request(first + 1, 64, plan.small, varied=True),
        Request(first + 2, 224, plan.large, varied=True),
        Request(FRESH, 64, FRESH_TILES, varied=False),
        Request(FRESH, 224, FRESH_TILES, varied=False),
    ]
    found = gather(requests, chosen.folder / SIMULATED, stop=threading.Event())
    if found is None:
        return
    held, small, large, fresh, fresh_large = found
    real = read_eurosat(chosen.data / "eurosat_ms")
    encode = read_text(chosen.weights).encode
    validation = Validation.of(held, encode)
    results: dict[str, Any] = {}
    if chosen.ablation:
        plan = replace(plan, steps=chosen.steps, real_steps=chosen.real_steps, every=chosen.steps)
        results["ablation"] = {"plan": asdict(plan)} | ablation(
            plan, small, large, real, validation=validation, fresh=fresh, data=chosen.data
        )
    else:
        network, alone = read_network(chosen.weights), read_network(chosen.folder / BEFORE)
        results["bundled"] = {
            "weights": identify(chosen.weights).sha256,
            "64 px": concepts(network, encode, fresh),
            "224 px": concepts(network, encode, fresh_large),
        }
        results["simulated only"] = {
            "real": judged(embedded(real, alone) @ classes(encode).T, real.labels),
            "four bands": four_bands(alone, encode, chosen.data),
            "64 px": concepts(alone, encode, fresh),
            "224 px": concepts(alone, encode, fresh_large),
        }
        results["out of fold"] = {"plan": asdict(plan)} | out_of_fold(
            plan, [small, large], real, start=alone, encode=encode, validation=validation, data=chosen.data
        )
    print(json.dumps(results, indent=1))
    if chosen.file:
        filed = RESULTS / "nano.json"
        before = json.loads(filed.read_text(encoding="utf-8")) if filed.exists() else {}
        # Parts may come from several runs; each carries the machine that it is from.
        parts = {name: {"machine": describe_machine()} | part for name, part in results.items()}
        file_results("nano", {name: value for name, value in (before | parts).items() if name != "machine"})


def ablation(
    plan: Plan,
    small: Examples,
    large: Examples,
    real: RealExamples,
    *,
    validation: Validation,
    fresh: Examples,
    data: Path,
) -> dict[str, Any]:
    """Leave out one part at a time."""
    encode = read_text(BUNDLED).encode
    plain = read_of(data / "minilm_token_vectors", Recipe(lexicon=False))
    both = [small, large]
    quarter = [_some(each, len(each) // 4) for each in both]
    quiet = replace(plan, group_noise=0.0, left_out=0.0)

    def everything(_name: str) -> bool:
        return True

    def levels(name: str) -> bool:
        return "steepness" not in name and "curvature" not in name

    def nothing(_name: str) -> bool:
        return False

    variants: dict[str, tuple[Plan, list[Examples], Encode, Callable[[str], bool], bool]] = {
        "the recipe": (plan, both, encode, everything, True),
        "text: without the lexicon": (plan, both, plain, everything, True),
        "features: without cells": (plan, both, encode, everything, False),
        "features: cells alone": (plan, both, encode, nothing, True),
        "features: levels alone": (plan, both, encode, levels, False),
        "augmentation: each number by itself": (quiet, both, encode, everything, True),
        "simulation: a quarter of the tiles": (plan, quarter, encode, everything, True),
        "sizes: 64 px alone": (plan, [small], encode, everything, True),
    }
    table: dict[str, Any] = {}
    for name, (asked, simulated, text, wanted, cells) in variants.items():
        shown = [without(each, wanted, cells=cells) for each in (*simulated, real, fresh, validation.tiles)]
        table[name] = _row(asked, shown[:-3], *shown[-3:], encode=text, data=data)
        print(name, table[name], flush=True)
    return table


def _some(examples: Examples, number: int) -> Examples:
    """Draw some tiles."""
    chosen = np.random.default_rng(0).permutation(len(examples))[:number]
    return Examples(examples.whole[chosen], examples.cells[chosen], examples.tags[chosen], examples.sources[chosen])


def _row(
    plan: Plan,
    simulated: list[Examples],
    real: RealExamples,
    fresh: Examples,
    held: Examples,
    *,
    encode: Encode,
    data: Path,
) -> dict[str, Any]:
    """Learn without and with real tiles, and judge both."""
    validation = Validation.of(held, encode)
    alone = learn(plan, simulated, encode, validation)
    apart = judged(embedded(real, alone) @ classes(encode).T, real.labels, resamples=1)
    asked = concepts(alone, encode, fresh)
    learnt = out_of_fold(
        plan, simulated, real, start=alone, encode=encode, validation=validation, data=data, resamples=1
    )
    return {
        "simulated only": {key: apart[key] for key in ("accuracy", "map")},
        "with real tiles": {key: learnt[key] for key in ("accuracy", "map")},
        "concepts": asked["map"],
        "wording": asked["wording"]["median"],
    }


def read_of(vectors: Path, recipe: Recipe) -> Encode:
    """Make a text tower of another recipe."""
    made = build(vectors, recipe)
    return StaticText(made.tokenizer, made.vectors, made.scales, made.shift).encode


if __name__ == "__main__":
    main()
