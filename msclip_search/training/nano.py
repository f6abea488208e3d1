"""The recipe of `s2-nano`, start to end: text tower, tiles, learning, weights.

::

    weights/
      s2-nano.safetensors     both towers: `--weights weights/s2-nano.safetensors` uses them
      s2-nano-simulated.safetensors   the same before any real tile was learnt from; only where some were
      curve.json              plan, loss and validation by step, precision of each tag, versions
      real.csv                the real tiles that were learnt from: file and sha256
      simulated/              descriptions of the simulated tiles; may be removed
      checkpoint.pt           where an interrupted run goes on
"""

import csv
import importlib.metadata
import io
import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from msclip_search.disk import disk_errors
from msclip_search.errors import TrainingError
from msclip_search.models.nano.file import BUNDLED, pack, read_tower
from msclip_search.models.nano.spec import SPEC
from msclip_search.models.nano.text import StaticText
from msclip_search.training.captions import captions
from msclip_search.training.plan import SIZES, Plan
from msclip_search.training.real import RealExamples, read_eurosat
from msclip_search.training.simulated import TAGS, Request, gather
from msclip_search.training.text import build
from msclip_search.training.validation import Validation, mean

if TYPE_CHECKING:
    from msclip_search.models.nano.network import Network
    from msclip_search.training.loop import Point

WEIGHTS, BEFORE, CURVE, REAL, SIMULATED, CHECKPOINT = (
    "s2-nano.safetensors",
    "s2-nano-simulated.safetensors",
    "curve.json",
    "real.csv",
    "simulated",
    "checkpoint.pt",
)
_SEEDS = 1_000_000
"""From which on seeds are the trainings': nobody who simulates tiles to test on takes one by chance."""
_APART = 10
"""Seeds that a training may use."""

Told = Callable[[str, int, int, "Point | None"], None]
"""Told the stage, how far it is, how far it goes, and the last point of the curve."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trained:
    """What a training made."""

    weights: Path
    validation: float
    """Mean average precision of the tags over simulated tiles."""
    interrupted: bool
    """Whether it was stopped; the same call goes on."""


def train_nano(
    out: str | os.PathLike[str],
    *,
    plan: Plan | None = None,
    real: str | os.PathLike[str] | None = None,
    token_vectors: str | os.PathLike[str] | None = None,
    stop: threading.Event | None = None,
    told: Told | None = None,
    processes: int | None = None,
) -> Trained:
    """Train `s2-nano`.

    Parameters
    ----------
    out
        Folder for the weights and what belongs to them. One that holds an interrupted training of the same plan is
        gone on with.
    plan
        The choices; None takes those of the bundled weights.
    real
        Folder of EuroSAT tiles with thirteen bands; None learns from simulated tiles alone.
    token_vectors
        Folder with `tokenizer.json` and `token_vectors.npy`, which the text tower is made from; None takes the text
        tower of the bundled weights, which was made so.
    stop
        When set, the run ends after the step that it is at, and keeps what it can go on with.
    told
        Told how far it is.
    processes
        How many simulate; None is one a core. A script that asks for more than one needs the usual
        `if __name__ == "__main__":`.

    Returns
    -------
    Trained

    Raises
    ------
    TrainingError
        The loss is no number any more, the checkpoint is of another training, or a real tile cannot be read.
    ArchiveError
        The real tiles are not there.
    StorageError
        The disk is full, or refuses permission.

    Examples
    --------
    >>> train_nano("weights", real="eurosat_ms")  # doctest: +SKIP
    """
    plan = plan or Plan()
    folder = Path(out)
    with disk_errors("making", folder):
        folder.mkdir(parents=True, exist_ok=True)
    tell = told or (lambda *_: None)
    path = folder / WEIGHTS
    tower = _tower(token_vectors)
    text = StaticText(tower["tokenizer"].tobytes(), tower["vectors"], tower["scales"], tower["shift"])  # type: ignore[arg-type]
    if real is not None and not (plan.real_steps and plan.real_batch):
        raise TrainingError("The plan learns nothing from real tiles: it has no steps or no place in a batch for them.")
    labelled = _real(real, tell)
    if (folder / CHECKPOINT).exists():  # refused now, and not when all tiles are simulated
        from msclip_search.training.checkpoint import read_checkpoint

        read_checkpoint(folder / CHECKPOINT, plan)
    first = _SEEDS + _APART * plan.seed
    requests = [
        Request(first, SIZES[0], plan.validation, varied=False),
        *(
            Request(first + 1 + place, size, count, varied=True)
            for place, (size, count) in enumerate(zip(SIZES, (plan.small, plan.large), strict=True))
            if count
        ),
    ]
    found = gather(
        requests,
        folder / SIMULATED,
        stop=stop,
        told=lambda done, total: tell("Simulating", done, total, None),
        processes=processes,
    )
    if found is None:
        return Trained(weights=path, validation=float("nan"), interrupted=True)
    # Here, because it takes seconds.
    from msclip_search.training.loop import STAGES, Learner

    validation = Validation.of(found[0], text.encode)
    learner = Learner(
        plan,
        simulated=found[1:],
        real=labelled,
        captions=captions(text.encode),
        validation=validation,
        checkpoint=folder / CHECKPOINT,
    )
    measured: list[NDArray[np.float64]] = []

    def ended(stage: str, network: "Network") -> None:
        """Write the weights: a run that is gone on with writes those of a stage that had just ended again."""
        measured.append(validation.precisions(network))
        of_real = stage == STAGES[1]
        about = {
            "plan": json.dumps(asdict(plan)),
            "trained_on": json.dumps(sorted(labelled.hashes) if labelled and of_real else []),
            "validation": f"{mean(measured[-1]):.4f}",
        }
        image = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
        _put(path if of_real or labelled is None else folder / BEFORE, pack(tower, image, about=about))

    if not learner.run(stop=stop, told=lambda done, total, point: tell("Learning", done, total, point), ended=ended):
        return Trained(weights=path, validation=float("nan"), interrupted=True)
    precisions = measured[-1]
    _put(folder / CURVE, _curve(plan, learner.curve, dict(zip(TAGS, precisions.tolist(), strict=True))))
    if labelled:
        _put(folder / REAL, _table(labelled))
    else:
        for name in (REAL, BEFORE):  # of an earlier training
            (folder / name).unlink(missing_ok=True)
    return Trained(weights=path, validation=mean(precisions), interrupted=False)


def _tower(folder: str | os.PathLike[str] | None) -> Mapping[str, NDArray[np.generic]]:
    """Make the text tower's arrays, or read those of the bundled weights."""
    if folder is None:
        return read_tower(BUNDLED)
    source = Path(folder)
    for name in ("tokenizer.json", "token_vectors.npy"):
        if not (source / name).is_file():
            raise TrainingError(f"{source} holds no {name}: --token-vectors names a folder with both files.")
    try:
        made = build(source)
    except (ValueError, KeyError, IndexError, OSError) as error:
        raise TrainingError(f"The token vectors in {source} cannot be read ({error}).") from error
    if made.vectors.shape[1] != SPEC.dimension:
        raise TrainingError(
            f"The token vectors in {source} have {made.vectors.shape[1]} numbers; {SPEC.name} needs {SPEC.dimension}."
        )
    return {
        "tokenizer": np.frombuffer(made.tokenizer, np.uint8),
        "vectors": made.vectors,
        "scales": made.scales,
        "shift": made.shift,
    }


def _real(folder: str | os.PathLike[str] | None, tell: Told) -> RealExamples | None:
    if folder is None:
        return None
    return read_eurosat(Path(folder), told=lambda done, total: tell("Reading real tiles", done, total, None))


def _curve(plan: Plan, curve: "list[Point]", precisions: Mapping[str, float]) -> bytes:
    versions = {name: importlib.metadata.version(name) for name in ("msclip-search", "numpy", "torch")}
    told = {
        "plan": asdict(plan),
        "versions": versions,
        "curve": [asdict(point) for point in curve],
        "tags": {tag: None if np.isnan(value) else round(value, 4) for tag, value in precisions.items()},
    }
    return (json.dumps(told, indent=1) + "\n").encode()


def _table(real: RealExamples) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("file", "sha256"))
    writer.writerows(zip(real.sources, real.hashes, strict=True))
    return text.getvalue().encode()


def _put(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    partial = path.with_name(f"{path.name}.part")
    with disk_errors("writing", partial, after="Make room and run the same command again: only the end is done again."):
        partial.write_bytes(content)
        partial.replace(path)
