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

from benchmarks.judging import Encode, classes, concepts, embed, judged, learn, out_of_fold
from benchmarks.machine import RESULTS, file_results
from benchmarks.machine import describe as describe_machine
from msclip_search.archives import Reading
from msclip_search.datasets import data_set
from msclip_search.models.nano.descriptor import FLOOR, NAMES, describe
from msclip_search.models.nano.file import BUNDLED, read_text
from msclip_search.models.nano.image import read_network
from msclip_search.models.nano.network import Network
from msclip_search.models.nano.spec import SPEC
from msclip_search.models.nano.text import StaticText
from msclip_search.models.weights import identify
from msclip_search.simulation import Simulation, simulate
from msclip_search.training.examples import Examples
from msclip_search.training.nano import SIMULATED
from msclip_search.training.plan import Plan
from msclip_search.training.real import CLASSES, RealExamples, read_eurosat
from msclip_search.training.simulated import Request, gather
from msclip_search.training.text import Recipe, build
from msclip_search.training.validation import Validation

FRESH = 424_242
"""Seed of the fresh tiles."""
FRESH_TILES = 5_000
REGRESSED = 300
"""Simulated tiles from which lacking bands are guessed."""


def without(examples: Any, wanted: Callable[[str], bool]) -> Any:  # noqa: ANN401 - either kind of examples
    """Make numbers of the description the same for all, so that they say nothing."""
    hidden = np.array([not wanted(name) for name in NAMES])
    shown = examples.descriptions.copy()
    shown[..., hidden] = 0.0
    return replace(examples, descriptions=shown)


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
        described = describe(torch.from_numpy(reflectance.astype(np.float32))[None]).numpy()
        scores.append(embed(network, described)[0] @ asked.T)
        labels.append([*CLASSES].index(opened.labels.of(item.source)[0]))
    return judged(np.array(scores), np.array(labels))


def main() -> None:
    """Measure, print and file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder that `msclip-search train` wrote, simulated tiles included")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"), help="folder of the real tiles")
    parser.add_argument("--only-simulated", type=Path, help="weights that learnt from simulated tiles alone")
    parser.add_argument("--weights", type=Path, default=BUNDLED, help="weights that learnt from real tiles as well")
    parser.add_argument("--members", type=int, default=1, help="of the networks that are learnt for the folds")
    parser.add_argument("--steps", type=int, default=3_000, help="of each")
    parser.add_argument("--ablation", action="store_true", help="leave out parts of the recipe")
    parser.add_argument("--file", action="store_true", help="write benchmarks/results/nano.json")
    chosen = parser.parse_args()
    torch.manual_seed(0)
    plan = replace(Plan(), members=chosen.members, steps=chosen.steps, every=chosen.steps)
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
    both = Examples.joined([small, large])
    real = read_eurosat(chosen.data / "eurosat_ms")
    encode = read_text(chosen.weights).encode
    validation = Validation.of(held, encode)
    results: dict[str, Any] = {}
    if chosen.ablation:
        results["ablation"] = {"plan": asdict(plan)} | ablation(
            plan, small, both, real, validation=validation, fresh=fresh, data=chosen.data
        )
    else:
        network = read_network(chosen.weights)
        results["bundled"] = {
            "weights": identify(chosen.weights).sha256,
            "64 px": concepts(network, encode, fresh),
            "224 px": concepts(network, encode, fresh_large),
        }
        results["out of fold"] = {"plan": asdict(plan)} | out_of_fold(
            plan, both, real, encode=encode, validation=validation, data=chosen.data
        )
        if chosen.only_simulated:
            network, encode = read_network(chosen.only_simulated), read_text(chosen.only_simulated).encode
            results["simulated only"] = {
                "real": judged(embed(network, real.descriptions[:, 0]) @ classes(encode).T, real.labels),
                "four bands": four_bands(network, encode, chosen.data),
                "64 px": concepts(network, encode, fresh),
                "224 px": concepts(network, encode, fresh_large),
            }
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
    both: Examples,
    real: RealExamples,
    *,
    validation: Validation,
    fresh: Examples,
    data: Path,
) -> dict[str, Any]:
    """Leave out one part at a time."""
    encode = read_text(BUNDLED).encode
    vectors = data / "minilm_token_vectors"
    plain = read_of(vectors, Recipe(lexicon=False))
    some = np.random.default_rng(0).permutation(len(both))[: len(both) // 4]
    quarter = Examples(both.descriptions[some], both.tags[some], both.sources[some])

    def levels(name: str) -> bool:
        return "steepness" not in name and "curvature" not in name

    def coarse(name: str) -> bool:
        return levels(name) or not name.endswith((" 1", " 2"))

    variants: dict[str, tuple[Examples, RealExamples, Encode, Callable[[str], bool] | None]] = {
        "the recipe": (both, real, encode, None),
        "text: without the lexicon": (both, real, plain, None),
        "features: levels alone": (both, real, encode, levels),
        "features: without the two finest scales": (both, real, encode, coarse),
        "simulation: a quarter of the tiles": (quarter, real, encode, None),
        "sizes: 64 px alone": (small, real, encode, None),
    }
    table: dict[str, Any] = {}
    for name, (simulated, tiles, text, wanted) in variants.items():
        table[name] = _row(plan, *_shown(wanted, simulated, tiles, fresh, validation.tiles), encode=text, data=data)
        print(name, table[name], flush=True)
    return table


def _shown(wanted: Callable[[str], bool] | None, *examples: Any) -> list[Any]:  # noqa: ANN401 - either kind of examples
    """Hide numbers of the description."""
    return [without(each, wanted) if wanted else each for each in examples]


def _row(
    plan: Plan, simulated: Examples, real: RealExamples, fresh: Examples, held: Examples, *, encode: Encode, data: Path
) -> dict[str, Any]:
    """Learn without and with real tiles, and judge both."""
    validation = Validation.of(held, encode)
    alone = learn(plan, simulated, None, encode, validation)
    apart = judged(embed(alone, real.descriptions[:, 0]) @ classes(encode).T, real.labels)
    asked = concepts(alone, encode, fresh)
    learnt = out_of_fold(plan, simulated, real, encode=encode, validation=validation, data=data)
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
