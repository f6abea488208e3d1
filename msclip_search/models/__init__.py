"""Models: tiles and texts become unit vectors in one space.

Importing this loads neither PyTorch nor OpenCLIP; `load` does, for the models that need them.
"""

from msclip_search.models.base import Embeddings, Encoder, Pixels, WeightsFile
from msclip_search.models.registry import DEFAULT, load, source, spec_of, specs
from msclip_search.models.spec import HubFile, ModelSpec

__all__ = [
    "DEFAULT",
    "Embeddings",
    "Encoder",
    "HubFile",
    "ModelSpec",
    "Pixels",
    "WeightsFile",
    "load",
    "source",
    "spec_of",
    "specs",
]
