"""A window as a grid of cells of 80 m: what is where, in a few numbers a cell."""

import torch
from torch import Tensor
from torch.nn import functional

from msclip_search.models.nano.planes import PLANES, halved

SIDE = 8
"""Pixels a side of a cell."""
NAMES = tuple(
    f"{plane} {what}"
    for what in ("mean", "deviation", "steepness rms 1", "steepness most 1", "steepness rms 2")
    for plane in PLANES
)
"""Of a cell's numbers, in order."""

_QUIET = 1e-2  # deviation below which there is none: about an instrument's own
_STILL = 1e-4  # squared steepness below which there is none


def grid(height: int, width: int) -> tuple[int, int]:
    """Say how many cells a window has, at least one: what is left at the right and lower edge belongs to none."""
    return max(1, height // SIDE), max(1, width // SIDE)


def measure(apart: Tensor, fine: Tensor, coarse: Tensor) -> Tensor:
    """Measure each cell of windows.

    Parameters
    ----------
    apart
        Planes less their means, float32 (n, planes, height, width).
    fine, coarse
        Their steepness, and that of the halved planes: see `planes.steepness`.

    Returns
    -------
    float32 (n, names, rows, columns)
        In the order of `NAMES`; means are those beyond the window's.
    """
    apart, fine, coarse = _whole(apart, SIDE), _whole(fine, SIDE), _whole(coarse, SIDE // 2)
    mean = _averaged(apart, SIDE)
    # From each cell's own mean: the square of it less the mean of squares would leave few digits of a quiet cell.
    rows, columns = mean.shape[2:]
    within = apart.reshape(*apart.shape[:2], rows, SIDE, columns, SIDE) - mean[:, :, :, None, :, None]
    variance = _averaged(within.mul_(within).view(apart.shape), SIDE)
    return torch.cat(
        [
            mean,
            variance.sqrt_().add_(_QUIET).log_(),
            _averaged(fine, SIDE).add_(_STILL).log_(),
            _largest(fine).add_(_STILL).log_(),
            _averaged(coarse, SIDE // 2).add_(_STILL).log_(),
        ],
        dim=1,
    )


def _whole(planes: Tensor, side: int) -> Tensor:
    """Leave out what fills no cell; a window smaller than one is continued."""
    height, width = planes.shape[2:]
    if min(height, width) < side:
        planes = functional.pad(planes, (0, max(0, side - width), 0, max(0, side - height)), mode="replicate")
        height, width = planes.shape[2:]
    return planes[..., : height // side * side, : width // side * side]


def _averaged(planes: Tensor, side: int) -> Tensor:
    while side > 1:
        planes, side = halved(planes), side // 2
    return planes


def _largest(planes: Tensor) -> Tensor:
    side = SIDE
    while side > 1:
        rows = torch.maximum(planes[..., 0::2, :], planes[..., 1::2, :])
        planes, side = torch.maximum(rows[..., 0::2], rows[..., 1::2]), side // 2
    return planes
