"""What of `s2-nano` is measured: real tiles out of fold, concepts and wordings over simulated ones."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from msclip_search.datasets import data_set
from msclip_search.metrics import RESAMPLES, Definition, average_precision, map_interval, share_interval
from msclip_search.models import Embeddings, templates
from msclip_search.models.nano.network import Network
from msclip_search.simulation.vocabulary import WORDS
from msclip_search.training.captions import captions
from msclip_search.training.examples import TRUE, Examples
from msclip_search.training.loop import Learner
from msclip_search.training.plan import Plan
from msclip_search.training.real import CLASSES, RealExamples
from msclip_search.training.simulated import TAGS
from msclip_search.training.validation import Validation, embedded, ranked

FLOODS = ("flooded farmland", "inundated cropland", "fields under flood water", "paddy under water")
FOLDS = 5
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


def judged(scores: Floats, labels: NDArray[np.int64], *, resamples: int = RESAMPLES) -> dict[str, Any]:
    """Return accuracy and mAP@100 in both definitions with 95 % intervals, and both of each class.

    Of scores (tiles, classes), by a bootstrap over tiles as `bench` does it.
    """
    guess = scores.argmax(axis=1)
    right = labels[:, None] == np.arange(len(CLASSES))
    order = np.argsort(-scores, axis=0, kind="stable").T
    ranks, total = np.take_along_axis(right.T, order, axis=1), right.sum(axis=0)
    sorted_scores = np.take_along_axis(scores.T, order, axis=1)
    random = np.random.default_rng(0)
    correct = np.array([(guess == labels).sum()])
    found = {"accuracy": share_interval(correct, len(labels) - correct, random=random)}
    definitions: dict[str, Definition] = {"map": "standard", "map torchmetrics": "torchmetrics"}
    for name, definition in definitions.items():
        found[name] = map_interval(
            order, ranks, sorted_scores, total, k=100, definition=definition, random=random, resamples=resamples
        )
    precision = average_precision(ranks, total, k=100)
    return {
        **{name: round(each.value, 4) for name, each in found.items()},
        "intervals": {name: [round(each.low, 4), round(each.high, 4)] for name, each in found.items()},
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
    plan: Plan,
    simulated: Sequence[Examples],
    encode: Encode,
    validation: Validation,
    *,
    real: RealExamples | None = None,
    start: Network | None = None,
) -> Network:
    """Learn a network."""
    learner = Learner(
        plan, simulated=simulated, real=real, captions=captions(encode), validation=validation, start=start
    )
    learner.run()
    return learner.network


def out_of_fold(
    plan: Plan,
    simulated: Sequence[Examples],
    real: RealExamples,
    *,
    start: Network,
    encode: Encode,
    validation: Validation,
    data: Path,
    resamples: int = RESAMPLES,
) -> dict[str, Any]:
    """Go on with a network once a fold, and judge each real tile by the one that has not seen its cell.

    `start` has learnt from simulated tiles alone.
    """
    scores = np.zeros((len(real), len(CLASSES)))
    for number, (learnt, held) in enumerate(folds(real, data)):
        asked = replace(plan, seed=plan.seed + number)
        network = learn(asked, simulated, encode, validation, real=real.chosen(learnt), start=start)
        scores[held] = embedded(real.chosen(held), network) @ classes(encode).T
    return judged(scores, real.labels, resamples=resamples)


def concepts(network: Network, encode: Encode, fresh: Examples) -> dict[str, Any]:
    """Ask for each tag, in its own words and in unseen ones."""
    held = list(csv.DictReader(Path(__file__).with_name("wording.csv").read_text(encoding="utf-8").splitlines()))
    rows = embedded(fresh, network)
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
