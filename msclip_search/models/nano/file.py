"""The weights file: both towers in one, each read without the other.

A safetensors file. `text.tokenizer` holds JSON as bytes; `text.vectors`, `text.scales` and `text.shift` are what
`StaticText` takes; `image.*` are the network's numbers, matrices and kernels in float16.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from msclip_search.errors import WeightsError
from msclip_search.models.nano.spec import SPEC
from msclip_search.models.nano.text import StaticText

BUNDLED = Path(__file__).with_name("weights.safetensors")
"""The file that comes with the package."""
VERSION = "2"
"""Of the file's layout and of the descriptions that the network takes."""

_TEXT = ("text.tokenizer", "text.vectors", "text.scales", "text.shift")
_IMAGE = "image."
_METADATA, _LENGTH = "__metadata__", 8  # of the format: the header's key for texts, and the bytes of its own length
_WAY_OUT = "Name the model that it belongs to with --model, pass another file, or leave --weights out."
Arrays = Mapping[str, NDArray[np.generic]]


def pack(text: Arrays, image: Arrays, *, about: Mapping[str, str]) -> bytes:
    """Make the content of a weights file.

    Parameters
    ----------
    text
        tokenizer (bytes as uint8), vectors, scales, shift.
    image
        The network's numbers by name; matrices and kernels are rounded to float16.
    about
        Texts that are kept with it.
    """
    arrays = {f"text.{name}": np.ascontiguousarray(array) for name, array in text.items()}
    for name, array in image.items():
        arrays[_IMAGE + name] = np.ascontiguousarray(array.astype(np.float16 if array.ndim > 1 else np.float32))
    return _settled(save(arrays, {**about, "model": SPEC.name, "version": VERSION}))


def read_text(path: Path) -> StaticText:
    """Read the text tower.

    Raises
    ------
    WeightsError
        The file is damaged, another model's, or of another version.
    """
    tower = read_tower(path)
    try:
        return StaticText(tower["tokenizer"].tobytes(), tower["vectors"], tower["scales"], tower["shift"])  # type: ignore[arg-type]
    except ValueError as error:
        raise WeightsError(f"The weights {path} are damaged ({_clause(error)}). {_WAY_OUT}") from error


def read_tower(path: Path) -> dict[str, NDArray[np.generic]]:
    """Read the text tower's arrays: tokenizer (bytes as uint8), vectors, scales, shift.

    Raises
    ------
    WeightsError
        The file is damaged, another model's, or of another version.
    """
    return {name.removeprefix("text."): array for name, array in _read(path, _TEXT).items()}


def read_image(path: Path) -> dict[str, NDArray[np.generic]]:
    """Read the network's numbers by name.

    Raises
    ------
    WeightsError
        The file is damaged, another model's, or of another version.
    """
    return {name.removeprefix(_IMAGE): array for name, array in _read(path, None).items()}


def check(path: Path) -> dict[str, str]:
    """Make sure that a file is the model's, and return the texts kept with it.

    Raises
    ------
    WeightsError
        The file is damaged, another model's, or of another version.
    """
    try:
        # Opened first, because of a missing file or a folder the library says strange things.
        with path.open("rb"), safe_open(path, framework="numpy") as file:
            about: dict[str, str] = file.metadata() or {}
    except SafetensorError as error:
        raise WeightsError(f"{path} is no safetensors file, or damaged ({_clause(error)}). {_WAY_OUT}") from error
    except OSError as error:
        raise WeightsError(f"The weights {path} cannot be read: {error.strerror or error}. {_WAY_OUT}") from error
    if about.get("model") != SPEC.name:
        raise WeightsError(f"The weights {path} are not those of {SPEC.name}. {_WAY_OUT}")
    if about.get("version") != VERSION:
        raise WeightsError(
            f"The weights {path} are of version {about.get('version')} of {SPEC.name}, and this msclip-search reads "
            f"version {VERSION}: leave --weights out, or install the version that they were made for."
        )
    return about


def _read(path: Path, names: tuple[str, ...] | None) -> dict[str, NDArray[np.generic]]:
    """Read tensors by name; None reads the image tower's."""
    check(path)
    try:
        with safe_open(path, framework="numpy") as file:
            wanted = names or tuple(name for name in file.keys() if name.startswith(_IMAGE))  # noqa: SIM118
            return {name: file.get_tensor(name) for name in wanted}
    except (SafetensorError, OSError) as error:
        raise WeightsError(f"The weights {path} are damaged ({_clause(error)}). {_WAY_OUT}") from error


def _clause(error: Exception) -> str:
    return str(error).rstrip(".")


def _settled(content: bytes) -> bytes:
    """Sort the header, whose texts the library writes in an order of chance, so that equal files have equal bytes."""
    start = _LENGTH + int.from_bytes(content[:_LENGTH], "little")
    header = json.loads(content[_LENGTH:start])
    header[_METADATA] = dict(sorted(header[_METADATA].items()))
    sorted_header = json.dumps(header, separators=(",", ":"), ensure_ascii=False).encode()
    sorted_header += b" " * (-len(sorted_header) % _LENGTH)
    return len(sorted_header).to_bytes(_LENGTH, "little") + sorted_header + content[start:]
