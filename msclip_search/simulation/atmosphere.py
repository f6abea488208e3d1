"""What the air does to light on its way from the sun to the ground and up to the sensor, band by band.

- Molecules: optical depth after Hansen & Travis (1974), Space Science Reviews 16.
- Aerosol: Ångström's law, optical depth at 550 nm between 0.03 and 0.6, asymmetry 0.65.
- Path reflectance: single scattering, enlarged for multiple scattering; transmittance by the two-stream
  solution for scattering that absorbs nothing (Bohren 1987, American Journal of Physics 55).
- Spherical albedo: as for molecules in 6S (Vermote et al. 1997, IEEE Transactions on Geoscience and Remote Sensing 35),
  aerosol counted by what it scatters back.
- Gases: vertical optical depths of ozone and water vapour in each band, rounded representative values for 300 DU and
  1 g/cm²; water vapour grows with the root of its path, as bands of strong lines do.

Accurate to some thousandths of reflectance outside strong haze, which is less than the randomisation laid over it.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from msclip_search.simulation.places import Sun

WAVELENGTHS = np.array(
    [0.443, 0.492, 0.560, 0.665, 0.704, 0.741, 0.783, 0.833, 0.865, 0.945, 1.374, 1.614, 2.202], dtype=np.float64
)
"""Band centres, µm (ESA, Sentinel-2A spectral responses)."""
_OZONE = np.array([0.001, 0.007, 0.030, 0.016, 0.007, 0.004, 0.003, 0.001, 0.0, 0.0, 0.0, 0.0, 0.0])
_WATER = np.array([0.0, 0.0, 0.001, 0.004, 0.012, 0.014, 0.006, 0.041, 0.004, 0.52, 2.85, 0.006, 0.034])
_OTHER = np.array([0.0, 0.001, 0.002, 0.002, 0.003, 0.003, 0.0, 0.002, 0.0, 0.0, 0.02, 0.012, 0.014])
_ASYMMETRY = 0.65
_EULER = 0.5772156649015329


@dataclass(frozen=True, slots=True)
class Air:
    """State of the atmosphere over a tile."""

    aerosol: float
    """Optical depth at 550 nm."""
    angstrom: float
    """Exponent: 0 is coarse dust, 1.5 fine smoke."""
    vapour: float
    """Column of water vapour, g/cm²."""
    pressure: float
    """Over that at sea level."""


@dataclass(frozen=True, slots=True)
class Path:
    """What becomes of light in each band: (13,) each."""

    haze: NDArray[np.float64]
    """Reflectance that the air adds."""
    through: NDArray[np.float64]
    """Transmittance of the scattering air, down and up."""
    gas: NDArray[np.float64]
    """Transmittance of the gases, down and up."""
    albedo: NDArray[np.float64]
    """Spherical albedo of the air: what it throws back to the ground."""
    diffuse: NDArray[np.float64]
    """Share of the light on the ground that comes from the sky rather than from the sun."""


def _spherical_albedo(depth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a layer that absorbs nothing throws back of light from everywhere, for optical depths below 2."""
    first = -_EULER - np.log(depth)  # E1, the exponential integral, by its series
    term = np.ones_like(depth)
    for power in range(1, 24):
        term = -term * depth / power
        first -= term / power
    second = np.exp(-depth) - depth * first
    third = (np.exp(-depth) - depth * second) / 2
    return np.asarray((3 * depth - third * (4 + 2 * depth) + 2 * np.exp(-depth)) / (4 + 3 * depth))


def path(air: Air, sun: Sun, *, view: float = 0.06) -> Path:
    """Work out the path for a state of the air, a sun, and a view `view` radians off nadir."""
    down, up = math.sin(sun.elevation), math.cos(view)
    ray = 0.008569 * WAVELENGTHS**-4 * (1 + 0.0113 * WAVELENGTHS**-2 + 0.00013 * WAVELENGTHS**-4) * air.pressure
    dust = air.aerosol * (WAVELENGTHS / 0.55) ** -air.angstrom
    scattering = -down * up  # cosine of the angle between the sun's rays and the way to the sensor
    molecules = 0.75 * (1 + scattering**2)
    g = _ASYMMETRY
    particles = (1 - g * g) / (1 + g * g - 2 * g * scattering) ** 1.5
    single = (ray * molecules + 0.95 * dust * particles) / (4 * down * up)
    total = ray + dust
    haze = single * (1 + 0.9 * total) / (1 + 0.5 * total / down)
    slowed = ray + (1 - g) * dust  # what counts for scattering back
    through = 1 / (1 + 0.5 * slowed / down) / (1 + 0.5 * slowed / up)
    mass = 1 / down + 1 / up
    gas = np.exp(-mass * (_OZONE + _OTHER) - _WATER * math.sqrt(2 * air.vapour * mass))
    direct = np.exp(-total / down)
    return Path(haze, through, gas, _spherical_albedo(slowed), 1 - direct * (1 + 0.5 * slowed / down))


def draw(random: np.random.Generator, *, humid: float) -> Air:
    """Draw a state of the air; `humid`, 0 to 1, says how damp the climate and season are."""
    a, b, c, d = (float(value) for value in random.random(4))
    return Air(
        aerosol=0.03 * 18 ** (a * a * 0.5 + a * 0.5),
        angstrom=0.4 + 1.3 * b,
        vapour=(0.3 + 3.2 * humid) * (0.5 + c),
        pressure=1.0 - 0.2 * d * d,
    )
