"""The image tower's network: from a window's description to its embedding."""

import torch
from torch import Tensor, nn
from torch.nn import functional

FARTHEST = 4.0
"""Deviations from the mean at which a number of the description is clipped."""


class Perceptron(nn.Sequential):
    """Two hidden layers.

    Parameters
    ----------
    numbers, width, dimension
        In, in between, and out.
    dropout
        Share of hidden numbers that are left out while training.
    """

    def __init__(self, numbers: int, width: int, dimension: int, *, dropout: float = 0.0) -> None:
        super().__init__(
            nn.Linear(numbers, width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(width, width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(width, dimension),
        )


class Network(nn.Module):
    """Several perceptrons, learnt apart from each other, whose unit embeddings are added.

    Parameters
    ----------
    numbers, width, dimension
        In, in between, and out.
    members
        How many.
    dropout
        Share of hidden numbers that are left out while training.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, numbers: int, width: int, dimension: int, *, members: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(numbers))
        self.register_buffer("deviation", torch.ones(numbers))
        self.members = nn.ModuleList(Perceptron(numbers, width, dimension, dropout=dropout) for _ in range(members))

    def standardize(self, descriptions: Tensor) -> Tensor:
        """Bring each number to mean 0 and deviation 1; what a window does not show is the mean."""
        return ((descriptions - self.mean) / self.deviation).nan_to_num_(nan=0.0).clamp_(-FARTHEST, FARTHEST)

    def forward(self, descriptions: Tensor) -> Tensor:
        """Embed descriptions, (n, numbers), as unit rows, (n, dimension)."""
        standard = self.standardize(descriptions)
        rows = [functional.normalize(member(standard), dim=-1) for member in self.members]
        return functional.normalize(torch.stack(rows).sum(dim=0), dim=-1)
