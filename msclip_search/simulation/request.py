"""What a simulation is asked for."""

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from msclip_search.errors import SimulationError
from msclip_search.simulation.events import EVENTS
from msclip_search.simulation.scenes import SCENES
from msclip_search.simulation.sensor import METHODS

SMALLEST, LARGEST = 32, 512
"""Pixels a side that a tile may have."""
LEVELS = ("L2A", "L1C")
LONGEST = 64
"""Dates of a series."""
NORTHERNMOST = 78
"""Degrees of latitude: farther north the sun stands too low for most of the year."""
OFFSET = 1000
"""Added to the stored values from processing baseline 04.00 on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """What is asked for. The same one gives the same tiles, on any machine with the same numpy."""

    seed: int = 0
    size: int = 64
    """Pixels of 10 m a side."""
    level: str = "L2A"
    """"L1C" (reflectance at the top of the atmosphere, 13 bands) or "L2A" (of the ground, 12 bands without B10)."""
    offset: bool = False
    """Whether the stored values carry the offset of processing baseline 04.00."""
    scenes: tuple[str, ...] = ()
    """Names of scenes; empty is all."""
    series: int = 1
    """Dates of each place."""
    event: str | None = None
    """What happens within a series: a name from `EVENTS`."""
    cloudy: float = 0.2
    """Probability that the sky is not clear."""
    resampling: str | None = None
    """How bands of 20 and 60 m come to 10 m: "nearest", "bilinear", "cubic" or "spline"; None draws one a date."""
    place: tuple[float, float] | None = None
    """Longitude and latitude of the middle of a region, whose tiles lie edge to edge, share their dates, and are struck
    by an event in part; None puts each place somewhere else on earth."""

    def __post_init__(self) -> None:
        """Refuse what cannot be simulated.

        Raises
        ------
        SimulationError
            With the limit and what was asked for.
        """
        unknown = [_unknown("scene", name, SCENES) for name in self.scenes if name not in SCENES]
        if self.event is not None and self.event not in EVENTS:
            unknown.append(_unknown("event", self.event, EVENTS))
        if self.resampling not in {None, *METHODS}:
            unknown.append(_unknown("resampling", str(self.resampling), METHODS))
        for wrong in (*unknown, *self._out_of_range()):
            raise SimulationError(wrong)

    def _out_of_range(self) -> Iterator[str]:
        if self.seed < 0:
            yield f"A seed is 0 or more, not {self.seed}."
        if not SMALLEST <= self.size <= LARGEST:
            yield f"A tile has from {SMALLEST} to {LARGEST} pixels a side, not {self.size}."
        if self.level not in LEVELS:
            yield f"The level is {' or '.join(LEVELS)}, not '{self.level}'."
        if not 1 <= self.series <= LONGEST:
            yield f"A series has from 1 to {LONGEST} dates, not {self.series}."
        if self.event and self.series == 1:
            yield "An event happens between two dates: ask for a series of 2 or more."
        if not 0 <= self.cloudy <= 1:
            yield f"The share of clouded tiles lies between 0 and 1, not at {self.cloudy:g}."
        if self.place and not (abs(self.place[0]) <= 180 and abs(self.place[1]) <= NORTHERNMOST):
            yield (
                f"A place is a longitude from -180 to 180 and a latitude from -{NORTHERNMOST} to {NORTHERNMOST}, "
                f"not {self.place[0]:g},{self.place[1]:g}."
            )


def _unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """Say that a name is not known, which ones are near, and all there are."""
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.5)
    hint = f" Did you mean {' or '.join(repr(word) for word in near)}?" if near else ""
    return f"There is no {kind} '{name}'.{hint} There are: {', '.join(known)}."
