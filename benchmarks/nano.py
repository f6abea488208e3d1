"""What `s2-nano` can do, and what each part of its recipe is worth.

Real tiles: EuroSAT's, asked for by class as `msclip-search classify` does. A model that has learnt from real tiles is
measured on folds whose one-degree cells it has not seen. Concepts: each tag of the simulator by its plainest phrase,
over fresh simulated tiles. Wording: the average precision of each phrase of `wording.csv` over that of its tag's
plainest phrase. Floods: four ways to ask for one thing.

python -m benchmarks.nano weights/ --data ../shared/data --file      # weights/ as `msclip-search train` leaves it
python -m benchmarks.nano weights/ --data ../shared/data --ablation --file
"""

import argparse
import csv
import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from benchmarks.machine import RESULTS, file_results
from benchmarks.machine import describe as describe_machine
from msclip_search.archives import Reading
from msclip_search.datasets import data_set
from msclip_search.metrics import average_precision
from msclip_search.models import Embeddings, templates
from msclip_search.models.nano.descriptor import FLOOR, NAMES, describe
from msclip_search.models.nano.file import BUNDLED, read_text
from msclip_search.models.nano.image import read_network
from msclip_search.models.nano.network import Network
from msclip_search.models.nano.spec import SPEC
from msclip_search.models.weights import identify
from msclip_search.simulation import Simulation, simulate
from msclip_search.simulation.vocabulary import WORDS
from msclip_search.training.captions import captions
from msclip_search.training.examples import TRUE, Examples
from msclip_search.training.loop import Learner
from msclip_search.training.nano import SIMULATED
from msclip_search.training.plan import Plan
from msclip_search.training.real import CLASSES, RealExamples, read_eurosat
from msclip_search.training.simulated import TAGS, Request, gather
from msclip_search.training.text import Recipe, build
from msclip_search.training.validation import Validation, ranked

FRESH = 424_242
"""Seed of the fresh tiles."""
FRESH_TILES = 5_000
FLOODS = ("flooded farmland", "inundated cropland", "fields under flood water", "paddy under water")
FOLDS = 5
REGRESSED = 300
"""Simulated tiles from which lacking bands are guessed."""
Encode = Callable[[Sequence[str]], Embeddings]
Floats = NDArray[np.floating]


class _Texts:
    """As much of an encoder as templates ask for."""

    def __init__(self, encode: Encode) -> None:
        self.encode_texts = encode


def classes(encode: Encode) -> Floats:
    """Embed EuroSAT's classes through the templates of the published evaluation, (10, dimension)."""
    words = {each.name: each.words for each in data_set("eurosat-ms").classes}
    return templates.encode(_Texts(encode), [words[name] for name in CLASSES], templates="msclip")  # type: ignore[arg-type]


def embed(network: Network, descriptions: Floats) -> Floats:
    """Embed descriptions, (n, dimension)."""
    with torch.inference_mode():
        rows: Floats = network.eval()(torch.from_numpy(np.ascontiguousarray(descriptions))).numpy()
    return rows


def judged(scores: Floats, labels: NDArray[np.int64]) -> dict[str, Any]:
    """Return accuracy, mAP@100 and both of each class, of scores (tiles, classes)."""
    guess = scores.argmax(axis=1)
    right = labels[:, None] == np.arange(len(CLASSES))
    order = np.argsort(-scores, axis=0, kind="stable")
    ranks = np.take_along_axis(right, order, axis=0).T
    precision = average_precision(ranks, right.sum(axis=0), k=100)
    return {
        "accuracy": round(float((guess == labels).mean()), 4),
        "map": round(float(precision.mean()), 4),
        "recall": {
            name: round(float((guess == place)[labels == place].mean()), 3) for place, name in enumerate(CLASSES)
        },
        "ap": {name: round(float(precision[place]), 3) for place, name in enumerate(CLASSES)},
    }


def folds(real: RealExamples, data: Path) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Divide the real tiles so that no one-degree cell is on both sides."""
    rows = csv.DictReader((data / "eurosat_ms" / "index.csv").read_text(encoding="utf-8").splitlines())
    cell = {row["sha256"]: row["geo_cell"] for row in rows}
    divide = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
    return list(divide.split(real.labels, real.labels, [cell[name] for name in real.hashes]))


def learn(
    plan: Plan, simulated: Examples, real: RealExamples | None, encode: Encode, validation: Validation
) -> Network:
    """Learn a network."""
    learner = Learner(plan, simulated=simulated, real=real, captions=captions(encode), validation=validation)
    learner.run()
    return learner.network


def out_of_fold(
    plan: Plan, simulated: Examples, real: RealExamples, *, encode: Encode, validation: Validation, data: Path
) -> dict[str, Any]:
    """Learn once a fold, and judge each real tile by the network that has not seen its cell."""
    scores = np.zeros((len(real), len(CLASSES)))
    for number, (learnt, held) in enumerate(folds(real, data)):
        network = learn(replace(plan, seed=plan.seed + number), simulated, real.chosen(learnt), encode, validation)
        scores[held] = embed(network, real.descriptions[held, 0]) @ classes(encode).T
    return judged(scores, real.labels)


def concepts(network: Network, encode: Encode, fresh: Examples) -> dict[str, Any]:
    """Ask for each tag, in its own words and in unseen ones."""
    held = list(csv.DictReader(Path(__file__).with_name("wording.csv").read_text(encoding="utf-8").splitlines()))
    rows = embed(network, fresh.descriptions)
    right = fresh.tags >= TRUE
    own = ranked(rows @ encode([word.phrases[0] for word in WORDS.values()]).T, right)
    places = [TAGS.index(row["tag"]) for row in held]
    unseen = ranked(rows @ encode([row["phrase"] for row in held]).T, right[:, places])
    ratio = unseen / own[places]
    flood = TAGS.index("flooded fields")
    asked = ranked(rows @ encode(FLOODS).T, right[:, [flood] * len(FLOODS)])
    known = ~np.isnan(own)
    return {
        "tiles": len(fresh),
        "tags": int(known.sum()),
        "map": round(float(np.nanmean(own)), 4),
        "wording": {"phrases": int((~np.isnan(ratio)).sum()), "median": round(float(np.nanmedian(ratio)), 4)},
        "floods": dict(zip(FLOODS, (round(float(value), 3) for value in asked), strict=True)),
        "ap": {tag: round(float(value), 3) for tag, value in zip(TAGS, own, strict=True) if not np.isnan(value)},
    }


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
    from msclip_search.models.nano.text import StaticText

    made = build(vectors, recipe)
    return StaticText(made.tokenizer, made.vectors, made.scales, made.shift).encode


if __name__ == "__main__":
    main()
