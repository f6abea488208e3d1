"""What is done to descriptions before they are learnt from, so that nothing hangs on the simulator's own ways.

Simulated and real tiles differ less in single numbers than in whole groups of them: one plane is brighter, or rougher
at one scale. So besides each number, all numbers of a group are moved together, and some groups say nothing at all.
Grids of cells are turned and mirrored: nothing on the ground knows where north is.
"""

from collections.abc import Iterable

import torch
from torch import Tensor

from msclip_search.models.nano.descriptor import NAMES, Description
from msclip_search.training.plan import Plan


def augment(standard: Description, plan: Plan) -> Description:
    """Vary standardized descriptions, of windows that are as wide as high, from the generator that PyTorch seeds."""
    count, kinds = standard.cells.shape[:2]
    whole = standard.whole + plan.noise * torch.randn_like(standard.whole)
    whole = whole + plan.group_noise * torch.randn(count, len(GROUPS)) @ GROUPS
    cells = standard.cells + plan.cell_noise * torch.randn_like(standard.cells)
    cells = cells + plan.noise * torch.randn(count, kinds, 1, 1)
    return Description(
        whole * (_kept(count, len(GROUPS), plan.left_out) @ GROUPS),
        _turned(cells) * _kept(count, kinds, plan.left_out)[:, :, None, None],
    )


def _kept(count: int, kinds: int, left_out: float) -> Tensor:
    return (torch.rand(count, kinds) >= left_out).float()


def _turned(cells: Tensor) -> Tensor:
    """Turn and mirror all grids alike."""
    mirrored, turns = torch.rand(()) < 0.5, int(torch.randint(4, ()))
    return torch.rot90(cells.flip(3) if mirrored else cells, turns, (2, 3))


def group(name: str) -> str:
    """Name the group of a number of the description: a plane's levels, its deviation, its contrasts at one scale."""
    plane, what, *rest = name.split(" ")
    if what in {"steepness", "curvature"}:
        return f"{plane} contrasts {rest[-1]}"
    return f"{plane} {what if what == 'deviation' else 'levels'}"


def _memberships(groups: Iterable[str]) -> Tensor:
    of_numbers = list(groups)
    return torch.tensor([[float(each == one) for each in of_numbers] for one in dict.fromkeys(of_numbers)])


GROUPS = _memberships(map(group, NAMES))
"""(groups, numbers): 1 where a number is of a group."""
