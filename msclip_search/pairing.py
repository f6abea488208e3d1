"""A model and an index belong together: what an index records of its model, and how it is found again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msclip_search import models
from msclip_search.errors import ModelError, ModelMismatch
from msclip_search.models import Encoder, ModelSpec, WeightsFile

UNKNOWN = "unknown"
"""In place of a fingerprint: nobody has said by which weights the vectors were made."""
_ELSEWHERE = "elsewhere"


def describe_model(encoder: Encoder) -> dict[str, Any]:
    """Write down a model as a manifest keeps it: spec, fingerprint, weights."""
    return {
        "fingerprint": encoder.fingerprint,
        "weights": encoder.weights.to_dict() if encoder.weights else None,
        "spec": encoder.spec.to_dict(),
    }


def describe_claimed(spec: ModelSpec) -> dict[str, Any]:
    """Write down a model of which vectors are said to be, by whatever weights: any weights of it are taken for them."""
    return {"fingerprint": UNKNOWN, "weights": None, "spec": spec.to_dict()}


def describe_elsewhere(name: str, dimension: int) -> dict[str, Any]:
    """Write down a model that is not to be had here: vectors were made by it elsewhere, and only they are known."""
    return {
        "fingerprint": UNKNOWN,
        "weights": None,
        "spec": {"name": name, "dimension": dimension, "summary": "made elsewhere"},
        _ELSEWHERE: True,
    }


def is_elsewhere(recorded: Mapping[str, Any]) -> bool:
    """Tell whether a model is known by its vectors alone: there is no tower of it here, neither for texts nor tiles."""
    return bool(recorded.get(_ELSEWHERE))


def check_here(recorded: Mapping[str, Any], root: Path) -> None:
    """Refuse to embed tiles for an index whose vectors were made elsewhere.

    Raises
    ------
    ModelError
    """
    if is_elsewhere(recorded):
        raise ModelError(
            f"The index {root} holds vectors of {recorded['spec']['name']}, made elsewhere, and there is no such model "
            "here that could embed tiles: add to it with `msclip-search import`, or name another index with --index."
        )


def agreed(recorded: Mapping[str, Any], coming: Mapping[str, Any], root: Path) -> Mapping[str, Any]:
    """Decide what an index is to record of its model when vectors come to it from elsewhere.

    Parameters
    ----------
    recorded
        What it has recorded.
    coming
        What is known of the model of the vectors that come.
    root
        The index folder, for messages.

    Raises
    ------
    ModelMismatch
        They are not the same model, or not the same weights.
    """
    names = recorded["spec"]["name"], coming["spec"]["name"]
    if names[0] != names[1]:
        raise ModelMismatch(
            f"The index {root} was made with the model {names[0]}, not with {names[1]}, which made these vectors, and "
            "what two models say cannot be compared: name another index with --index."
        )
    numbers = recorded["spec"]["dimension"], coming["spec"]["dimension"]
    if numbers[0] != numbers[1]:
        raise ModelMismatch(
            f"The index {root} holds vectors of {numbers[0]:,} numbers, and these have {numbers[1]:,}: they are not "
            f"of one model. Name another index with --index."
        )
    marks = recorded["fingerprint"], coming["fingerprint"]
    if UNKNOWN not in marks and marks[0] != marks[1]:
        raise ModelMismatch(
            f"The index {root} was made with {recorded['spec']['name']} too, but with other weights or another version "
            "of its preprocessing than these vectors. Name another index with --index."
        )
    return coming if marks[0] == UNKNOWN else recorded


def check_name(recorded: Mapping[str, Any], name: str, root: Path) -> None:
    """Refuse a model of another name than the index was made with, before anything is loaded.

    Raises
    ------
    ModelMismatch
    """
    theirs = recorded["spec"]["name"]
    if theirs != name:
        raise ModelMismatch(
            f"The index {root} was made with the model {theirs}, not with {name}, and what two models say cannot be "
            f"compared: use --model {theirs} or leave --model out, or name another index with --index."
        )


def check_model(recorded: Mapping[str, Any], encoder: Encoder, root: Path) -> None:
    """Refuse another model than the index was made with, or the same one with other weights.

    Raises
    ------
    ModelMismatch
    """
    check_name(recorded, encoder.spec.name, root)
    if recorded["fingerprint"] not in {UNKNOWN, encoder.fingerprint}:
        theirs = WeightsFile.from_dict(recorded["weights"]) if recorded["weights"] else None
        ours = encoder.weights
        raise ModelMismatch(
            f"The index {root} was made with {encoder.spec.name} too, but with other weights or another version of "
            f"its preprocessing: then with {_named(theirs)}, now with {_named(ours)}. {_way_out(theirs, ours)}"
        )


def _named(weights: WeightsFile | None) -> str:
    if weights is not None and weights.origin == "bundled":
        return f"those bundled with msclip-search (sha256 {weights.sha256[:12]}…)"
    return (weights.path if weights else "") or "others"


def _way_out(theirs: WeightsFile | None, ours: WeightsFile | None) -> str:
    if theirs is None or theirs.origin != "bundled":
        return "Give the former with --weights, or name another index with --index."
    if ours is None or ours.origin != "bundled":
        return "Leave --weights out, or name another index with --index."
    return (
        "This msclip-search comes with a newer or older version of them: index the archive again into another folder "
        "(--index), or ask the index with the msclip-search that made it."
    )


def load_recorded(
    recorded: Mapping[str, Any], root: Path, *, weights: Path | None, device: str, progress: bool
) -> Encoder:
    """Load the model that an index was made with, and make sure that it is that one.

    Parameters
    ----------
    recorded
        What the manifest keeps of it.
    root
        The index folder, for messages.
    weights
        The weights; None finds those that the index was made with.
    device
        "auto", "cpu" or "cuda".
    progress
        Whether a download shows a bar.

    Raises
    ------
    ModelError
        It cannot be loaded, or is not to be had here.
    ModelMismatch
        It is another, or has other weights.
    """
    if is_elsewhere(recorded):
        raise ModelError(
            f"The index {root} holds vectors of {recorded['spec']['name']}, made elsewhere, for which there is no text "
            "tower here: ask by example (--like TILE_ID, or --like LON,LAT of an indexed place), or by vectors of your "
            "own (SearchIndex.search_vectors)."
        )
    known = WeightsFile.from_dict(recorded["weights"]) if recorded["weights"] else None
    if weights is None and known and known.origin == "file":
        weights = Path(known.path)
    encoder = models.load(recorded["spec"]["name"], weights=weights, device=device, known=known, progress=progress)
    check_model(recorded, encoder, root)
    return encoder
