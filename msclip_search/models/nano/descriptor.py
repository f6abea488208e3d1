"""A window of any size in numbers: as a whole, and cell by cell.

As a whole in a few hundred numbers that do not depend on its size: levels, and contrasts at four scales. Of the ten
bands the logarithm of reflectance is taken, so that a contrast means the same in a dark band as in a bright one, and of
six pairs of them the normalized difference. Of each plane come mean, deviation and quantiles of its values, and at four
scales rms, maximum and quantiles of its steepness and the rms of its curvature. What a window is too small to show is
NaN. Cell by cell: see `cells`.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from msclip_search.models.nano import cells
from msclip_search.models.nano.planes import PLANES, halved, planes_of, steepness

SCALES = (1, 2, 4, 8)
"""Sides, in pixels, of the squares that are averaged before contrasts are measured."""
LEVELS = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9, 0.98)
"""Quantiles of values."""
SLOPES = (0.1, 0.3, 0.5, 0.7, 0.9, 0.98)
"""Quantiles of steepness."""
COARSEST_BEND = 4
"""Scale beyond which curvature is not measured: it does not carry over from simulated to real tiles."""

_SAMPLE = 1024  # pixels whose quantiles are taken, on a lattice: all of a small window, some of a large one
_QUIET = 1e-3  # deviation below which there is none
_STILL = 1e-6  # squared steepness below which there is none
_PIXELS = 1 << 15  # worked on at once on a processor: their planes stay in its cache
_PIXELS_ON_GPU = 1 << 24


class Description(NamedTuple):
    """Windows of one size."""

    whole: Tensor
    """float32 (n, names), in the order of `NAMES`."""
    cells: Tensor
    """float32 (n, cell names, rows, columns), in the order of `cells.NAMES`."""


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


def describe(reflectance: Tensor) -> Description:
    """Describe windows.

    Parameters
    ----------
    reflectance
        float32 (n, 10, height, width), bands in the order of the model; a pixel that is 0 or less in all of them is no
        data, and counts as the mean of those that are not.

    Returns
    -------
    Description
    """
    count, _, height, width = reflectance.shape
    step = at_once(height * width, reflectance.device)
    parts = [_describe(reflectance[start : start + step]) for start in range(0, count, step)]
    if not parts:
        none = reflectance.new_empty
        return Description(none((0, len(NAMES))), none((0, len(cells.NAMES), *cells.grid(height, width))))
    return Description(*(torch.cat(part) for part in zip(*parts, strict=True)))


def at_once(pixels: int, device: torch.device) -> int:
    """Say how many windows of so many pixels are best worked on at once."""
    return max(1, (_PIXELS_ON_GPU if device.type == "cuda" else _PIXELS) // pixels)


def _describe(reflectance: Tensor) -> Description:
    planes = planes_of(reflectance)
    mean = planes.mean((2, 3))
    apart = planes - mean[:, :, None, None]
    deviation = apart.square().mean((2, 3)).sqrt_()  # `std` takes twenty times as long
    found = [mean, torch.log(deviation + _QUIET), *_quantiles(_lattice(planes), LEVELS)]
    at_scale, steep = [planes], [steepness(planes)]
    for _ in SCALES[1:]:
        at_scale.append(halved(at_scale[-1]))
        steep.append(steepness(at_scale[-1]))
    for scale, of_scale, steep_of_scale in zip(SCALES, at_scale, steep, strict=True):
        found += _contrasts(of_scale, steep_of_scale, bend=scale <= COARSEST_BEND)
    return Description(torch.cat(found, dim=1), cells.measure(apart, *steep[:2]))


def _contrasts(planes: Tensor, steep: Tensor, *, bend: bool) -> list[Tensor]:
    """Measure steepness, where there are both neighbours, and curvature, where there are all four."""
    nothing = planes.new_full(planes.shape[:2], float("nan"))
    if min(planes.shape[2:]) < 2:
        return [nothing] * (2 + len(SLOPES) + bend)
    steep = steep[..., :-1, :-1]
    found = [steep.mean((2, 3)), steep.amax((2, 3)), *_quantiles(_lattice(steep), SLOPES)]
    if bend:
        found.append(_curvature(planes) if min(planes.shape[2:]) > 2 else nothing)
    return [torch.log(value + _STILL) for value in found]


def _curvature(planes: Tensor) -> Tensor:
    """Mean square of four times a pixel less its four neighbours."""
    bent = planes[..., :-2, 1:-1] + planes[..., 2:, 1:-1]
    bent += planes[..., 1:-1, :-2]
    bent += planes[..., 1:-1, 2:]
    return bent.sub_(planes[..., 1:-1, 1:-1], alpha=4).square_().mean((2, 3))


def _lattice(planes: Tensor) -> Tensor:
    """Take pixels at equal distances: (n, planes, about `_SAMPLE` at most)."""
    height, width = planes.shape[2:]
    step = max(1, round((height * width / _SAMPLE) ** 0.5))
    top, left = (min(step // 2, side - 1) for side in (height, width))
    return planes[..., top::step, left::step].flatten(2)


def _quantiles(values: Tensor, levels: tuple[float, ...]) -> list[Tensor]:
    """Return the values nearest to each quantile, (n, planes) each."""
    # NumPy sorts with the processor's vector units, about ten times as fast as PyTorch does.
    ranked = values.sort(dim=-1).values if values.is_cuda else torch.from_numpy(np.sort(values.numpy(), axis=-1))
    last = ranked.shape[-1] - 1
    return [ranked[..., round(level * last)] for level in levels]
