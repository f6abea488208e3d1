"""The architectures of OpenCLIP, read from its package data.

Importing OpenCLIP takes seconds, and to know what a name means nothing of it has to run.
"""

import difflib
import importlib.util
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from msclip_search.errors import ModelError
from msclip_search.models.spec import ModelSpec

PREFIX = "open_clip:"
"""What the names of these models begin with."""
BRIGHTEST = 3000.0
"""Reflectance x 10000 that a true-colour rendering shows as white."""

# What preprocessing OpenCLIP gives to an architecture by itself: that of OpenAI's CLIP.
_MEAN = (0.48145466, 0.4578275, 0.40821073)
_DEVIATION = (0.26862954, 0.26130258, 0.27577711)
_CONTEXT = 77
_QUICK = "-quickgelu"  # ends the names of architectures with OpenAI's own, coarser activation
# Text towers that only say how big they are: causal, read at the end-of-text token, with OpenAI's tokenizer.
_PLAIN_TEXT = frozenset({"context_length", "vocab_size", "width", "heads", "layers"})
_PLAIN_MODEL = frozenset({"embed_dim", "vision_cfg", "text_cfg", "quick_gelu"})


def names() -> tuple[str, ...]:
    """Architectures that can be used: those that need neither timm nor transformers beside OpenCLIP."""
    return tuple(name for name in _files() if _is_plain(_read(name)))


def configuration(architecture: str) -> dict[str, Any]:
    """Return the arguments that OpenCLIP's CLIP class is made with.

    Raises
    ------
    ModelError
        OpenCLIP knows no such architecture, or it is not of the plain kind.
    """
    if architecture not in _files():
        close = difflib.get_close_matches(architecture, names(), n=3, cutoff=0.4)
        meant = f"Did you mean {', '.join(close)}?" if close else f"There are {', '.join(names())}."
        raise ModelError(f"OpenCLIP has no architecture '{architecture}'. {meant}")
    found = _read(architecture)
    if not _is_plain(found):
        raise ModelError(
            f"The architecture {architecture} needs other libraries beside OpenCLIP, which is not supported. "
            f"Supported are {', '.join(names())}."
        )
    return found


def spec_of(name: str) -> ModelSpec:
    """Describe `open_clip:ARCH[/PRETRAINED]`: a model of true-colour pictures, with weights from a file or the hub.

    Raises
    ------
    ModelError
        OpenCLIP knows no such architecture, or no such weights for it.
    """
    architecture, slash, tag = name.removeprefix(PREFIX).partition("/")
    found = configuration(architecture)
    spec = ModelSpec(
        name=PREFIX + architecture,
        summary=f"OpenCLIP's {architecture} on a true-colour rendering, with weights from a file",
        bands=("B04", "B03", "B02"),
        size=found["vision_cfg"]["image_size"],
        resampling="bicubic",
        rendering=(0.0, BRIGHTEST),
        mean=_MEAN,
        deviation=_DEVIATION,
        dimension=found["embed_dim"],
        architecture=architecture,
        tokenizer="openai-bpe",
        context=found["text_cfg"].get("context_length", _CONTEXT),
        licence="that of the weights",
        citation="Cherti et al., Reproducible scaling laws for contrastive language-image learning, 2023",
    )
    return _with_weights(spec, tag) if slash else spec


def _with_weights(spec: ModelSpec, tag: str) -> ModelSpec:
    """Give a model the hub's weights of a tag, prepared as they were trained."""
    from msclip_search.models import pretrained  # on demand: imports PyTorch

    found = pretrained.find(spec.architecture, tag, among=names())
    # An architecture that only differs in its activation has the same shapes, so nothing else would notice.
    architecture = spec.architecture.removesuffix(_QUICK) + (_QUICK if found.quick_gelu else "")
    configuration(architecture)
    return replace(
        spec,
        name=f"{spec.name}/{tag}",
        summary=f"OpenCLIP's {spec.architecture} on a true-colour rendering, with the weights {tag}",
        resampling=found.resampling,
        mean=found.mean,
        deviation=found.deviation,
        architecture=architecture,
        hub=found.hub,
    )


def _is_plain(found: dict[str, Any]) -> bool:
    return (
        set(found) <= _PLAIN_MODEL
        and set(found["text_cfg"]) <= _PLAIN_TEXT
        and "timm_model_name" not in found["vision_cfg"]
    )


@cache
def _files() -> dict[str, Path]:
    package = importlib.util.find_spec("open_clip")  # looks the package up without running it
    folders = (package and package.submodule_search_locations) or ()
    files = [file for folder in folders for file in Path(folder, "model_configs").glob("*.json")]
    if not files:
        raise ModelError("OpenCLIP is not installed, or not whole: run pip install open_clip_torch.")
    return {file.stem: file for file in sorted(files, key=lambda file: file.stem)}


def _read(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(_files()[name].read_text(encoding="utf-8"))
    return found
