"""Sentinel-2 tiles made from physics and geometry, with everything known about them.

A scene paints covers on a fine grid (`canvas`, `shapes`, `scenes`, `events`); a date gives them spectra, shadows and
snow (`covers`, `materials`, `surface`); the air (`atmosphere`, `clouds`) and the instrument (`sensor`) make a tile of
it, and `vocabulary` and `captions` say in words what it shows. `simulator` puts them together.
"""

from msclip_search.simulation.simulator import SimulatedTile, Simulation, simulate

__all__ = ["SimulatedTile", "Simulation", "simulate"]
