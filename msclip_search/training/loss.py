"""The contrastive loss where a tile has several captions and a caption several tiles."""

import torch
from torch import Tensor
from torch.nn import functional

_NEVER = -1e4  # the exponential of it is 0 even in half precision


def contrastive(cosines: Tensor, worth: Tensor, known: Tensor, *, temperature: float) -> Tensor:
    """Compare what a tile is likest to with what is true of it, and the same from the captions' side.

    For each tile that has a caption, the cross entropy between its captions, in proportion to their worth, and the
    softmax over all captions of which it is known whether they are true; for each caption that has a tile, the same
    over tiles. After the supervised contrastive loss of Khosla et al. (Supervised Contrastive Learning, NeurIPS 2020),
    in both directions as in CLIP.

    Parameters
    ----------
    cosines
        (tiles, captions).
    worth
        (tiles, captions), 0 or more: how much a caption counts as true of a tile.
    known
        (tiles, captions), bool: whether it is known if the caption is true.
    temperature
        What cosines are divided by.

    Returns
    -------
    Tensor
        A number.
    """
    scores = (cosines / temperature).masked_fill(~known, _NEVER)
    return _one_way(scores, worth) + _one_way(scores.T, worth.T)


def _one_way(scores: Tensor, worth: Tensor) -> Tensor:
    total = worth.sum(dim=1)
    some = total > 0
    told = (functional.log_softmax(scores[some], dim=1) * worth[some]).sum(dim=1)
    return -(told / total[some]).mean() if bool(some.any()) else scores.sum() * torch.zeros(())
