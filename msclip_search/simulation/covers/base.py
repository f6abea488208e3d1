"""What a land cover is."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """What a cover shows from a time of the year on."""

    start: float
    """Of the year, 0 to 1."""
    main: str
    """Material."""
    other: str
    """Material that is mixed in."""
    share: float
    """Of the other material, 0 to 1."""
    tags: tuple[str, ...] = ()
    """What the cover is called in this stage, beside its own tags."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cover:
    """A kind of ground."""

    stages: tuple[Stage, ...]
    """In order; the first one starts at 0."""
    tags: tuple[str, ...] = ()
    """What it is called all the year round."""
    spread: float = 0.12
    """Deviation of the share between parcels."""
    patch: float = 0.08
    """Deviation of the share inside a parcel, over some hundred metres."""
    clump: float = 0.02
    """Relative deviation of the brightness over 10 to 40 m: crowns, tussocks, heaps."""
    grain: float = 0.015
    """Relative deviation of the brightness from one 5 m pixel to the next."""
    snowy: bool = True
    """Whether snow can lie on it."""


def always(main: str, other: str, share: float) -> tuple[Stage, ...]:
    """Show the same two materials all the year round."""
    return (Stage(0.0, main, other, share),)
