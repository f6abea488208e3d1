"""Land covers: which materials a piece of ground shows, and how that changes through the year.

A cover mixes two materials at a time. The mix and the brightness vary from parcel to parcel, from patch to patch inside
one, and from pixel to pixel; how much is what `patch`, `clump` and `grain` say. The year runs from 0 (1 January) to 1
on the northern hemisphere and is shifted by half on the southern one; crop stages are those of the temperate zone's
calendars and of two seasons a year in the tropics, where a place has a phase of its own.
"""

from collections.abc import Mapping
from types import MappingProxyType

from msclip_search.simulation.covers import built, crops, ground, plants
from msclip_search.simulation.covers.base import Cover, Stage

COVERS: Mapping[str, Cover] = MappingProxyType({**crops.COVERS, **plants.COVERS, **ground.COVERS, **built.COVERS})
"""All covers by name."""

__all__ = ["COVERS", "Cover", "Stage"]
