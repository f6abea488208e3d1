"""The models by name, and loading them."""

from dataclasses import replace
from pathlib import Path

from msclip_search.errors import ModelError, WeightsError
from msclip_search.models import architectures, untrained
from msclip_search.models.base import Encoder, Origin, WeightsFile
from msclip_search.models.device import check_device, choose_device
from msclip_search.models.nano.spec import SPEC as NANO
from msclip_search.models.spec import HubFile, ModelSpec
from msclip_search.models.weights import identify

DEFAULT = NANO.name
"""The model of a new index when none is named."""

_LLAMA3_MS_CLIP = ModelSpec(
    name="llama3-ms-clip-base",
    summary="the published multispectral CLIP: ViT-B/16, ten bands, 224 pixels",
    bands=("B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B11", "B12"),
    substitutes=(("B08", "B8A"),),  # the same part of the spectrum; products of 20 m bands have no B08
    size=224,
    resampling="bicubic",
    mean=(925.161, 1183.128, 1338.041, 1667.254, 2233.633, 2460.96, 2555.569, 2619.542, 2406.497, 1841.645),
    deviation=(
        1205.586,
        1223.713,
        1399.638,
        1403.298,
        1378.513,
        1434.924,
        1491.141,
        1454.089,
        1473.248,
        1365.08,
    ),
    dimension=512,
    architecture="ViT-B-16",
    tokenizer="openai-bpe",
    context=77,
    # A branch and no hash: the commit and bytes that come first are recorded, and asked for from then on.
    hub=HubFile(repo="ibm-esa-geospatial/Llama3-MS-CLIP-base", filename="Llama3_MS_CLIP_weights.pt", revision="main"),
    licence="Apache-2.0",
    citation=(
        "Marimo, Blumenstiel, Nitsche, Jakubik, Brunschwiler: Beyond the Visible: Multispectral "
        "Vision-Language Learning for Earth Observation, arXiv:2503.15969, 2025"
    ),
)
_NAMED = {spec.name: spec for spec in (NANO, _LLAMA3_MS_CLIP, untrained.SPEC)}


def specs() -> tuple[ModelSpec, ...]:
    """Return the models that have a name of their own; `open_clip:ARCH[/PRETRAINED]` names others."""
    return tuple(_NAMED.values())


def spec_of(name: str) -> ModelSpec:
    """Describe a model, without loading anything.

    Raises
    ------
    ModelError
        There is no model of this name.
    """
    if name in _NAMED:
        return _NAMED[name]
    if name.startswith(architectures.PREFIX):
        return architectures.spec_of(name)
    raise ModelError(
        f"There is no model '{name}'. There are {', '.join(_NAMED)}, and {architectures.PREFIX}ARCH[/PRETRAINED] for "
        f"an architecture of OpenCLIP ({architectures.PREFIX}ViT-B-32) and weights of it on the hub "
        f"({architectures.PREFIX}ViT-B-32/openai)."
    )


def source(spec: ModelSpec) -> Origin:
    """Say where a model's weights come from when none are given; "file" where they have to be given."""
    if spec == NANO:
        return "bundled"
    if spec == untrained.SPEC:
        return "seed"
    return "hub" if spec.hub else "file"


def load(
    name: str,
    *,
    weights: Path | None = None,
    device: str = "auto",
    known: WeightsFile | None = None,
    endpoint: str | None = None,
    cache_dir: Path | None = None,
    progress: bool = False,
) -> Encoder:
    """Load a model.

    Parameters
    ----------
    name
        A name that `spec_of` knows.
    weights
        A weights file; None takes the one recorded in `known`, else the package's or the hub's.
    device
        auto (a GPU where there is one), cpu, cuda or cuda:N.
    known
        What an index recorded about the weights. A file that still has that size and time of change is not
        hashed again; from the hub, that very commit is asked for and other bytes are refused.
    endpoint
        Address of the model hub; None takes its library's own.
    cache_dir
        Folder of the hub's cache; None takes its library's own.
    progress
        Show a bar on stderr while downloading.

    Raises
    ------
    ModelError
        There is no such model or device, or too little memory.
    WeightsError
        The weights are missing, not to be had, damaged, or another model's.
    StorageError
        A download cannot be written.
    """
    spec = spec_of(name)
    check_device(device)
    if spec == untrained.SPEC:
        return _untrained(weights, device)
    if spec == NANO:
        return _nano(weights, known, device)
    found = _find(spec, weights, known, endpoint=endpoint, cache_dir=cache_dir, progress=progress)
    # Last, because it takes seconds: whatever could be refused has been.
    from msclip_search.models import clip

    configuration = architectures.configuration(spec.architecture)
    return clip.load(spec, configuration=configuration, weights=found, device=device)


def _untrained(weights: Path | None, device: str) -> Encoder:
    if weights is not None:
        raise ModelError(f"{untrained.SPEC.name} draws its weights from a seed: leave --weights out.")
    if device not in {"auto", "cpu"}:
        raise ModelError(f"{untrained.SPEC.name} runs on the processor alone: leave --device out.")
    return untrained.UntrainedEncoder()


def _nano(weights: Path | None, known: WeightsFile | None, device: str) -> Encoder:
    from msclip_search.models.nano.encoder import NanoEncoder
    from msclip_search.models.nano.file import BUNDLED

    if device.startswith("cuda"):
        choose_device(device)  # said before any tile is read; by itself the encoder asks when the first tiles come
    if weights is None and known is not None and known.origin == "file":
        weights = Path(known.path)
    if weights is not None:
        return NanoEncoder(weights, weights=identify(weights, known=known), device=device)
    # Wherever the package lies by now, and whenever it was installed: its content is what counts.
    found = replace(identify(BUNDLED), path="", mtime_ns=0, origin="bundled")
    return NanoEncoder(BUNDLED, weights=found, device=device)


def _find(
    spec: ModelSpec,
    weights: Path | None,
    known: WeightsFile | None,
    *,
    endpoint: str | None,
    cache_dir: Path | None,
    progress: bool,
) -> WeightsFile:
    """Find the weights: what the user says, else what was recorded, else what the hub has."""
    if weights is not None:
        return identify(weights, known=known)
    if known is not None and known.origin == "file":
        return identify(Path(known.path), known=known)
    if spec.hub is None:
        raise WeightsError(_nowhere(spec.name))
    from msclip_search.models import hub

    return hub.fetch(spec.hub, known=known, endpoint=endpoint, cache_dir=cache_dir, progress=progress)


def _nowhere(name: str) -> str:
    if "/" in name:
        return f"The weights of {name} are not on the hub: get the file by other means and pass it with --weights."
    return (
        f"{name} has no weights of its own: pass a file with --weights, or add the name of weights on the hub "
        f"(--model {name}/PRETRAINED)."
    )
