"""Covers and materials as arrays, so that a hundred patches are looked up at once."""

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msclip_search.bands import BANDS
from msclip_search.simulation.covers import COVERS
from msclip_search.simulation.materials import MATERIALS, spectrum

STEPS = 48
"""Parts of the year in the calendar of covers."""
WOODY = frozenset(name for name, cover in COVERS.items() if "forest" in cover.tags) | {"tree", "evergreen tree"}
WET = frozenset(
    {
        "flood",
        "shallow flood",
        "lake water",
        "turbid water",
        "green water",
        "glacial water",
        "sea water",
        "shallow water",
        "pool",
    }
)
FIRN = frozenset({"snow", "old snow", "glacier ice", "floe"})


@dataclass(frozen=True, slots=True)
class Calendar:
    """What each cover shows in each part of the year: (covers, steps)."""

    main: NDArray[np.intp]
    other: NDArray[np.intp]
    share: NDArray[np.float32]
    tags: tuple[tuple[tuple[str, ...], ...], ...]


NAMES = tuple(COVERS)
PLACE = {name: place for place, name in enumerate(NAMES)}
SUBSTANCES = tuple(MATERIALS)


@functools.cache
def calendar() -> Calendar:
    """Return what each cover shows in each part of the year."""
    main, other, share, tags = [], [], [], []
    for cover in COVERS.values():
        steps = [
            max((stage for stage in cover.stages if stage.start <= step / STEPS), key=lambda stage: stage.start)
            for step in range(STEPS)
        ]
        main.append([SUBSTANCES.index(stage.main) for stage in steps])
        other.append([SUBSTANCES.index(stage.other) for stage in steps])
        share.append([stage.share for stage in steps])
        tags.append(tuple((*cover.tags, *stage.tags) for stage in steps))
    return Calendar(
        np.array(main, dtype=np.intp), np.array(other, dtype=np.intp), np.array(share, dtype=np.float32), tuple(tags)
    )


@functools.cache
def spectra() -> NDArray[np.float32]:
    """Return the spectra of all materials, (materials, 13)."""
    return np.stack([spectrum(name) for name in SUBSTANCES])


SOILS = (
    ("soil_brown", 1.6),
    ("soil_brown", 1.45),
    ("soil_light", 1.1),
    ("soil_light", 0.85),
    ("soil_red", 1.05),
    ("soil_dark", 1.9),
)
"""What the soil of a region leans towards, as often as it stands here, and how bright it is."""


_DRY = 0.975
"""B08 over B8A of dry land in real tiles; leaves have .02 less, though spectra resampled to the bands have more."""


@functools.lru_cache(maxsize=256)
def _leaning(towards: int, tenths: int) -> NDArray[np.float32]:
    table = np.stack([spectrum(name) for name in SUBSTANCES]).astype(np.float64)
    near, narrow = table[:, BANDS.index("B08")], table[:, BANDS.index("B8A")]
    ratio = near / narrow
    near[:] = np.where(abs(ratio - 1) < 0.06, narrow * (0.4 * ratio + 0.6 * (_DRY - 0.02 * greenness())), near)
    share, (leader, bright) = tenths / 10, SOILS[towards]
    for name in ("soil_brown", "soil_light", "soil_dark"):
        row = SUBSTANCES.index(name)
        table[row] = (1 - share) * table[row] + share * bright * spectrum(leader)
    return table.astype(np.float32)


def soiled(towards: int, share: float) -> NDArray[np.float32]:
    """Return the spectra of all materials in a region whose soils lean towards one of `SOILS`, (materials, 13)."""
    return _leaning(towards, int(10 * share))


@functools.cache
def greenness() -> NDArray[np.float32]:
    """Return how much of each material is leaves, by its difference of near infrared and red, (materials,)."""
    red, near = spectra()[:, BANDS.index("B04")], spectra()[:, BANDS.index("B08")]
    return np.clip((near - red) / (near + red), 0, 1).astype(np.float32)


@functools.cache
def variations() -> NDArray[np.float32]:
    """Return the relative deviation of each material's brightness, (materials,)."""
    return np.array([material.variation for material in MATERIALS.values()], dtype=np.float32)


@functools.cache
def texture() -> NDArray[np.float32]:
    """Return (5, covers): spread, patch, clump, grain, and how readily snow stays on top."""
    lies = [0.0 if not cover.snowy else 0.3 if name in WOODY else 1.0 for name, cover in COVERS.items()]
    lies = [0.4 if not kept and name not in WET else kept for name, kept in zip(NAMES, lies, strict=True)]
    rows = [[getattr(cover, name) for cover in COVERS.values()] for name in ("spread", "patch", "clump", "grain")]
    return np.array([*rows, lies], dtype=np.float32)
