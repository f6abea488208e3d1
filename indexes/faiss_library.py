"""The one door to FAISS: imported at first use, and refused where it is missing or installed twice."""

import functools
import importlib
import importlib.metadata
import warnings
from types import ModuleType

_CPU = "faiss-cpu"
_GPU = ("faiss-gpu", "faiss-gpu-cu11", "faiss-gpu-cu12", "faiss-gpu-cuvs")

_HOW_TO_INSTALL = (
    'pip install "msclip-search[cpu]" on any machine, or pip install "msclip-search[gpu]" on Linux with an NVIDIA GPU.'
)


class FaissUnavailable(ImportError):  # noqa: N818 - reads as what it says
    """FAISS is not installed, cannot be loaded, or is installed twice."""


@functools.cache
def load_faiss() -> ModuleType:
    """Import FAISS and return its module.

    Raises
    ------
    FaissUnavailable
        The message says what to install, or to remove.
    """
    _refuse_two()
    try:
        with warnings.catch_warnings():
            # SWIG's own types warn at import on Python 3.12 and later; nobody here can mend that.
            warnings.filterwarnings("ignore", message="builtin type .* has no __module__", category=DeprecationWarning)
            return importlib.import_module("faiss")
    except ModuleNotFoundError as error:
        if error.name == "faiss":
            raise FaissUnavailable(f"FAISS is not installed: {_HOW_TO_INSTALL}", name="faiss") from error
        raise FaissUnavailable(f"FAISS lacks a module that it needs: {error}.", name="faiss") from error
    except ImportError as error:
        raise FaissUnavailable(
            f"FAISS is installed but does not load ({error}). Install it again: {_HOW_TO_INSTALL}",
            name="faiss",
        ) from error


def _refuse_two() -> None:
    """Refuse two distributions that write the same files: whichever came last has overwritten the other's."""
    gpu = [name for name in _GPU if _is_installed(name)]
    found = [_CPU, *gpu] if _is_installed(_CPU) else gpu
    if len(found) > 1:
        raise FaissUnavailable(
            f"{' and '.join(found)} are installed at once and overwrite each other's files. Remove them with "
            f"pip uninstall -y {' '.join(found)}, then install one: {_HOW_TO_INSTALL}",
            name="faiss",
        )


def _is_installed(distribution: str) -> bool:
    try:
        importlib.metadata.distribution(distribution)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True
