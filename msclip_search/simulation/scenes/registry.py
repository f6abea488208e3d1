"""The list of scenes: what can be drawn, what it is called, and where on earth it is found."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from msclip_search.simulation.canvas import Canvas

CLIMATES = (
    "arctic",
    "boreal",
    "temperate",
    "continental",
    "alpine",
    "mediterranean",
    "arid",
    "savanna",
    "monsoon",
    "tropical",
)
"""Where scenes are found; `places` has places in each."""


_SALT = frozenset({"sea", "coast", "mangrove"})
"""Tags of what is found only by the sea."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A kind of landscape."""

    name: str
    tags: tuple[str, ...]
    """What is always true of it, wherever in the tile it shows."""
    climates: tuple[str, ...]
    """Where it is found."""
    draw: Callable[[Canvas], None]
    """Paints it."""
    weight: float
    """How often it comes up, over that of other scenes."""

    def found(self, climate: str, *, shore: bool) -> bool:
        """Tell whether it is found in a climate, near the sea or away from it."""
        return climate in self.climates and (shore or not _SALT & set(self.tags))


_SCENES: dict[str, Scene] = {}
SCENES: Mapping[str, Scene] = MappingProxyType(_SCENES)
"""All scenes by name; filled when `msclip_search.simulation.scenes` is imported."""


def scene(
    name: str, *, tags: tuple[str, ...], climates: tuple[str, ...] = CLIMATES, weight: float = 1.0
) -> Callable[[Callable[[Canvas], None]], Scene]:
    """Enter a function that paints a landscape into the list."""

    def enter(draw: Callable[[Canvas], None]) -> Scene:
        _SCENES[name] = Scene(name, tags, climates, draw, weight)
        return _SCENES[name]

    return enter
