"""What a window is described by: logarithms of its bands and normalized differences, on squares of any size."""

import torch
from torch import Tensor

from msclip_search.models.nano.spec import SPEC

FLOOR = 0.005
"""Reflectance added before the logarithm: the deepest water is not minus infinity."""
PAIRS = (("B08", "B04"), ("B03", "B11"), ("B11", "B08"), ("B08", "B12"), ("B07", "B05"), ("B03", "B08"))
"""Bands of the normalized differences: NDVI, MNDWI, NDBI, NBR, red edge, NDWI."""
PLANES = (*SPEC.bands, *("-".join(pair) for pair in PAIRS))
"""What is measured."""

_STRETCH = 2.0  # of the differences, which then vary about as much as the logarithms


def planes_of(reflectance: Tensor) -> Tensor:
    """Return the planes of windows.

    Parameters
    ----------
    reflectance
        float32 (n, 10, height, width), bands in the order of the model; a pixel that is 0 or less in all of them is no
        data, and counts as the mean of those that are not.

    Returns
    -------
    float32 (n, planes, height, width)
        In the order of `PLANES`.
    """
    shifted = _filled(reflectance).clamp(min=0).add_(FLOOR)
    count, bands, height, width = shifted.shape
    planes = shifted.new_empty(count, len(PLANES), height, width)
    torch.log(shifted, out=planes[:, :bands])
    place = SPEC.bands.index
    for index, (one, other) in zip(planes[:, bands:].unbind(dim=1), PAIRS, strict=True):
        first, second = shifted[:, place(one)], shifted[:, place(other)]
        torch.sub(first, second, out=index).div_(first + second).mul_(_STRETCH)
    return planes


def halved(planes: Tensor) -> Tensor:
    """Average squares of 2 x 2; a last odd row or column is left out. As `avg_pool2d`, at a tenth of its time."""
    height, width = (side // 2 * 2 for side in planes.shape[2:])
    rows = planes[..., 0:height:2, :width] + planes[..., 1:height:2, :width]
    return (rows[..., 0::2] + rows[..., 1::2]).mul_(0.25)


def steepness(planes: Tensor) -> Tensor:
    """Return, of the same shape, the squared differences to the right and to the lower neighbour, added.

    Where there is no neighbour there is no difference.
    """
    steep = torch.zeros_like(planes)
    east = torch.sub(planes[..., :, 1:], planes[..., :, :-1], out=steep[..., :, :-1])
    east.mul_(east)
    south = planes[..., 1:, :] - planes[..., :-1, :]
    steep[..., :-1, :].addcmul_(south, south)
    return steep


def _filled(reflectance: Tensor) -> Tensor:
    """Replace pixels without data by the mean of the others, band by band."""
    valid = reflectance.amax(dim=1, keepdim=True) > 0
    if bool(valid.all()):
        return reflectance
    number = valid.sum((2, 3), keepdim=True).clamp(min=1)
    mean = (reflectance * valid).sum((2, 3), keepdim=True) / number
    return torch.where(valid, reflectance, mean)
