"""What a training is asked for."""

import math
from dataclasses import dataclass

from msclip_search.errors import TrainingError

SIZES = (64, 224)
"""Pixels a side of the simulated tiles: small and large ones."""
_MOST = 1 << 31
"""Beyond seeds and counts: numbers of tiles and seeds are made of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The choices in training `s2-nano`; the defaults are those of the bundled weights.

    The network learns from simulated tiles, and then, where there are some, from real ones among them. The same plan,
    token vectors, real tiles and versions give the same weights on the same machine.
    """

    seed: int = 0
    small: int = 90_000
    """Simulated tiles of 64 pixels."""
    large: int = 8_000
    """Simulated tiles of 224 pixels."""
    validation: int = 2_000
    """Simulated tiles of 64 pixels, of another seed, on which the curve is measured."""
    channels: int = 96
    """Of the convolutions over cells."""
    blocks: int = 2
    """How many there are."""
    width: int = 512
    """Hidden numbers of the layers above them."""
    steps: int = 8_000
    """Batches of simulated tiles."""
    real_steps: int = 400
    """Batches of simulated and real tiles, afterwards."""
    batch: int = 256
    """Small tiles, and real ones, at once."""
    large_batch: int = 8
    """Large tiles at once, beside them."""
    real_share: float = 0.3
    """Share of real tiles in a batch that has some."""
    rate: float = 2e-3
    """Learning rate at its highest: it rises over the first tenth of the steps, and falls with a cosine."""
    real_rate: float = 1e-3
    """The same among real tiles."""
    decay: float = 0.02
    """Decay of the weights, of AdamW."""
    temperature: float = 0.05
    """What cosines are divided by."""
    dropout: float = 0.15
    """Share of hidden numbers left out."""
    noise: float = 0.1
    """Added to each number of a description, in its deviations; for cells, to a number of all of them alike."""
    group_noise: float = 0.3
    """Added to all numbers of a group alike: see `augmentation`."""
    cell_noise: float = 0.2
    """Added to each number of each cell."""
    left_out: float = 0.15
    """Share of groups, and of the cells' numbers, that say nothing."""
    incidental: float = 0.5
    """How much a caption counts that is true of a tile, but not what the tile is mainly about."""
    every: int = 500
    """Steps between two checkpoints, and two points of the curve."""

    def __post_init__(self) -> None:
        """Refuse what cannot be trained.

        Raises
        ------
        TrainingError
        """
        for name in ("validation", "channels", "blocks", "width", "steps", "batch", "large_batch", "every"):
            self._check(name, getattr(self, name) >= 1, "1 or more")
        for name in ("seed", "small", "large", "real_steps"):
            self._check(name, 0 <= getattr(self, name) < _MOST, f"0 or more, and below {_MOST:,}")
        for name in ("real_share", "dropout", "left_out", "incidental"):
            self._check(name, 0 <= getattr(self, name) < 1, "0 or more, and below 1")
        for name in ("rate", "real_rate", "temperature"):
            self._check(name, 0 < getattr(self, name) < math.inf, "above 0")
        for name in ("noise", "group_noise", "cell_noise", "decay"):
            self._check(name, 0 <= getattr(self, name) < math.inf, "0 or more")
        if not self.small + self.large:
            raise TrainingError("A training needs tiles: small or large ones.")

    def _check(self, name: str, right: bool, what: str) -> None:  # noqa: FBT001
        if not right:
            raise TrainingError(f"Of a training, {name.replace('_', ' ')} is {what}, got {getattr(self, name)}.")

    @property
    def real_batch(self) -> int:
        """Real tiles at once."""
        return round(self.batch * self.real_share)
