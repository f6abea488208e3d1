"""A window of any size in a few hundred numbers that do not depend on its size: levels, and contrasts at four scales.

Of the ten bands the logarithm of reflectance is taken, so that a contrast means the same in a dark band as in a bright
one, and of six pairs of them the normalized difference. Of each plane come mean, deviation and quantiles of its values,
and at four scales rms, maximum and quantiles of its steepness and the rms of its curvature. What a window is too small
to show is NaN.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from msclip_search.models.nano.spec import SPEC

FLOOR = 0.005
"""Reflectance added before the logarithm: the deepest water is not minus infinity."""
PAIRS = (("B08", "B04"), ("B03", "B11"), ("B11", "B08"), ("B08", "B12"), ("B07", "B05"), ("B03", "B08"))
"""Bands of the normalized differences: NDVI, MNDWI, NDBI, NBR, red edge, NDWI."""
SCALES = (1, 2, 4, 8)
"""Sides, in pixels, of the squares that are averaged before contrasts are measured."""
LEVELS = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
"""Quantiles of values."""
SLOPES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.98)
"""Quantiles of steepness."""
COARSEST_BEND = 4
"""Scale beyond which curvature is not measured: it does not carry over from simulated to real tiles."""

_STRETCH = 2.0  # of the differences, which then vary about as much as the logarithms
_SAMPLE = 1024  # pixels whose quantiles are taken, on a lattice: all of a small window, some of a large one
_QUIET = 1e-3  # deviation below which there is none
_STILL = 1e-6  # squared steepness below which there is none
_PIXELS = 1 << 15  # worked on at once on a processor: their planes stay in its cache
_PIXELS_ON_GPU = 1 << 24

PLANES = (*SPEC.bands, *("-".join(pair) for pair in PAIRS))
"""What is measured."""


def _names() -> Iterator[str]:
    for what in ("mean", "deviation", *(f"p{100 * level:g}" for level in LEVELS)):
        yield from (f"{plane} {what}" for plane in PLANES)
    for scale in SCALES:
        for what in ("rms", "most", *(f"p{100 * level:g}" for level in SLOPES)):
            yield from (f"{plane} steepness {what} {scale}" for plane in PLANES)
        if scale <= COARSEST_BEND:
            yield from (f"{plane} curvature {scale}" for plane in PLANES)


NAMES = tuple(_names())
"""Of the numbers, in order."""


def describe(reflectance: Tensor) -> Tensor:
    """Describe windows.

    Parameters
    ----------
    reflectance
        float32 (n, 10, height, width), bands in the order of the model; a pixel that is 0 or less in all of them is no
        data, and counts as the mean of those that are not.

    Returns
    -------
    float32 (n, names)
        In the order of `NAMES`.
    """
    count, _, height, width = reflectance.shape
    step = at_once(height * width, reflectance.device)
    none = reflectance.new_empty((0, len(NAMES)))
    return torch.cat([none, *(_describe(reflectance[start : start + step]) for start in range(0, count, step))])


def at_once(pixels: int, device: torch.device) -> int:
    """Say how many windows of so many pixels are best worked on at once."""
    return max(1, (_PIXELS_ON_GPU if device.type == "cuda" else _PIXELS) // pixels)


def _describe(reflectance: Tensor) -> Tensor:
    planes = _planes(_filled(reflectance))
    mean = planes.mean((2, 3))
    deviation = _mean_square(planes - mean[:, :, None, None]).sqrt_()
    found = [mean, torch.log(deviation + _QUIET)]
    found += _quantiles(_lattice(planes), LEVELS)
    for scale in SCALES:
        if scale > 1:
            planes = _halved(planes)
        found += _contrasts(planes, bend=scale <= COARSEST_BEND)
    return torch.cat(found, dim=1)


def _filled(reflectance: Tensor) -> Tensor:
    """Replace pixels without data by the mean of the others, band by band."""
    valid = reflectance.amax(dim=1, keepdim=True) > 0
    if bool(valid.all()):
        return reflectance
    number = valid.sum((2, 3), keepdim=True).clamp(min=1)
    mean = (reflectance * valid).sum((2, 3), keepdim=True) / number
    return torch.where(valid, reflectance, mean)


def _planes(reflectance: Tensor) -> Tensor:
    shifted = reflectance.clamp(min=0).add_(FLOOR)
    count, bands, height, width = shifted.shape
    planes = shifted.new_empty(count, len(PLANES), height, width)
    torch.log(shifted, out=planes[:, :bands])
    place = SPEC.bands.index
    for index, (one, other) in zip(planes[:, bands:].unbind(dim=1), PAIRS, strict=True):
        first, second = shifted[:, place(one)], shifted[:, place(other)]
        torch.sub(first, second, out=index).div_(first + second).mul_(_STRETCH)
    return planes


def _halved(planes: Tensor) -> Tensor:
    """Average squares of 2 x 2; a last odd row or column is left out. As `avg_pool2d`, at a tenth of its time."""
    height, width = (side // 2 * 2 for side in planes.shape[2:])
    rows = planes[..., 0:height:2, :width] + planes[..., 1:height:2, :width]
    return (rows[..., 0::2] + rows[..., 1::2]).mul_(0.25)


def _contrasts(planes: Tensor, *, bend: bool) -> list[Tensor]:
    """Measure steepness and curvature between neighbours."""
    height, width = planes.shape[2:]
    nothing = planes.new_full(planes.shape[:2], float("nan"))
    if min(height, width) < 2:
        return [nothing] * (2 + len(SLOPES) + bend)
    here = planes[..., :-1, :-1]
    east, south = planes[..., :-1, 1:] - here, planes[..., 1:, :-1] - here
    steep = east.mul_(east).addcmul_(south, south)
    found = [steep.mean((2, 3)), steep.amax((2, 3)), *_quantiles(_lattice(steep), SLOPES)]
    if bend:
        found.append(_curvature(planes) if min(height, width) > 2 else nothing)
    return [torch.log(value + _STILL) for value in found]


def _curvature(planes: Tensor) -> Tensor:
    """Mean square of four times a pixel less its four neighbours."""
    bent = planes[..., :-2, 1:-1] + planes[..., 2:, 1:-1]
    bent += planes[..., 1:-1, :-2]
    bent += planes[..., 1:-1, 2:]
    return _mean_square(bent.sub_(planes[..., 1:-1, 1:-1], alpha=4))


def _mean_square(planes: Tensor) -> Tensor:
    """Overwrite planes by their squares, and average these: `std` and `var` take twenty times as long."""
    return planes.mul_(planes).mean((2, 3))


def _lattice(planes: Tensor) -> Tensor:
    """Take pixels at equal distances: (n, planes, about `_SAMPLE` at most)."""
    height, width = planes.shape[2:]
    step = max(1, int((height * width / _SAMPLE) ** 0.5))
    return planes[..., step // 2 :: step, step // 2 :: step].flatten(2)


def _quantiles(values: Tensor, levels: tuple[float, ...]) -> list[Tensor]:
    """Return the values nearest to each quantile, (n, planes) each."""
    # NumPy sorts with the processor's vector units, about ten times as fast as PyTorch does.
    ranked = values.sort(dim=-1).values if values.is_cuda else torch.from_numpy(np.sort(values.numpy(), axis=-1))
    last = ranked.shape[-1] - 1
    return [ranked[..., round(level * last)] for level in levels]
