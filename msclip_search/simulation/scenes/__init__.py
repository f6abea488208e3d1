"""What can be drawn: some sixty kinds of landscape."""

from msclip_search.simulation.scenes import bare, coast, farm, plantations, town, traffic, water, wild, works
from msclip_search.simulation.scenes.registry import CLIMATES, SCENES, Scene

__all__ = [
    "CLIMATES",
    "SCENES",
    "Scene",
    "bare",
    "coast",
    "farm",
    "plantations",
    "town",
    "traffic",
    "water",
    "wild",
    "works",
]
