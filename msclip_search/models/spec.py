"""What a model is, as a value: what it takes, what it gives, and where its weights come from."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self, cast

from msclip_search.bands import BANDS
from msclip_search.errors import ModelError

RESAMPLINGS = ("bicubic", "bicubic-squash", "none")
"""How a tile is brought to the model's size: bicubic with antialiasing until the shorter side fits, and cropped;
the same, but both sides at once, whatever becomes of the proportions; or not at all."""

# What is told about a model, and cannot change a number that it computes.
_TOLD = frozenset({"name", "summary", "hub", "licence", "citation"})


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    """A file on the model hub."""

    repo: str
    """Owner and name, "ibm-esa-geospatial/Llama3-MS-CLIP-base"."""
    filename: str
    """Path of the file in the repository."""
    revision: str
    """Commit, tag or branch."""
    sha256: str | None = None
    """Hash of the file; None takes the hub's own word for it when the file first comes."""
    alternative: str | None = None
    """Path of the same weights in another format, taken where the repository has no `filename`."""

    def __post_init__(self) -> None:
        """Refuse addresses that lead nowhere."""
        if not (self.repo and self.filename and self.revision):
            raise ValueError(f"A file on the hub has a repository, a file name and a revision, got {self}.")
        if self.sha256 is not None and not is_sha256(self.sha256):
            raise ValueError(f"A sha256 is 64 lower-case hexadecimal digits, got '{self.sha256}'.")
        if self.sha256 is not None and self.alternative is not None:
            raise ValueError(f"Two files do not have one hash: got {self}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """A model: its bands and preprocessing, its numbers, and its weights' provenance."""

    name: str
    """What the user calls it."""
    summary: str
    """One line about it."""
    bands: tuple[str, ...]
    """The bands that it takes, in order: "B02" …"""
    substitutes: tuple[tuple[str, str], ...] = ()
    """Pairs (wanted, stand-in) that may be used where a product lacks the wanted band."""
    size: int
    """Height and width of its input, in pixels."""
    resampling: str
    """How a tile of another size is brought to `size`: one of `RESAMPLINGS`."""
    rendering: tuple[float, float] | None = None
    """For models of true-colour pictures: the stored values (reflectance x 10000) shown as 0 and as 255 of 8 bits,
    clipped beyond; 8-bit pictures are taken too. None takes stored values as they are, and no pictures."""
    mean: tuple[float, ...]
    """Subtracted from each band: stored values, or, after a rendering, 8 bits as 0 to 1."""
    deviation: tuple[float, ...]
    """What each band is divided by then."""
    dimension: int
    """Numbers in an embedding."""
    architecture: str
    """Of the network: a name that OpenCLIP knows, or one of ours."""
    tokenizer: str
    """How a text becomes numbers."""
    context: int
    """Tokens that a text may have, the two at its ends included; 0 where there is no limit."""
    hub: HubFile | None = None
    """Where the weights are when none are given."""
    licence: str
    """Of the weights."""
    citation: str
    """The paper to cite."""

    def __post_init__(self) -> None:
        """Refuse what fits no model."""
        if not self.name or not self.architecture:
            raise ValueError(f"A model has a name and an architecture, got '{self.name}', '{self.architecture}'.")
        if unknown := [band for band in self.bands if band not in BANDS]:
            raise ValueError(f"Bands are among {', '.join(BANDS)}, got {', '.join(unknown)}.")
        if not self.bands or len(set(self.bands)) < len(self.bands):
            raise ValueError(f"A model takes one band at least and none twice, got {self.bands}.")
        for wanted, stand_in in self.substitutes:
            if wanted not in self.bands or stand_in not in BANDS or stand_in == wanted:
                raise ValueError(f"A substitute is (a band of the model, another band), got {(wanted, stand_in)}.")
        if self.resampling not in RESAMPLINGS:
            raise ValueError(f"Resampling is one of {', '.join(RESAMPLINGS)}, got '{self.resampling}'.")
        self._check_numbers()

    def _check_numbers(self) -> None:
        if len(self.mean) != len(self.bands) or len(self.deviation) != len(self.bands):
            raise ValueError(
                f"There is a mean and a deviation for each of {len(self.bands)} bands, "
                f"got {len(self.mean)} and {len(self.deviation)}."
            )
        if not all(math.isfinite(number) for number in (*self.mean, *self.deviation)) or min(self.deviation) <= 0:
            raise ValueError(f"Means are finite and deviations above 0, got {self.mean} and {self.deviation}.")
        if self.rendering is not None and not self.rendering[0] < self.rendering[1]:
            raise ValueError(f"A rendering goes from a lower value to a higher one, got {self.rendering}.")
        if self.size < 1 or self.dimension < 1 or self.context < 0:
            raise ValueError(
                f"Size and dimension are 1 or more and the context 0 or more, "
                f"got {self.size}, {self.dimension} and {self.context}."
            )

    def to_dict(self) -> dict[str, Any]:
        """Return what JSON can hold, with everything that `from_dict` needs."""
        return cast("dict[str, Any]", _lists(asdict(self)))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Make a spec from what `to_dict` returned.

        Raises
        ------
        ModelError
            The values are not those of a spec: another version of msclip-search wrote them, or nobody did.
        """
        try:
            hub = values.get("hub")
            rest: dict[str, Any] = {key: _tuples(value) for key, value in values.items() if key != "hub"}
            return cls(hub=None if hub is None else HubFile(**hub), **rest)
        except (TypeError, ValueError, AttributeError) as error:
            raise ModelError(f"This description of a model cannot be read ({error}).") from error

    def fingerprint(self, weights_sha256: str | None) -> str:
        """Hash all that changes an embedding: the weights, and the spec without what is only told about it.

        Parameters
        ----------
        weights_sha256
            Hash of the weights file; None where the model has none.

        Returns
        -------
        str
            64 hexadecimal digits: SHA-256 of JSON with sorted keys.
        """
        values = {key: value for key, value in self.to_dict().items() if key not in _TOLD}
        text = json.dumps(values | {"weights": weights_sha256}, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def is_sha256(text: str) -> bool:
    """Tell whether a text is a SHA-256 as we write it: 64 lower-case hexadecimal digits."""
    return len(text) == hashlib.sha256().digest_size * 2 and not set(text) - set("0123456789abcdef")


def _lists(value: object) -> object:
    match value:
        case dict():
            return {key: _lists(item) for key, item in value.items()}
        case tuple() | list():
            return [_lists(item) for item in value]
        case _:
            return value


def _tuples(value: object) -> object:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
