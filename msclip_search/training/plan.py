"""What a training is asked for."""

from dataclasses import dataclass

from msclip_search.errors import TrainingError

SIZES = (64, 224)
"""Pixels a side of the simulated tiles: small and large ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The choices in training `s2-nano`; the defaults are those of the bundled weights.

    The same plan, token vectors, real tiles and versions give the same weights on the same machine.
    """

    seed: int = 0
    small: int = 90_000
    """Simulated tiles of 64 pixels."""
    large: int = 5_000
    """Simulated tiles of 224 pixels, each of which is learnt from as a whole and in two windows."""
    validation: int = 2_000
    """Simulated tiles of 64 pixels, of another seed, on which the curve is measured."""
    members: int = 2
    """Networks whose embeddings are added."""
    width: int = 512
    """Hidden numbers of each."""
    steps: int = 3_000
    """Batches of each."""
    batch: int = 256
    """Tiles at once."""
    real_share: float = 0.3
    """Share of a batch that are real tiles, where there are some."""
    rate: float = 2e-3
    """Learning rate at its highest: it rises over the first tenth of the steps, and falls with a cosine."""
    decay: float = 0.02
    """Decay of the weights, of AdamW."""
    temperature: float = 0.05
    """What cosines are divided by."""
    dropout: float = 0.15
    """Share of hidden numbers left out."""
    noise: float = 0.2
    """Added to each number of a description, in its deviations."""
    noise_alone: float = 0.4
    """The same where there are no real tiles: what is learnt must bear that simulated ones are not quite like them."""
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
        counts = (self.validation, self.members, self.width, self.steps, self.batch, self.every)
        if min(counts) < 1 or min(self.seed, self.small, self.large) < 0 or not self.small + self.large:
            raise TrainingError(f"A training needs tiles, validation, members, width, steps and batches, got {self}.")
        shares = (self.real_share, self.dropout, self.incidental)
        if not all(0 <= share < 1 for share in shares):
            raise TrainingError(f"Shares lie between 0 and 1, 1 left out, got {shares}.")
        if not (self.rate > 0 and self.temperature > 0 and min(self.noise, self.noise_alone) >= 0 and self.decay >= 0):
            raise TrainingError(f"Rate and temperature are above 0, noise and decay not below, got {self}.")
