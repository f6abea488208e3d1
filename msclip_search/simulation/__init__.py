"""Sentinel-2 tiles made from physics and geometry, with everything known about them.

A scene paints covers on a fine grid (`canvas`, `shapes`, `scenes`, `events`); a date gives them spectra, shadows and
snow (`covers`, `materials`, `surface`); the air (`atmosphere`, `clouds`) and the instrument (`sensor`) make a tile of
it, and `vocabulary` and `captions` say in words what it shows. `simulator` puts them together, and `archive` writes
them to disk.
"""

from msclip_search.simulation.archive import SimulatedArchive, simulate_archive
from msclip_search.simulation.events import EVENTS
from msclip_search.simulation.request import LARGEST, LEVELS, SMALLEST, Simulation
from msclip_search.simulation.scenes import SCENES
from msclip_search.simulation.sheet import contact_sheet
from msclip_search.simulation.simulator import SimulatedTile, simulate

__all__ = [
    "EVENTS",
    "LARGEST",
    "LEVELS",
    "SCENES",
    "SMALLEST",
    "SimulatedArchive",
    "SimulatedTile",
    "Simulation",
    "contact_sheet",
    "simulate",
    "simulate_archive",
]
