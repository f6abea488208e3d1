"""Where an interrupted training goes on: one file, whole or not there."""

import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from msclip_search.disk import disk_errors
from msclip_search.errors import TrainingError
from msclip_search.training.plan import Plan


def write_checkpoint(path: Path, plan: Plan, state: Mapping[str, Any], *, data: str) -> None:
    """Write a checkpoint.

    Parameters
    ----------
    path
        Of the file.
    plan
        What was asked for.
    state
        Tensors, numbers, texts, and lists and dictionaries of them.
    data
        Digest of what is learnt from: see `digest`.

    Raises
    ------
    StorageError
        The disk is full, or refuses permission.
    """
    content = io.BytesIO()  # of what the disk refuses, the library makes errors of its own
    torch.save({**state, "plan": _written(plan), "data": data}, content)
    partial = path.with_suffix(".part")
    with disk_errors("writing", partial, after="Make room and run the same command again: it goes on from here."):
        partial.write_bytes(content.getbuffer())
        partial.replace(path)


def read_checkpoint(path: Path, plan: Plan, *, data: str | None = None) -> dict[str, Any]:
    """Read a checkpoint.

    Parameters
    ----------
    path, plan, data
        As it was written with; None takes any data.

    Raises
    ------
    TrainingError
        It is damaged, or of another plan or other data.
    """
    try:
        state: dict[str, Any] = torch.load(path, weights_only=True)
        theirs = state["plan"], state["data"]
    except Exception as error:  # the library raises many kinds
        raise TrainingError(f"The checkpoint {path} is damaged: remove it, and the training begins again.") from error
    if theirs != (_written(plan), data or state["data"]):
        raise TrainingError(
            f"The checkpoint {path} is of another training (another plan, other tiles or words): name another folder "
            "with --out, or remove it."
        )
    return state


def digest(*arrays: NDArray[np.generic]) -> str:
    """Hash arrays by their bytes."""
    sums = hashlib.sha256()
    for array in arrays:
        sums.update(np.ascontiguousarray(array).data)
    return sums.hexdigest()


def _written(plan: Plan) -> str:
    return json.dumps(asdict(plan), sort_keys=True)
