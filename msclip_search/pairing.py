"""A model and an index belong together: what an index records of its model, and how it is found again."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msclip_search import models
from msclip_search.errors import ModelMismatch
from msclip_search.models import Encoder, WeightsFile


def describe_model(encoder: Encoder) -> dict[str, Any]:
    """Write down a model as a manifest keeps it: spec, fingerprint, weights."""
    return {
        "fingerprint": encoder.fingerprint,
        "weights": encoder.weights.to_dict() if encoder.weights else None,
        "spec": encoder.spec.to_dict(),
    }


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
    if recorded["fingerprint"] != encoder.fingerprint:
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
        "(--index), or give the former file with --weights."
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
        It cannot be loaded.
    ModelMismatch
        It is another, or has other weights.
    """
    known = WeightsFile.from_dict(recorded["weights"]) if recorded["weights"] else None
    if weights is None and known and known.origin == "file":
        weights = Path(known.path)
    encoder = models.load(recorded["spec"]["name"], weights=weights, device=device, known=known, progress=progress)
    check_model(recorded, encoder, root)
    return encoder
