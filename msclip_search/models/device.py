"""Which device a model runs on."""

import re
from typing import TYPE_CHECKING

from msclip_search.errors import ModelError

if TYPE_CHECKING:
    import torch

_WORD = re.compile(r"auto|cpu|cuda(?::(?P<number>\d+))?")


def check_device(word: str) -> None:
    """Refuse what names no device, before any library is loaded.

    Raises
    ------
    ModelError
        The word is neither auto, cpu, cuda nor cuda:N.
    """
    if not _WORD.fullmatch(word):
        raise ModelError(f"'{word}' is no device. There are auto, cpu, cuda and cuda:N, where N counts GPUs from 0.")


def choose_device(word: str) -> "torch.device":
    """Return the device that a word names; "auto" is the first GPU where there is one.

    Raises
    ------
    ModelError
        The word names no device, or there is no such GPU.
    """
    import torch

    check_device(word)
    if word == "cpu" or (word == "auto" and not torch.cuda.is_available()):
        return torch.device("cpu")
    if not torch.cuda.is_available():
        raise ModelError(
            f"PyTorch {torch.__version__} sees no CUDA device here. Use --device cpu, or install "
            "a driver and a PyTorch that fit each other."
        )
    found = _WORD.fullmatch(word)
    number = int((found and found["number"]) or 0)
    if number >= torch.cuda.device_count():
        raise ModelError(f"There is no GPU {number}: PyTorch sees {torch.cuda.device_count()}, counted from 0.")
    return torch.device("cuda", number)
