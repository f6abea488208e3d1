"""Which model made vectors that come from elsewhere, as far as that can be known without its weights."""

import difflib
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from msclip_search import models
from msclip_search.errors import ModelError, ModelMismatch
from msclip_search.exchange.sources import Source
from msclip_search.models import ModelSpec, WeightsFile
from msclip_search.models.architectures import PREFIX
from msclip_search.models.spec import is_sha256
from msclip_search.pairing import describe_claimed, describe_elsewhere, describe_model

logger = logging.getLogger(__name__)


def model_of(sources: Sequence[Source], name: str | None) -> dict[str, Any]:
    """Write down the model of vectors as a manifest keeps it.

    Parameters
    ----------
    sources
        Files of vectors, of one dimension.
    name
        What the user says; None takes what the files say.

    Raises
    ------
    ModelError
        Nobody says which model it is, or some of the files do not.
    ModelMismatch
        The files say another, or not one and the same, or the model gives vectors of another dimension.
    """
    said = {str(source.about["model"]): source for source in sources if source.about and source.about.get("model")}
    chosen = name.strip() if name is not None else next(iter(said), "")
    if not chosen:
        raise ModelError(f"Say which model made the vectors of {sources[0].path}: --model NAME.")
    silent = next((source for source in sources if not (source.about or {}).get("model")), None)
    if name is None and silent:
        raise ModelError(
            f"Say which model made the vectors of {silent.path}: it does not say so itself, and {said[chosen].path} "
            f"says {chosen}. Give --model {chosen} if that one made them, else import it into another index."
        )
    for other, source in said.items():
        if other != chosen:
            raise ModelMismatch(f"{source.path} holds vectors of the model {other}, as it says, not of {chosen}.")
    dimension = sources[0].dimension
    spec = _spec(chosen)
    if spec is None:
        return describe_elsewhere(chosen, dimension)
    if spec.dimension != dimension:
        raise ModelMismatch(
            f"{chosen} gives vectors of {spec.dimension:,} numbers, and those of {sources[0].path} have {dimension:,}: "
            "they were made by another model."
        )
    if found := _from_files(sources, spec):
        return found
    if models.source(spec) in {"bundled", "seed"}:
        return describe_model(models.load(chosen))
    return describe_claimed(spec)


def _spec(name: str) -> ModelSpec | None:
    """Describe a model that is known here; None where it is not."""
    try:
        return models.spec_of(name)
    except ModelError:
        if name.startswith(PREFIX):
            raise
    near = difflib.get_close_matches(name, [spec.name for spec in models.specs()], n=1, cutoff=0.8)
    if near:
        logger.warning("There is no model %s here, so its vectors cannot be asked by texts: is it %s?", name, near[0])
    return None


def _from_files(sources: Sequence[Source], spec: ModelSpec) -> dict[str, Any] | None:
    """Take the fingerprint and weights that exports of ours name; None where they name none."""
    found: dict[str, Any] | None = None
    for source in sources:
        recorded = (source.about or {}).get("recorded")
        mark = recorded.get("fingerprint") if isinstance(recorded, Mapping) else None
        if not isinstance(recorded, Mapping) or not isinstance(mark, str) or not is_sha256(mark):
            continue  # unknown, or written by nobody of ours
        if found and found["fingerprint"] != mark:
            raise ModelMismatch(
                f"{source.path} holds vectors of {spec.name} with other weights than those of {sources[0].path}: "
                "import them into indexes of their own."
            )
        found = {"fingerprint": mark, "weights": _weights(recorded.get("weights")), "spec": spec.to_dict()}
    return found


def _weights(recorded: Any) -> dict[str, Any] | None:  # noqa: ANN401 - whatever a file says
    """Take a record of weights, unless it names a file that is not here: then --weights has to."""
    if not isinstance(recorded, Mapping):
        return None
    weights = WeightsFile.from_dict(recorded)
    try:
        is_here = weights.origin != "file" or weights.describes(Path(weights.path))
    except OSError:
        is_here = False
    return weights.to_dict() if is_here else None
