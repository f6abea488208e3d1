"""OpenCLIP's own table of pretrained weights: where they are, and how pictures are prepared for them.

The table is a part of OpenCLIP's code, not of its data: importing this imports PyTorch, so it is imported late.
"""

import difflib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from open_clip.constants import HF_SAFE_WEIGHTS_NAME, HF_WEIGHTS_NAME
from open_clip.pretrained import (
    get_pretrained_cfg,
    list_pretrained_models_by_tag,
    list_pretrained_tags_by_model,
)

from msclip_search.errors import ModelError
from msclip_search.models.spec import HubFile

_BRANCH = "main"
# How pictures are brought to size: OpenCLIP's words, and ours.
_RESAMPLINGS: Mapping[tuple[str, str], str] = MappingProxyType(
    {("bicubic", "shortest"): "bicubic", ("bicubic", "squash"): "bicubic-squash"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretrained:
    """Weights of the table, and what they were trained with."""

    hub: HubFile | None
    """Where they are; None where OpenCLIP has them from another server, which is not asked."""
    mean: tuple[float, ...]
    """Subtracted from red, green and blue, which go from 0 to 1."""
    deviation: tuple[float, ...]
    """What these are divided by then."""
    resampling: str
    """How a picture is brought to size: one of `spec.RESAMPLINGS`."""
    quick_gelu: bool
    """Whether the network has OpenAI's own activation."""


def find(architecture: str, tag: str, *, among: Collection[str]) -> Pretrained:
    """Look up weights.

    Parameters
    ----------
    architecture
        Which one they are for, as OpenCLIP calls it.
    tag
        Their name, spelled as in the table: a model has one name.
    among
        Architectures that can be suggested.

    Raises
    ------
    ModelError
        The architecture has no weights of this name, or they want pictures prepared in a way that is not supported.
    """
    if tag not in list_pretrained_tags_by_model(architecture):
        raise ModelError(_unknown(architecture, tag, among))
    entry: Mapping[str, Any] = get_pretrained_cfg(architecture, tag)
    manner = (entry["interpolation"], entry["resize_mode"])
    if manner not in _RESAMPLINGS:
        raise ModelError(
            f"OpenCLIP's weights {tag} for {architecture} want pictures resized in a way that is not supported "
            f"({', '.join(manner)})."
        )
    return Pretrained(
        hub=_hub_file(entry["hf_hub"]) if entry["hf_hub"] else None,
        mean=tuple(entry["mean"]),
        deviation=tuple(entry["std"]),
        resampling=_RESAMPLINGS[manner],
        quick_gelu=bool(entry.get("quick_gelu", False)),
    )


def _hub_file(address: str) -> HubFile:
    """Read the table's "owner/name/file"; without the file, it has one of the names that OpenCLIP gives."""
    repo, _, filename = address.rpartition("/")
    if filename:
        return HubFile(repo=repo, filename=filename, revision=_BRANCH)
    return HubFile(repo=repo, filename=HF_SAFE_WEIGHTS_NAME, alternative=HF_WEIGHTS_NAME, revision=_BRANCH)


def _unknown(architecture: str, tag: str, among: Collection[str]) -> str:
    tags = list_pretrained_tags_by_model(architecture)
    if not tags:
        return f"OpenCLIP has no weights for {architecture}: leave '/{tag}' out and pass a file with --weights."
    said = [f"OpenCLIP has no weights '{tag}' for {architecture}."]
    if close := difflib.get_close_matches(tag, tags, n=3, cutoff=0.4):
        said.append(f"Did you mean {', '.join(close)}?")
    if others := [name for name in list_pretrained_models_by_tag(tag) if name in among]:
        said.append(f"It has weights of this name for {', '.join(others)}.")
    said.append(f"For {architecture} there are {', '.join(tags)}.")
    return " ".join(said)
