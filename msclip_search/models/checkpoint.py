"""Opening a weights file without running anything that is in it.

Tensors stay in the file (memory-mapped) until they are used: what is looked at here is names and shapes.
"""

import pickletools
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO

import torch
from torch import Tensor

from msclip_search.errors import WeightsError

# The published file holds one model three times over, the tensors shared, beside a temperature.
_PUBLISHED = ("clip_base_model.model.", "text_encoder.model.", "image_encoder.model.")
_DISTRIBUTED = "module."  # what DistributedDataParallel puts before every name
# What OpenAI's own checkpoints hold beside the network: sizes, and a mask that follows from them.
_HARMLESS = frozenset({"attn_mask", "context_length", "input_resolution", "vocab_size"})
_TEMPERATURE = "logit_scale"  # one number, which some trainings keep as a list of one

_ZIP = b"PK\x03\x04"
_PICKLE = b"\x80"
_RECORD = "/data.pkl"  # where torch.save puts what is not a tensor's numbers
# The number that torch.save wrote first, before its files became zips.
_LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
_LEGACY_PICKLES = 5  # how many such a file holds one after the other
# What PyTorch loads besides its own, and what of its own it does not: modules and optimizers saved whole.
_PLAIN = frozenset(
    {
        "_codecs.encode",
        "builtins.bytearray",
        "builtins.complex",
        "builtins.set",
        "collections.Counter",
        "collections.OrderedDict",
    }
)
_CLASSES = ("torch.nn.modules.", "torch.optim.")
_JSON = 8  # where safetensors' header begins, after its length
_START = 32  # bytes that tell one kind of file from another


def open_checkpoint(path: Path) -> dict[str, Tensor]:
    """Open a weights file and return the tensors of the model in it, under OpenCLIP's names.

    Understood are the published layout, a bare state dict (as RemoteCLIP's and GeoRSCLIP's), one under
    "state_dict" beside an optimizer's (as SkyCLIP's), one of a distributed training, and safetensors.

    Raises
    ------
    WeightsError
        The file is no checkpoint, is damaged, or holds something besides tensors, which is not run.
    """
    try:
        with path.open("rb") as file:
            start = file.read(_START)
    except OSError as error:
        raise WeightsError(f"The weights file {path} cannot be read: {error.strerror or error}.") from error
    if start.startswith(_ZIP):
        _check_zip(path)
        return _tensors(_load(path, mapped=True), path)
    if start.startswith(_LEGACY):
        return _tensors(_load(path, mapped=False), path)
    if start.startswith(_PICKLE):
        raise WeightsError(_refusal(path))
    if start[_JSON : _JSON + 1] == b"{":
        return _tensors(_load_safetensors(path), path)
    raise WeightsError(
        f"{path} is not a checkpoint: it is neither a file of torch.save nor safetensors. "
        "Pass the right file with --weights."
    )


def check_shapes(tensors: Mapping[str, Tensor], wanted: Mapping[str, Tensor], *, model: str, path: Path) -> None:
    """Refuse tensors that are not a model's, naming the first that is missing, left over or of another shape.

    Parameters
    ----------
    tensors
        Those of the file.
    wanted
        Those of the model; only their shapes are looked at.
    model
        Name of the model, for the message.
    path
        The file, for the message.

    Raises
    ------
    WeightsError
        They do not fit.
    """
    for name, like in wanted.items():
        if name in tensors and tensors[name].shape != like.shape:
            raise WeightsError(
                f"{path} holds the weights of another model: {name} is {tuple(tensors[name].shape)}; "
                f"{model} wants {tuple(like.shape)}."
            )
    if missing := [name for name in wanted if name not in tensors]:
        raise WeightsError(f"{path} does not hold {model}: it lacks {_first(missing)}.")
    if strange := [name for name in tensors if name not in wanted and name not in _HARMLESS]:
        raise WeightsError(f"{path} holds the weights of another model: {model} has no {_first(strange)}.")


def _check_zip(path: Path) -> None:
    """Refuse zip files that torch.save did not write, by their list of contents."""
    try:
        with zipfile.ZipFile(path) as archive:
            inside = archive.namelist()
    except Exception as error:  # a damaged file makes its reader stumble in any way there is
        raise WeightsError(_damaged(path)) from error
    if any("/code/" in name for name in inside):
        raise WeightsError(
            f"{path} is a TorchScript archive: it holds code, which was not run. "
            "Save its state_dict() and pass that file with --weights."
        )
    if not any(name.endswith(_RECORD) for name in inside):
        raise WeightsError(f"{path} is a zip file, but no checkpoint. Pass the right file with --weights.")


def _load(path: Path, *, mapped: bool) -> object:
    try:
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)
    except Exception as error:  # refused by the unpickler, or damaged: `_refusal` tells which
        raise WeightsError(_refusal(path)) from error


def _load_safetensors(path: Path) -> object:
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except Exception as error:
        raise WeightsError(f"{path} is a damaged safetensors file ({error}). Copy or download it again.") from error


def _tensors(loaded: object, path: Path) -> dict[str, Tensor]:
    if isinstance(loaded, Mapping) and isinstance(loaded.get("state_dict"), Mapping):
        loaded = loaded["state_dict"]
    entries = loaded.items() if isinstance(loaded, Mapping) else ()
    tensors = {name: value for name, value in entries if isinstance(name, str) and isinstance(value, Tensor)}
    if not tensors:
        raise WeightsError(f"{path} holds no named tensors, so it is no checkpoint of a model.")
    if all(name.startswith(_DISTRIBUTED) for name in tensors):
        tensors = _under(_DISTRIBUTED, tensors)
    for prefix in _PUBLISHED:
        if inner := _under(prefix, tensors):
            return inner
    if _TEMPERATURE in tensors and tensors[_TEMPERATURE].shape == (1,):
        tensors[_TEMPERATURE] = tensors[_TEMPERATURE].reshape(())
    return tensors


def _under(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _first(names: list[str]) -> str:
    return f"{names[0]} and {len(names) - 1} more" if len(names) > 1 else names[0]


def _damaged(path: Path) -> str:
    return f"{path} is damaged or truncated, or a pickle that is no checkpoint. Copy or download it again."


def _refusal(path: Path) -> str:
    """Say why a file was not loaded, from what it holds: reading a pickle's opcodes runs nothing."""
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                record = next(name for name in archive.namelist() if name.endswith(_RECORD))
                with archive.open(record) as stream:
                    found = _foreign(stream, pickles=1)
        else:
            with path.open("rb") as stream:
                found = _foreign(stream, pickles=_LEGACY_PICKLES)
    except Exception:  # noqa: BLE001 - a damaged file makes its reader stumble in any way there is
        return _damaged(path)
    if found is None:
        return _damaged(path)
    return (
        f"{path} holds something besides tensors ({found}), a pickle that can run code: it was not run. "
        "Save the model's state_dict() alone, or as safetensors, and pass that file with --weights."
    )


def _foreign(stream: IO[bytes], *, pickles: int) -> str | None:
    """Name the first thing in consecutive pickles that is not PyTorch's own; None where there is none."""
    for _ in range(pickles):
        words: list[str] = []
        for opcode, argument, _ in pickletools.genops(stream):
            match opcode.name:
                case "GLOBAL" | "INST":
                    name = str(argument).replace(" ", ".")
                case "STACK_GLOBAL":
                    name = ".".join(words[-2:])
                case _:
                    words += [argument] if isinstance(argument, str) else []
                    continue
            if not _is_known(name):
                return name
    return None


def _is_known(name: str) -> bool:
    """Tell whether what a pickle calls for is what PyTorch writes for tensors and plain values."""
    if name.startswith(_CLASSES):
        return False
    return name.startswith("torch.") or name.replace("__builtin__", "builtins") in _PLAIN
