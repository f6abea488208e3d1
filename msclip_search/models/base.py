"""What a model does once it is loaded: tiles and texts become unit vectors in one space."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Protocol, Self, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from msclip_search.errors import ModelError
from msclip_search.models.spec import ModelSpec, is_sha256

Pixels: TypeAlias = NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.int16] | NDArray[np.float32]
"""Tiles of one size, (n, bands, height, width)."""
Embeddings: TypeAlias = NDArray[np.float32]
"""Unit rows, (n, dimension)."""
Origin: TypeAlias = Literal["file", "hub", "seed", "bundled"]
"""Where weights came from: a file of the user's, the model hub, a seed (then there is no file), or this package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsFile:
    """Weights with their provenance, as an index records them."""

    path: str
    """Absolute path of the file; empty where the weights are drawn from a seed."""
    sha256: str
    """Hash of the content, 64 hexadecimal digits."""
    size: int
    """Bytes."""
    mtime_ns: int
    """Time of the last change, nanoseconds since 1970: with the size, the sign that the hash still holds."""
    origin: Origin
    """Where it came from."""
    revision: str | None = None
    """Commit on the hub, where it came from there."""

    def __post_init__(self) -> None:
        """Refuse what is no record of weights."""
        if not is_sha256(self.sha256):
            raise ValueError(f"A sha256 is 64 lower-case hexadecimal digits, got '{self.sha256}'.")
        if self.size < 0 or self.mtime_ns < 0:
            raise ValueError(f"Size and time of change are 0 or more, got {self.size} and {self.mtime_ns}.")
        if self.origin not in get_args(Origin):
            raise ValueError(f"Weights come from {', '.join(get_args(Origin))}, got '{self.origin}'.")

    def describes(self, path: Path) -> bool:
        """Tell whether the file at a path still has this size and time of change, so that its hash is known.

        Raises
        ------
        OSError
            There is no such file, or it may not be looked at.
        """
        status = path.stat()
        return (status.st_size, status.st_mtime_ns) == (self.size, self.mtime_ns)

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make a record from what `to_dict` returned.

        Raises
        ------
        ModelError
            The values are not those of a record of weights.
        """
        try:
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise ModelError(f"This record of a model's weights cannot be read ({error}).") from error


class Encoder(Protocol):
    """A loaded model. Its methods may be called from several threads at once."""

    @property
    def spec(self) -> ModelSpec:
        """What the model is."""

    @property
    def weights(self) -> WeightsFile | None:
        """The weights that it was loaded with; None where a model has none."""

    @property
    def fingerprint(self) -> str:
        """Hash of everything that changes an embedding, `spec.fingerprint` of these weights."""

    @property
    def trained_on(self) -> frozenset[str] | None:
        """SHA-256 of the files of labelled tiles that it was trained on; None where nobody has kept a list."""

    @property
    def batch(self) -> int:
        """Tiles that are best given at once. It may become smaller when the device runs out of memory."""

    @property
    def concurrency(self) -> int:
        """How many calls of `encode_tiles` may usefully run at once."""

    def encode_tiles(self, pixels: Pixels) -> Embeddings:
        """Embed tiles.

        Parameters
        ----------
        pixels
            (n, bands, height, width), the bands of `spec.bands` in that order. uint16, int16 and float32 are
            reflectance x 10000 as stored, where NaN counts as 0, which is no data; uint8 is an 8-bit
            true-colour picture, which only models with a `spec.rendering` take.

        Returns
        -------
        float32 (n, dimension)
            Rows of length 1.

        Raises
        ------
        BandsError
            The pixels are not what the model takes.
        ModelError
            The device has too little memory for a single tile.
        """

    def encode_texts(self, texts: Sequence[str]) -> Embeddings:
        """Embed texts as they are; one longer than the context is cut.

        Returns
        -------
        float32 (n, dimension)
            Rows of length 1.
        """

    def first_word_cut(self, text: str) -> tuple[int, str] | None:
        """Say where a text longer than the context is cut.

        Returns
        -------
        (int, str) or None
            Position, counted from 1, of the first word that is not wholly read, and the word; None where all
            is read.
        """
