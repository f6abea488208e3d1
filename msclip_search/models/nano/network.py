"""The image tower's network: from a window's description to its embedding."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from msclip_search.models.nano.descriptor import Description

FARTHEST = 4.0
"""Deviations from the mean at which a number of the description is clipped."""

_AROUND = 3  # cells a side that a block sees
_WIDER = 2  # of a block's hidden channels
_LEAST = 1e-6  # variance added: where all cells say the same, the deviation would have no slope to learn along


class Block(nn.Module):
    """What a cell and those around it say, added to what it said before.

    A depthwise convolution and two layers cell by cell, after Liu et al. (A ConvNet for the 2020s, CVPR 2022), without
    its normalization.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        # Continued at the edge: a window cut from a larger one must not look as if the world ended there.
        self.around = nn.Conv2d(
            channels, channels, _AROUND, padding=_AROUND // 2, groups=channels, padding_mode="replicate"
        )
        self.widen = nn.Conv2d(channels, _WIDER * channels, 1)
        self.narrow = nn.Conv2d(_WIDER * channels, channels, 1)

    def forward(self, cells: Tensor) -> Tensor:
        """Return the same shape, (n, channels, rows, columns)."""
        added: Tensor = self.narrow(functional.gelu(self.widen(self.around(cells))))
        return cells + added


class Network(nn.Module):
    """Convolutions over cells, and layers over what they say of all of them and the description of the whole.

    Parameters
    ----------
    numbers, cell_numbers
        Of the description: of the whole and of each cell.
    channels, blocks
        Of the convolutions.
    width
        Hidden numbers of the layers.
    dimension
        Numbers in an embedding.
    dropout
        Share of hidden numbers that are left out while training.
    """

    mean: Tensor
    deviation: Tensor
    cell_mean: Tensor
    cell_deviation: Tensor

    def __init__(
        self,
        numbers: int,
        cell_numbers: int,
        *,
        channels: int,
        blocks: int,
        width: int,
        dimension: int,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        for kind, size in (("", numbers), ("cell_", cell_numbers)):
            self.register_buffer(f"{kind}mean", torch.zeros(size))
            self.register_buffer(f"{kind}deviation", torch.ones(size))
        self.lift = nn.Conv2d(cell_numbers, channels, 1)
        self.blocks = nn.Sequential(*(Block(channels) for _ in range(blocks)))
        self.head = nn.Sequential(
            nn.Linear(numbers + 3 * channels, width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(width, dimension),
        )

    def standardize(self, description: Description) -> Description:
        """Bring each number to mean 0 and deviation 1; what a window does not show is the mean."""
        whole = ((description.whole - self.mean) / self.deviation).nan_to_num_(nan=0.0)
        cells = (description.cells - self.cell_mean[:, None, None]) / self.cell_deviation[:, None, None]
        return Description(whole.clamp_(-FARTHEST, FARTHEST), cells.clamp_(-FARTHEST, FARTHEST))

    def summarize(self, standard: Description) -> Tensor:
        """Return a window's numbers and what its cells say, their mean, maximum and deviation: (n, numbers)."""
        said = self.blocks(functional.gelu(self.lift(standard.cells))).flatten(2)
        mean = said.mean(2)
        spread = (said - mean[:, :, None]).square().mean(2)  # `var` takes three times as long
        return torch.cat([standard.whole, mean, said.amax(2), (spread + _LEAST).sqrt()], dim=1)

    def forward(self, description: Description) -> Tensor:
        """Embed windows of one size as unit rows, (n, dimension)."""
        return functional.normalize(self.head(self.summarize(self.standardize(description))), dim=-1)
