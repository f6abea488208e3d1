"""From stored values to a network's input, on the device that the network runs on.

The published preprocessing: float32 of the stored values; bicubic resize with antialiasing so that the
shorter side fits; centre crop; per band, minus the mean and over the deviation. Sizes are rounded as
torchvision's Resize and CenterCrop do. Some models of pictures want both sides resized at once instead.

A model of pictures sees reflectances as the true-colour picture of 8 bits that a file of them would be: what lies
beyond the rendering's ends is clipped, where a bare cast to 8 bits would let bright roofs wrap around to black.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from msclip_search.models.base import Pixels
from msclip_search.models.spec import ModelSpec

_WHITE = 255.0  # of an 8-bit picture


class Preprocess:
    """The way from pixels to a network's input for one model on one device.

    Parameters
    ----------
    spec
        The model.
    device
        Where pixels are brought to and worked on.
    """

    def __init__(self, spec: ModelSpec, *, device: torch.device) -> None:
        self._spec = spec
        self._device = device
        self._mean = torch.tensor(spec.mean, device=device).view(-1, 1, 1)
        self._deviation = torch.tensor(spec.deviation, device=device).view(-1, 1, 1)

    def __call__(self, pixels: Pixels) -> Tensor:
        """Return float32 (n, bands, size, size), normalised, of pixels that `pixels.checked` let through.

        A model that resamples nothing gets them in their own size.
        """
        values = self._values(pixels)
        rendering = self._spec.rendering
        if pixels.dtype == np.uint8:
            values = values.div_(_WHITE)
        elif rendering is not None:
            low, high = rendering
            values = values.sub_(low).mul_(_WHITE / (high - low)).clamp_(0, _WHITE).round_().div_(_WHITE)
        if self._spec.resampling != "none":
            squash = self._spec.resampling == "bicubic-squash"
            values = _crop(_resize(values, self._spec.size, squash=squash), self._spec.size)
        if rendering is not None:
            values = values.clamp(0, 1)  # as a picture's own type does: bicubic oversteps at edges
        return values.sub_(self._mean).div_(self._deviation)

    def _values(self, pixels: Pixels) -> Tensor:
        """Bring stored values to the device in their own type, and widen them to float32 there."""
        if self._device.type == "cpu" and pixels.dtype != np.float32:
            return torch.from_numpy(pixels.astype(np.float32))
        # PyTorch computes little with uint16, so its bits travel as int16.
        unsigned = pixels.dtype == np.uint16
        stored = torch.from_numpy(pixels.view(np.int16) if unsigned else pixels)
        if self._device.type == "cuda":
            stored = stored.pin_memory()
        moved = stored.to(self._device, non_blocking=True)
        if unsigned:
            moved = moved.to(torch.int32).bitwise_and_(0xFFFF)
        if moved.is_floating_point():
            return torch.nan_to_num(moved, nan=0.0, posinf=0.0, neginf=0.0)
        return moved.to(torch.float32)


def _resize(values: Tensor, size: int, *, squash: bool) -> Tensor:
    height, width = values.shape[-2:]
    shorter = min(height, width)
    scaled = (size, size) if squash else (size * height // shorter, size * width // shorter)
    if scaled == (height, width):
        return values
    return functional.interpolate(values, scaled, mode="bicubic", antialias=True, align_corners=False)


def _crop(values: Tensor, size: int) -> Tensor:
    height, width = values.shape[-2:]
    # Halves go to the even number, in Python and so in torchvision.
    top, left = round((height - size) / 2), round((width - size) / 2)
    return values[..., top : top + size, left : left + size]
