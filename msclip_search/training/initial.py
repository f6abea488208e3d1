"""A network that has learnt nothing yet but what descriptions are like."""

from collections.abc import Iterable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from msclip_search.models.nano.network import Network
from msclip_search.training.examples import Examples
from msclip_search.training.plan import Plan

_SMALLEST = 1e-3
"""Deviation of a number below which it says nothing."""
_AT_ONCE = 1_000
"""Tiles whose sums are taken at once."""


def blank_network(plan: Plan, simulated: Sequence[Examples], dimension: int) -> Network:
    """Make a network as planned, for tiles described as these are."""
    return Network(
        simulated[0].whole.shape[1],
        simulated[0].cells.shape[1],
        channels=plan.channels,
        blocks=plan.blocks,
        width=plan.width,
        dimension=dimension,
        dropout=plan.dropout,
    )


def initial_network(plan: Plan, simulated: Sequence[Examples], dimension: int) -> Network:
    """Make a network as planned, with the means and deviations of the tiles that it is to learn from."""
    network = blank_network(plan, simulated, dimension)
    whole = moments((each.whole for each in simulated), len(network.mean))
    cells = moments((each.cells.reshape(*each.cells.shape[:2], -1) for each in simulated), len(network.cell_mean))
    for kind, (mean, deviation) in (("", whole), ("cell_", cells)):
        network.get_buffer(f"{kind}mean").copy_(torch.from_numpy(mean))
        network.get_buffer(f"{kind}deviation").copy_(torch.from_numpy(deviation))
    return network


def moments(parts: Iterable[NDArray[np.floating]], kinds: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean and deviation of each kind of number, (kinds,), over arrays (n, kinds, ...); NaN does not count."""
    count, total, squares = np.zeros((3, kinds))
    for part in parts:
        for start in range(0, len(part), _AT_ONCE):
            values = part[start : start + _AT_ONCE].astype(np.float64).reshape(-1, kinds, part[:1, 0].size)
            count += np.count_nonzero(~np.isnan(values), axis=(0, 2))
            total += np.nansum(values, axis=(0, 2))
            squares += np.nansum(values**2, axis=(0, 2))
    mean = total / np.maximum(count, 1)
    variance = np.maximum(squares / np.maximum(count, 1) - mean**2, 0)
    return mean, np.maximum(np.sqrt(variance), _SMALLEST)
